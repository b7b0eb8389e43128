"""A PBX that stands still for a moment, as on a host that is overloaded: afterwards its audio is late."""

import asyncio
import signal
import time

import pytest

from lab.phones import Phones
from lab.stories import Conversation, Staff, converse
from lab.world import World
from tests.acceptance.conversations import audio, decided

SECONDS = (0.05, 0.2, 0.28, 2.0)
"""Up to 0.3 s nobody need feel it."""
BEGINS_S = 0.25
"""How long after somebody asks for a pause something may be heard."""
READ_S = 0.02
"""How sharply the end of a pause is read off the sweep."""


async def stand_still(world: World, seconds: float) -> None:
    world.pbx.asterisk.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        world.pbx.asterisk.signal(signal.SIGCONT)


async def pause(world: World, conversation: Conversation, verb: str = "pause") -> bool:
    """Ask for it as an agent's screen does, again where the PBX stands still; whether it is said to be so."""
    path = f"/api/v1/calls/{conversation.call['id']}/{verb}"
    status, _ = await asyncio.to_thread(world.daemon.request, "POST", path)
    return status == 200


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("when", ["before", "in"])
async def test_nothing_of_a_pause_is_in_a_file_after_a_standstill(
    world: World, phones: Phones, staff: Staff, when: str, seconds: float
) -> None:
    number = f"0639980{4 if when == 'before' else 5}0{SECONDS.index(seconds)}"
    conversation = await converse(phones, staff, world.daemon, caller=number)
    began = time.monotonic()
    await asyncio.sleep(1.5)
    if when == "before":
        await stand_still(world, seconds)
        await asyncio.sleep(0.3)
    assert await pause(world, conversation)
    paused = time.monotonic() - began
    await asyncio.sleep(0.5)
    if when == "in":
        await stand_still(world, seconds)
    await asyncio.sleep(1.5)
    over = time.monotonic() - began
    assert await pause(world, conversation, "resume")
    await asyncio.sleep(2)
    await conversation.caller.hang_up()
    found = await audio(world, number)
    for stretch in [stretch for file in found for stretch in file]:
        assert stretch.end_s < paused + BEGINS_S or stretch.begin_s > over - READ_S, (paused, over, found)
    assert any(stretch.end_s > over + 0.5 for file in found for stretch in file), "nothing goes on"
    assert [kind for kind, _, _ in await decided(world, number)][-1] == "stop"


async def test_a_pause_while_the_pbx_stands_still_is_a_stop_and_a_quarantine(
    world: World, phones: Phones, staff: Staff
) -> None:
    number = "0639980461"
    conversation = await converse(phones, staff, world.daemon, caller=number)
    await asyncio.sleep(1.5)
    standing = asyncio.create_task(stand_still(world, 2.0))
    await asyncio.sleep(0.1)
    assert not await pause(world, conversation)
    await standing
    await asyncio.sleep(1)
    await conversation.caller.hang_up()
    reasons = await decided(world, number)
    assert ("stop", "applied", "pause-unconfirmed") in reasons
    assert ("retain", "applied", "pause-unconfirmed") in reasons
    assert await audio(world, number) == []
