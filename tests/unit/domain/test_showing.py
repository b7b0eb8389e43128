"""What is told of each recording of a call, step by step: the word, why, and since when."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.call import Permission
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrance
from controller.domain.policy import Basis, Start
from controller.domain.recording import Phase
from controller.domain.showing import PurposeState, shown
from controller.domain.tracking import CATCH_UP_S, MOST_FAILURES
from tests.unit.domain.stories import NOON, SAMPLING, Story, outsider, purpose, representative

Told = tuple[str, str | None]


def told(story: Story) -> Told:
    """Of the first purpose."""
    one = shown(story.call)[0]
    return one.state.value, one.reason.value if one.reason is not None else None


def evidence(**changes: object) -> Story:
    """A call that is recorded for evidence, once somebody says so, and has been answered."""
    story = Story(purpose("evidence", basis=Basis.CONTRACT, start=Start.ON_TRIGGER, **changes))  # type: ignore[arg-type]
    story.caller_listens()
    story.agent_answers()
    return story


def test_a_recording_is_told_from_the_first_word_to_the_end() -> None:
    story = Story()
    assert told(story) == ("waiting", "nobody-connected")
    story.caller_listens()
    assert told(story) == ("waiting", "nobody-connected")
    story.agent_answers()
    assert told(story) == ("unsettled", "every-call")
    story.ledger_commits()
    assert told(story) == ("unsettled", "every-call")
    story.pbx_says(events.SnoopReady)
    story.passes(20)
    story.pbx_says(events.RecordingStarted)
    assert told(story) == ("recording", "every-call")
    assert shown(story.call)[0].since == story.now
    story.customer_leaves()
    assert told(story) == ("unsettled", "call-ended")
    story.pbx_says(events.RecordingEnded)
    assert told(story) == ("not-recorded", "call-ended")


def test_a_pause_is_told_once_it_is_confirmed_and_since_it_was_asked_for() -> None:
    story = Story()
    story.is_recorded()
    story.passes(5000)
    story.pauses()
    asked_at = story.now
    assert told(story) == ("unsettled", "payment")
    story.passes(10)
    story.pbx_says(events.PauseConfirmed)
    assert told(story) == ("paused", "payment")
    assert shown(story.call)[0].since == asked_at
    story.joins(outsider())
    story.lags = True
    story.resumes()
    assert told(story) == ("paused", "external-party")
    story.leaves(outsider())
    assert told(story) == ("paused", "payment"), "it goes on, and has not yet"
    story.ledger_commits()
    story.timer_fires(CATCH_UP_S)
    assert told(story) == ("unsettled", "every-call")
    story.pbx_says(events.ResumeConfirmed)
    assert told(story) == ("recording", "every-call")


def test_a_pause_before_anything_has_begun_is_told_without_a_time() -> None:
    story = Story()
    story.caller_listens()
    story.pauses()
    story.agent_answers()
    story.ledger_commits()
    assert told(story) == ("paused", "payment")
    assert shown(story.call)[0].since is None


def test_evidence_waits_for_its_trigger_and_the_customer_is_told_first() -> None:
    story = evidence(notice="begins")
    assert told(story) == ("waiting", "trigger")
    story.is_triggered()
    assert told(story) == ("telling", None)
    story.notice_is_played(whole=False)
    assert told(story) == ("waiting", "trigger")
    story.is_triggered()
    story.notice_is_played()
    story.ledger_commits()
    for kind in (events.SnoopReady, events.RecordingStarted):
        story.pbx_says(kind)
    assert told(story) == ("recording", "trigger")


def test_nobody_waits_for_the_trigger_of_what_was_refused() -> None:
    story = Story(purpose("evidence", basis=Basis.CONTRACT, start=Start.ON_TRIGGER))
    story.caller_answers("1")
    assert told(story) == ("not-recorded", "opted-out")


def test_an_objection_of_an_earlier_call_is_told_once_it_is_looked_up() -> None:
    story = Story(on_file=None)
    assert told(story) == ("waiting", "nobody-connected")
    story.register_answers(frozenset({"quality"}))
    story.caller_listens()
    assert told(story) == ("not-recorded", "objection-on-file")


@pytest.mark.parametrize(
    ("chosen", "agrees", "expected"),
    [
        pytest.param(True, True, ("unsettled", "sampled"), id="the sample chose it"),
        pytest.param(False, True, ("not-recorded", "not-sampled"), id="the sample did not"),
        pytest.param(True, False, ("not-recorded", "opted-out"), id="whatever the sample says the customer objects"),
    ],
)
def test_what_the_sample_said_is_told(*, chosen: bool, agrees: bool, expected: Told) -> None:
    story = Story(purpose(sampling=SAMPLING))
    if agrees:
        story.caller_listens()
    else:
        story.caller_answers("1")
    story.agent_answers()
    story.ledger_commits(chosen=chosen)
    assert told(story) == expected


def _objection(story: Story) -> None:
    story.customer_objects()


def _stopped(story: Story) -> None:
    story.is_stopped()


def _proven(story: Story) -> None:
    story.is_proven_otherwise()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        pytest.param(_objection, "opted-out", id="the customer objects"),
        pytest.param(_stopped, "agent-request", id="somebody stops it"),
        pytest.param(_proven, "other-proof", id="there is other proof"),
    ],
)
def test_why_it_is_not_recorded_any_more_is_told(happens: Callable[[Story], None], reason: str) -> None:
    story = evidence()
    story.is_triggered()
    story.ledger_commits()
    for kind in (events.SnoopReady, events.RecordingStarted):
        story.pbx_says(kind)
    happens(story)
    assert told(story) == ("unsettled", reason)
    story.pbx_says(events.RecordingEnded)
    assert told(story) == ("not-recorded", reason)


def test_a_decision_that_cannot_be_written_is_told() -> None:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_fails()
    assert told(story) == ("not-recorded", "decision-not-logged")


def test_a_recording_that_is_lost_is_told_and_given_up_in_the_end() -> None:
    story = Story()
    story.is_recorded()
    story.pbx_says(events.SnoopGone)
    assert told(story) == ("unsettled", "recording-failed")
    story.pbx_says(events.RecordingEnded)
    [track] = story.call.tracks
    given_up = replace(track, recording=None, permission=Permission.REFUSED, why=Reason.RECORDING_FAILED)
    assert MOST_FAILURES > 1
    assert shown(replace(story.call, tracks=(given_up,)))[0].state is PurposeState.NOT_RECORDED


def test_what_hinders_the_daemon_is_told() -> None:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    story.happens(events.Hindered(at=story.now, hindrances=frozenset({Hindrance.LEAVING})))
    story.pbx_says(events.SnoopGone)
    assert told(story) == ("not-recorded", "controller-stopped")


def test_nothing_is_told_of_an_excluded_call() -> None:
    story = Story()
    story.caller_listens()
    story.hears_customer(representative())
    assert story.call.tracks
    assert shown(story.call) == ()


def test_every_purpose_is_told_by_its_name() -> None:
    story = Story(purpose("quality"), purpose("evidence", start=Start.ON_TRIGGER))
    story.is_recorded()
    assert story.phase is Phase.RECORDING
    assert [(one.purpose, one.state.value) for one in shown(story.call)] == [
        ("quality", "recording"),
        ("evidence", "waiting"),
    ]
    assert shown(story.call)[0].since == NOON
