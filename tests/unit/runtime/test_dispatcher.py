"""Which call an event is for, and what a new call has of the one before it."""

from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.call import Call
from controller.domain.commands import Store
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrance
from controller.domain.names import CallId, ChannelId
from controller.domain.parties import Role
from controller.domain.policy import Direction, Exclusions
from controller.domain.recording import Phase
from controller.domain.records import LiveCallRecord
from controller.domain.withdrawal import objected_to
from controller.runtime import succession
from controller.runtime.dispatcher import Question
from tests.unit.domain.stories import NOON, OPT_IN, Story, asked_for, policy, purpose, told
from tests.unit.runtime.switched import Switched


def test_a_channel_that_is_asked_again_is_not_recorded_meanwhile() -> None:
    pbx = Switched()
    first = pbx.is_recorded("customer", "201", bridge="talk")
    second = pbx.asks("customer")
    assert (pbx.phase(first), pbx.phase(second)) == (Phase.STOPPING, None)
    assert "Stop" in pbx.given(first)


def test_a_pause_holds_for_the_call_that_the_same_channel_begins() -> None:
    pbx = Switched()
    first = pbx.is_recorded("customer", "201", bridge="talk")
    pause = events.PauseRequested(at=NOON, cause=Reason.PAYMENT, origin="agent", actor="agent:201")
    pbx.dispatcher.tell(first, pause)
    second = pbx.asks("customer")
    assert [s.cause for s in pbx.call(second).suspensions] == [Reason.PAYMENT]
    assert pbx.logged(second) == [("pause", "payment", "agent:201")]


@pytest.mark.parametrize(
    "customer_hash",
    [
        pytest.param(None, id="who withholds their number"),
        pytest.param(b"hash", id="whose objection is not in the register yet"),
    ],
)
def test_an_objection_holds_for_the_call_that_the_same_channel_begins(customer_hash: bytes | None) -> None:
    pbx = Switched()
    first = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.tell(first, events.ObjectionRaised(at=NOON, actor="agent:201"))
    call = first
    for _ in range(2):  # and for the one after it
        call = pbx.asks("customer", customer_hash=customer_hash)
        if customer_hash is not None:
            pbx.dispatcher.tell(call, events.ObjectionsKnown(at=NOON, scopes=frozenset()))
        pbx.dispatcher.tell(call, events.PromptEnded(at=NOON, heard=told()))
    assert pbx.logged(call) == [("consent", "objection-on-file", "caller")]


def test_who_agrees_in_the_next_call_objects_no_more() -> None:
    story = Story(purpose(consent=OPT_IN), on_file=frozenset({"quality"}))
    story.caller_listens()
    story.caller_answers("2")
    assert objected_to(replace(story.call, objected_before=frozenset({"quality"}))) == frozenset()


def test_a_channel_that_is_asked_for_the_first_time_begins_with_nothing() -> None:
    pbx = Switched()
    call = pbx.asks("customer")
    assert (pbx.call(call).suspensions, pbx.logged(call)) == ((), [])
    assert pbx.dispatcher.calls_of(ChannelId("customer")) == (pbx.call(call),)


def test_two_customers_in_one_conference_are_two_calls() -> None:
    pbx = Switched()
    first = pbx.is_recorded("customer-1", "201", bridge="one")
    second = pbx.is_recorded("customer-2", "202", bridge="two")
    pbx.joins("customer-2", "PJSIP/carrier-00000009", bridge="one")
    found = [call.id for call in pbx.dispatcher.calls_of(ChannelId("201"))]
    assert found == [first, second]
    assert [call.id for call in pbx.dispatcher.calls_of(ChannelId("202"))] == []


def test_nobody_is_looked_for_in_a_call_that_is_excluded() -> None:
    pbx = Switched()
    pbx.dispatcher.policy = policy(exclusions=Exclusions(queues=("support",)))
    call = pbx.asks("customer", customer_hash=b"hash")
    assert pbx.call(call).excluded is Reason.EXCLUDED
    assert (pbx.call(call).customer_hash, pbx.call(call).customer_sealed) == (None, None)
    assert "LookUpObjections" not in pbx.given(call)


def test_whoever_turns_out_not_to_be_informed_is_recorded_no_more() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.informed(frozenset({"201"}), notice="2026-01")
    assert pbx.phase(call) is Phase.RECORDING
    pbx.dispatcher.informed(frozenset({"202"}), notice="2026-01")
    assert pbx.phase(call) is Phase.PAUSING


def calls_out(pbx: Switched, caller: str) -> Call:
    """Somebody of the company calls a customer, whom the dialplan asks before they hear each other."""
    pbx.switchboard.seen(ChannelId("caller"), f"PJSIP/{caller}-00000001")
    asked = asked_for(direction=Direction.OUTBOUND)
    question = Question(channel=ChannelId("customer"), linkedid="caller", asked=asked, customer_hash=b"hash")
    return pbx.call(pbx.dispatcher.ask(question))


def test_whom_a_representative_calls_is_not_asked_and_leaves_nothing_though_nobody_answers() -> None:
    pbx = Switched()
    call = calls_out(pbx, "290")
    assert (call.excluded, call.customer_hash) == (Reason.REPRESENTATIVE, None)
    assert "Play" not in pbx.given(call.id)


