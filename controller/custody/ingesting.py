"""Takes recordings from one PBX for as long as this daemon watches it: when a call has ended, and every minute."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Never, Protocol

import structlog

from controller.back_off import back_off_s
from controller.custody.ingest import Ingest
from controller.db.intake import Waiting, alone, waiting
from controller.errors import (
    DatabaseError,
    PbxAuthenticationFailed,
    PbxUnreachable,
    RecordingControllerError,
    StoreAway,
)
from controller.runtime import metrics
from controller.runtime.clock import now

EVERY_S = 60.0
SETTLED_S = 2.0
"""How long after the end of a call all that is said of it may take to be written."""

MOST = 1000
"""How many are looked up at a time."""

BACK = timedelta(days=1)
"""How far back an ordinary look goes: further than any call is long."""

WHOLE_EVERY = timedelta(hours=1)
"""How often all that was ever recorded is looked through."""

_AWAY = (PbxUnreachable, PbxAuthenticationFailed, StoreAway, DatabaseError)
"""What makes the next recording fail as well."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one: how many were taken, how many could not be, how many wait still."""

    taken: int = 0
    failed: int = 0
    left: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is left."""
        return self.left == 0


def _always() -> bool:
    return True


async def take_round(
    ingest: Ingest, pbx: str, *, since: datetime | None = None, while_: Callable[[], bool] = _always
) -> Round | None:
    """Take whatever waits on a PBX, one at a time; None where somebody else is doing that just now.

    One that fails by itself stays, and the next is taken. Raises ``PbxError``, ``StoreAway``, ``DatabaseError`` where
    none can be.
    """
    engine = ingest.custody.engine
    async with alone(engine, pbx) as ours:
        if not ours:
            return None
        found = await waiting(engine, pbx, since=since, most=MOST)
        metrics.INGEST_WAITING.labels(pbx).set(len(found))
        taken = failed = 0
        for one in found:
            if not while_():
                break
            if await _took(ingest, pbx, one):
                taken += 1
            else:
                failed += 1
            metrics.INGEST_WAITING.labels(pbx).set(len(found) - taken)
    return Round(taken=taken, failed=failed, left=len(found) - taken + (len(found) == MOST))


async def _took(ingest: Ingest, pbx: str, one: Waiting) -> bool:
    try:
        await ingest.take(one)
    except RecordingControllerError as error:
        metrics.INGEST_FAILURES.labels(pbx, type(error).__name__).inc()
        _log.warning("ingest.failed", pbx=pbx, recording=one.name, error=type(error).__name__, reason=str(error))
        if isinstance(error, _AWAY):
            raise
        return False
    return True


class Chore(Protocol):
    """What is looked after on a PBX beside."""

    async def look(self) -> None:
        """Do what there is to do, where it is time. Raises ``RecordingControllerError``."""
        ...


class Ingesting:
    """The rounds of one PBX. ``may`` says whether there is room for more; ``chores`` are done after each."""

    def __init__(self, ingest: Ingest, pbx: str, *, chores: Sequence[Chore], may: Callable[[], bool]) -> None:
        self._ingest = ingest
        self._pbx = pbx
        self._chores = chores
        self._may = may
        self._woken = asyncio.Event()
        self._whole_at: datetime | None = None
        """When all was looked through last and nothing was left; None: again."""

    def wake(self) -> None:
        """A call has ended."""
        self._woken.set()

    async def run(self) -> Never:
        """Until cancelled. What goes wrong here is logged, and never ends what records."""
        failures = 0
        while True:
            clean = all([await self._done(work) for work in (self._round, *(chore.look for chore in self._chores))])
            failures = 0 if clean else failures + 1
            await self._wait(EVERY_S if clean else back_off_s(failures, random.random()))  # noqa: S311 - no secret

    async def _done(self, work: Callable[[], Awaitable[bool | None]]) -> bool:
        """Whether it went as it should; what did not keeps nothing else from being done."""
        try:
            return await work() is not False
        except RecordingControllerError as error:
            _log.warning("ingest.round_failed", pbx=self._pbx, error=type(error).__name__)
        except Exception:  # noqa: BLE001 - the boundary of this task
            metrics.INGEST_FAILURES.labels(self._pbx, "unexpected").inc()
            _log.exception("ingest.broken", pbx=self._pbx)
        return False

    async def _round(self) -> bool:
        if not self._may():
            return True
        begun = now()
        recently = self._whole_at is not None and begun - self._whole_at < WHOLE_EVERY
        done = await take_round(self._ingest, self._pbx, since=begun - BACK if recently else None, while_=self._may)
        if done is None:
            return False
        if not done.clean:
            self._whole_at = None
        elif not recently:
            self._whole_at = begun
        return done.clean

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(SETTLED_S)
        self._woken.clear()
