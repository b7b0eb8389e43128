"""``make chaos`` for short, and what its rounds and its judge are made of."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.chaos.judge import heard_of_a_pause, undecided, waited_too_long
from lab.chaos.plan import FAULTS_IN_A_ROUND, Fault, planned
from lab.chaos.rounds import play
from lab.sweep import Stretch

SEED = 1
ROUNDS = (3, 25, 43, 55, 57, 68)
"""Every fault comes in them."""

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_no_rule_is_broken_by_faults_at_random_moments() -> None:
    rounds = [planned(SEED, number) for number in ROUNDS]
    assert {blow.fault for round_ in rounds for blow in round_.blows} == set(Fault)
    came_to = play(rounds)
    assert came_to.violations == []
    assert not came_to.empty, str(came_to)


def test_a_round_is_the_same_again_for_the_same_seed() -> None:
    assert planned(7, 3) == planned(7, 3)
    assert planned(7, 3) != planned(8, 3)
    assert planned(7, 3) != planned(7, 4)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_comes_in_a_long_run(fault: Fault) -> None:
    assert any(blow.fault is fault for number in range(60) for blow in planned(1, number).blows)


def test_faults_follow_one_another() -> None:
    for number in range(60):
        blows = planned(1, number).blows
        assert 1 <= len(blows) <= FAULTS_IN_A_ROUND
        for one, next_one in itertools.pairwise(blows):
            assert one.after_s + one.lasts_s < next_one.after_s


def stretch(begin_s: float, end_s: float) -> Stretch:
    return Stretch(begin_s=begin_s, end_s=end_s, at_s=0.0)


@pytest.mark.parametrize(
    ("begin_s", "end_s", "faults"),
    [
        pytest.param(0.0, 2.2, 0, id="audio up to the pause"),
        pytest.param(4.8, 9.0, 0, id="audio from its end on"),
        pytest.param(0.0, 2.6, 1, id="audio of its beginning"),
        pytest.param(4.4, 9.0, 1, id="audio of its end"),
        pytest.param(3.0, 3.2, 1, id="audio from the middle of it"),
        pytest.param(0.0, 9.0, 1, id="no pause at all"),
    ],
)
def test_the_judge_hears_what_is_in_a_file_of_a_pause(begin_s: float, end_s: float, faults: int) -> None:
    """The caller began to speak at 100 s, and was told of a pause from 102 to 105 s."""
    found = list(heard_of_a_pause("rc-1", [stretch(begin_s, end_s)], [(102.0, 105.0)], began=100.0))
    assert len(found) == faults


def decision(kind: str, verdict: str, *, after_s: float, recording: str = "", purpose: str = "every") -> dict[str, Any]:
    written_at = NOON + timedelta(seconds=after_s)
    facts = {"recording": recording}
    return {"kind": kind, "verdict": verdict, "purpose": purpose, "written_at": written_at, "facts": facts}


SECOND = {"name": "rc-call-every-2", "purpose": "every", "started_at": NOON}
ENDED = decision("stop", "applied", after_s=9, recording="rc-call-every-2")
FIRST_ENDED = decision("stop", "applied", after_s=-2, recording="rc-call-every-1")
ALLOWED = [decision("record", "allowed", after_s=-5), decision("resume", "allowed", after_s=-1)]


def test_the_judge_is_content_with_a_recording_that_was_decided_and_ended() -> None:
    assert list(undecided(SECOND, [*ALLOWED, ENDED], NOON)) == []


@pytest.mark.parametrize(
    "decisions",
    [
        pytest.param([ALLOWED[0], ENDED], id="it began by a decision that another one had used"),
        pytest.param([ALLOWED[0], decision("resume", "allowed", after_s=1), ENDED], id="its decision came after it"),
        pytest.param(
            [ALLOWED[0], decision("resume", "allowed", after_s=-1, purpose="other"), ENDED],
            id="its decision was for another purpose",
        ),
        pytest.param(ALLOWED, id="nobody decided or told its end"),
        pytest.param(
            [*ALLOWED, decision("stop", "applied", after_s=9, recording="rc-call-every-1")], id="another's end"
        ),
    ],
)
def test_the_judge_misses_a_decision(decisions: list[dict[str, Any]]) -> None:
    assert len(list(undecided(SECOND, decisions, NOON))) == 1


def test_the_judge_allows_a_caller_two_seconds() -> None:
    assert list(waited_too_long(6.4, usual_s=4.0)) == []
    assert len(list(waited_too_long(6.6, usual_s=4.0))) == 1
    assert list(waited_too_long(None, usual_s=4.0)) == []
