"""What a daemon does by itself about retention."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from controller.custody.custody import Custody
from controller.custody.routine import Routine
from controller.db.engine import open_engine
from controller.db.locks import tried
from controller.domain.policy import Period
from controller.runtime import metrics
from controller.runtime.clock import now
from tests.integration.stores import PURPOSES, QUALITY, a_policy, after, ask, custody, decided, put, seen, vault

__all__ = ["custody", "vault"]
SOON = timedelta(milliseconds=20)


@asynccontextmanager
async def running(routine: Routine) -> AsyncIterator[list[Any]]:
    """The routine at work, and its log."""
    with capture_logs() as log:
        task = asyncio.create_task(routine.run())
        yield log
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        del task
        # Whoever is cancelled while PostgreSQL answers leaves a cursor to the end of its connection (SQLAlchemy 2.1).
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def until_logged(log: list[Any], event: str, times: int = 1) -> list[Any]:
    while len(found := [entry for entry in log if entry["event"] == event]) < times:
        await asyncio.sleep(0.01)
    return found


def counted(reason: str) -> float:
    return float(metrics.DESTROYED.labels(reason)._value.get())


async def test_what_is_due_is_destroyed_and_counted_again_and_again(custody: Custody, database: str) -> None:
    before = counted("retention-over")
    async with running(Routine(custody, every=SOON)) as log:
        for round_ in (1, 2):
            due = await put(custody, due_at=now())
            [*_, done] = await until_logged(log, "retention.done", round_)
            assert done["destroyed"] == 1
            assert seen(database, due).state == "destroyed"
    assert counted("retention-over") == before + 2
    assert ask(database, "SELECT DISTINCT actor FROM decision") == [("retention",)]


async def test_a_policy_that_would_change_dates_is_told_once_and_again_when_it_changes(custody: Custody) -> None:
    await put(custody, due_at=now() + timedelta(days=1))
    policies = [a_policy()]
    routine = Routine(replace(custody, policy=lambda: policies[-1]), every=SOON)
    async with running(routine) as log:
        [told] = await until_logged(log, "retention.policy_differs")
        assert (told["purpose"], told["change"], told["recordings"]) == ("quality", "sooner", 1)
        await put(custody, due_at=now())
        await until_logged(log, "retention.done")
        assert len(await until_logged(log, "retention.policy_differs")) == 1
        policies.append(a_policy({**PURPOSES, "quality": replace(QUALITY, retention=Period(years=9))}))
        await routine.policy_changed()
        [_, later] = await until_logged(log, "retention.policy_differs", 2)
        assert later["change"] == "later"


async def test_a_database_that_is_away_is_waited_for(custody: Custody) -> None:
    nowhere = open_engine("postgresql://nobody@127.0.0.1:1/none")
    async with running(Routine(replace(custody, engine=nowhere), every=SOON)) as log:
        assert len(await until_logged(log, "retention.not_run", 2)) >= 2
    await nowhere.dispose()


async def test_whoever_finds_another_at_it_comes_again_later(custody: Custody, database: str) -> None:
    due = await put(custody, due_at=after(months=1))
    async with tried(custody.engine, "retention") as ours:
        assert ours
        async with running(Routine(custody, every=SOON)) as log:
            await until_logged(log, "retention.under_way_elsewhere", 2)
    assert seen(database, due).has_key
    async with running(Routine(custody, every=SOON)) as log:
        await until_logged(log, "retention.done")
    assert seen(database, due).state == "destroyed"
    assert len(decided(database)) == 1
