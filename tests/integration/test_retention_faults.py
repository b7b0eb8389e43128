"""Runs that are killed, that meet each other, and that meet an object store which does not do as it is told."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from controller.custody import holds
from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.custody.retention import Report, Step, run
from controller.db.engine import open_engine
from controller.db.locks import tried
from controller.domain.records import StoredRecord
from controller.domain.retention import FINISH, Fate
from controller.errors import UnderWay
from controller.runtime.ports import Entry, Ledger, Receipt
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.conftest import KEY, program
from tests.integration.stores import (
    MASTER,
    after,
    ask,
    broken_chains,
    call_of,
    custody,
    decided,
    folder_of,
    put,
    seen,
    vault,
)

__all__ = ["custody", "vault"]

RUNS = """
import asyncio, sys
from controller.custody.retention import run
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.store.keys import MasterKeys
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.stores import a_custody, after

database, folder, master, key = sys.argv[1:]

async def main():
    engine = open_engine(database)
    ledger = PostgresLedger(engine, sampling_key=bytes.fromhex(key), timeout_s=10.0)
    custody = a_custody(engine, ledger, Vault(ObjectStore(folder), MasterKeys.read(master)))
    print("says ready", flush=True)
    await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    print("done", flush=True)

asyncio.run(main())
"""


class Killed(Exception):  # noqa: N818 - what it stands for
    """The process ends here."""


class FewDeletions(ObjectStore):
    """A store whose process ends instead of a later deletion; ``before`` or after it is done."""

    left = 0
    before = True

    def delete(self, name: str) -> None:
        self.left -= 1
        if self.left < 0 and self.before:
            raise Killed
        super().delete(name)
        if self.left < 0:
            raise Killed


class FewWrites:
    """A ledger whose process ends instead of a later write, before or after it is durable."""

    def __init__(self, ledger: Ledger, left: int, *, before: bool) -> None:
        self._ledger = ledger
        self._left = left
        self._before = before

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        self._left -= 1
        if self._left < 0 and self._before:
            raise Killed
        receipts = await self._ledger.write(entries)
        if self._left < 0:
            raise Killed
        return receipts

    async def answers(self) -> None:
        await self._ledger.answers()


async def ran(custody: Custody, steps: list[Step] | None = None) -> Report:
    tell = steps.append if steps is not None else lambda _step: None
    return await run(custody, at=after(months=6), dry_run=False, actor="cli:dpo", tell=tell)


def check_all_is_gone(custody: Custody, database: str, made: Sequence[StoredRecord]) -> None:
    """Every recording is destroyed whole, decided about once, and the chain holds."""
    assert [seen(database, one).state for one in made] == ["destroyed"] * len(made)
    assert list(custody.vault.objects.names()) == []
    assert decided(database) == [("erase", "applied", "retention-over")] * len(made)
    assert len(ask(database, "SELECT 1 FROM erasure")) == len(made)
    assert broken_chains(database) == []


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("left", range(4))
async def test_a_run_that_ends_at_a_write_is_finished_by_the_next(
    custody: Custody, database: str, left: int, *, before: bool
) -> None:
    made = [await put(custody), await put(custody)]
    with pytest.raises(Killed):
        await ran(replace(custody, ledger=FewWrites(custody.ledger, left, before=before)))
    await until_free(custody)
    await ran(custody)
    check_all_is_gone(custody, database, made)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("left", range(4))
async def test_a_run_that_ends_at_an_object_is_finished_by_the_next(
    custody: Custody, database: str, left: int, *, before: bool
) -> None:
    made = [await put(custody), await put(custody)]
    store = FewDeletions(custody.vault.objects.url)
    store.left, store.before = left, before
    with pytest.raises(Killed):
        await ran(replace(custody, vault=Vault(store, custody.vault.masters)))
    touched = [one for one in made if seen(database, one).state != "stored"]
    assert touched
    assert not any(seen(database, one).has_key for one in touched)
    await until_free(custody)
    steps: list[Step] = []
    await ran(custody, steps)
    assert [step.what for step in steps].count(FINISH) == 1
    check_all_is_gone(custody, database, made)


async def test_a_process_that_is_killed_at_any_moment_leaves_nothing_that_the_next_does_not_finish(
    custody: Custody, database: str
) -> None:
    made = [await put(custody) for _ in range(60)]
    arguments = (database, custody.vault.objects.url, MASTER, KEY.hex())
    broken_off = 0
    for _ in range(4):
        async with program(RUNS, *arguments) as (process, said):
            assert said == "ready"
            await gone_some(database, beyond=len(gone(database)))
            await asyncio.sleep(random.uniform(0, 0.05))
            process.kill()
            await process.wait()
        broken_off += len(gone(database)) < len(made)
    assert broken_off
    assert not ask(database, "SELECT 1 FROM stored WHERE state <> 'stored' AND sealed_key IS NOT NULL")
    await until_free(custody)
    await ran(custody)
    check_all_is_gone(custody, database, made)


def gone(database: str) -> list[object]:
    return list(ask(database, "SELECT recording FROM stored WHERE state <> 'stored'"))


async def gone_some(database: str, *, beyond: int) -> None:
    """Wait until a run has begun to destroy."""
    while len(gone(database)) <= beyond:
        await asyncio.sleep(0.01)


async def until_free(custody: Custody) -> None:
    """Wait until PostgreSQL has noticed that whoever had the lock is dead."""
    while True:
        async with tried(custody.engine, "retention") as ours:
            if ours:
                return
        await asyncio.sleep(0.05)


async def test_of_two_runs_at_once_one_does_it_and_the_other_says_so(custody: Custody, database: str) -> None:
    made = [await put(custody) for _ in range(20)]
    met: list[bool] = []

    async def another() -> None:
        while not met:
            try:
                await ran(custody)
            except UnderWay:
                met.append(True)
                return
            await asyncio.sleep(0)

    began = asyncio.Event()

    def tell(_step: Step) -> None:
        began.set()

    first = asyncio.create_task(run(custody, at=after(months=6), dry_run=False, actor="daemon", tell=tell))
    await began.wait()
    await another()
    await first
    assert met == [True]
    check_all_is_gone(custody, database, made)


async def test_one_recording_that_the_store_does_not_give_up_stops_no_other(custody: Custody, database: str) -> None:
    made = [await put(custody) for _ in range(3)]
    stuck = made[1]
    assert stuck.object is not None
    path = folder_of(custody.vault) / stuck.object
    path.unlink()
    path.mkdir()
    (path / "in the way").touch()
    steps: list[Step] = []
    report = await ran(custody, steps)
    assert (report.done[Fate.DESTROY], report.troubles) == (2, 1)
    [trouble] = [step for step in steps if step.trouble]
    assert trouble.holding.name == stuck.recording
    assert seen(database, stuck).state == "destroying"
    assert not seen(database, stuck).has_key
    assert (await ran(custody)).troubles == 1
    (path / "in the way").unlink()
    path.rmdir()
    assert (await ran(custody)).done == {FINISH: 1}
    check_all_is_gone(custody, database, made)


async def test_a_hold_that_is_placed_while_a_run_is_under_way_holds(custody: Custody, database: str) -> None:
    """The run has read that the recording is due; the hold comes before its turn."""
    made = [await put(custody), await put(custody)]
    last = max(made, key=lambda one: one.recording)
    first = min(made, key=lambda one: one.recording)
    async with AsyncExitStack() as stack:
        engine = open_engine(database)
        stack.push_async_callback(engine.dispose)
        elsewhere = replace(custody, engine=engine, locks=asyncio.Semaphore(2))
        async with alone_with(elsewhere, call_of(first)):
            running = asyncio.create_task(ran(custody))
            await waits_for_a_lock(database)
            await holds.place(elsewhere, call_of(last), "a claim", None, actor="cli:dpo")
        report = await running
    assert (report.done[Fate.DESTROY], report.done[Fate.KEEP]) == (1, 1)
    assert seen(database, last).has_key
    assert not seen(database, first).has_key


async def test_a_hold_waits_for_whoever_destroys_something_of_the_call_at_this_moment(
    custody: Custody, database: str
) -> None:
    """Else somebody would be told that a hold stands on what is being destroyed."""
    kept = await put(custody)
    async with alone_with(custody, call_of(kept)):
        placing = asyncio.create_task(holds.place(custody, call_of(kept), "a claim", None, actor="cli:dpo"))
        await waits_for_a_lock(database)
        assert await holds.holds(custody) == []
    placed = await placing
    assert await holds.holds(custody) == [placed]


async def waits_for_a_lock(database: str) -> None:
    async with asyncio.timeout(60):
        while not ask(database, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            await asyncio.sleep(0.01)
