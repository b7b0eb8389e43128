"""The ruler of every claim about audio: read back from synthesized recordings whose cuts are known to the sample."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.errors import ConfigurationError
from lab.sweep import (
    RATE,
    Gap,
    Samples,
    Stretch,
    alaw,
    from_ulaw,
    missing,
    moments,
    moments_in,
    sweep,
    ulaw,
    write_alaw,
    write_sweep,
    write_ulaw,
)

FULL = sweep()
FRAME = RATE // 50


def piece(begin_s: float, end_s: float) -> Samples:
    return FULL[round(begin_s * RATE) : round(end_s * RATE)]


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def carried(*parts: Samples) -> Samples:
    """Lay the parts end to end and send them over the telephone."""
    return from_ulaw(ulaw(np.concatenate(parts)))


def tone(hertz: float, samples: Samples, level: float) -> Samples:
    return level * np.sin(2 * np.pi * hertz * np.arange(len(samples)) / RATE)


def somewhere(seed: int) -> int:
    """Choose a frame between the first and the sixth second, as its first sample."""
    return int(np.random.default_rng(seed).integers(RATE // FRAME, 6 * RATE // FRAME)) * FRAME


def assert_reads(samples: Samples, expected: Sequence[tuple[float, float, float]], within_s: float) -> None:
    read = moments_in(samples)
    assert len(read) == len(expected)
    for stretch, (begin_s, end_s, at_s) in zip(read, expected, strict=True):
        assert stretch.begin_s == pytest.approx(begin_s, abs=within_s)
        assert stretch.end_s == pytest.approx(end_s, abs=within_s)
        assert stretch.at_s == pytest.approx(at_s, abs=within_s)


def test_whole_sweep_is_one_stretch() -> None:
    assert_reads(carried(FULL), [(0.0, 60.0, 0.0)], 0.001)


def test_silence_holds_nothing() -> None:
    assert moments_in(silence(3)) == []


def test_an_empty_file_holds_nothing() -> None:
    assert moments_in(silence(0)) == []


def test_noise_holds_nothing() -> None:
    assert moments_in(np.random.default_rng(1).normal(0, 0.2, 10 * RATE)) == []


def test_a_steady_tone_holds_nothing() -> None:
    assert moments_in(tone(1000, silence(5), 0.5)) == []


@settings(max_examples=25, deadline=None)
@given(
    begin=st.integers(0, 20 * RATE),
    first=st.integers(RATE // 2, 4 * RATE),
    skipped=st.integers(FRAME * 4, 20 * RATE),
    second=st.integers(RATE // 2, 4 * RATE),
    lead=st.integers(0, RATE),
)
def test_a_pause_anywhere_is_read_to_two_milliseconds(
    begin: int, first: int, skipped: int, second: int, lead: int
) -> None:
    cuts = [begin, begin + first, begin + first + skipped, begin + first + skipped + second]
    samples = carried(np.zeros(lead), FULL[cuts[0] : cuts[1]], FULL[cuts[2] : cuts[3]])
    expected = [
        (cuts[0] / RATE, cuts[1] / RATE, lead / RATE),
        (cuts[2] / RATE, cuts[3] / RATE, (lead + first) / RATE),
    ]
    assert_reads(samples, expected, 0.002)


@pytest.mark.parametrize("level", [0.1, 0.5])
@pytest.mark.parametrize("hertz", [425.0, 2000.0, 3400.0])
def test_another_partys_steady_tone_moves_no_cut_by_five_milliseconds(hertz: float, level: float) -> None:
    parts = 0.4 * np.concatenate([piece(8, 13), piece(16.5, 20)])
    samples = carried(parts + tone(hertz, parts, level))
    assert_reads(samples, [(8, 13, 0), (16.5, 20, 5)], 0.005)


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_a_bad_line_moves_no_cut_by_two_milliseconds(seed: int) -> None:
    parts = np.concatenate([piece(30, 34), piece(36, 39)])
    samples = carried(parts + np.random.default_rng(seed).normal(0, 0.05, len(parts)))
    assert_reads(samples, [(30, 34, 0), (36, 39, 4)], 0.002)


def test_clicks_split_nothing() -> None:
    samples = carried(piece(5, 12))
    for at in np.random.default_rng(2).integers(0, len(samples) - 3, 12):
        samples[at : at + 3] = 1.0
    assert_reads(samples, [(5, 12, 0)], 0.005)


@pytest.mark.parametrize("seed", range(6))
def test_a_lost_frame_that_shortens_the_file_is_no_pause(seed: int) -> None:
    samples = carried(piece(20, 27))
    lost = somewhere(seed)
    samples = np.concatenate([samples[:lost], samples[lost + FRAME :]])
    assert_reads(samples, [(20, 27, 0)], 0.002)


@pytest.mark.parametrize("seed", range(6))
def test_a_lost_frame_that_leaves_silence_is_no_pause(seed: int) -> None:
    samples = carried(piece(20, 27))
    lost = somewhere(seed)
    samples[lost : lost + FRAME] = 0
    assert_reads(samples, [(20, 27, 0)], 0.002)


@pytest.mark.parametrize("muted_s", [0.1, 0.3, 4.0])
def test_a_muted_moment_is_missing_although_the_file_goes_on(muted_s: float) -> None:
    samples = carried(piece(3, 6), silence(muted_s), piece(6 + muted_s, 12))
    assert_reads(samples, [(3, 6, 0), (6 + muted_s, 12, 3 + muted_s)], 0.002)


def test_a_sweep_played_again_is_a_new_stretch() -> None:
    assert_reads(carried(piece(0, 4), piece(0, 3)), [(0, 4, 0), (0, 3, 4)], 0.002)


def test_many_short_pauses_are_all_read() -> None:
    parts = [piece(2 * index, 2 * index + 0.8) for index in range(12)]
    expected = [(2 * index, 2 * index + 0.8, 0.8 * index) for index in range(12)]
    assert_reads(carried(*parts), expected, 0.002)


def test_missing_names_the_gap_between_two_stretches() -> None:
    stretches = [
        Stretch(begin_s=0.0, end_s=4.0, at_s=0.5),
        Stretch(begin_s=6.5, end_s=9.0, at_s=4.5),
    ]
    assert missing(stretches) == [Gap(begin_s=4.0, end_s=6.5, at_s=4.5)]
    assert missing(stretches)[0].seconds == 2.5
    assert stretches[0].seconds == 4.0


def test_a_written_sweep_is_read_from_its_file(tmp_path: Path) -> None:
    write_sweep(tmp_path / "sweep.wav", seconds=5)
    (stretch,) = moments(tmp_path / "sweep.wav")
    assert (stretch.begin_s, stretch.end_s) == pytest.approx((0.0, 5.0), abs=0.001)


def test_a_file_of_another_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "music.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
    with pytest.raises(ConfigurationError, match=r"music\.wav: not an 8 kHz mono"):
        moments(path)


@pytest.mark.parametrize("seconds", [0, 61])
def test_a_sweep_of_another_length_than_the_ruler_has_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError):
        sweep(seconds)


def test_ulaw_is_as_the_standard_has_it() -> None:
    """Values from ITU-T G.711, table 2: full scale, zero, and the ends of the first segment."""
    steps = np.array([32767, 0, -32768, 4, 12, -12]) / 32768
    assert ulaw(steps) == bytes([0x80, 0xFF, 0x00, 0xFE, 0xFD, 0x7D])


def test_alaw_is_as_the_standard_has_it() -> None:
    """Values from ITU-T G.711, table 1, every other bit inverted."""
    steps = np.array([32767, 0, -32768, 16, -1]) / 32768
    assert alaw(steps) == bytes([0xAA, 0xD5, 0x2A, 0xD4, 0x55])


def test_ulaw_keeps_a_sample_within_a_step() -> None:
    samples = np.linspace(-0.98, 0.98, 5001)
    error = np.abs(from_ulaw(ulaw(samples)) - samples)
    assert np.all(error <= np.abs(samples) / 31 + 0.001)


def test_raw_files_for_sipp_hold_one_byte_a_sample(tmp_path: Path) -> None:
    write_ulaw(tmp_path / "sweep.ulaw", seconds=2)
    write_alaw(tmp_path / "sweep.alaw", seconds=2)
    assert (tmp_path / "sweep.ulaw").stat().st_size == (tmp_path / "sweep.alaw").stat().st_size == 2 * RATE
    assert_reads(from_ulaw((tmp_path / "sweep.ulaw").read_bytes()), [(0, 2, 0)], 0.002)
