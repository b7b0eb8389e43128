"""PostgreSQL restarts, hangs, dies or loses a connection: a write ends in time, says so, and the next one works."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import migrate, queries
from controller.db.cluster import users_of
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.errors import DatabaseAway
from controller.runtime.ports import Entry
from tests.integration.conftest import KEY
from tests.integration.entries import a_call, a_decision, a_question

FAR_TOO_LONG_S = 60
SHAPES: list[list[Entry]] = [[a_decision()], [a_decision(), a_call()], [a_question()]]
shapes = pytest.mark.parametrize("entries", SHAPES, ids=["a decision", "a record too", "a draw"])


@pytest.fixture
async def own_server(postgres_folder: Path) -> AsyncIterator[tuple[EmbeddedPostgres, Path]]:
    """A server that a test may ill-treat."""
    folder = postgres_folder / "ill-treated"
    async with EmbeddedPostgres(folder) as server:
        await asyncio.to_thread(migrate.upgrade, server.url)
        yield server, folder / "data"


@asynccontextmanager
async def ledger_on(url: str, *, timeout_s: float = 10.0) -> AsyncIterator[PostgresLedger]:
    engine = open_engine(url)
    yield PostgresLedger(engine, sampling_key=KEY, timeout_s=timeout_s)
    await engine.dispose()


async def away(ledger: PostgresLedger, entries: list[Entry]) -> str:
    """Write in vain; the text of the error. Fails where the write does not end by itself."""
    with pytest.raises(DatabaseAway) as error:
        await asyncio.wait_for(ledger.write(entries), FAR_TOO_LONG_S)
    return str(error.value)


async def count(engine: AsyncEngine) -> int:
    return len([row async for row in queries.decisions(engine)])


def end_all_other_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def stopped(data: Path) -> Iterator[None]:
    """Every process of a server stopped, as on a machine that hangs."""
    processes = users_of(data)
    assert processes
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@shapes
async def test_a_connection_that_died_in_the_pool_is_replaced_unnoticed(database: str, entries: list[Entry]) -> None:
    async with ledger_on(database) as ledger:
        await asyncio.gather(*(ledger.write([a_decision()]) for _ in range(4)))
        end_all_other_sessions(database)
        for _ in range(5):
            await ledger.write(entries)


async def test_a_session_ended_while_it_waits_for_a_stratum_is_begun_anew_once(
    database: str, engine: AsyncEngine
) -> None:
    async with ledger_on(database, timeout_s=FAR_TOO_LONG_S) as ledger:
        await ledger.write([a_question()])
        with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as watcher:
            other.execute("SELECT 1 FROM sampling_stratum FOR UPDATE")
            writing = asyncio.create_task(ledger.write([a_question()]))
            first = await blocked(watcher)
            watcher.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
            assert await blocked(watcher) != first
            other.rollback()
            assert len(await writing) == 1
    assert await count(engine) == 2


async def blocked(watcher: psycopg.Connection) -> int:
    """The process of the session that waits for a lock, once there is one."""
    while True:
        row = watcher.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
        if row:
            return int(row[0])
        await asyncio.sleep(0.01)


async def test_a_stratum_that_another_holds_for_too_long_is_given_up(database: str, engine: AsyncEngine) -> None:
    async with ledger_on(database, timeout_s=0.3) as ledger:
        await ledger.write([a_question()])
        with psycopg.connect(database) as other:
            other.execute("SELECT 1 FROM sampling_stratum FOR UPDATE")
            assert "did not answer within 0.3 s" in await away(ledger, [a_question()])
        await ledger.write([a_question()])
    assert await count(engine) == 2


async def test_a_write_that_is_cancelled_ends_at_once_and_writes_nothing(database: str, engine: AsyncEngine) -> None:
    async with ledger_on(database, timeout_s=FAR_TOO_LONG_S) as ledger:
        await ledger.write([a_question()])
        with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as watcher:
            other.execute("SELECT 1 FROM sampling_stratum FOR UPDATE")
            writing = asyncio.create_task(ledger.write([a_question(), a_decision()]))
            await blocked(watcher)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        await asyncio.gather(*(ledger.write([a_decision()]) for _ in range(8)))
    assert await count(engine) == 9


@shapes
async def test_a_server_that_hangs_ends_the_write_in_time_and_takes_the_next_when_it_goes_on(
    own_server: tuple[EmbeddedPostgres, Path], entries: list[Entry]
) -> None:
    server, data = own_server
    async with ledger_on(server.url, timeout_s=0.3) as ledger, ledger_on(server.url, timeout_s=0.3) as newcomer:
        await until_taken(ledger, entries)
        with stopped(data):
            for _ in range(6):
                assert "did not answer within 0.3 s" in await away(ledger, entries)
            assert "did not answer within 0.3 s" in await away(newcomer, entries)
        await until_taken(ledger, entries)
        await until_taken(newcomer, entries)


async def until_taken(ledger: PostgresLedger, entries: list[Entry]) -> None:
    """Try as the runtime does; a short time limit can be missed on a busy machine too."""
    async with asyncio.timeout(FAR_TOO_LONG_S):
        while True:
            try:
                await ledger.write(entries)
            except DatabaseAway:
                continue
            return


async def test_what_was_written_before_the_server_was_killed_is_there_afterwards(postgres_folder: Path) -> None:
    folder = postgres_folder / "killed"
    async with EmbeddedPostgres(folder) as server:
        await asyncio.to_thread(migrate.upgrade, server.url)
        engine = open_engine(server.url)
        ledger = PostgresLedger(engine, sampling_key=KEY, timeout_s=10.0)
        receipts = [(await ledger.write([a_decision()]))[0] for _ in range(50)]
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait() == -signal.SIGKILL
        for _ in range(3):
            await away(ledger, [a_decision()])
    async with EmbeddedPostgres(folder):
        receipts += [(await ledger.write([a_decision()]))[0] for _ in range(5)]
        seqs = [row.seq async for row in queries.decisions(engine)]
        await engine.dispose()
    assert [receipt.seq for receipt in receipts] == seqs


async def test_a_crash_of_one_server_process_is_survived(
    own_server: tuple[EmbeddedPostgres, Path],
) -> None:
    """PostgreSQL then ends all sessions and recovers by itself."""
    server, _ = own_server
    async with ledger_on(server.url) as ledger:
        await ledger.write([a_decision()])
        with psycopg.connect(server.url) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            await until_taken(ledger, [a_decision()])


async def test_a_database_that_is_nowhere_is_away(tmp_path: Path) -> None:
    for url in (f"postgresql://nobody@/none?host={tmp_path}", "postgresql://nobody@127.0.0.1:1/none"):
        async with ledger_on(url) as ledger:
            await away(ledger, [a_decision()])


async def test_a_database_that_is_not_migrated_is_away_not_a_refusal(empty_database: str) -> None:
    async with ledger_on(empty_database) as ledger:
        assert "not migrated" in await away(ledger, [a_decision()])
        await asyncio.to_thread(migrate.upgrade, empty_database)
        await ledger.write([a_decision()])


class Wire:
    """A TCP way to a server's socket that can go silent, with nothing closed, as a network does."""

    def __init__(self, url: str) -> None:
        self._socket = parse_qs(urlsplit(url).query)["host"][0] + "/.s.PGSQL.5432"
        self._rest = url.split("?", maxsplit=1)[0].partition("@")
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._port = 0

    @property
    def url(self) -> str:
        return f"{self._rest[0]}@127.0.0.1:{self._port}{self._rest[2]}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Wire"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self._flows.set()
            for writer in self._writers:
                writer.close()
            await server.wait_closed()

    @contextmanager
    def silent(self) -> Iterator[None]:
        self._flows.clear()
        yield
        self._flows.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        self._writers += [writer, there_writer]
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._flows.wait()
                target.write(data)
        except ConnectionError:
            pass
        target.close()


@shapes
async def test_a_network_that_goes_silent_ends_the_write_in_time(database: str, entries: list[Entry]) -> None:
    async with Wire(database).open() as wire, ledger_on(wire.url, timeout_s=0.5) as ledger:
        await until_taken(ledger, entries)
        with wire.silent():
            for _ in range(6):
                assert "did not answer within 0.5 s" in await away(ledger, entries)
        await until_taken(ledger, entries)
