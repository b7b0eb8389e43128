"""Whole calls, told as stories: from the answer to the end."""

import pytest

from controller.domain import events
from controller.domain.commands import Log, SetTimer
from controller.domain.decision import Kind, Reason
from controller.domain.parties import Party
from controller.domain.policy import Purpose, Start
from controller.domain.recording import Phase
from controller.domain.tracking import SETTLE_S
from tests.unit.domain.stories import (
    Story,
    agent,
    outsider,
    purpose,
    representative,
)

EVIDENCE = purpose("evidence", start=Start.ON_TRIGGER)


# pauses


def test_an_agent_pauses_and_resumes() -> None:
    story = Story()
    story.is_recorded()
    story.agent_presses("*7")
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    assert story.phase is Phase.PAUSED
    story.agent_presses("*8")
    assert (story.did, story.last.reason, story.last.actor) == (["Commit"], Reason.PAYMENT_OVER, "agent:201")
    story.ledger_commits()
    assert story.did == ["Resume"]


@pytest.mark.parametrize(
    ("cause", "over"),
    [(Reason.PAYMENT, Reason.PAYMENT_OVER), (Reason.AGENT_REQUEST, Reason.NOTHING_FORBIDS)],
)
def test_a_resume_says_what_is_over(cause: Reason, over: Reason) -> None:
    story = Story()
    story.is_recorded()
    story.pauses(cause)
    story.pbx_says(events.PauseConfirmed)
    story.resumes(cause)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.RESUME, over, "api:crm")


def test_nobody_but_an_agent_pauses_by_keys() -> None:
    story = Story()
    story.is_recorded()
    story.joins(outsider())
    story.pbx_says(events.PauseConfirmed)
    suspensions = story.call.suspensions
    story.presses(outsider().channel, "*7")
    story.presses(agent("299").channel, "*7")
    assert (story.call.suspensions, story.call.keyed, story.did) == (suspensions, (), [])


def test_two_agents_dial_each_for_themselves() -> None:
    story = Story()
    story.is_recorded()
    story.joins(agent("202"))
    story.agent_presses("*", "201")
    story.agent_presses("7", "202")
    assert story.did == []
    story.agent_presses("*", "202")
    story.agent_presses("8", "202")
    story.agent_presses("7", "201")
    assert story.did == ["Pause"]


def test_digits_that_are_no_code_are_nowhere() -> None:
    story = Story()
    story.is_recorded()
    call = story.call
    story.agent_presses("4970101234567890")
    assert story.call == call


def test_overlapping_pauses_end_with_the_last() -> None:
    story = Story()
    story.is_paused()
    story.pauses()
    assert (story.last.kind, story.last.actor) == (Kind.PAUSE, "api:crm")
    story.agent_presses("*8")
    assert (story.did, story.last.kind, story.last.verdict) == ([], Kind.RESUME, "applied")
    story.resumes()
    assert story.did == ["Commit"]


def test_what_was_never_paused_is_not_resumed() -> None:
    story = Story()
    story.is_recorded()
    story.resumes()
    assert story.commands == ()


def test_a_pause_holds_for_what_starts_later() -> None:
    story = Story(purpose(), EVIDENCE)
    story.is_paused()
    story.is_triggered("evidence")
    story.ledger_commits()
    assert story.did == []
    story.agent_presses("*8")
    story.ledger_commits()
    story.ledger_commits()
    assert story.did == ["Snoop"]


def test_a_pause_before_the_answer_holds() -> None:
    story = Story()
    story.caller_listens()
    story.pauses()
    assert (story.only(Log).decision.kind, story.only(Log).decision.reason) == (Kind.PAUSE, Reason.PAYMENT)
    story.agent_answers()
    story.ledger_commits()
    assert story.did == []
    story.resumes()
    assert story.did == ["Commit"]


def test_a_pause_reaches_every_recording_first_of_all() -> None:
    story = Story(purpose(), purpose("training"))
    story.is_recorded()
    story.ledger_commits()
    second = story.call.tracks[1].recording
    assert second is not None
    story.pbx_says(events.SnoopReady, second.name)
    story.pbx_says(events.RecordingStarted, second.name)
    story.pauses()
    assert [type(c).__name__ for c in story.commands[:2]] == ["Pause", "Pause"]


def test_a_pause_while_the_decision_to_resume_is_on_its_way_voids_it() -> None:
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.agent_presses("*7")
    story.ledger_commits()
    assert story.did == []
    story.agent_presses("*8")
    assert story.did == ["Commit"]


# who hears the customer


@pytest.mark.parametrize(
    ("party", "reason"),
    [(outsider(), Reason.EXTERNAL_PARTY), (representative(), Reason.REPRESENTATIVE)],
    ids=["somebody from outside", "a representative"],
)
def test_somebody_joins_and_leaves(party: Party, reason: Reason) -> None:
    story = Story()
    story.is_recorded()
    story.joins(party)
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.PAUSE, reason, "policy")
    story.leaves(party)
    assert (story.did, story.last.reason) == (["Commit"], Reason.NOTHING_FORBIDS)


def test_a_resume_that_nobody_asked_for_names_no_earlier_one() -> None:
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.ledger_commits()
    story.pbx_says(events.ResumeConfirmed)
    story.joins(outsider())
    story.pbx_says(events.PauseConfirmed)
    story.leaves(outsider())
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.RESUME, Reason.NOTHING_FORBIDS, "policy")


def test_a_recording_that_is_begun_again_after_a_failure_names_no_earlier_resume() -> None:
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.ledger_commits()
    story.pbx_says(events.ResumeConfirmed)
    story.pbx_says(events.RecordingEnded)
    story.timer_fires(SETTLE_S)
    story.timer_fires(SETTLE_S)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.RESUME, Reason.NOTHING_FORBIDS, "policy")


def test_a_transfer_is_no_pause() -> None:
    story = Story()
    story.is_recorded()
    story.hears_customer()
    assert [t.seconds for t in story.every(SetTimer)] == [0.3]
    story.hears_customer()
    assert story.commands == ()
    story.agent_answers("202")
    story.timer_fires(0.3)
    assert (story.did, story.phase) == ([], Phase.RECORDING)


def test_a_customer_whom_nobody_hears_is_not_recorded() -> None:
    story = Story()
    story.is_recorded()
    story.hears_customer()
    story.timer_fires(0.3)
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    assert story.last.reason is Reason.NOBODY_CONNECTED
    story.agent_answers("202")
    assert story.did == ["Commit"]


def test_a_customer_whom_an_external_party_leaves_behind_is_not_recorded_while_nobody_is_there() -> None:
    story = Story()
    story.is_recorded()
    story.hears_customer(outsider())
    story.pbx_says(events.PauseConfirmed)
    story.hears_customer()
    assert story.commands == ()
    story.agent_answers("202")
    assert story.did == ["Commit"]


def test_a_customer_in_the_queue_is_not_yet_alone() -> None:
    story = Story()
    story.caller_listens()
    story.hears_customer()
    assert story.commands == ()


def test_after_the_end_nobody_is_waited_for() -> None:
    story = Story()
    story.is_recorded()
    story.customer_leaves()
    story.hears_customer()
    assert story.every(SetTimer) == []


@pytest.mark.parametrize("served", [purpose(), EVIDENCE], ids=["on answer", "on trigger"])
def test_a_timer_of_nobodys_changes_nothing(served: Purpose) -> None:
    story = Story(served)
    call = story.call
    story.stray_timer_fires()
    assert (story.call, story.commands) == (call, ())
