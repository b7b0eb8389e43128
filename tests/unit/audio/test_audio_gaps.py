"""Pauses put back into the audio: the sweep tells what comes before and behind each, the samples what is in it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.audio.gaps import TONE_DBFS, TONE_HZ, Gap, GapStyle, filled, frames_with, gaps_of, lengths
from controller.audio.pcm import PcmFormat
from controller.domain.records import SpanRecord
from lab.sweep import RATE, missing, moments_in
from tests.unit.audio.sounds import cut, moment, samples_of, sizes, spans

MONO = PcmFormat()
PAUSED_TWICE = spans(
    ("recorded", 4),
    ("paused:payment", 2.5),
    ("recorded", 3),
    ("paused:hold", 1),
    ("paused:payment", 1),
    ("recorded", 5),
)
RECORDED = moment(10, 14) + moment(16.5, 19.5) + moment(21.5, 26.5)


def gap(at_ms: int, length_ms: int) -> Gap:
    return Gap(at_ms=at_ms, length_ms=length_ms)


GAPS: dict[str, tuple[list[SpanRecord], int | None, list[Gap]]] = {
    "no pause": (spans(("recorded", 5)), None, []),
    "nothing at all": ([], None, []),
    "a pause": (spans(("recorded", 4), ("paused", 2), ("recorded", 1)), None, [gap(4000, 2000)]),
    "pauses one after the other are one": (PAUSED_TWICE, None, [gap(4000, 2500), gap(7000, 2000)]),
    "paused until the end": (spans(("recorded", 4), ("paused", 2)), None, [gap(4000, 2000)]),
    "paused from the beginning": (spans(("paused", 2), ("recorded", 4)), None, [gap(0, 2000)]),
    "a pause of no length": (spans(("recorded", 4), ("paused", 0.0001), ("recorded", 1)), None, []),
    "audio as long as told": (PAUSED_TWICE, 12_000, [gap(4000, 2500), gap(7000, 2000)]),
    "audio a little longer: each span takes its share": (PAUSED_TWICE, 12_060, [gap(4020, 2500), gap(7040, 2000)]),
    "audio a little shorter": (PAUSED_TWICE, 11_970, [gap(3990, 2500), gap(6980, 2000)]),
    "audio a little longer, then paused to the end": (
        spans(("recorded", 4), ("paused", 2)),
        4035,
        [gap(4035, 2000)],
    ),
    "a short span does not become negative": (
        spans(("recorded", 4), ("paused", 1), ("recorded", 0.01), ("paused", 2), ("recorded", 1)),
        4860,
        [gap(3950, 3000)],
    ),
    "the end of the file is missing": (PAUSED_TWICE, 6500, [gap(4000, 2500), gap(6500, 2000)]),
    "nearly all of the file is missing": (PAUSED_TWICE, 1000, [gap(1000, 4500)]),
    "much more audio than told": (PAUSED_TWICE, 20_000, [gap(4000, 2500), gap(7000, 2000)]),
    "much more audio than told, then paused to the end": (
        spans(("recorded", 4), ("paused", 2)),
        9000,
        [gap(9000, 2000)],
    ),
}


@pytest.mark.parametrize(("of", "audio_ms", "expected"), GAPS.values(), ids=GAPS)
def test_a_gap_lies_behind_what_was_recorded_before_it(
    of: Sequence[SpanRecord], audio_ms: int | None, expected: list[Gap]
) -> None:
    assert gaps_of(of, audio_ms) == expected


@given(
    stretches=st.lists(st.tuples(st.sampled_from(["recorded", "paused"]), st.integers(0, 5000)), max_size=8),
    audio_ms=st.integers(0, 30_000),
)
def test_recorded_spans_are_as_long_as_the_audio_in_all(stretches: list[tuple[str, int]], audio_ms: int) -> None:
    of = spans(*((kind, milliseconds / 1000) for kind, milliseconds in stretches))
    found = list(zip(of, lengths(of, audio_ms), strict=True))
    recorded = [length for span, length in found if span.kind == "recorded"]
    assert sum(recorded) == (audio_ms if recorded else 0)
    assert min(recorded, default=0) >= 0
    assert [length for span, length in found if span.kind == "paused"] == [
        milliseconds for kind, milliseconds in stretches if kind == "paused"
    ]


@pytest.mark.parametrize("style", [GapStyle.SILENCE, GapStyle.TONE])
def test_behind_a_gap_the_audio_is_where_it_was_in_the_call(style: GapStyle) -> None:
    """The file's own time is then the sweep's, ten seconds later."""
    samples = samples_of(filled([RECORDED], gaps_of(PAUSED_TWICE), style, MONO))
    found = moments_in(samples)
    borders = [(10, 14), (16.5, 19.5), (21.5, 26.5)]
    assert [(s.begin_s, s.end_s) for s in found] == [pytest.approx(border, abs=0.005) for border in borders]
    assert [s.at_s for s in found] == pytest.approx([0, 6.5, 11.5], abs=0.005)
    assert [hole.seconds for hole in missing(found)] == pytest.approx([2.5, 2.0], abs=0.01)


def test_a_gap_of_silence_is_silent() -> None:
    samples = samples_of(filled([RECORDED], [gap(4000, 2500)], GapStyle.SILENCE, MONO))
    assert not samples[4 * RATE : round(6.5 * RATE)].any()
    assert samples[round(6.5 * RATE) :].any()


def test_a_gap_of_tones_begins_and_ends_with_a_soft_one() -> None:
    samples = samples_of(filled([RECORDED], [gap(4000, 2500)], GapStyle.TONE, MONO))
    inside = samples[4 * RATE : round(6.5 * RATE)]
    first, between, last = np.split(inside, [RATE // 5, len(inside) - RATE // 5])
    assert not between.any()
    for tone in (first, last):
        spectrum = np.abs(np.fft.rfft(tone))
        assert spectrum.argmax() * RATE / len(tone) == pytest.approx(TONE_HZ, abs=5)
        assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(TONE_DBFS, abs=0.1)
        steps = np.abs(np.diff(tone, prepend=0, append=0))
        assert steps[:10].max() < steps.max() / 5
        assert steps[-10:].max() < steps.max() / 5


def test_a_gap_shorter_than_two_tones_keeps_its_length() -> None:
    pieces = list(filled([RECORDED], [gap(4000, 101)], GapStyle.TONE, MONO))
    assert sum(map(len, pieces)) == len(RECORDED) + 101 * 16


def test_without_gaps_the_audio_stays_as_it_is() -> None:
    assert b"".join(filled([RECORDED], gaps_of(PAUSED_TWICE), GapStyle.NONE, MONO)) == RECORDED


def test_gaps_beyond_the_audio_follow_it() -> None:
    data = b"".join(filled([b"\1\0" * 800], [gap(50, 10), gap(100, 10), gap(900, 20)], GapStyle.SILENCE, MONO))
    assert data == b"\1\0" * 400 + bytes(160) + b"\1\0" * 400 + bytes(160) + bytes(320)


def test_a_gap_out_of_its_order_repeats_no_audio() -> None:
    data = b"".join(filled([b"\1\0" * 800], [gap(50, 10), gap(20, 10)], GapStyle.SILENCE, MONO))
    assert data == b"\1\0" * 400 + bytes(320) + b"\1\0" * 400


@given(
    frames=st.integers(0, 100_000),
    gaps=st.lists(st.tuples(st.integers(0, 15_000), st.integers(0, 9000)), max_size=5),
    sizes=sizes(),
    style=st.sampled_from(GapStyle),
    form=st.sampled_from([MONO, PcmFormat(rate=16000), PcmFormat(channels=2)]),
)
def test_gaps_keep_every_sample_and_are_as_long_as_told(
    frames: int, gaps: list[tuple[int, int]], sizes: list[int], style: GapStyle, form: PcmFormat
) -> None:
    """However the audio is cut into pieces."""
    data = b"\1\2\3\4"[: form.frame_bytes] * frames
    waiting = [gap(at, length) for at, length in sorted(gaps)]
    found = b"".join(filled(cut(data, sizes), waiting, style, form))
    assert found == b"".join(filled([data], waiting, style, form))
    assert len(found) == frames_with(frames, waiting, style, form) * form.frame_bytes
    at = 0
    rest = found
    for each in waiting if style is not GapStyle.NONE else ():
        place = min(form.frames(each.at_ms), frames) * form.frame_bytes
        assert rest[: place - at] == data[at:place]
        rest = rest[place - at + form.frames(each.length_ms) * form.frame_bytes :]
        at = place
    assert rest == data[at:]
