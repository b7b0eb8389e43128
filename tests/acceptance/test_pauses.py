"""A payment in mid-call is not in the file: proven on the audio."""

import asyncio

import pytest

from controller.domain.tracking import CATCH_UP_S
from lab.phones import Phones
from lab.stories import Staff, converse, live_call
from lab.world import World
from tests.acceptance.conversations import audio, decided, gaps


async def test_a_pause_over_http_is_answered_when_it_is_confirmed(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980203"
    talk = await converse(phones, staff, world.daemon, caller=number)
    call = await live_call(world.daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    status, body = await asyncio.to_thread(world.daemon.request, "POST", f"/api/v1/calls/{call['id']}/pause")
    assert (status, body) == (200, {"call": call["id"], "state": "paused"})
    await asyncio.sleep(2)
    status, body = await asyncio.to_thread(world.daemon.request, "POST", f"/api/v1/calls/{call['id']}/resume")
    assert (status, body) == (200, {"call": call["id"], "state": "recording"})
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    [stretches] = await audio(world, number)
    [gap] = gaps(stretches)
    assert gap.end_s - gap.begin_s == pytest.approx(2.0 + CATCH_UP_S, abs=0.2)


async def test_the_api_lets_nobody_in_without_the_token(world: World) -> None:
    for token in ("", "wrong", world.daemon.token[:-1]):
        status, body = world.daemon.request("GET", "/api/v1/calls", token=token)
        assert (status, body["title"]) == (401, "Unauthorized")


async def test_a_pause_in_the_dialplan_holds_for_a_recording_that_starts_later(
    world: World, phones: Phones, staff: Staff
) -> None:
    """The caller pays in the dialplan before the agent; then talks, and is recorded only from then on."""
    number = "0639980204"
    caller = await phones.call("0199000016", caller=number)
    await caller.answered()
    await staff.next_call()
    await caller.hang_up()
    found = await decided(world, number)
    assert found.index(("pause", "applied", "payment")) < found.index(("resume", "applied", "payment-over"))


async def test_a_pause_holds_when_the_caller_is_transferred_and_asked_again(
    world: World, phones: Phones, staff: Staff
) -> None:
    number = "0639980207"
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(1)
    await talk.agent.press("*7")
    await asyncio.sleep(0.7)
    await talk.agent.press("#1")
    await asyncio.sleep(1.0)
    await talk.agent.press("701")
    await staff.next_call()
    call = await live_call(world.daemon, queue="every", state="paused")
    await talk.caller.hang_up()
    assert await decided(world, number) == [
        ("pause", "applied", "payment"),
        ("consent", "allowed", "announced"),
        ("record", "allowed", "legal-obligation"),
    ]
    assert world.daemon.recordings(call["id"]) == []
