"""The demo takes no silent file and no short pause for what they should be."""

import pytest

from lab.demo import faults_of
from lab.demo_calls import PAUSE_S, Story, listen
from lab.sweep import Spans, Stretch


def _held(*spans: tuple[float, float]) -> Spans:
    return [Stretch(begin_s=begin, end_s=end, at_s=begin) for begin, end in spans]


def _story(pause_s: float | None) -> Story:
    return Story(title="a call", number="0639980001", tell=listen, expected=(), pause_s=pause_s)


@pytest.mark.parametrize(
    ("pause_s", "stretches"),
    [
        pytest.param(None, _held((0, 4)), id="the whole call"),
        pytest.param(PAUSE_S, _held((0, 3), (5.6, 8)), id="the pause and no more"),
        pytest.param(PAUSE_S, _held((0, 1), (1.2, 3), (5.6, 8)), id="a pause, and the hole of a key"),
    ],
)
def test_a_file_is_as_it_should_be(pause_s: float | None, stretches: Spans) -> None:
    assert faults_of(_story(pause_s), stretches) == []


@pytest.mark.parametrize(
    ("pause_s", "stretches", "fault"),
    [
        pytest.param(None, [], "0.00 s of the caller's voice instead of at least 2 s", id="no voice"),
        pytest.param(None, _held((0, 1.5)), "1.50 s of the caller's voice instead of at least 2 s", id="little voice"),
        pytest.param(None, _held((0, 3), (5.5, 8)), "1 pauses in the audio instead of 0", id="a pause for nothing"),
        pytest.param(PAUSE_S, _held((0, 8)), "0 pauses in the audio instead of 1", id="no pause"),
        pytest.param(PAUSE_S, _held((0, 3), (4.6, 8)), "a pause of 1.60 s in the audio instead of 2.80 s", id="short"),
        pytest.param(PAUSE_S, _held((0, 3), (6.2, 8)), "a pause of 3.20 s in the audio instead of 2.80 s", id="long"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(pause_s: float | None, stretches: Spans, fault: str) -> None:
    assert faults_of(_story(pause_s), stretches) == [fault]
