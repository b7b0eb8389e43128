"""Hands decisions and records to the ledger, in the order in which they were taken.

What gathers while one transaction is under way goes into the next, so a commit costs a share of one fsync. Two kinds:
``commit`` for what something waits for, given up at once when the database is away (no decision, no recording);
``log`` for what has happened already, kept and tried again until it is written.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.domain.decision import Decision
from controller.errors import DatabaseAway, DatabaseRefused
from controller.runtime import metrics
from controller.runtime.ports import Entry, Ledger, Receipt

BATCH = 200
"""Entries in one transaction, at most."""

MOST_WAITING = 200_000
"""Entries kept while the database is away; beyond, what nothing waits for is lost, loudly."""

RETRY_S = 0.5

Done = Callable[[Receipt | None], None]
"""Called with the receipt, or None where the entry could not be made durable."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    done: Done | None


class Writer:
    """The one place from which this daemon writes what it decides about calls."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[_Waiting] = deque()
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.last_error = ""
        """Why the last write failed; empty once one has succeeded."""

    def commit(self, entry: Entry, done: Done) -> None:
        """Write this, and say whether it is durable. Tried once."""
        self._add(_Waiting(entry, done))

    def log(self, entry: Entry) -> None:
        """Write this as soon as the database takes it."""
        if len(self._waiting) >= MOST_WAITING:
            metrics.LOST_ENTRIES.inc()
            _log.critical("writer.full", kept=MOST_WAITING)
            return
        self._add(_Waiting(entry, None))

    async def flushed(self) -> None:
        """Wait until nothing waits to be written."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._something.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            await self._write(batch)
            metrics.BACKLOG.set(len(self._waiting))
            if not self._waiting:
                self._something.clear()
                self._idle.set()

    def _add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._something.set()
        self._idle.clear()

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            with metrics.COMMIT_SECONDS.time():
                receipts = await self._ledger.write([waiting.entry for waiting in batch])
        except DatabaseAway as error:
            await self._put_back(batch, str(error))
        except DatabaseRefused as error:
            self.last_error = ""
            await self._isolate(batch, str(error))
        else:
            self.last_error = ""
            for waiting, receipt in zip(batch, receipts, strict=True):
                if waiting.done is not None:
                    waiting.done(receipt)

    async def _put_back(self, batch: list[_Waiting], reason: str) -> None:
        """Give up whatever something waits for, however far behind; keep the rest, in its order."""
        if reason != self.last_error:
            _log.error("writer.database_away", reason=reason)
        self.last_error = reason
        everything = (*batch, *self._waiting)
        self._waiting = deque(waiting for waiting in everything if waiting.done is None)
        for waiting in everything:
            if waiting.done is not None:
                waiting.done(None)
        await asyncio.sleep(RETRY_S if self._waiting else 0)

    async def _isolate(self, batch: list[_Waiting], reason: str) -> None:
        """Something in the batch can never be written: find it, so that the rest is, in its order."""
        if len(batch) > 1:
            self._waiting.extendleft(reversed(batch))
            for _ in batch:
                if self.last_error:
                    return
                await self._write([self._waiting.popleft()])
            return
        entry, done = batch[0].entry, batch[0].done
        metrics.LOST_ENTRIES.inc()
        kind = entry.kind.value if isinstance(entry, Decision) else type(entry).__name__
        _log.critical("writer.entry_refused", entry=kind, reason=reason)
        if done is not None:
            done(None)
