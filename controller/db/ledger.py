"""Decisions and records in PostgreSQL: the ledger that the runtime writes to.

Owns the transaction of a batch and the draws in it; the statements are in ``decisions``, ``records`` and ``strata``,
time limits and connections in ``bounded``.
"""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import decisions, records, strata
from controller.db.bounded import Attempt, BoundedConnections, Driver
from controller.domain import sampling
from controller.domain.decision import Decision
from controller.domain.sampling import Draw
from controller.runtime.ports import Entry, Receipt, SampledDecision


class PostgresLedger:
    """Fulfils ``controller.runtime.ports.Ledger``.

    ``sampling_key`` keys the choice of the sample. A write ends within ``timeout_s`` seconds. Any number of daemons may
    write at once: what they draw from the same stratum is drawn one after the other. The engine is one of
    ``controller.db.engine.open_engine``.
    """

    def __init__(self, engine: AsyncEngine, *, sampling_key: bytes, timeout_s: float = 2.0) -> None:
        self._connections = BoundedConnections(engine, timeout_s=timeout_s)
        self._key = sampling_key

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Write all entries in their order and in one transaction; a receipt for each, once it is on disk.

        Two round trips with a draw in it, else one. Raises ``DatabaseAway`` (nothing is written, or PostgreSQL went
        away in the middle of the commit) or ``DatabaseRefused`` (one entry never can be; nothing is written).
        """
        if not entries:
            return []
        if all(isinstance(entry, Decision) for entry in entries):
            return await self._connections.run(partial(_statement, entries))
        return await self._connections.run(partial(self._transaction, entries))

    async def answers(self) -> None:
        """Return where PostgreSQL answers. Raises ``DatabaseAway``."""
        await self._connections.run(_asked)

    async def _transaction(self, entries: Sequence[Entry], driver: Driver, attempt: Attempt) -> list[Receipt]:
        inserted = None
        async with driver.pipeline():
            await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            draws = await self._drawn(driver, entries)
            decided = _decided(entries, draws)
            if decided:
                inserted = await decisions.insert(driver, decided)
            await records.upsert(
                driver, [entry for entry in entries if not isinstance(entry, Decision | SampledDecision)]
            )
            attempt.committing = True
            await driver.execute("COMMIT")
        return _receipts(entries, draws, await decisions.numbers(inserted, decided) if inserted else [])

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


async def _statement(entries: Sequence[Entry], driver: Driver, attempt: Attempt) -> list[Receipt]:
    """Decisions alone are one statement, which is a transaction by itself."""
    attempt.committing = True
    decided = _decided(entries, ())
    inserted = await decisions.insert(driver, decided)
    return [Receipt(seq=seq) for seq in await decisions.numbers(inserted, decided)]


def _decided(entries: Sequence[Entry], draws: Sequence[Draw]) -> list[Decision]:
    outcomes = iter(draws)
    decided = []
    for entry in entries:
        if isinstance(entry, SampledDecision):
            decided.append(sampling.decided(entry.question, next(outcomes), entry.sampling, eligible=entry.eligible))
        elif isinstance(entry, Decision):
            decided.append(entry)
    return decided


def _receipts(entries: Sequence[Entry], draws: Sequence[Draw], numbers: Sequence[int]) -> list[Receipt]:
    outcomes, seqs = iter(draws), iter(numbers)
    return [
        Receipt(
            seq=next(seqs) if isinstance(entry, Decision | SampledDecision) else None,
            draw=next(outcomes) if isinstance(entry, SampledDecision) else None,
        )
        for entry in entries
    ]
