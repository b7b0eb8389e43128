"""The journal between a daemon and PostgreSQL: what was decided reaches it once, in order, whatever ends meanwhile."""

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from controller.db import migrate
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Kind, Reason
from controller.domain.names import Token
from controller.journal.journal import Journal
from controller.journal.lines import Kept, written
from controller.journal.segments import Segments, contents
from controller.runtime.writer import Writer
from tests.integration.commands import Run, rows, said
from tests.integration.conftest import KEY
from tests.integration.entries import a_decision, an_objection
from tests.integration.test_ledger_without_database import stopped

MOST = 64 * 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rc-journal-") as made:
        yield Path(made)


@asynccontextmanager
async def writing(url: str, folder: Path, *, timeout_s: float = 2.0) -> AsyncIterator[Writer]:
    """A writer as the daemon has it, at work; gone without a farewell at the end."""
    engine = open_engine(url)
    async with Journal(folder, most_bytes=MOST) as journal:
        writer = Writer(PostgresLedger(engine, sampling_key=KEY, timeout_s=timeout_s), journal)
        work = asyncio.create_task(writer.run())
        yield writer
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    await engine.dispose()


def tokens(url: str) -> list[str]:
    """Those of the decisions in PostgreSQL, in the order in which they were written."""
    with psycopg.connect(url) as connection:
        return [token for (token,) in connection.execute("SELECT token FROM decision ORDER BY seq")]


async def test_nothing_remains_in_the_journal_once_postgresql_has_all(database: str, folder: Path) -> None:
    async with writing(database, folder) as writer:
        for number in range(500):
            writer.log(a_decision(token=Token(str(number))))
        await writer.flushed(within_s=30)
    assert tokens(database) == [str(number) for number in range(500)]
    assert list(folder.glob("*.journal")) == []


async def test_what_was_decided_while_postgresql_hung_is_written_by_the_next_process(
    postgres_folder: Path, folder: Path
) -> None:
    server_folder = postgres_folder / f"hung-{folder.name}"
    async with EmbeddedPostgres(server_folder) as server:
        await asyncio.to_thread(migrate.upgrade, server.url)
        async with writing(server.url, folder, timeout_s=0.3) as writer:
            with stopped(server_folder / "data"):
                for number in range(20):
                    writer.log(a_decision(token=Token(str(number))))
                writer.log(an_objection())
                await writer.flushed(within_s=1)
                assert len(contents(folder).waiting) == 21
        async with writing(server.url, folder) as writer:
            writer.log(a_decision(token=Token("20")))
            await writer.flushed(within_s=30)
        assert tokens(server.url) == [str(number) for number in range(21)]
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT count(*) FROM objection").fetchone() == (1,)


async def test_what_postgresql_never_takes_is_kept_apart_and_holds_up_nothing(database: str, folder: Path) -> None:
    async with writing(database, folder) as writer:
        writer.log(a_decision(actor="nul \0"))
        writer.log(a_decision(token=Token("next")))
        await writer.flushed(within_s=30)
    assert tokens(database) == ["next"]
    assert (folder / "refused.jsonl").read_bytes().count(b"\n") == 1
    assert contents(folder).waiting == []


DECIDER = """
import asyncio, sys
from pathlib import Path
from controller.domain.names import Token
from tests.integration.entries import a_decision
from tests.integration.test_journal import writing

async def decide(url, folder, first):
    async with writing(url, folder) as writer:
        for number in range(first, first + 100_000):
            writer.log(a_decision(token=Token(str(number))))
            if number % 7 == 0:
                await writer._journal.synced()
                print(number, flush=True)

asyncio.run(decide(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
"""


async def killed(url: str, folder: Path, first: int, after_s: float) -> int:
    """Have a process decide as fast as it can, and kill it; the last decision that was durable by its own word."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DECIDER, url, str(folder), str(first), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first_said = await process.stdout.readline()
    await asyncio.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    said = (first_said + await process.stdout.read()).decode().splitlines(keepends=True)
    await process.wait()
    return int([line for line in said if line.endswith("\n")][-1])


async def test_a_process_killed_at_any_moment_leaves_every_durable_decision_once_and_in_order(
    database: str, folder: Path
) -> None:
    dice = random.Random(20260302)
    firsts = [round_ * 100_000 for round_ in range(4)]
    durable = [(first, await killed(database, folder, first, dice.uniform(0.05, 0.4))) for first in firsts]
    async with writing(database, folder) as writer:
        await writer.flushed(within_s=60)
    found = [int(token) for token in tokens(database)]
    assert found == sorted(set(found))
    for first, last in durable:
        assert {number for number in found if first <= number <= last} == set(range(first, last + 1))


def keep(folder: Path, *entries: Kept) -> None:
    """A journal that a process has left."""
    segments = Segments(folder, MOST)
    segments.open()
    segments.append([(number, written(number, entry)) for number, entry in enumerate(entries, start=1)])
    segments.close()


def test_people_can_look_into_the_journal(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "journal"
    assert said(run("journal", "check")) == "good; 0 wait to reach PostgreSQL\n"
    pause, objection = a_decision(kind=Kind.PAUSE, reason=Reason.PAYMENT), an_objection()
    keep(folder, pause, objection)
    segments = Segments(folder, MOST)
    segments.refuse(written(0, a_decision()))
    shown = rows(run("journal", "show", "--format", "jsonl"))
    assert [(row["line"], row["state"], row["entry"], row["reason"]) for row in shown] == [
        (1, "waits", "decision", "payment"),
        (2, "waits", "objection", None),
        (None, "refused", "decision", "opted-out"),
    ]
    assert str(objection.customer_hash) not in str(shown)
    assert "payment" in said(run("journal", "show"))


def test_a_broken_journal_is_said_line_by_line(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "journal"
    keep(folder, a_decision(), a_decision())
    [file] = folder.glob("*.journal")
    file.write_bytes(file.read_bytes().replace(b"decision", b"decisiom", 1))
    done = run("journal", "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{file}:1: its checksum is another\n"
    assert len(rows(run("journal", "show", "--format", "jsonl"))) == 1
