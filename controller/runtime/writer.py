"""Hands decisions and records to the ledger, in the order in which they were taken.

What gathers while one transaction is under way goes into the next, so a commit costs a share of one fsync. Two kinds:
``commit`` for what something waits for, given up at once when the database is away (no decision, no recording);
``log`` for what has happened already, kept in the journal and tried again until the ledger has it, by this process or
by the next one.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from controller.domain.decision import Decision
from controller.domain.records import Record
from controller.errors import DatabaseAway, DatabaseRefused
from controller.runtime import metrics
from controller.runtime.ports import Journal, Ledger, Receipt, SampledDecision

BATCH = 200
"""Entries in one transaction, at most."""

MOST_WAITING = 200_000
"""Entries kept while the database is away; beyond, what nothing waits for is lost, loudly."""

RETRY_S = 0.5

PROBE_S = 1.0
"""How long nothing is written before the database is asked whether it is still there."""

Done = Callable[[Receipt | None], None]
"""Called with the receipt, or None where the entry could not be made durable."""

OnDatabase = Callable[[bool], None]
"""Called with False when the database has gone away, with True when it is there again."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """``number`` is that of its line in the journal; 0 for what is not in it."""

    entry: Decision | SampledDecision | Record
    done: Done | None
    number: int = 0


def _nobody_asks(_there: bool) -> None:  # noqa: FBT001 - fulfils OnDatabase
    """Where nobody wants to know."""


class Writer:
    """The one place from which this daemon writes what it decides about calls."""

    def __init__(self, ledger: Ledger, journal: Journal, *, on_database: OnDatabase = _nobody_asks) -> None:
        self._ledger = ledger
        self._journal = journal
        self._on_database = on_database
        self._waiting: deque[_Waiting] = deque(_Waiting(entry, None, number) for number, entry in journal.waiting)
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._left_until = max((number for number, _ in journal.waiting), default=0)
        self._caught_up = asyncio.Event()
        self.last_error = ""
        """Why the last write failed; empty once one has succeeded."""
        if self._waiting:
            self._something.set()
            self._idle.clear()
        else:
            self._caught_up.set()

    @property
    def trouble(self) -> str:
        """Why decisions cannot be written; empty where they can."""
        return self.last_error or self._journal.trouble

    def commit(self, entry: Decision | SampledDecision, done: Done) -> None:
        """Write this, and say whether it is durable. Tried once."""
        self._add(_Waiting(entry, done))

    def log(self, entry: Decision | Record) -> None:
        """Write this as soon as the database takes it."""
        if len(self._waiting) >= MOST_WAITING:
            metrics.LOST_ENTRIES.inc()
            _log.critical("writer.full", kept=MOST_WAITING)
            return
        self._add(_Waiting(entry, None, self._journal.append(entry)))

    async def caught_up(self) -> None:
        """Wait until the ledger has, or has refused, what a former process left in the journal."""
        await self._caught_up.wait()

    async def flushed(self, *, within_s: float) -> None:
        """Wait for the ledger so long, then as long again until what it has not taken is safe in the journal."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("writer.left_in_journal", entries=len(self._waiting))
        try:
            async with asyncio.timeout(within_s):
                await self._journal.synced()
        except TimeoutError:
            _log.critical("writer.not_in_journal", entries=len(self._waiting), reason=self._journal.trouble)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            if not await self._anything():
                await self._probe()
                continue
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            await self._write(batch)
            metrics.BACKLOG.set(len(self._waiting))
            if not self._waiting:
                self._something.clear()
                self._idle.set()

    async def _anything(self) -> bool:
        """Wait for something to write, but not for long."""
        try:
            async with asyncio.timeout(PROBE_S):
                await self._something.wait()
        except TimeoutError:
            return False
        return True

    async def _probe(self) -> None:
        """See whether the database is there, though there is nothing to write: recordings under way depend on it."""
        try:
            await self._ledger.answers()
        except DatabaseAway as error:
            self._away(str(error))
        else:
            if not self._waiting:
                self._there()

    def _add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._something.set()
        self._idle.clear()

    def _away(self, reason: str) -> None:
        before, self.last_error = self.last_error, reason
        if reason != before:
            _log.error("writer.database_away", reason=reason)
        if not before:
            self._on_database(False)

    def _there(self) -> None:
        before, self.last_error = self.last_error, ""
        if before:
            self._on_database(True)

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            with metrics.COMMIT_SECONDS.time():
                receipts = await self._ledger.write([waiting.entry for waiting in batch])
        except DatabaseAway as error:
            await self._put_back(batch, str(error))
        except DatabaseRefused as error:
            self._there()
            await self._isolate(batch, str(error))
        else:
            self._reached(batch)
            for waiting, receipt in zip(batch, receipts, strict=True):
                if waiting.done is not None:
                    waiting.done(receipt)
            self._there()

    def _reached(self, batch: list[_Waiting]) -> None:
        last = max(waiting.number for waiting in batch)
        if last:
            self._journal.reached(last)
        if last >= self._left_until:
            self._caught_up.set()

    async def _put_back(self, batch: list[_Waiting], reason: str) -> None:
        """Give up whatever something waits for, however far behind; keep the rest, in its order."""
        everything = (*batch, *self._waiting)
        self._waiting = deque(waiting for waiting in everything if waiting.done is None)
        self._away(reason)
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
        if not isinstance(entry, SampledDecision):
            self._journal.refuse(entry)
        self._reached(batch)
        if done is not None:
            done(None)
