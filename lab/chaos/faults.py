"""Makes the faults of a round, and mends what they broke."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from controller.db.cluster import users_of
from lab.chaos import skewed
from lab.chaos.plan import Blow, Fault
from lab.disks import Disk
from lab.wire import Wire
from lab.world import World

OUTLIVES_AT_MOST_S = 10.0
"""What is promised of a recording whose daemon is no more."""

ENDS_WITHIN_S = 10.0
"""A daemon whose database is no more."""


class Trouble:
    """Whatever can be broken in a lab."""

    OF_THE_PBX: ClassVar = frozenset({Fault.FREEZE_PBX, Fault.KILL_PBX})

    def __init__(self, world: World, wire: Wire, disk: Disk) -> None:
        self._world = world
        self._daemon = world.daemon
        self._pbx = world.pbx.asterisk
        self._wire = wire
        self._disk = disk
        self._skew = world.daemon.directory / "skew"
        self._skew.write_text("0")
        world.daemon.module = skewed.__name__
        world.daemon.environ[skewed.SKEW] = str(self._skew)

    async def strike(self, blows: Iterable[Blow]) -> Sequence[str]:
        """Make these faults, each in its time; the snoop channels that outlived their daemon for too long."""
        began, outlived = time.monotonic(), list[str]()
        for blow in blows:
            await asyncio.sleep(max(0.0, began + blow.after_s - time.monotonic()))
            outlived += await self._blow(blow)
        return outlived

    async def mend(self) -> None:
        """As a service manager does: a daemon that has ended is started again; then it is waited for."""
        process = self._daemon.process
        if process is None:
            await asyncio.to_thread(self._daemon.start)
            return
        with suppress(RuntimeError):
            await asyncio.to_thread(self._daemon.wait_until_ready)
            return
        await asyncio.to_thread(process.wait)
        self._daemon.process = None
        await asyncio.to_thread(self._daemon.start)

    async def _daemon_ends(self) -> None:
        """Without its database it ends by itself; until then it may still say that it is ready."""
        if self._daemon.process is not None:
            await asyncio.to_thread(self._daemon.process.wait, ENDS_WITHIN_S)
            self._daemon.process = None

    def snoops(self) -> list[str]:
        """The snoop channels on the PBX."""
        lines = self._pbx.cli("core show channels concise").splitlines()
        return [line for line in lines if line.startswith("Snoop/")]

    async def _blow(self, blow: Blow) -> Sequence[str]:
        if blow.fault is Fault.KILL_DAEMON:
            return await self._kill_daemon(blow.lasts_s)
        await self._blow_elsewhere(blow)
        return ()

    async def _kill_daemon(self, lasts_s: float) -> Sequence[str]:
        self._daemon.kill()
        await asyncio.sleep(min(lasts_s, OUTLIVES_AT_MOST_S))
        outlived = self.snoops() if lasts_s > OUTLIVES_AT_MOST_S else ()
        await asyncio.sleep(max(0.0, lasts_s - OUTLIVES_AT_MOST_S))
        await self.mend()
        return outlived

    async def _blow_elsewhere(self, blow: Blow) -> None:  # noqa: C901, PLR0912 - one arm for each fault
        match blow.fault:
            case Fault.RESTART_DAEMON:
                await asyncio.to_thread(self._daemon.stop)
                await self.mend()
            case Fault.FREEZE_DAEMON:
                with stopped([self._daemon.pid]):
                    await asyncio.sleep(blow.lasts_s)
            case Fault.FREEZE_DATABASE:
                with stopped(users_of(self._data)):
                    await asyncio.sleep(blow.lasts_s)
            case Fault.KILL_DATABASE:
                signalled(users_of(self._data), signal.SIGKILL)
                await self._daemon_ends()
                await asyncio.sleep(blow.lasts_s)
                await self.mend()
            case Fault.FREEZE_PBX:
                with stopped([self._pbx.pid]):
                    await asyncio.sleep(blow.lasts_s)
            case Fault.KILL_PBX:
                signalled([self._pbx.pid], signal.SIGKILL)
                await asyncio.sleep(blow.lasts_s)
                await asyncio.to_thread(self._pbx.restart)
                await self.mend()
            case Fault.CUT_WIRE:
                self._wire.cut()
            case Fault.SILENCE_WIRE:
                self._wire.silence()
                await asyncio.sleep(blow.lasts_s)
                self._wire.cut()
            case Fault.BREAK_WIRE:
                self._wire.broken = True
                self._wire.cut()
                await asyncio.sleep(blow.lasts_s)
                self._wire.broken = False
            case Fault.SLOW_WIRE:
                self._wire.late_s = blow.by_s
                await asyncio.sleep(blow.lasts_s)
                self._wire.late_s = 0.0
            case Fault.FILL_DISK:
                self._disk.fill()
                await asyncio.sleep(blow.lasts_s)
                self._disk.relieve()
                await self.mend()
            case Fault.JUMP_CLOCK:
                self._skew.write_text(str(blow.by_s))
                await asyncio.sleep(blow.lasts_s)
                self._skew.write_text("0")
            case Fault.KILL_DAEMON:
                raise AssertionError(blow)

    @property
    def _data(self) -> Path:
        return self._daemon.state / "postgresql" / "data"


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
