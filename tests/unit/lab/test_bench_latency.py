"""From triggers, arrivals and gaps to milliseconds."""

from datetime import UTC, datetime, timedelta

import pytest

from lab.bench.capture import FRAME_S, Sound
from lab.bench.latency import Recorded, after_trigger, latencies, pause_in
from lab.bench.pauser import Trigger
from lab.sweep import Gap, Stretch

ANSWERED = datetime(2026, 1, 5, 9, tzinfo=UTC)
TALK = 1_000.0
"""When the caller's first frame reached the PBX."""


def sound(*, without: int = -1) -> Sound:
    return Sound(arrivals={number: TALK + number * FRAME_S for number in range(500) if number != without})


def heard(*spans: tuple[float, float]) -> list[Stretch]:
    return [Stretch(begin_s=begin, end_s=end, at_s=begin) for begin, end in spans]


def recorded(call: str = "a", *, heard: list[Stretch], sound: Sound | None) -> Recorded:
    started = ANSWERED + timedelta(milliseconds=7)
    return Recorded(call=call, answered_at=ANSWERED, started_at=started, heard=heard, sound=sound)


def trigger(call: str = "a", *, at: float = TALK + 3.0, said: str = "paused") -> Trigger:
    return Trigger(
        call=call,
        paused_at=at,
        pause_answered_at=at + 0.004,
        pause_answer=said,
        resumed_at=at + 2,
        resume_answered_at=at + 2.004,
        resume_answer="recording",
    )


PAUSED = heard((1.5, 3.02), (5.02, 9.0))


def test_the_last_frame_before_a_gap_is_the_one_that_ends_where_the_gap_begins() -> None:
    gap = Gap(begin_s=3.0201, end_s=5.02, at_s=1.52)
    assert after_trigger(gap, sound(), TALK + 2.99) == pytest.approx(0.01)


def test_a_pause_that_cuts_before_the_next_frame_comes_takes_less_than_nothing() -> None:
    gap = Gap(begin_s=3.0199, end_s=5.02, at_s=1.52)
    assert after_trigger(gap, sound(), TALK + 3.015) == pytest.approx(-0.015)


def test_a_frame_that_was_not_captured_tells_nothing() -> None:
    gap = Gap(begin_s=3.02, end_s=5.02, at_s=1.52)
    assert after_trigger(gap, sound(without=150), TALK) is None


def test_a_pause_is_told_from_lost_frames() -> None:
    found = pause_in(heard((1.5, 2.0), (2.1, 3.0), (5.0, 9.0)))
    assert found is not None
    assert (found.begin_s, found.end_s) == (3.0, 5.0)


def test_no_pause_and_two_pauses_are_not_one_pause() -> None:
    assert pause_in(heard((1.5, 9.0))) is None
    assert pause_in(heard((1.5, 2.0), (4.0, 5.0), (7.0, 9.0))) is None


def test_all_latencies_of_a_call_are_told_in_milliseconds() -> None:
    told = latencies([recorded(heard=PAUSED, sound=sound())], [trigger(at=TALK + 2.99)])
    assert told.pauses == pytest.approx([10.0])
    assert told.confirmations == pytest.approx([4.0], abs=0.01)
    assert told.starts == pytest.approx([7.0])
    assert told.unread == 0


@pytest.mark.parametrize(
    "call",
    [
        recorded("another", heard=PAUSED, sound=sound()),
        recorded(heard=PAUSED, sound=None),
        recorded(heard=heard((1.5, 9.0)), sound=sound()),
    ],
    ids=["not recorded", "sound not captured", "no pause in the file"],
)
def test_a_pause_that_cannot_be_told_is_counted_as_unread(call: Recorded) -> None:
    told = latencies([call], [trigger()])
    assert told.pauses == ()
    assert told.unread == 1


def test_a_pause_that_was_refused_is_no_pause() -> None:
    told = latencies([recorded(heard=PAUSED, sound=sound())], [trigger(said="status 404")])
    assert (told.pauses, told.confirmations, told.unread) == ((), (), 0)
