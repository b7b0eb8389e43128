"""Plays a round: real calls on a real PBX, real faults, and what each who asked for a pause was told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any, Self

import yaml

from controller.errors import PbxError
from lab.chaos.faults import Trouble
from lab.chaos.plan import By, Payment, Round
from lab.disks import small_disk
from lab.phones import Phone, Phones
from lab.stories import Staff, connected
from lab.wire import Wire
from lab.world import ONE_AGENT_NUMBER, World, written_as_file

PASSING_NUMBER = "0199000022"
PASSING_AGENT = "205"
DIALPLAN = f"""
[from-trunk](+)
exten => {PASSING_NUMBER},1,Gosub(recording-consent,s,1(every))
 same => n,Dial(PJSIP/{PASSING_AGENT},30)
 same => n,Hangup()
"""
"""How somebody reaches an agent while things break."""

FOLLOWED_WITHIN_S = 20.0
"""How long a call may take to be known as answered."""
TOLD_WITHIN_S = 1.5
"""How long after the keys somebody looks whether the call is paused: what flashes by is nobody's word."""
STATE_KIB = 512 * 1024
"""Size of the disk of the daemon's state, its PostgreSQL included."""


@dataclass(slots=True, kw_only=True)
class Speaker:
    """A caller: when they began to speak, and between which moments they were told that nothing is recorded."""

    number: str
    call_id: str
    phone: Phone
    agent: Phone
    began: float = 0.0
    silent: list[tuple[float, float]] = field(default_factory=list)
    untold: int = 0
    """Pauses that were asked for and that nobody confirmed to who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a round came to. ``waited_s`` is how long somebody who passed waited for an agent; None: nobody did."""

    plan: Round
    speakers: Sequence[Speaker]
    outlived: Sequence[str]
    waited_s: float | None


class Stage:
    """A lab whose daemon reaches the PBX by a wire, and keeps its state on a small disk. Enter it before playing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.daemon = world.daemon
        self.usual_wait_s = 0.0
        """How long somebody waits for an agent where nothing is broken: the announcement, and the telephones."""
        self._wire = Wire(world.pbx.ari_url)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            config = yaml.safe_load(self.daemon.config.read_text())
            config["pbxs"][0]["ari"]["url"] = await self._wire.connect()
            stack.push_async_callback(self._wire.disconnect)
            self.daemon.config.write_text(written_as_file(config))
            disk = stack.enter_context(small_disk(self.daemon.state, kibibytes=STATE_KIB))
            self.trouble = Trouble(self.world, self._wire, disk)
            stack.push_async_callback(asyncio.to_thread, self.daemon.stop)
            await asyncio.to_thread(self.daemon.start)
            async with Phones.of(self.world.phones) as phones:
                self.usual_wait_s = await _pass(phones, "0199008999")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def play(self, phones: Phones, plan: Round) -> Played:
        """Play a round to its end; the lab is whole again afterwards."""
        speakers = [speaker async for speaker in self._callers(phones, plan)]
        for speaker in speakers:
            await speaker.phone.play_sweep()
            speaker.began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for speaker, payment in zip(speakers, plan.payments, strict=False):
                tasks.create_task(self._speak(speaker, payment, plan.talk_s))
            blows = tasks.create_task(self.trouble.strike(plan.blows))
            passing = tasks.create_task(self._passes(phones, plan))
        await self.trouble.mend()
        return Played(plan=plan, speakers=speakers, outlived=blows.result(), waited_s=passing.result())

    async def _callers(self, phones: Phones, plan: Round) -> AsyncIterator[Speaker]:
        """Those who are in conversation; one after the other: else nobody knows which of the agent's legs is whose."""
        staff = Staff(phones)
        for place in range(len(plan.payments)):
            number = f"06399{80000 + (plan.number * 3 + place) % 9999:05}"
            phone = await phones.call(ONE_AGENT_NUMBER, caller=number)
            await phone.answered()
            try:
                talk = await asyncio.wait_for(connected(staff, self.daemon, phone, caller=number), FOLLOWED_WITHIN_S)
            except TimeoutError:  # the daemon was not there yet for this one: it went through, unrecorded
                await phone.hang_up()
                continue
            yield Speaker(number=number, call_id=str(talk.call["id"]), phone=talk.caller, agent=talk.agent)

    async def _passes(self, phones: Phones, plan: Round) -> float | None:
        """Somebody calls while things break; not where the PBX itself does."""
        if any(blow.fault in self.trouble.OF_THE_PBX for blow in plan.blows):
            return None
        await asyncio.sleep(plan.passing_s)
        return await _pass(phones, f"0199008{plan.number % 999:03}")

    async def _speak(self, speaker: Speaker, payment: Payment | None, talk_s: float) -> None:
        if payment is not None:
            await asyncio.sleep(payment.after_s)
            told = await self._ask(speaker, payment, "pause")
            await asyncio.sleep(payment.lasts_s)
            over = time.monotonic()
            if told is None:
                speaker.untold += 1
            else:
                speaker.silent.append((told, over))
            await self._ask(speaker, payment, "resume")
        await asyncio.sleep(max(0.0, speaker.began + talk_s - time.monotonic()))
        await speaker.phone.hang_up()

    async def _ask(self, speaker: Speaker, payment: Payment, verb: str) -> float | None:
        """Ask for a pause or its end; when it was said to hold, or None where nobody says so."""
        if payment.by is By.KEYS:
            with suppress(Exception):
                await speaker.agent.press("*7" if verb == "pause" else "*8")
            return time.monotonic() if await self._shown_as_paused(speaker) else None
        try:
            path = f"/api/v1/calls/{speaker.call_id}/{verb}"
            status, body = await asyncio.to_thread(self.daemon.request, "POST", path)
        except OSError:
            return None
        return time.monotonic() if status == 200 and body.get("state") in {"paused", "not-recorded"} else None

    async def _shown_as_paused(self, speaker: Speaker) -> bool:
        """What an agent's screen shows by then."""
        await asyncio.sleep(TOLD_WITHIN_S)
        try:
            live: list[dict[str, Any]] = await asyncio.to_thread(self.daemon.live)
        except (OSError, RuntimeError):
            return False
        return any(str(call["id"]) == speaker.call_id and call["state"] == "paused" for call in live)


async def _pass(phones: Phones, number: str) -> float:
    """Call until an agent answers; how many seconds that took, without end where none does."""
    line = phones.agent(PASSING_AGENT)
    began = time.monotonic()
    phone = await phones.call(PASSING_NUMBER, caller=number)
    try:
        await (await line.next_call()).answered()
    except PbxError:
        return inf
    waited_s = time.monotonic() - began
    await asyncio.sleep(1)
    await phone.hang_up()
    return waited_s
