"""From the legs of a log to conversations: who called whom, who answered, and in which queue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.policy import Direction
from controller.simulation.call_log import Leg
from controller.simulation.conversations import INTERNAL, UNANSWERED, Conversation, Habits, Unplayed, conversations
from tests.unit.domain.stories import policy

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRANCE = Habits(country="FR")
LEG = Leg(
    line=1,
    call="1.1",
    source="0639980001",
    destination="0199000010",
    context="from-trunk",
    channel="PJSIP/trunk-00000001",
    other_channel="PJSIP/201-00000002",
    application="Queue",
    arguments="support,rt,,,60",
    start=NINE,
    answer=NINE + timedelta(seconds=12),
    end=NINE + timedelta(minutes=4),
)
OUT = replace(
    LEG,
    source="201",
    destination="0639980001",
    context="agents",
    channel="PJSIP/201-00000001",
    other_channel="PJSIP/trunk-00000002",
    application="Dial",
    arguments="PJSIP/0639980001@trunk,30",
)


def found(*legs: Leg, habits: Habits = FRANCE) -> list[Conversation | Unplayed]:
    return conversations(legs, policy(), habits)


def only(*legs: Leg, habits: Habits = FRANCE) -> Conversation:
    [one] = found(*legs, habits=habits)
    assert isinstance(one, Conversation)
    return one


def test_a_call_from_a_trunk_comes_in_to_its_queue() -> None:
    one = only(LEG)
    assert (one.asked.direction, one.asked.queue, one.asked.context) == (Direction.INBOUND, "support", "from-trunk")
    assert (one.number, one.company) == ("+33639980001", "PJSIP/201-00000002")
    assert "0199000010" in one.asked.called
    assert "0639980001" in one.asked.calling


def test_a_call_from_an_agent_goes_out_to_the_number_dialled() -> None:
    one = only(OUT)
    assert (one.asked.direction, one.asked.queue) == (Direction.OUTBOUND, "agents")
    assert (one.number, one.company) == ("+33639980001", "PJSIP/201-00000001")


@pytest.mark.parametrize(("context", "direction"), [("from-trunk", Direction.INBOUND), ("agents", Direction.OUTBOUND)])
def test_contexts_that_are_named_decide_the_direction(context: str, direction: Direction) -> None:
    habits = replace(FRANCE, inbound=("from-*",))
    assert (
        only(replace(OUT if direction is Direction.OUTBOUND else LEG, context=context), habits=habits).asked.direction
        is direction
    )


def test_the_queue_of_a_context_can_be_named() -> None:
    assert only(OUT, habits=replace(FRANCE, queues={"agents": "outbound"})).asked.queue == "outbound"


def test_old_arguments_are_parted_by_bars() -> None:
    assert only(replace(LEG, arguments="support|rt")).asked.queue == "support"


def test_the_legs_of_a_call_are_one_conversation_with_whoever_answered_first() -> None:
    missed = replace(LEG, answer=None, other_channel="PJSIP/202-00000003")
    later = replace(LEG, line=3, other_channel="PJSIP/203-00000004", answer=NINE + timedelta(minutes=2))
    one = only(missed, later, replace(LEG, line=2, end=NINE + timedelta(minutes=9)))
    assert (one.line, one.company, one.start, one.end) == (2, LEG.other_channel, NINE, NINE + timedelta(minutes=9))


def test_an_agent_behind_a_local_channel_is_found() -> None:
    near = replace(LEG, other_channel="Local/201@members-00000001;1")
    far = replace(LEG, line=2, call="1.3", channel="Local/201@members-00000001;2")
    assert only(near, far).company == "PJSIP/201-00000002"


def test_a_local_channel_that_leads_nowhere_stays_what_it_is() -> None:
    assert only(replace(LEG, other_channel="Local/201@members-00000001;1")).company == "Local/201@members-00000001;1"


@pytest.mark.parametrize(
    ("leg", "why"),
    [
        pytest.param(replace(LEG, answer=None), UNANSWERED, id="nobody answered"),
        pytest.param(replace(LEG, other_channel=""), UNANSWERED, id="only the dialplan answered"),
        pytest.param(replace(OUT, other_channel="PJSIP/202-00000002"), INTERNAL, id="agents among themselves"),
    ],
)
def test_what_is_no_conversation_with_a_customer_is_not_played(leg: Leg, why: str) -> None:
    assert found(leg) == [Unplayed(line=1, call="1.1", why=why)]


def test_conversations_come_in_the_order_of_their_answers() -> None:
    early = replace(LEG, line=2, call="1.9", answer=NINE + timedelta(seconds=3))
    assert [one.call for one in found(LEG, early)] == ["1.9", "1.1"]


def test_a_number_that_is_withheld_is_nobody_s() -> None:
    assert only(replace(LEG, source="anonymous")).number == ""
