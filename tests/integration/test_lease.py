"""One daemon for each PBX: the lease is held by a connection and falls with it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from controller.db.lease import Lease
from controller.errors import DatabaseAway
from tests.integration.conftest import program

FAR_TOO_LONG_S = 60
HOLDER = """
import asyncio, sys
from controller.db.lease import Lease

async def main():
    lease = Lease(sys.argv[1], "paris")
    print("says", await lease.acquire(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def lease(database: str) -> AsyncIterator[Lease]:
    async with Lease(database, "paris", timeout_s=10.0) as one:
        assert await one.acquire()
        yield one


async def until_acquired(lease: Lease) -> None:
    async with asyncio.timeout(FAR_TOO_LONG_S):
        while not await lease.acquire():
            await asyncio.sleep(0.01)


async def test_a_second_daemon_does_not_get_the_lease_until_the_first_gives_it_up(database: str, lease: Lease) -> None:
    async with Lease(database, "paris") as second:
        assert not await second.acquire()
        assert not await second.held()
        assert await lease.held()
        await lease.release()
        assert not await lease.held()
        await until_acquired(second)
        assert await second.held()


async def test_each_pbx_has_a_lease_of_its_own(database: str, lease: Lease) -> None:
    async with Lease(database, "lyon") as other:
        assert await other.acquire()
        assert await lease.held()


async def test_a_lease_that_is_held_is_acquired_again_for_nothing(lease: Lease) -> None:
    assert await lease.acquire()
    assert await lease.held()


async def test_a_lease_is_lost_with_its_connection_and_can_be_taken_again(database: str, lease: Lease) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert not await lease.held()
    assert await lease.acquire()


async def test_a_killed_holder_frees_its_lease(database: str) -> None:
    async with program(HOLDER, database) as (holder, said), Lease(database, "paris") as heir:
        assert said == "True"
        assert not await heir.acquire()
        holder.kill()
        await until_acquired(heir)


async def test_a_session_that_does_not_answer_counts_as_lost(database: str) -> None:
    async with Lease(database, "paris", timeout_s=0.5) as lease:
        await until_acquired(lease)
        with psycopg.connect(database) as connection:
            row = connection.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGSTOP)
        try:
            assert not await asyncio.wait_for(lease.held(), FAR_TOO_LONG_S)
        finally:
            os.kill(row[0], signal.SIGCONT)
        await until_acquired(lease)


async def test_both_ends_give_a_dead_connection_up_within_ten_seconds(lease: Lease) -> None:
    """The settings that the kernel counts by: so long idle, then so many unanswered questions so far apart."""
    assert lease._connection._connection is not None
    ours = lease._connection._connection.info.get_parameters()
    assert int(ours["keepalives_idle"]) + int(ours["keepalives_interval"]) * int(ours["keepalives_count"]) < 10
    theirs: dict[str, int] = dict(
        await lease._connection.ask(
            "SELECT name, reset_val::int FROM pg_settings WHERE name LIKE 'tcp%' AND source = 'client'"
        )
    )
    assert theirs["tcp_keepalives_idle"] + theirs["tcp_keepalives_interval"] * theirs["tcp_keepalives_count"] < 10
    assert theirs["tcp_user_timeout"] < 10_000


async def test_a_lease_of_a_database_that_is_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseAway):
        await Lease(f"postgresql://nobody@/none?host={tmp_path}", "paris").acquire()
