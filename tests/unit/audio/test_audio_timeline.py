"""Where the stretches of a call lie in a derived file."""

import json

import numpy as np
import pytest

from controller.audio.gaps import GapStyle, filled, gaps_of
from controller.audio.pcm import PcmFormat
from controller.audio.timeline import timeline
from lab.sweep import RATE
from tests.unit.audio.sounds import moment, samples_of, spans

CALL = spans(
    ("recorded:nothing-forbids", 4),
    ("paused:payment", 2.5),
    ("paused:hold", 0.5),
    ("recorded:nothing-forbids", 3),
    ("paused:payment", 1),
)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (GapStyle.SILENCE, [(0, 4000), (4000, 6500), (6500, 7000), (7000, 10_000), (10_000, 11_000)]),
        (GapStyle.TONE, [(0, 4000), (4000, 6500), (6500, 7000), (7000, 10_000), (10_000, 11_000)]),
        (GapStyle.NONE, [(0, 4000), (4000, 4000), (4000, 4000), (4000, 7000), (7000, 7000)]),
    ],
)
def test_a_pause_takes_the_time_that_the_file_gives_it(style: GapStyle, expected: list[tuple[int, int]]) -> None:
    found = timeline(CALL, style)
    assert [(entry["begin_ms"], entry["end_ms"]) for entry in found] == expected
    assert [(entry["kind"], entry["reason"]) for entry in found] == [(span.kind, span.reason) for span in CALL]


def test_it_goes_into_json() -> None:
    assert json.loads(json.dumps(timeline(CALL, GapStyle.SILENCE)))[1] == {
        "kind": "paused",
        "reason": "payment",
        "begin_ms": 4000,
        "end_ms": 6500,
    }


@pytest.mark.parametrize("audio_ms", [6900, 7000, 7100, 3000, 9000])
def test_the_file_is_silent_where_the_timeline_says_that_it_was_paused(audio_ms: int) -> None:
    audio = moment(20, 20 + audio_ms / 1000)
    samples = samples_of(filled([audio], gaps_of(CALL, audio_ms), GapStyle.SILENCE, PcmFormat()))
    entries = timeline(CALL, GapStyle.SILENCE, audio_ms)
    assert entries[-1]["end_ms"] == len(samples) * 1000 / RATE
    for entry in entries:
        part = samples[entry["begin_ms"] * 8 : entry["end_ms"] * 8]
        silent = not np.abs(part).any()
        assert silent is (entry["kind"] == "paused" or not len(part))
