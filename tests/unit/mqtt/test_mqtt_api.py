"""What may be asked by MQTT, on real calls in a real dispatcher."""

import asyncio
import json

import pytest

from controller.domain import commands
from controller.domain.call import Call
from controller.faults import Code
from controller.mqtt.api import MOST_AT_ONCE, REMEMBERED, MqttApi
from controller.mqtt.client import Asked
from controller.mqtt.command import Answer, Done, Problem
from controller.runtime.requests import CallState, Verb
from tests.unit.mqtt.office import Office


class Screen:
    """Somebody who asks about one PBX; each question has its own correlation data, unless it is given."""

    def __init__(self, *offices: Office, purposes: frozenset[str] = frozenset()) -> None:
        self.api = MqttApi(root="rc", pbxs=offices, purposes=purposes)
        self._asked = 0

    async def ask(self, topic: str, payload: object, correlation: bytes | None = None) -> Answer | None:
        self._asked += 1
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        given = correlation or b"%d" % self._asked
        return await self.api.serve(Asked(topic=topic, payload=data, reply_to="answers", correlation=given))

    async def ask_call(self, call: Call, verb: str, correlation: bytes | None = None, **more: str) -> Answer | None:
        return await self.ask(f"rc/lab/calls/{call.id}/command", {"command": verb, **more}, correlation)

    async def ask_agent(self, extension: str, verb: str, **more: str) -> Answer | None:
        return await self.ask(f"rc/lab/agents/{extension}/command", {"command": verb, **more})


