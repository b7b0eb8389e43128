"""A payment in mid-call is not in the file: proven on the audio."""

import asyncio

import pytest

from lab.phones import Phones
from lab.stories import Staff, converse, live_call, written
from lab.world import World
from tests.acceptance.conversations import audio, decided, decisions, gaps

FRAME_S = 0.06
"""How far from two seconds apart the keys may be, and the timing of the telephones, in the audio."""


async def test_an_agents_keys_pause_and_resume(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980201"
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(2)
    await talk.agent.press("*7")
    await asyncio.sleep(2.5)
    await talk.agent.press("*8")
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    found = await decisions(world, number)
    assert [(d["kind"], d["reason"]) for d in found] == [
        ("consent", "announced"),
        ("record", "legal-obligation"),
        ("pause", "payment"),
        ("resume", "payment-over"),
        ("stop", "call-ended"),
    ]
    assert found[2]["actor"].startswith("agent:2")
    assert found[2]["facts"]["confirmed_after_ms"] < 100
    [stretches] = await audio(world, number)
    [gap] = gaps(stretches)
    assert gap.end_s - gap.begin_s == pytest.approx(2.5, abs=0.3)


async def test_the_caller_pressing_the_agents_keys_does_nothing(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980202"
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(1)
    await talk.caller.press("*7")
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    assert "pause" not in [kind for kind, _, _ in await decided(world, number)]
    [stretches] = await audio(world, number)
    assert gaps(stretches) == []


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
    assert gap.end_s - gap.begin_s == pytest.approx(2.0, abs=0.2)


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


async def test_a_pause_survives_a_blind_transfer_and_holds_for_the_leg_that_joins(
    world: World, phones: Phones, staff: Staff
) -> None:
    number = "0639980205"
    other = phones.agent("210")
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(1)
    await talk.agent.press("*7")
    await asyncio.sleep(0.7)
    await talk.agent.press("#1")
    await asyncio.sleep(1.0)
    await talk.agent.press("210")
    joined = await other.next_call()
    await joined.answered()
    await asyncio.sleep(1.5)
    await joined.press("*8")
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    found = await decisions(world, number)
    resumes = [d for d in found if d["kind"] == "resume"]
    assert [d["actor"] for d in resumes][-1] == "agent:210"
    [stretches] = await audio(world, number)
    [gap] = gaps(stretches)
    assert gap.end_s - gap.begin_s > 2.5


async def test_an_external_party_who_joins_pauses_the_recording(world: World, phones: Phones, staff: Staff) -> None:
    """An agent transfers the caller outside: nobody has asked that person."""
    number = "0639980206"
    outside = phones.callee("0199000099")
    talk = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(1)
    await talk.agent.press("#1")
    await asyncio.sleep(1.0)
    await talk.agent.press("0199000099")
    called = await outside.next_call()
    await called.answered()
    await asyncio.sleep(8)
    await talk.caller.hang_up()
    call = await written(world.daemon, number)
    reasons = [d["reason"] for d in world.daemon.decisions(call["id"]) if d["kind"] == "pause"]
    assert reasons
    [recording] = world.daemon.recordings(call["id"])
    assert recording["milliseconds"] < 5000
