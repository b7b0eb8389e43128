"""Plays a round: real calls on a real PBX, real faults, and what each who asked for a pause was told."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import yaml

from controller.db.cluster import users_of
from lab.chaos.plan import Blow, By, Fault, Payment, Round
from lab.phones import Phone, Phones
from lab.stories import Staff, connected
from lab.wire import Wire
from lab.world import ONE_AGENT_NUMBER, World, written_as_file

FOLLOWED_WITHIN_S = 20.0
"""How long a call may take to be known as answered."""
TOLD_WITHIN_S = 1.5
"""How long after the keys somebody looks whether the call is paused: what flashes by is nobody's word."""


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


class Stage:
    """A lab whose daemon reaches the PBX by a wire. Enter it before playing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wire = Wire(world.pbx.ari_url)
        self.daemon = world.daemon

    async def __aenter__(self) -> Self:
        config = yaml.safe_load(self.daemon.config.read_text())
        config["pbxs"][0]["ari"]["url"] = await self.wire.connect()
        self.daemon.config.write_text(written_as_file(config))
        await asyncio.to_thread(self.daemon.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.daemon.stop)
        await self.wire.disconnect()

    async def play(self, phones: Phones, plan: Round) -> list[Speaker]:
        """Play a round to its end; the lab is whole again afterwards."""
        staff = Staff(phones)
        numbers = [f"06399{80000 + (plan.number * 3 + place) % 9999:05}" for place in range(len(plan.payments))]
        speakers = []
        for number in numbers:  # one after the other: else nobody knows which of the agent's legs is whose
            phone = await phones.call(ONE_AGENT_NUMBER, caller=number)
            await phone.answered()
            try:
                talk = await asyncio.wait_for(connected(staff, self.daemon, phone, caller=number), FOLLOWED_WITHIN_S)
            except TimeoutError:  # the daemon was not there yet for this one: it went through, unrecorded
                await phone.hang_up()
                continue
            speakers.append(Speaker(number=number, call_id=str(talk.call["id"]), phone=talk.caller, agent=talk.agent))
        for speaker in speakers:
            await speaker.phone.play_sweep()
            speaker.began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for speaker, payment in zip(speakers, plan.payments, strict=False):
                tasks.create_task(self._speak(speaker, payment, plan.talk_s))
            tasks.create_task(self._strike(plan.blows))
        await self._mend()
        return speakers

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

    async def _strike(self, blows: Iterable[Blow]) -> None:
        began = time.monotonic()
        for blow in blows:
            await asyncio.sleep(max(0.0, began + blow.after_s - time.monotonic()))
            await self._blow(blow)

    async def _blow(self, blow: Blow) -> None:
        match blow.fault:
            case Fault.KILL_DAEMON:
                self.daemon.kill()
                await asyncio.sleep(blow.lasts_s)
                await self._mend()
            case Fault.RESTART_DAEMON:
                await asyncio.to_thread(self.daemon.stop)
                await self._mend()
            case Fault.FREEZE_DAEMON:
                with stopped([self.daemon.pid]):
                    await asyncio.sleep(blow.lasts_s)
            case Fault.FREEZE_DATABASE:
                with stopped(users_of(self.daemon.state / "postgresql" / "data")):
                    await asyncio.sleep(blow.lasts_s)
            case Fault.KILL_DATABASE:
                signalled(users_of(self.daemon.state / "postgresql" / "data"), signal.SIGKILL)
                await asyncio.sleep(blow.lasts_s)
                await self._mend()
            case Fault.CUT_WIRE:
                self.wire.cut()
            case Fault.SILENCE_WIRE:
                self.wire.silence()
                await asyncio.sleep(blow.lasts_s)
                self.wire.cut()
            case Fault.BREAK_WIRE:
                self.wire.broken = True
                self.wire.cut()
                await asyncio.sleep(blow.lasts_s)
                self.wire.broken = False

    async def _mend(self) -> None:
        """As a service manager does: a daemon that has ended is started again; then it is waited for."""
        process = self.daemon.process
        if process is None:
            await asyncio.to_thread(self.daemon.start)
            return
        with suppress(RuntimeError):
            await asyncio.to_thread(self.daemon.wait_until_ready)
            return
        await asyncio.to_thread(process.wait)
        self.daemon.process = None
        await asyncio.to_thread(self.daemon.start)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """These processes stand still for a while."""
    signalled(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        signalled(pids, signal.SIGCONT)


def signalled(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal processes; one that has just ended may be gone already."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
