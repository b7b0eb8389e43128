"""Whether a call may be recorded for each purpose: asked once, durable first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain import events
from controller.domain.call import Permission
from controller.domain.commands import Commit, CommitSampled, Log, SetTimer, Snoop, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Basis, Purpose, Sampling, Start, StratumPart
from controller.domain.records import CallRecord
from tests.unit.domain.stories import SAMPLING, TOLD_ONLY, Story, agent, outsider, policy, purpose, representative

EVERY = purpose()
SAMPLED = purpose(sampling=SAMPLING)
LEGAL = purpose("orders", basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY)
EVIDENCE = purpose("evidence", basis=Basis.CONTRACT, start=Start.ON_TRIGGER)


def answered(*purposes: Purpose) -> Story:
    """Told, not objected, answered."""
    story = Story(*purposes)
    story.caller_listens()
    story.agent_answers()
    return story


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        pytest.param(EVERY, Reason.EVERY_CALL, id="without a sample every call"),
        pytest.param(LEGAL, Reason.LEGAL_OBLIGATION, id="where the law obliges to record it"),
    ],
)
def test_an_answered_call_is_recorded_once_the_decision_is_durable(served: Purpose, reason: Reason) -> None:
    story = answered(served)
    decision = story.only(Commit).decision
    assert (decision.kind, decision.verdict, decision.reason) == (Kind.RECORD, Verdict.ALLOWED, reason)
    assert (decision.purpose, decision.rule, decision.actor) == (served.name, "routes.support", "policy")
    assert decision.policy_version == "v1"
    assert decision.facts == {
        "direction": "inbound",
        "queue": "support",
        "agent": "201",
        "basis": served.basis.value,
        "consent": "announced",
    }
    assert story.track.permission == "asked"
    story.ledger_commits()
    assert (story.did, story.track.permission) == (["Snoop"], "granted")


def test_answering_keeps_who_answered_and_when() -> None:
    story = Story()
    story.caller_listens()
    story.passes(1500)
    story.hears_customer(agent("202"), agent("201"))
    record = next(c.record for c in story.every(Store) if isinstance(c.record, CallRecord))
    assert (record.agent, record.answered_at, record.route) == ("202", story.now, "support")
    story.agent_answers("201")
    assert (story.call.agent, story.did) == ("202", [])


@pytest.mark.parametrize(
    ("chosen", "permission", "did"),
    [
        pytest.param(True, Permission.GRANTED, ["Snoop"], id="a chosen call is recorded"),
        pytest.param(False, Permission.REFUSED, [], id="another is not"),
    ],
)
def test_the_sample_decides(*, chosen: bool, permission: Permission, did: list[str]) -> None:
    story = answered(SAMPLED)
    asked = story.only(CommitSampled)
    assert (asked.eligible, asked.purpose, asked.sampling) == (True, "quality", SAMPLING)
    assert asked.stratum == "queue=support,agent=201"
    assert asked.question.facts["stratum"] == asked.stratum
    story.ledger_commits(chosen=chosen)
    assert (story.track.permission, story.did) == (permission, did)


def test_strata_may_be_queues_alone() -> None:
    served = purpose(sampling=replace(SAMPLING, strata=(StratumPart.QUEUE,)))
    assert answered(served).only(CommitSampled).stratum == "queue=support"


def test_who_objected_is_counted_by_the_sample_but_not_recorded() -> None:
    story = Story(SAMPLED)
    story.caller_answers("1")
    story.agent_answers()
    asked = story.only(CommitSampled)
    assert (asked.eligible, asked.question.verdict) == (False, Verdict.REFUSED)
    assert asked.question.reason is Reason.OPTED_OUT
    story.ledger_commits()
    assert (story.track.permission, story.did) == (Permission.REFUSED, [])


def test_without_a_sample_an_objection_is_only_written_down() -> None:
    story = Story(EVERY)
    story.caller_answers("1")
    story.agent_answers()
    assert story.did == []
    assert (story.last.kind, story.last.verdict, story.last.reason) == (Kind.RECORD, "refused", Reason.OPTED_OUT)
    assert story.track.permission is Permission.REFUSED


@pytest.mark.parametrize("served", [EVERY, SAMPLED], ids=["where all are recorded", "where some are"])
def test_a_decision_that_is_lost_is_no_decision(served: Purpose) -> None:
    story = answered(served)
    story.ledger_fails()
    assert (story.did, story.track.permission) == ([], Permission.REFUSED)
    assert (story.last.verdict, story.last.reason, story.last.actor) == ("refused", "decision-not-logged", "daemon")


def test_each_purpose_of_a_route_is_asked_for_itself() -> None:
    story = answered(EVERY, SAMPLED_TOO, EVIDENCE)
    assert story.did == ["Commit", "CommitSampled"]
    story.ledger_fails()
    story.ledger_commits()
    assert story.only(Snoop).recording == "rc-call-training-1"
    assert [t.permission for t in story.call.tracks] == ["refused", "granted", "open"]


SAMPLED_TOO = purpose("training", sampling=Sampling(rate=0.2))


# triggers


@pytest.mark.parametrize(
    ("name", "did"),
    [
        pytest.param("evidence", ["Commit"], id="by its name"),
        pytest.param(None, ["Commit"], id="with whatever else waits"),
        pytest.param("quality", [], id="not by another name"),
        pytest.param("unheard-of", [], id="nor by one that is unknown"),
    ],
)
def test_a_purpose_is_triggered(name: str | None, did: list[str]) -> None:
    story = answered(SAMPLED, EVIDENCE)
    story.ledger_commits(chosen=False)
    story.is_triggered(name)
    assert story.did == did


def test_a_trigger_is_a_decision_of_whoever_pulled_it() -> None:
    story = answered(EVIDENCE)
    assert story.did == []
    story.is_triggered()
    decision = story.only(Commit).decision
    assert (decision.reason, decision.actor, decision.purpose) == (Reason.TRIGGER, "api:crm", "evidence")
    story.is_triggered()
    assert story.did == []
    story.ledger_commits()
    assert story.did == ["Snoop"]


def test_a_trigger_does_not_outdo_a_sample() -> None:
    """No file has such a purpose; if one came by another way, it would be recorded no more than its share."""
    story = answered(purpose(sampling=SAMPLING, start=Start.ON_TRIGGER))
    story.is_triggered()
    assert story.did == ["CommitSampled"]
    story.ledger_commits(chosen=False)
    assert (story.did, story.track.permission) == ([], Permission.REFUSED)


def test_a_trigger_does_not_outdo_an_objection() -> None:
    story = Story(EVIDENCE)
    story.caller_answers("1")
    story.agent_answers()
    story.is_triggered()
    assert (story.did, story.last.reason) == ([], Reason.OPTED_OUT)


def test_a_trigger_before_anybody_answered_means_nothing() -> None:
    story = Story(EVIDENCE)
    story.caller_listens()
    story.is_triggered()
    assert story.did == []
    assert story.track.permission is Permission.OPEN


# withdrawal


@pytest.mark.parametrize("name", [None, "quality"], ids=["every purpose", "this purpose"])
def test_what_was_stopped_does_not_begin_when_its_decision_comes_back(name: str | None) -> None:
    story = answered(EVERY)
    story.is_stopped(name)
    story.ledger_commits()
    assert (story.did, story.track.permission) == ([], Permission.REFUSED)


def test_stopping_one_purpose_leaves_the_other() -> None:
    story = answered(EVERY, EVIDENCE)
    story.is_stopped("evidence")
    story.is_triggered("evidence")
    assert story.did == []
    story.ledger_commits()
    assert story.did == ["Snoop"]


def test_what_was_stopped_in_the_queue_is_not_recorded_once_it_is_answered() -> None:
    story = Story(EVERY, EVIDENCE)
    story.caller_listens()
    story.is_stopped()
    stopped = [c.decision for c in story.every(Log)]
    assert [(d.kind, d.reason, d.purpose, d.actor) for d in stopped] == [
        (Kind.STOP, Reason.AGENT_REQUEST, "quality", "agent:201"),
        (Kind.STOP, Reason.AGENT_REQUEST, "evidence", "agent:201"),
    ]
    story.agent_answers()
    assert (story.did, {t.permission for t in story.call.tracks}) == ([], {Permission.REFUSED})


def test_what_was_stopped_while_it_was_recorded_says_so_once_it_has_ended() -> None:
    story = Story(EVERY)
    story.is_recorded()
    story.is_stopped()
    assert story.every(Log) == []
    story.pbx_says(events.RecordingEnded)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.STOP, Reason.AGENT_REQUEST, "agent:201")


def test_what_was_stopped_already_is_not_stopped_again() -> None:
    story = answered(EVERY)
    story.is_stopped()
    story.is_stopped()
    assert story.commands == ()


def test_what_was_stopped_is_not_triggered_again() -> None:
    story = answered(EVIDENCE)
    story.is_triggered()
    story.ledger_commits()
    story.is_stopped()
    assert story.did == ["Stop"]
    story.is_triggered()
    assert story.did == []


# representatives and calls that nobody may record


def test_a_representatives_call_leaves_a_row_that_names_nobody() -> None:
    story = Story(EVERY, EVIDENCE)
    story.caller_listens()
    story.hears_customer(agent(), representative())
    decision = story.only(Log).decision
    assert (decision.verdict, decision.reason, decision.purpose) == ("refused", Reason.REPRESENTATIVE, None)
    assert (decision.rule, decision.linkedid, dict(decision.facts)) == (None, None, {})
    record = story.only(Store).record
    assert isinstance(record, CallRecord)
    assert (record.agent, record.customer_hash, record.customer_sealed) == (None, None, None)
    assert {track.permission for track in story.call.tracks} == {Permission.REFUSED}


def test_a_call_that_a_representative_answered_is_not_recorded_afterwards_either() -> None:
    story = Story(EVERY, EVIDENCE)
    story.caller_listens()
    story.hears_customer(representative())
    story.agent_answers()
    story.is_triggered()
    assert story.did == []


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(True, Reason.NO_MATCHING_ROUTE, id="because no route takes it"),
        pytest.param(False, Reason.NOT_ASKED, id="because its dialplan never asked"),
    ],
)
def test_a_call_is_not_recorded(*, asked: bool, reason: Reason) -> None:
    story = Story(rules=policy(routes=()), asked=asked)
    story.agent_answers()
    assert (story.last.kind, story.last.verdict, story.last.reason) == (Kind.RECORD, "refused", reason)
    assert story.did == []


def test_an_outsider_alone_has_not_answered() -> None:
    story = Story()
    story.caller_listens()
    story.hears_customer(outsider())
    assert (story.call.answered_at, story.did) == (None, [])


# resumes that the ledger loses


def test_a_resume_whose_decision_is_lost_is_asked_for_again_later() -> None:
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.ledger_fails()
    assert (story.did, [t.seconds for t in story.every(SetTimer)]) == ([], [2.0])
    story.now += timedelta(seconds=2)
    story.timer_fires(2.0)
    assert story.did == ["Commit"]
    story.ledger_commits()
    assert story.did == ["Resume"]


def test_a_pause_meanwhile_makes_that_needless() -> None:
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.ledger_fails()
    story.agent_presses("*7")
    story.timer_fires(2.0)
    assert (story.did, story.track.ticket) == ([], None)
