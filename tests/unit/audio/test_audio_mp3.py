"""MP3, decoded again: the sweep says at which moment of the file each moment of the call is heard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.audio.gaps import GapStyle, filled, frames_with, gaps_of
from controller.audio.mp3 import BIT_RATES, encoded
from controller.audio.pcm import PcmFormat
from controller.audio.stereo import interleaved
from controller.audio.wav import WavReader, wav_header
from controller.errors import AudioUnreadable, ConfigurationError
from lab.sweep import RATE, moments_in
from tests.unit.audio.sounds import FULL, cut, decoded, moment, pcm, sizes, spans

MONO = PcmFormat()
STEREO = PcmFormat(channels=2)
TEN_SECONDS = moment(30, 40)
FRAMES = len(TEN_SECONDS) // 2


@pytest.mark.parametrize("kbps", BIT_RATES)
def test_the_audio_is_where_it_was_at_every_bit_rate(kbps: int) -> None:
    samples = decoded(encoded([TEN_SECONDS], MONO, kbps, FRAMES))
    (stretch,) = moments_in(samples)
    assert len(samples) == FRAMES
    assert (stretch.begin_s, stretch.end_s, stretch.at_s) == pytest.approx((30, 40, 0), abs=0.005)


@pytest.mark.parametrize(("form", "kbps"), [(MONO, 32), (STEREO, 64), (PcmFormat(rate=16000), 32)])
def test_the_bit_rate_is_constant_and_as_said(form: PcmFormat, kbps: int) -> None:
    data = bytes(10 * form.rate * form.frame_bytes)
    size = sum(map(len, encoded([data], form, frames=10 * form.rate)))
    assert size * 8 / 10 / 1000 == pytest.approx(kbps, rel=0.04)


def test_a_recording_with_its_pauses_back_has_the_times_of_the_call() -> None:
    """From the file that Asterisk left, its header broken, to what a player plays."""
    recorded = wav_header(0, RATE, 1) + moment(10, 14) + moment(20, 30)
    of = spans(("recorded", 3.98), ("paused", 6), ("recorded", 10.02))
    reader = WavReader(cut(recorded, [11, 60, 30_001]))
    frames = reader.header.frames_in(len(recorded))
    gaps = gaps_of(of, reader.format.milliseconds(frames))
    whole = frames_with(frames, gaps, GapStyle.TONE, reader.format)
    samples = decoded(encoded(filled(reader, gaps, GapStyle.TONE, reader.format), reader.format, frames=whole))
    assert len(samples) == 20 * RATE
    before, behind = [stretch for stretch in moments_in(samples) if stretch.seconds > 1]
    # The spans are 20 ms off from the audio, and so is the place of the gap.
    assert (before.begin_s, before.end_s, before.at_s) == pytest.approx((10, 14, 0), abs=0.03)
    assert (behind.begin_s, behind.end_s, behind.at_s) == pytest.approx((20, 30, 10), abs=0.03)
    assert np.abs(samples[round(4.5 * RATE) : round(9.5 * RATE)]).max() < 0.001


def test_each_side_of_a_call_stays_on_its_side() -> None:
    pieces = interleaved([moment(10, 18)], [moment(40, 45)])
    samples = decoded(encoded(pieces, STEREO, frames=8 * RATE))
    assert samples.shape == (8 * RATE, 2)
    (customer,), (agent,) = moments_in(samples[:, 0]), moments_in(samples[:, 1])
    assert (customer.begin_s, customer.end_s, customer.at_s) == pytest.approx((10, 18, 0), abs=0.005)
    assert (agent.begin_s, agent.end_s, agent.at_s) == pytest.approx((40, 45, 0), abs=0.005)


@pytest.mark.parametrize(("kbps", "hertz"), [(8, 500), (16, 500), (32, 5000), (64, 5000)])
def test_audio_of_16_khz_keeps_its_rate(kbps: int, hertz: int) -> None:
    form = PcmFormat(rate=16000)
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
    samples = decoded(encoded([pcm(tone)], form, kbps, 16000), rate=16000)
    assert len(samples) == 16000
    assert np.abs(np.fft.rfft(samples)).argmax() == hertz


def test_of_unknown_length_nothing_is_missing() -> None:
    """Then a player may be as late as the encoder is."""
    (stretch,) = moments_in(decoded(encoded([TEN_SECONDS], MONO)))
    assert (stretch.begin_s, stretch.end_s) == pytest.approx((30, 40), abs=0.005)
    assert stretch.at_s == pytest.approx(0.07, abs=0.08)


@settings(max_examples=30)
@given(frames=st.integers(1, 20_000), sizes=sizes(), form=st.sampled_from([MONO, STEREO, PcmFormat(rate=16000)]))
def test_a_decoder_gives_as_many_frames_as_went_in(frames: int, sizes: list[int], form: PcmFormat) -> None:
    data = np.repeat(FULL[:frames], form.channels)
    samples = decoded(encoded(cut(pcm(data), sizes), form, frames=frames), rate=form.rate)
    assert len(samples) == frames


def test_the_length_that_the_file_tells_of_itself_is_its_own() -> None:
    data = b"".join(encoded([TEN_SECONDS], MONO, 8, FRAMES))
    at = data.index(b"Info") + 12
    assert int.from_bytes(data[at : at + 4], "big") == len(data)


def test_of_no_audio_comes_no_file() -> None:
    assert list(encoded([], MONO, frames=0)) == []


@pytest.mark.parametrize("form", [PcmFormat(rate=44_100), PcmFormat(channels=3)])
def test_another_format_is_unreadable(form: PcmFormat) -> None:
    with pytest.raises(AudioUnreadable, match="no MP3 is made"):
        encoded([], form)


def test_another_bit_rate_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="33 kbit/s is none of 8, 16"):
        encoded([], MONO, 33)
