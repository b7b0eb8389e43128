"""Decisions and records in PostgreSQL: the ledger that the runtime writes to.

Owns the transaction of a batch, the draws in it, and the end of this writer's chain; the statements are in
``decisions``, ``records`` and ``strata``, time limits and connections in ``bounded``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audit.own_chain import OwnChain
from controller.db import decisions, records, strata
from controller.db.bounded import Attempt, BoundedConnections, Driver
from controller.domain import sampling
from controller.domain.chain import BEGINNING, Link, chained
from controller.domain.decision import Decision
from controller.domain.sampling import Draw
from controller.errors import DatabaseAway, DatabaseError, DatabaseRefused, DatabaseTaken
from controller.runtime import metrics
from controller.runtime.ports import Entry, Receipt, SampledDecision

COMMAND_LINE = "command-line"
"""The writer that all commands share, and the API's changes of the registers with them."""

ATTEMPTS = 20
"""How often a write is tried where others write to the same chain."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What one transaction has done: receipts, and where the chain ends now."""

    receipts: list[Receipt]
    head: Link


class PostgresLedger:
    """Fulfils ``controller.runtime.ports.Ledger``.

    ``sampling_key`` keys the choice of the sample. Decisions are linked into the chain ``own``, to which nobody else
    writes; without one, into a chain that is shared by all who name it by ``writer``. A write ends within ``timeout_s``
    seconds. Any number of daemons may write at once: what they draw from the same stratum is
    drawn one after the other. The engine is one of ``controller.db.engine.open_engine``.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        sampling_key: bytes,
        writer: str = COMMAND_LINE,
        own: OwnChain | None = None,
        timeout_s: float = 2.0,
    ) -> None:
        self._connections = BoundedConnections(engine, timeout_s=timeout_s)
        self._key = sampling_key
        self._shared = writer
        self._own = own
        self._head: Link | None = None
        """Where our chain ends; None where that has to be looked up: at first, and where a write may have landed."""
        self._one_at_a_time = asyncio.Lock()

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Write all entries in their order and in one transaction; a receipt for each, once it is on disk.

        Two round trips with a draw in it, else one. Raises ``DatabaseAway`` (nothing is written, or PostgreSQL went
        away in the middle of the commit) or ``DatabaseRefused`` (one entry never can be; nothing is written).
        """
        if not entries:
            return []
        _compare(entries)
        async with self._one_at_a_time:
            for _ in range(ATTEMPTS):
                try:
                    written = await self._write(entries)
                except DatabaseTaken:  # written already, or others write to this chain: look where it ends
                    self._head = None
                    continue
                except DatabaseError:
                    self._head = None
                    raise
                self._head = written.head
                if self._own is not None:
                    self._own.ended(written.head)
                return written.receipts
        raise DatabaseAway("others write to the same chain all the time")

    @property
    def _writer(self) -> str:
        return self._shared if self._own is None else self._own.writer

    async def answers(self) -> None:
        """Return where PostgreSQL answers. Raises ``DatabaseAway``."""
        await self._connections.run(_asked)

    async def _write(self, entries: Sequence[Entry]) -> _Written:
        if self._head is None:
            return await self._connections.run(partial(self._carefully, entries))
        if all(isinstance(entry, Decision) for entry in entries):
            return await self._connections.run(partial(self._statement, entries, self._head))
        return await self._connections.run(partial(self._transaction, entries, self._head))

    async def _statement(self, entries: Sequence[Entry], head: Link, driver: Driver, attempt: Attempt) -> _Written:
        """Decisions alone are one statement, which is a transaction by itself."""
        linked = chained(self._writer, head, _once(_decided(entries, ())))
        await self._expect(linked[-1].link)
        attempt.committing = True
        numbers = await decisions.numbers(await decisions.insert(driver, self._writer, linked))
        return _Written(receipts=_receipts(entries, (), numbers), head=linked[-1].link)

    async def _carefully(self, entries: Sequence[Entry], driver: Driver, attempt: Attempt) -> _Written:
        """Look first where the chain ends, and what of this is there already."""
        await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        head = await self._found(await decisions.head(driver, self._writer))
        questions = {entry.question.token for entry in entries if isinstance(entry, SampledDecision)}
        there = await decisions.there(driver, _decided(entries, None), questions=questions)
        return await self._transaction(entries, head, driver, attempt, begun=True, there=there)

    async def _found(self, head: Link) -> Link:
        """The end to go on from: nobody but us writes to a chain of our own, so one that is not ours is left alone."""
        own = self._own
        if own is None or own.stands(head):
            return head
        metrics.CHAIN_DISTURBED.inc()
        ours = own.ends[-1].position
        disturbed = own.writer
        own.begin_anew()
        _log.critical("ledger.chain_disturbed", writer=disturbed, ours=ours, found=head.position, now=own.writer)
        await asyncio.to_thread(own.note)
        return BEGINNING

    async def _expect(self, end: Link) -> None:
        """Known outside the database before it is there: this process may end at any moment."""
        if self._own is not None:
            self._own.expect(end)
            await asyncio.to_thread(self._own.note)

    async def _transaction(
        self,
        entries: Sequence[Entry],
        head: Link,
        driver: Driver,
        attempt: Attempt,
        *,
        begun: bool = False,
        there: dict[str, int] | None = None,
    ) -> _Written:
        there = there or {}
        inserted = None
        async with driver.pipeline():
            if not begun:
                await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            draws = await self._drawn(driver, entries)
            new = [decision for decision in _once(_decided(entries, draws)) if decision.token not in there]
            linked = chained(self._writer, head, new)
            if linked:
                await self._expect(linked[-1].link)
                inserted = await decisions.insert(driver, self._writer, linked)
            await records.upsert(
                driver, [entry for entry in entries if not isinstance(entry, Decision | SampledDecision)]
            )
            attempt.committing = True
            await driver.execute("COMMIT")
        numbers = there | (await decisions.numbers(inserted) if inserted else {})
        return _Written(receipts=_receipts(entries, draws, numbers), head=linked[-1].link if linked else head)

    async def _drawn(self, driver: Driver, entries: Sequence[Entry]) -> list[Draw]:
        """The draw of each sampled decision, in their order."""
        sampled = [entry for entry in entries if isinstance(entry, SampledDecision)]
        if not sampled:
            return []
        states = await strata.locked(driver, [(entry.purpose, entry.stratum) for entry in sampled])
        draws = []
        for entry in sampled:
            key = (entry.purpose, entry.stratum)
            states[key], outcome = sampling.draw(
                states[key],
                entry.sampling,
                key=self._key,
                purpose=entry.purpose,
                stratum=entry.stratum,
                eligible=entry.eligible,
            )
            draws.append(outcome)
        await strata.save(driver, states)
        return draws


