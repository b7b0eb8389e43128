"""Calls that are nobody's to record: what is written of them names nobody."""

from dataclasses import replace

import pytest

from controller.domain.commands import Conclude, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.parties import Role
from controller.domain.records import CallRecord
from tests.unit.domain.stories import Story, agent, representative

EXCLUDED = (Reason.REPRESENTATIVE, Reason.EXCLUDED, Reason.EMERGENCY_CALL)


def rows(story: Story) -> list[CallRecord]:
    """The rows of the call that were written."""
    return [record for record in story.stored if isinstance(record, CallRecord)]


@pytest.mark.parametrize("reason", EXCLUDED)
def test_an_excluded_call_goes_through_at_once_and_leaves_one_neutral_row(reason: Reason) -> None:
    story = Story(excluded=reason)
    assert story.only(Conclude) == Conclude(channel=story.call.customer, verdict=Verdict.REFUSED, reason=reason)
    story.agent_answers()
    story.agent_presses("*7")
    story.agent_presses("*8")
    story.customer_leaves()
    [decision] = story.decisions
    assert (decision.kind, decision.verdict, decision.reason) == (Kind.RECORD, Verdict.REFUSED, reason)
    assert (decision.linkedid, decision.rule, dict(decision.facts)) == (None, None, {})
    for row in rows(story):
        assert not any((row.linkedid, row.queue, row.route, row.agent, row.customer_hash, row.customer_sealed))


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        pytest.param(Role.REPRESENTATIVE, Reason.REPRESENTATIVE, id="a representative answers"),
        pytest.param(Role.PRIVATE, Reason.PRIVATE_CALL, id="somebody answers on their own business"),
    ],
)
def test_whose_answer_excludes_the_call(role: Role, reason: Reason) -> None:
    story = Story()
    story.caller_listens()
    story.hears_customer(replace(representative(), role=role))
    assert (story.last.kind, story.last.reason, story.last.linkedid) == (Kind.RECORD, reason, None)
    assert all(store.record.linkedid == "" for store in story.every(Store) if isinstance(store.record, CallRecord))
    story.leaves(story.call.parties[0])
    story.agent_answers()
    assert story.did == []


def test_what_is_written_of_consent_does_not_yet_say_which_call_it_was() -> None:
    """The row of the call does, until the call turns out to be nobody's business."""
    story = Story()
    story.caller_listens()
    assert (story.last.kind, story.last.linkedid) == (Kind.CONSENT, None)
    assert rows(story)[-1].linkedid == "17.1"


def test_an_agent_who_was_not_informed_is_not_recorded_nor_whom_they_talk_to() -> None:
    story = Story()
    story.caller_listens()
    story.hears_customer(replace(agent(), role=Role.UNINFORMED))
    assert (story.last.kind, story.last.reason) == (Kind.RECORD, Reason.AGENT_NOT_INFORMED)
    assert story.did == []


def test_a_representative_who_joins_pauses_until_they_leave() -> None:
    story = Story()
    story.is_recorded()
    story.joins(representative())
    assert story.did == ["Pause"]
    assert story.recording.halted_for is Reason.REPRESENTATIVE
