"""What a recording should be, from all the facts: the law as a table."""

from dataclasses import replace

import pytest

from controller.domain.call import Call, Permission, Track
from controller.domain.consent import Dialogue, Step
from controller.domain.decision import Reason
from controller.domain.names import RecordingName
from controller.domain.parties import Role
from controller.domain.policy import Basis
from controller.domain.recording import Phase, Recording
from controller.domain.should import State, forbidding, objection, refusal, should_be
from controller.domain.suspension import Suspension
from tests.unit.domain.stories import (
    NOON,
    OPT_IN,
    OPT_OUT,
    TOLD_ONLY,
    agent,
    new_call,
    outsider,
    policy,
    purpose,
    representative,
)

TALKING = replace(new_call(policy()), parties=(agent(),), answered_at=NOON)
GRANTED = Track(purpose=purpose(), permission=Permission.GRANTED)
PAYING = Suspension(cause=Reason.PAYMENT, origin="agent", actor="agent:201")
JOINED = (agent(), representative(), outsider())


@pytest.mark.parametrize(
    ("call", "state", "reason", "actor"),
    [
        pytest.param(TALKING, "recording", "nothing-forbids", "policy", id="a granted conversation is recorded"),
        pytest.param(
            replace(TALKING, suspensions=(PAYING,)), "paused", "payment", "agent:201", id="a payment pauses it"
        ),
        pytest.param(
            replace(TALKING, parties=(agent(), representative())),
            "paused",
            "representative",
            "policy",
            id="a representative pauses it",
        ),
        pytest.param(
            replace(TALKING, parties=(agent(), outsider())),
            "paused",
            "external-party",
            "policy",
            id="somebody who was not asked pauses it",
        ),
        pytest.param(
            replace(TALKING, alone=True), "paused", "nobody-connected", "policy", id="nobody at all pauses it"
        ),
        pytest.param(
            replace(TALKING, parties=()), "recording", "nothing-forbids", "policy", id="a moment of nobody does not"
        ),
        pytest.param(
            replace(TALKING, parties=JOINED, suspensions=(PAYING,)),
            "paused",
            "payment",
            "agent:201",
            id="what was asked for is named first",
        ),
        pytest.param(
            replace(TALKING, parties=JOINED), "paused", "representative", "policy", id="then the representative"
        ),
        pytest.param(
            replace(TALKING, suspensions=(PAYING,), ended_at=NOON),
            "off",
            "call-ended",
            "policy",
            id="a call that ended is off whatever else",
        ),
    ],
)
def test_what_should_be(call: Call, state: str, reason: str, actor: str) -> None:
    should = should_be(call, GRANTED)
    assert (should.state, should.reason, should.actor) == (state, reason, actor)


@pytest.mark.parametrize("permission", [p for p in Permission if p is not Permission.GRANTED])
def test_without_permission_it_is_off(permission: Permission) -> None:
    assert should_be(TALKING, replace(GRANTED, permission=permission)).state is State.OFF


def test_where_nothing_forbids_there_is_no_reason() -> None:
    assert forbidding(TALKING) is None


@pytest.mark.parametrize(
    ("dialogue", "reason"),
    [
        pytest.param(None, Reason.NOT_ASKED, id="who was never asked is not recorded"),
        pytest.param(
            Dialogue(consent=OPT_OUT, step=Step.ANNOUNCEMENT),
            Reason.ANNOUNCEMENT_INCOMPLETE,
            id="nor who is still being told",
        ),
        pytest.param(
            Dialogue(consent=OPT_OUT, step=None, answer=Reason.OPTED_OUT), Reason.OPTED_OUT, id="nor who objects"
        ),
        pytest.param(Dialogue(consent=OPT_OUT, step=None, answer=Reason.ANNOUNCED), None, id="who was told may be"),
    ],
)
def test_why_the_parties_refuse(dialogue: Dialogue | None, reason: Reason | None) -> None:
    call = replace(TALKING, dialogue=dialogue, objections=frozenset())
    assert refusal(call, GRANTED.purpose) is reason