async def _asked(driver: Driver, _attempt: Attempt) -> None:
    await driver.execute("SELECT 1")


def _token(entry: Entry) -> str | None:
    match entry:
        case Decision(token=token):
            return token
        case SampledDecision(question=question):
            return question.token
        case _:
            return None


def _decided(entries: Sequence[Entry], draws: Sequence[Draw] | None) -> list[Decision]:
    """The decisions among the entries; without ``draws``, as they are asked."""
    outcomes = iter(draws or ())
    decided = []
    for entry in entries:
        if isinstance(entry, SampledDecision):
            asked = entry.question
            drawn = None if draws is None else next(outcomes)
            decided.append(
                asked if drawn is None else sampling.decided(asked, drawn, entry.sampling, eligible=entry.eligible)
            )
        elif isinstance(entry, Decision):
            decided.append(entry)
    return decided


def _compare(entries: Sequence[Entry]) -> None:
    """Of one token there is one decision. Raises ``DatabaseRefused``."""
    first: dict[str, Decision] = {}
    for decision in _decided(entries, None):
        known = first.setdefault(decision.token, decision)
        if decisions.essence(known) != decisions.essence(decision):
            raise DatabaseRefused(decisions.ANOTHER)


def _once(decided: Sequence[Decision]) -> list[Decision]:
    """A token that comes again says what was said before: the first time stands."""
    first: dict[str, Decision] = {}
    for decision in decided:
        first.setdefault(decision.token, decision)
    return list(first.values())


def _receipts(entries: Sequence[Entry], draws: Sequence[Draw], numbers: dict[str, int]) -> list[Receipt]:
    outcomes = iter(draws)
    return [
        Receipt(
            seq=numbers[token] if (token := _token(entry)) else None,
            draw=next(outcomes) if isinstance(entry, SampledDecision) else None,
        )
        for entry in entries
    ]