def test_whom_an_employee_calls_for_themselves_is_not_asked() -> None:
    pbx = Switched()
    pbx.dispatcher.keep_private(ChannelId("caller"), Role.PRIVATE)
    assert calls_out(pbx, "201").excluded is Reason.PRIVATE_CALL


def test_whom_an_agent_calls_is_asked() -> None:
    assert calls_out(Switched(), "201").excluded is None


def hindered(pbx: Switched, hindrance: Hindrance, *, stands: bool = True) -> None:
    pbx.dispatcher.hinder(hindrance, stands=stands)


def test_whatever_hinders_the_daemon_holds_for_calls_under_way_and_for_those_that_begin() -> None:
    pbx = Switched()
    first = pbx.is_recorded("customer", "201", bridge="talk")
    hindered(pbx, Hindrance.EVENTS_LOST)
    assert pbx.phase(first) is Phase.PAUSING
    second = pbx.asks("another")
    assert pbx.call(second).hindrances == {Hindrance.EVENTS_LOST}
    hindered(pbx, Hindrance.EVENTS_LOST)
    assert pbx.given(first).count("Pause") == 1
    hindered(pbx, Hindrance.EVENTS_LOST, stands=False)
    assert pbx.call(second).hindrances == frozenset()


def states(pbx: Switched, call: CallId) -> list[str | None]:
    """What was written down of a call for the next daemon."""
    records = [command.record for of, command in pbx.commands if of == call and isinstance(command, Store)]
    return [record.state for record in records if isinstance(record, LiveCallRecord)]


def test_a_call_goes_on_in_the_next_daemon_as_it_was_written_down_for_it() -> None:
    former = Switched()
    call = former.is_recorded("customer", "201", bridge="talk")
    name = former.recording(call)
    written = states(former, call)[-1]
    assert written is not None
    read = succession.read(written, policy())
    assert read is not None
    pbx = Switched()
    hindered(pbx, Hindrance.EVENTS_LOST)
    pbx.joins("customer", "PJSIP/carrier-00000001")
    pbx.joins("agent", "PJSIP/201-00000001")
    for _ in range(2):  # asked for again, as after a link that broke at once
        pbx.dispatcher.inherit(read, recording=frozenset({name}), paused=frozenset())
    assert pbx.given(call).count("Pause") == 1
    assert [party.role for party in pbx.call(call).parties] == [Role.AGENT]
    assert pbx.call(call).hindrances == {Hindrance.EVENTS_LOST}


def test_nothing_is_left_for_the_next_daemon_of_a_call_that_is_over() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    name = pbx.recording(call)
    pbx.dispatcher.gone(ChannelId("customer"))
    pbx.dispatcher.tell(call, events.RecordingEnded(at=NOON, recording=name))
    assert states(pbx, call)[-1] is None
    assert pbx.dispatcher.call(call) is None


EARLY = events.PauseRequested(at=NOON, cause=Reason.PAYMENT, origin="dialplan", actor="dialplan", leg=ChannelId("ivr"))


def test_a_leg_that_asked_for_a_pause_before_it_joined_pauses_the_call_that_it_joins() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.pause_early(ChannelId("ivr"), EARLY)
    assert pbx.phase(call) is Phase.RECORDING
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    assert pbx.phase(call) is Phase.PAUSING
    assert [s.leg for s in pbx.call(call).suspensions] == ["ivr"]


def test_it_does_so_once() -> None:
    """Whoever ends the pause in the call has ended it."""
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.pause_early(ChannelId("ivr"), EARLY)
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    over = events.ResumeRequested(at=NOON, cause=Reason.PAYMENT, origin="dialplan", actor="dialplan")
    pbx.dispatcher.tell(call, over)
    pbx.joins("202", "PJSIP/202-00000003")
    assert pbx.call(call).suspensions == ()


def test_a_pause_that_was_over_before_the_leg_joined_is_none() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.pause_early(ChannelId("ivr"), EARLY)
    pbx.dispatcher.resume_early(ChannelId("ivr"), Reason.PAYMENT)
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    assert pbx.call(call).suspensions == ()


def test_a_leg_that_has_gone_asks_for_nothing_any_more() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    pbx.dispatcher.pause_early(ChannelId("ivr"), EARLY)
    pbx.dispatcher.gone(ChannelId("ivr"))
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    assert pbx.call(call).suspensions == ()


def test_a_caller_who_pays_before_they_are_asked_is_paused_from_the_first_moment() -> None:
    pbx = Switched()
    pbx.dispatcher.pause_early(ChannelId("customer"), replace(EARLY, leg=ChannelId("customer")))
    call = pbx.asks("customer")
    assert [s.cause for s in pbx.call(call).suspensions] == [Reason.PAYMENT]


def test_calls_are_told_one_after_the_other_that_the_daemon_leaves() -> None:
    """So that their pauses are not all asked for at once; whoever begins meanwhile knows it already."""
    pbx = Switched()
    first, second = (pbx.is_recorded(c, agent, bridge=c) for c, agent in (("one", "201"), ("two", "202")))
    told = pbx.dispatcher.hindering(Hindrance.HANDING_OVER)
    assert (next(told), pbx.phase(first), pbx.phase(second)) == (first, Phase.PAUSING, Phase.RECORDING)
    assert pbx.call(pbx.asks("three")).hindrances == {Hindrance.HANDING_OVER}
    assert (next(told), pbx.phase(second)) == (second, Phase.PAUSING)
