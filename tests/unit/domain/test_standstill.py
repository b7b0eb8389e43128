"""A PBX that stood still: its snoop channels may be behind the call, and no pause may begin to be heard by that."""

from datetime import timedelta

import pytest

from controller.domain import events
from controller.domain.commands import SetTimer
from controller.domain.decision import Kind, Reason
from controller.domain.recording import Phase
from controller.domain.records import RecordingState
from controller.domain.tracking import CATCH_UP_S
from tests.unit.domain.stories import Story


def stalls(story: Story) -> None:
    story.happens(events.PbxStalled(at=story.now))


def recorded() -> Story:
    story = Story()
    story.is_recorded()
    return story


def paused() -> Story:
    story = recorded()
    story.pauses()
    story.pbx_says(events.PauseConfirmed)
    return story


def goes_on_in_another_file(story: Story, former: str) -> None:
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded)
    assert story.did == ["Commit"]
    *_, end, question = story.decisions
    assert (end.kind, end.reason, end.actor) == (Kind.STOP, Reason.PBX_STALLED, "daemon")
    assert question.kind is Kind.RESUME
    story.ledger_commits()
    assert story.did == ["Snoop"]
    assert story.recording.name != former
    assert not story.recording.behind


def test_a_recording_goes_on_as_long_as_it_is_not_paused() -> None:
    story = recorded()
    stalls(story)
    assert story.did == []
    assert story.phase is Phase.RECORDING


def test_after_a_pause_another_one_goes_on() -> None:
    story = recorded()
    stalls(story)
    former = story.recording.name
    story.pauses()
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    story.resumes()
    goes_on_in_another_file(story, former)


def test_so_it_does_where_the_pbx_stood_still_in_the_pause() -> None:
    story = paused()
    former = story.recording.name
    stalls(story)
    assert story.did == []
    story.resumes()
    goes_on_in_another_file(story, former)


def test_a_resume_whose_decision_was_on_its_way_begins_another_one() -> None:
    story = paused()
    former = story.recording.name
    story.resumes()
    assert story.did == ["Commit"]
    stalls(story)
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded)
    story.ledger_commits()
    assert story.did == ["Snoop"]
    assert story.recording.name != former


def released() -> Story:
    """A pause that is over, where a test says itself when the snoop channel has caught up."""
    story = paused()
    story.lags = True
    story.resumes()
    assert story.did == ["Commit"]
    assert [timer.seconds for timer in story.every(SetTimer)] == [CATCH_UP_S]
    return story


@pytest.mark.parametrize("durable_first", [True, False])
def test_a_recording_goes_on_a_little_after_the_pause(*, durable_first: bool) -> None:
    """A standstill that was too short to be felt has made the snoop channel late by no more."""
    story = released()
    if durable_first:
        story.ledger_commits()
        assert story.did == []
        story.timer_fires(CATCH_UP_S)
    else:
        story.timer_fires(CATCH_UP_S)
        assert story.did == []
        story.ledger_commits()
    assert story.did == ["Resume"]


def test_a_pause_meanwhile_is_waited_for_and_then_it_waits_again() -> None:
    story = released()
    story.ledger_commits()
    story.pauses()
    story.timer_fires(CATCH_UP_S)
    assert story.did == []
    story.resumes()
    story.ledger_commits()
    assert story.did == []
    story.timer_fires(CATCH_UP_S)
    assert story.did == ["Resume"]


def test_a_standstill_that_is_felt_meanwhile_begins_another_one() -> None:
    story = released()
    stalls(story)
    assert story.did == ["Stop"]
    story.ledger_commits()
    story.pbx_says(events.RecordingEnded)
    story.timer_fires(CATCH_UP_S)
    assert story.did == ["Snoop"]


def test_one_that_was_just_going_on_is_kept_from_every_ear() -> None:
    story = paused()
    triggered_at = story.recording.halted_at
    story.resumes()
    story.ledger_commits()
    assert story.did == ["Resume"]
    stalls(story)
    assert story.did == ["Stop"]
    assert story.recording.tainted_from == triggered_at
    story.pbx_says(events.RecordingEnded)
    assert [record.state for record in story.track.quarantining] == [RecordingState.QUARANTINING]


@pytest.mark.parametrize("said", [events.SnoopReady, events.RecordingStarted])
def test_one_that_has_not_begun_yet_is_behind_too(said: type[events.OfRecording]) -> None:
    story = Story()
    story.begins()
    story.register_answers()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    if said is events.RecordingStarted:
        story.pbx_says(events.SnoopReady)
    stalls(story)
    story.pbx_says(said)
    assert story.recording.behind


def test_one_that_is_being_ended_ends() -> None:
    story = recorded()
    story.customer_leaves()
    stalls(story)
    assert not story.recording.behind


def test_a_call_without_a_recording_does_not_care() -> None:
    story = Story()
    story.begins()
    stalls(story)
    assert story.commands == ()


@pytest.mark.parametrize("late_ms", [251, 5000])
def test_a_pause_that_is_read_late_is_one_that_nobody_confirmed(late_ms: float) -> None:
    """What the agent's phone said in the meantime is in the file."""
    story = recorded()
    happened_at = story.now - timedelta(milliseconds=late_ms)
    asked = events.PauseRequested(at=story.now, cause=Reason.PAYMENT, origin="agent", actor="agent:201")
    story.happens(asked, late_ms=late_ms)
    assert story.did == ["Stop", "Alert"]
    assert story.recording.tainted_from == happened_at
    story.pbx_says(events.RecordingEnded)
    assert [record.quarantined_from for record in story.track.quarantining] == [happened_at]


def test_so_is_one_that_comes_while_the_recording_is_going_on_again() -> None:
    story = paused()
    story.resumes()
    story.ledger_commits()
    asked = events.PauseRequested(at=story.now, cause=Reason.PAYMENT, origin="api", actor="api:crm")
    story.happens(asked, late_ms=900)
    assert story.did == ["Stop", "Alert"]
    assert story.recording.tainted_from is not None


def test_a_pause_that_is_read_soon_is_paused() -> None:
    story = recorded()
    asked = events.PauseRequested(at=story.now, cause=Reason.PAYMENT, origin="agent", actor="agent:201")
    story.happens(asked, late_ms=200)
    assert story.did == ["Pause"]
    assert story.recording.tainted_from is None


def starting() -> Story:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    story.pbx_says(events.SnoopReady)
    return story


@pytest.mark.parametrize("begins", [True, False])
def test_a_recording_that_was_stopped_while_it_was_starting_and_ends_late_is_kept_from_every_ear(
    *, begins: bool
) -> None:
    story = starting()
    story.pauses()
    triggered_at = story.now
    assert story.did == ["Stop"]
    if begins:
        story.passes(5)
        story.pbx_says(events.RecordingStarted)
    story.passes(900)
    story.pbx_says(events.RecordingEnded)
    assert [record.quarantined_from for record in story.track.quarantining] == [triggered_at]


def test_one_that_ends_at_once_holds_nothing() -> None:
    story = starting()
    story.pauses()
    story.passes(5)
    story.pbx_says(events.RecordingStarted)
    story.passes(20)
    story.pbx_says(events.RecordingEnded)
    assert story.track.quarantining == ()


def test_one_that_the_end_of_the_call_has_stopped_may_be_heard() -> None:
    story = starting()
    story.customer_leaves()
    story.passes(900)
    story.pbx_says(events.RecordingEnded)
    assert story.track.quarantining == ()
