"""Waveforms: where it is loud, where it is silent, and how long it lasts."""

import json
import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.audio.pcm import PcmFormat
from controller.audio.peaks import BUCKETS, LOUDEST, PeakMeter, Peaks, peaks_of
from lab.sweep import RATE, Samples
from tests.unit.audio.sounds import cut, moment, pcm, sizes

MONO = PcmFormat()


def loud(*levels: tuple[float, float]) -> Samples:
    """So many seconds at so much, one after the other."""
    parts = [np.full(round(seconds * RATE), level) for seconds, level in levels]
    return np.concatenate(parts) * np.where(np.arange(sum(map(len, parts))) % 2, 1, -1)


@pytest.mark.parametrize("minutes", [0.1, 1, 9, 31])
def test_the_waveform_is_high_where_it_is_loud(minutes: float) -> None:
    third = minutes * 20
    found = peaks_of([pcm(loud((third, 0.0), (third, 0.4), (third, 1.0)))], MONO, 300)
    (peaks,) = found.channels
    assert found.duration_ms == minutes * 60_000
    # A border lies within a window of the bucket beside it.
    assert set(peaks[:99]) == {0}
    assert set(peaks[101:199]) == {51}
    assert set(peaks[201:]) == {127}


@given(frames=st.integers(0, 200_000), seed=st.integers(0, 9), buckets=st.integers(1, 900))
def test_no_peak_is_missed_and_none_is_invented(frames: int, seed: int, buckets: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, frames).astype("<i2")
    high = np.where(samples < 0, ~samples, samples) >> 8
    (peaks,) = peaks_of([samples.tobytes()], MONO, buckets).channels
    assert len(peaks) == buckets
    assert max(peaks) == high.max(initial=0)
    for bucket, peak in enumerate(peaks):
        begin, end = frames * bucket // buckets, frames * (bucket + 1) // buckets
        around = high[max(begin - frames // buckets - 16, 0) : end + frames // buckets + 16]
        assert high[begin:end].max(initial=0) <= peak <= around.max(initial=0)


@settings(max_examples=30)
@given(sizes=sizes(), channels=st.integers(1, 2))
def test_it_does_not_matter_in_which_pieces_the_audio_comes(sizes: list[int], channels: int) -> None:
    form = PcmFormat(channels=channels)
    data = moment(0, 12)
    assert peaks_of(cut(data, sizes), form) == peaks_of([data], form)


def test_each_channel_has_its_own() -> None:
    both = np.stack([loud((1, 1.0), (1, 0.0)), loud((1, 0.0), (1, 1.0))], axis=1)
    found = peaks_of([pcm(both.reshape(-1))], PcmFormat(channels=2), 8)
    # The middle is within a window of both sides.
    assert [(peaks[:3], peaks[5:]) for peaks in found.channels] == [((127,) * 3, (0,) * 3), ((0,) * 3, (127,) * 3)]
    assert found.duration_ms == 2000


@pytest.mark.parametrize(
    ("sample", "peak"), [(0, 0), (-1, 0), (255, 0), (256, 1), (-257, 1), (32767, LOUDEST), (-32768, LOUDEST)]
)
def test_a_peak_is_a_sample_without_its_sign_and_its_low_byte(sample: int, peak: int) -> None:
    assert peaks_of([sample.to_bytes(2, "little", signed=True)], MONO, 3).channels == ((peak,) * 3,)


def test_of_no_audio_the_waveform_is_flat() -> None:
    assert peaks_of([], MONO) == Peaks(channels=((0,) * BUCKETS,), duration_ms=0)


def test_it_goes_into_json() -> None:
    assert json.loads(json.dumps(asdict(peaks_of([pcm(loud((1, 1.0)))], MONO, 2)))) == {
        "channels": [[127, 127]],
        "duration_ms": 1000,
    }


def test_what_is_watched_passes_unchanged() -> None:
    meter = PeakMeter(MONO)
    data = moment(0, 10)
    assert b"".join(meter.watch(cut(data, [1, 2, 3]))) == data
    assert meter.peaks() == peaks_of([data], MONO)


def test_a_long_recording_takes_no_more_memory_than_a_short_one() -> None:
    def peak(minutes: int) -> int:
        piece = bytes(2 * RATE * 60)
        tracemalloc.start()
        assert peaks_of((piece for _ in range(minutes)), MONO).duration_ms == minutes * 60_000
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(60) < peak(5) + 50_000
