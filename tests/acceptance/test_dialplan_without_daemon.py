"""What goes on a PBX, with nobody to ask: calls go through, unrecorded, and nobody waits.

Law 6 of the design, on a real PBX. A listener that accepts and never answers stands for a controller that hangs: the
kernel goes on taking connections for it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from lab.pbx import QUEUE_MEMBERS, Instance, Plan
from lab.phones import Phone, Phones

CALLER = "0639980001"
SUPPORT = "0199000010"
ABROAD = "0199000099"


@dataclass(slots=True)
class Hanging:
    """A controller that hangs, and those who wait for it."""

    connections: asyncio.Queue[asyncio.StreamWriter] = field(default_factory=asyncio.Queue)

    async def asked(self) -> asyncio.StreamWriter:
        """Wait until the PBX asks."""
        async with asyncio.timeout(10):
            return await self.connections.get()


@pytest.fixture
async def phones(pbx: Instance, phones_asterisk: Instance) -> AsyncIterator[Phones]:
    async with Phones.of(phones_asterisk) as telephones:
        yield telephones
    await nobody_on(pbx)


@pytest.fixture(autouse=True)
def no_controller(pbx: Instance) -> Iterator[None]:
    """A PBX that no controller has told anything, before and after."""
    forget_controller(pbx)
    yield
    forget_controller(pbx)


@asynccontextmanager
async def hanging_controller(plan: Plan) -> AsyncIterator[Hanging]:
    """Accept what comes, and say nothing."""
    hanging = Hanging()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.connections.put_nowait(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", plan.fastagi)
    try:
        yield hanging
    finally:
        server.close()
        while not hanging.connections.empty():
            hanging.connections.get_nowait().close()
        await server.wait_closed()


def set_global(pbx: Instance, name: str, value: str) -> None:
    pbx.asterisk.cli(f'dialplan set global {name} "{value}"')


def forget_controller(pbx: Instance) -> None:
    set_global(pbx, "RC_ALIVE_UNTIL", "")
    set_global(pbx, "RC_PATIENCE", "")


def said_to_be_alive(pbx: Instance, seconds: int) -> None:
    """Have the controller's word that it lives until so many seconds from now (from a second ago, when negative)."""
    set_global(pbx, "RC_ALIVE_UNTIL", str(int(time.time()) + seconds))


async def rung_agent(phones: Phones) -> Phone:
    """Return the telephone, of whichever member of the queue, where the call arrives."""
    lines = [phones.agent(extension) for extension in QUEUE_MEMBERS]
    tasks = [asyncio.create_task(line.next_call()) for line in lines]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return done.pop().result()


async def reach_an_agent(phones: Phones) -> Phone:
    """Call the support queue until an agent speaks with the caller; return the caller's telephone."""
    agent = asyncio.create_task(rung_agent(phones))
    caller = await phones.call(SUPPORT, caller=CALLER)
    await (await agent).answered()
    await caller.answered()
    return caller


def variables_of_trunk(pbx: Instance) -> dict[str, str]:
    """Return the variables of the one channel of the PBX's trunk; the list may still show one that is gone."""
    listed = set(re.findall(r"^(PJSIP/trunk-\w+)!", pbx.asterisk.cli("core show channels concise"), re.MULTILINE))
    described = [pbx.asterisk.cli(f"core show channel {name}") for name in listed]
    (told,) = [text for text in described if "is not a known channel" not in text]
    return dict(re.findall(r"^(RC_\w+)=(.*)$", told, re.MULTILINE))


async def nobody_on(pbx: Instance) -> None:
    """Wait until no channel is left on the PBX, nor in its list, where one outlives the count of those active."""
    async with asyncio.timeout(10):
        while pbx.asterisk.cli("core show channels concise").strip() or not pbx.asterisk.cli(
            "core show channels count"
        ).startswith("0 active"):
            await asyncio.sleep(0.02)


UNREACHABLE = {"RC_VERDICT": "refused", "RC_REASON": "controller-unreachable", "RC_CALL": "", "RC_HANGUP": "no"}


async def test_a_call_reaches_its_queue_when_no_controller_was_ever_there(pbx: Instance, phones: Phones) -> None:
    await reach_an_agent(phones)
    assert variables_of_trunk(pbx) == UNREACHABLE


async def test_a_call_reaches_its_queue_when_the_controller_has_just_died(pbx: Instance, phones: Phones) -> None:
    said_to_be_alive(pbx, 60)
    await reach_an_agent(phones)
    assert variables_of_trunk(pbx)["RC_REASON"] == "controller-unreachable"


async def test_nobody_asks_a_controller_that_no_longer_says_it_lives(pbx: Instance, phones: Phones, plan: Plan) -> None:
    async with hanging_controller(plan) as controller:
        said_to_be_alive(pbx, -1)
        await reach_an_agent(phones)
        assert controller.connections.empty()
        assert variables_of_trunk(pbx)["RC_VERDICT"] == "refused"


async def test_a_caller_is_sent_on_when_the_controller_hangs_while_it_is_asked(
    pbx: Instance, phones: Phones, plan: Plan
) -> None:
    async with hanging_controller(plan) as controller:
        said_to_be_alive(pbx, 60)
        set_global(pbx, "RC_PATIENCE", "1")
        await reach_an_agent(phones)
        assert controller.connections.qsize() == 1
        assert variables_of_trunk(pbx)["RC_REASON"] == "controller-unreachable"


async def test_a_caller_who_hangs_up_leaves_no_channel_with_a_controller_that_hangs(
    pbx: Instance, phones: Phones, plan: Plan
) -> None:
    async with hanging_controller(plan) as controller:
        said_to_be_alive(pbx, 60)
        caller = await phones.call(SUPPORT, caller=CALLER)
        asked = await controller.asked()
        await caller.hang_up()
        await nobody_on(pbx)
        asked.close()


async def test_an_outbound_call_is_connected_when_no_controller_is_there(pbx: Instance, phones: Phones) -> None:
    callee = phones.callee(ABROAD)
    agent = await phones.call(ABROAD, agent="201")
    await (await callee.next_call()).answered()
    await agent.answered()
    assert variables_of_trunk(pbx) == UNREACHABLE


async def test_a_callee_who_hangs_up_leaves_no_channel_with_a_controller_that_hangs(
    pbx: Instance, phones: Phones, plan: Plan
) -> None:
    async with hanging_controller(plan) as controller:
        said_to_be_alive(pbx, 60)
        callee = phones.callee(ABROAD)
        await phones.call(ABROAD, agent="201")
        asked = await controller.asked()
        await (await callee.next_call()).hang_up()
        await nobody_on(pbx)
        asked.close()


async def test_a_payment_goes_on_and_says_that_nothing_is_paused(pbx: Instance, phones: Phones) -> None:
    agent = asyncio.create_task(rung_agent(phones))
    await phones.call("0199000016", caller=CALLER)
    await (await agent).answered()
    assert variables_of_trunk(pbx)["RC_PAUSED"] == "no"


async def test_the_door_by_stasis_lets_a_call_through_when_nobody_keeps_it(phones: Phones) -> None:
    agent = asyncio.create_task(rung_agent(phones))
    await phones.call("0199000015", caller=CALLER)
    await (await agent).answered()


def test_the_dialplan_loads_without_a_warning(pbx: Instance) -> None:
    before = len(pbx.asterisk.log())
    for command in ("dialplan reload", "module reload res_ari.so", "module reload http"):
        pbx.asterisk.cli(command)
    assert re.findall(r".*(?:WARNING|ERROR).*", pbx.asterisk.log()[before:]) == []