TOLD = replace(TALKING, dialogue=Dialogue(consent=OPT_OUT, step=None, answer=Reason.ANNOUNCED), objections=frozenset())


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        pytest.param(TOLD, None, id="nothing on file is nothing"),
        pytest.param(
            replace(TOLD, objections=None), Reason.OBJECTIONS_UNKNOWN, id="what nobody knows may be an objection"
        ),
        pytest.param(
            replace(TOLD, objections=frozenset({"quality"})), Reason.OBJECTION_ON_FILE, id="an objection to the purpose"
        ),
        pytest.param(replace(TOLD, objections=frozenset({"*"})), Reason.OBJECTION_ON_FILE, id="or to every purpose"),
        pytest.param(replace(TOLD, objections=frozenset({"other"})), None, id="not one to another purpose"),
        pytest.param(
            replace(
                TOLD,
                objections=frozenset({"*"}),
                dialogue=Dialogue(consent=OPT_IN, step=None, answer=Reason.AGREED),
            ),
            None,
            id="who agrees by key has lifted it",
        ),
    ],
)
def test_what_stands_against_a_purpose_from_earlier_calls(call: Call, reason: Reason | None) -> None:
    assert objection(call, GRANTED.purpose) is reason


def test_where_a_law_demands_it_no_objection_stands() -> None:
    duty = purpose(consent=TOLD_ONLY, basis=Basis.LEGAL_OBLIGATION)
    assert objection(replace(TOLD, objections=frozenset({"*"})), duty) is None


def test_an_agent_who_was_not_informed_is_a_party_that_has_not_agreed() -> None:
    uninformed = replace(agent(), role=Role.UNINFORMED)
    assert refusal(replace(TOLD, parties=(uninformed,)), GRANTED.purpose) is Reason.AGENT_NOT_INFORMED


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        pytest.param(Role.REPRESENTATIVE, Reason.REPRESENTATIVE, id="a representative on mandate"),
        pytest.param(Role.PRIVATE, Reason.PRIVATE_CALL, id="somebody on their own business"),
        pytest.param(Role.PAYMENT, Reason.PAYMENT, id="a payment platform"),
        pytest.param(Role.OBJECTED, Reason.OPTED_OUT, id="another customer who objected"),
        pytest.param(Role.UNINFORMED, Reason.AGENT_NOT_INFORMED, id="an agent whom nobody told"),
        pytest.param(Role.EXTERNAL, Reason.EXTERNAL_PARTY, id="a stranger"),
    ],
)
def test_whose_presence_pauses(role: Role, reason: Reason) -> None:
    call = replace(TALKING, parties=(agent(), replace(agent("x"), role=role)))
    should = should_be(call, GRANTED)
    assert (should.state, should.reason) == (State.PAUSED, reason)


def test_another_customer_who_may_be_recorded_pauses_nothing() -> None:
    asked = replace(agent("x"), role=Role.ASKED)
    assert forbidding(replace(TALKING, parties=(agent(), asked))) is None


def test_two_customers_without_anybody_of_the_company_are_not_recorded() -> None:
    alone = forbidding(replace(TALKING, parties=(replace(agent("x"), role=Role.ASKED),)))
    assert alone is not None
    assert alone.reason is Reason.NOBODY_CONNECTED


@pytest.mark.parametrize(
    ("phase", "capturing"),
    [
        pytest.param(None, False, id="no recording"),
        *(
            pytest.param(p, p in {"starting", "recording", "pausing", "resuming", "stopping"}, id=p.value)
            for p in Phase
        ),
    ],
)
def test_whether_audio_may_be_on_its_way_into_a_file(phase: Phase | None, *, capturing: bool) -> None:
    recording = Recording(name=RecordingName("r"), phase=phase) if phase else None
    call = replace(TALKING, tracks=(replace(GRANTED, recording=recording), GRANTED))
    assert call.capturing is capturing


def test_a_call_is_over_when_it_ended_and_nothing_is_left() -> None:
    recorded = replace(GRANTED, recording=Recording(name=RecordingName("r")))
    assert not TALKING.over
    assert not replace(TALKING, ended_at=NOON, tracks=(recorded,)).over
    assert replace(TALKING, ended_at=NOON, tracks=(GRANTED,)).over