class Named(Office):
    """An office of which only the name is wanted."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def screen(office: Office) -> Screen:
    return Screen(office)


def test_every_pbx_is_subscribed_to() -> None:
    api = MqttApi(root="rc", pbxs=[])
    assert api.filters == []
    assert Screen(*map(Named, ("lab", "paris"))).api.filters == [
        "rc/lab/calls/+/command",
        "rc/lab/agents/+/command",
        "rc/paris/calls/+/command",
        "rc/paris/agents/+/command",
    ]


async def test_a_pause_is_answered_when_it_is_confirmed_and_names_who_asked(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    assert await screen.ask_call(call, "pause") == Done(call=call.id, state=CallState.PAUSED)
    assert await screen.ask_call(call, "resume") == Done(call=call.id, state=CallState.RECORDING)
    assert office.asked_for == [("pause", "payment", "mqtt"), ("resume", "payment-over", "mqtt")]


async def test_who_does_not_know_the_call_names_the_agent(office: Office, screen: Screen) -> None:
    other, call = await office.recorded(agent="202"), await office.recorded(agent="201")
    assert await screen.ask_agent("201", "pause") == Done(call=call.id, state=CallState.PAUSED)
    assert office.state(other) is CallState.RECORDING
    assert office.asked_for == [("pause", "payment", "agent:201")]


async def test_a_pause_reaches_every_call_of_the_agent_who_has_one_on_hold(office: Office, screen: Screen) -> None:
    held, call = await office.recorded(), await office.recorded()
    assert await screen.ask_agent("201", "pause") == Done(call=held.id, state=CallState.PAUSED)
    assert (office.state(held), office.state(call)) == (CallState.PAUSED, CallState.PAUSED)


async def test_in_which_of_the_agents_calls_anything_else_is_to_be_done_must_be_clear(
    office: Office, screen: Screen
) -> None:
    held, call = await office.recorded(), await office.recorded()
    await screen.ask_agent("201", "pause")
    answer = await screen.ask_agent("201", "resume")
    assert isinstance(answer, Problem)
    assert (answer.status, answer.code) == (409, Code.CONFLICT)
    assert await screen.ask_call(call, "resume") == Done(call=call.id, state=CallState.RECORDING)
    assert office.state(held) is CallState.PAUSED


async def test_a_pause_by_the_call_is_ended_by_the_agent_for_the_same_reason(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    await screen.ask_call(call, "pause", reason="agent-request")
    assert await screen.ask_agent("201", "resume") == Done(call=call.id, state=CallState.PAUSED)
    answer = await screen.ask_agent("201", "resume", reason="agent-request")
    assert answer == Done(call=call.id, state=CallState.RECORDING)


async def test_a_trigger_starts_what_waits_for_it_and_a_stop_ends_it(office: Office, screen: Screen) -> None:
    call = await office.talk(queue="orders")
    assert office.state(call) is CallState.NOT_RECORDED
    assert await screen.ask_call(call, "start", purpose="orders") == Done(call=call.id, state=CallState.RECORDING)
    assert await screen.ask_call(call, "stop", purpose="orders") == Done(call=call.id, state=CallState.NOT_RECORDED)


async def test_a_stop_of_another_purpose_leaves_the_recording_alone(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    answer = await screen.ask_call(call, "stop", purpose="orders")
    assert isinstance(answer, Problem)
    assert (answer.status, office.state(call)) == (404, CallState.RECORDING)


@pytest.mark.parametrize("verb", ["objection", "private"])
async def test_what_is_nobodys_business_is_recorded_no_more(office: Office, screen: Screen, verb: str) -> None:
    call = await office.recorded()
    assert await screen.ask_call(call, verb) == Done(call=call.id, state=CallState.NOT_RECORDED)
    assert office.count(commands.Discard) == 1


@pytest.mark.parametrize("verb", Verb)
async def test_a_broker_for_some_purposes_reaches_no_call_of_others(office: Office, verb: Verb) -> None:
    """Neither by the call nor by the agent: it is answered as what is not there, and nothing is done."""
    theirs, others = await office.recorded(), await office.talk(agent="202", queue="orders")
    quality = Screen(office, purposes=frozenset({"quality"}))
    told, before = len(office.commands), office.dispatcher.call(others.id)
    for answer in (await quality.ask_call(others, verb), await quality.ask_agent("202", verb)):
        assert isinstance(answer, Problem)
        assert answer == await quality.ask("rc/lab/calls/none/command", {"command": verb})
    assert (len(office.commands), office.dispatcher.call(others.id)) == (told, before)
    assert await quality.ask_call(theirs, "pause") == Done(call=theirs.id, state=CallState.PAUSED)


async def test_an_excluded_call_is_nobodys_business(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    await screen.ask_call(call, "private")
    told = len(office.commands)
    for answer in (await screen.ask_call(call, "pause"), await screen.ask_agent("201", "pause")):
        assert isinstance(answer, Problem)
        assert answer.status == 404
    assert len(office.commands) == told


async def test_what_is_proven_otherwise_is_discarded(office: Office, screen: Screen) -> None:
    call = await office.talk(queue="orders")
    await screen.ask_call(call, "start")
    assert await screen.ask_call(call, "proof") == Done(call=call.id, state=CallState.NOT_RECORDED)
    assert office.count(commands.Discard) == 1


async def test_two_commands_at_once_do_not_wait_for_each_other(office: Office, screen: Screen) -> None:
    """Asterisk does not confirm the first pause; the second is confirmed meanwhile."""
    first, second = await office.recorded(), await office.recorded(agent="202")
    office.deaf_to = (commands.Pause, commands.Stop)
    waiting = asyncio.create_task(screen.ask_call(first, "pause"))
    await office.until(lambda: office.count(commands.Pause) == 1)
    office.deaf_to = ()
    assert await screen.ask_call(second, "pause") == Done(call=second.id, state=CallState.PAUSED)
    assert not waiting.done()
    await waiting


async def test_what_records_more_is_refused_beyond_what_is_allowed_and_a_pause_waits_for_none(
    office: Office, screen: Screen
) -> None:
    held, other = await office.recorded(), await office.recorded(agent="202")
    await screen.ask_call(held, "pause")
    office.deaf_to = (commands.Resume,)
    slow = [asyncio.create_task(screen.ask_call(held, "resume")) for _ in range(MOST_AT_ONCE)]
    await asyncio.sleep(0)
    late = await screen.ask_call(held, "resume", b"late")
    assert isinstance(late, Problem)
    assert (late.status, late.code) == (503, Code.UNAVAILABLE)
    assert await screen.ask_call(other, "pause") == Done(call=other.id, state=CallState.PAUSED)
    assert not any(one.done() for one in slow)
    await asyncio.gather(*slow)
    again = await screen.ask_call(held, "resume", b"late")
    assert again is not None, "what was refused is not taken for done"


async def test_a_pause_that_asterisk_does_not_confirm_is_a_problem(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    office.deaf_to = (commands.Pause, commands.Stop)
    answer = await screen.ask_call(call, "pause")
    assert isinstance(answer, Problem)
    assert (answer.status, answer.code) == (503, Code.UNCONFIRMED)


@pytest.mark.parametrize("topic", ["rc/lab/calls/17/command", "rc/lab/agents/209/command"])
async def test_no_such_call_is_a_problem(office: Office, screen: Screen, topic: str) -> None:
    await office.recorded()
    answer = await screen.ask(topic, {"command": "pause"})
    assert isinstance(answer, Problem)
    assert (answer.status, answer.code, answer.detail) == (404, Code.NO_CALL, "no such call is under way")


async def test_garbage_is_a_problem_and_does_nothing(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    before = len(office.commands)
    answer = await screen.ask(f"rc/lab/calls/{call.id}/command", b"\xff")
    assert isinstance(answer, Problem)
    assert (answer.status, answer.code, len(office.commands)) == (400, Code.INVALID, before)


async def test_a_daemon_that_stands_by_leaves_the_answer_to_the_other(office: Office, screen: Screen) -> None:
    office.ready = False
    assert await screen.ask_agent("201", "pause") is None


async def test_a_call_that_is_known_is_paused_while_the_events_are_lost(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    office.ready = False
    assert await screen.ask_call(call, "pause") == Done(call=call.id, state=CallState.PAUSED)


@pytest.mark.parametrize("topic", ["rc/paris/agents/201/command", "rc/lab/agents/201/state", "x"])
async def test_what_is_not_ours_is_not_answered(office: Office, screen: Screen, topic: str) -> None:
    await office.recorded()
    assert await screen.ask(topic, {"command": "pause"}) is None
    assert office.asked_for == []


async def test_a_pause_that_comes_twice_is_one_pause(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    paused = Done(call=call.id, state=CallState.PAUSED)
    assert [await screen.ask_call(call, "pause", b"same") for _ in range(2)] == [paused, paused]
    assert await screen.ask_call(call, "resume") == Done(call=call.id, state=CallState.RECORDING)
    assert office.count(commands.Pause) == 1


async def test_a_resume_that_comes_again_after_the_next_pause_ends_nothing(office: Office, screen: Screen) -> None:
    """As when a sender loses its link, and sends again what it had no receipt for."""
    call = await office.recorded()
    await screen.ask_call(call, "pause")
    await screen.ask_call(call, "resume", b"same")
    await screen.ask_call(call, "pause")
    assert await screen.ask_call(call, "resume", b"same") is None
    assert office.state(call) is CallState.PAUSED
    assert await screen.ask_call(call, "resume", b"other") == Done(call=call.id, state=CallState.RECORDING)


async def test_a_pause_is_done_however_often_its_correlation_data_was_used(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    for _ in range(2):
        await screen.ask_call(call, "pause", b"always")
        assert office.state(call) is CallState.PAUSED
        await screen.ask_call(call, "resume")
    assert office.count(commands.Pause) == 2


async def test_the_memory_for_what_came_before_is_bounded(office: Office, screen: Screen) -> None:
    call = await office.recorded()
    for number in range(REMEMBERED + 1):
        await screen.ask_call(call, Verb.RESUME, b"no %d" % number)
    assert await screen.ask_call(call, Verb.RESUME, b"no 1") is None
    assert await screen.ask_call(call, Verb.RESUME, b"no 0") == Done(call=call.id, state=CallState.RECORDING)
