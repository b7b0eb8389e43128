"""A caller is told and asked, by the real PBX, and what they do decides."""

import asyncio

from lab.hearing import heard
from lab.phones import Phones
from lab.stories import Staff, converse, written
from lab.world import EVERY_CALL_NUMBER, World
from tests.acceptance.conversations import audio, decided, decisions, seconds


async def test_a_caller_who_lets_the_announcement_play_is_recorded(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980101"
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await caller.answered()
    await caller.listen()
    await staff.next_call()
    await caller.play_sweep()
    await asyncio.sleep(2)
    await caller.hang_up()
    await caller.ended()
    assert await decided(world, number) == [
        ("consent", "allowed", "announced"),
        ("record", "allowed", "legal-obligation"),
        ("stop", "applied", "call-ended"),
    ]
    assert heard(caller.heard_file, world.prompt_file("quality", "fr")).share > 0.9
    [stretches] = await audio(world, number)
    assert seconds(stretches) > 1.5


async def test_a_caller_who_presses_1_is_connected_and_not_recorded(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980102"
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await caller.answered()
    await asyncio.sleep(0.5)
    await caller.press("1")
    await staff.next_call()
    await caller.play_sweep()
    await asyncio.sleep(1)
    await caller.hang_up()
    found = await decisions(world, number)
    assert [(d["kind"], d["verdict"], d["reason"]) for d in found] == [
        ("consent", "refused", "opted-out"),
        ("record", "refused", "opted-out"),
    ]
    assert found[0]["facts"]["1.key"] == "1"
    assert found[0]["facts"]["1.played_ms"] < found[0]["facts"]["1.length_ms"]
    assert await audio(world, number) == []


async def test_a_caller_who_presses_star_hears_the_information_and_is_asked_again(
    world: World, phones: Phones, staff: Staff
) -> None:
    number = "0639980103"
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await caller.answered()
    await caller.listen()
    await asyncio.sleep(0.3)
    await caller.press("*")
    await staff.next_call()
    await asyncio.sleep(0.5)
    await caller.hang_up()
    await caller.ended()
    found = await decisions(world, number)
    steps = [found[0]["facts"][f"{n}.step"] for n in (1, 2, 3)]
    assert steps == ["announcement", "information", "choice"]
    assert (found[0]["verdict"], found[0]["reason"]) == ("allowed", "announced")
    assert heard(caller.heard_file, world.prompt_file("information", "fr")).share > 0.9
    assert heard(caller.heard_file, world.prompt_file("choice", "fr")).share > 0.9


async def test_a_caller_who_hangs_up_in_the_announcement_has_not_heard_it(world: World, phones: Phones) -> None:
    number = "0639980104"
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await caller.answered()
    await asyncio.sleep(0.5)
    await caller.hang_up()
    found = await decisions(world, number)
    assert [(d["kind"], d["verdict"], d["reason"]) for d in found] == [
        ("consent", "refused", "announcement-incomplete")
    ]
    assert await audio(world, number) == []


async def test_a_key_after_the_announcement_and_before_the_agent_answers_is_an_objection(
    world: World, phones: Phones
) -> None:
    number = "0639980105"
    lines = [phones.agent(extension, answers_after=2.0) for extension in ("201", "202", "203", "204")]
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await caller.answered()
    waiting = [asyncio.create_task(line.next_call()) for line in lines]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await caller.press("1")
    agent = done.pop().result()
    await agent.answered()
    await asyncio.sleep(0.5)
    await caller.hang_up()
    assert await decided(world, number) == [
        ("consent", "allowed", "announced"),
        ("consent", "refused", "opted-out"),
        ("record", "refused", "opted-out"),
    ]
    assert await audio(world, number) == []


async def test_a_caller_by_the_stasis_door_is_asked_the_same(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980106"
    caller = await phones.call("0199000015", caller=number)
    await caller.answered()
    await caller.listen()
    await staff.next_call()
    await asyncio.sleep(0.3)
    await caller.hang_up()
    await caller.ended()
    call = await written(world.daemon, number)
    found = world.daemon.decisions(call["id"])
    assert (found[0]["kind"], found[0]["verdict"], found[0]["reason"]) == ("consent", "allowed", "announced")
    assert found[0]["facts"]["1.played_ms"] >= found[0]["facts"]["1.length_ms"] - 40
    assert found[1]["facts"]["queue"] == "support"
    assert heard(caller.heard_file, world.prompt_file("quality", "fr")).share > 0.9


async def test_a_caller_by_the_stasis_door_may_object(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980107"
    caller = await phones.call("0199000015", caller=number)
    await caller.answered()
    await asyncio.sleep(0.5)
    await caller.press("1")
    await staff.next_call()
    await asyncio.sleep(0.3)
    await caller.hang_up()
    assert (await decided(world, number))[:2] == [
        ("consent", "refused", "opted-out"),
        ("record", "refused", "opted-out"),
    ]


async def test_a_queue_member_behind_a_local_channel_is_found(world: World, phones: Phones, staff: Staff) -> None:
    number = "0639980111"
    talk = await converse(phones, staff, world.daemon, caller=number, number="0199000014")
    await asyncio.sleep(1.5)
    await talk.agent.press("*7")
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    call = await written(world.daemon, number)
    assert call["agent"] == "201"
    assert ("pause", "applied", "payment") in await decided(world, number)
