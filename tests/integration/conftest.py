"""A real PostgreSQL for the tests: one server, and for each test a fresh database that is migrated already."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import migrate
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from tests.integration.commands import Done, Run
from tests.unit.config.conftest import FAULTLESS, write_sound
from tests.unit.store.conftest import masters, objects, s3_endpoint, vault

__all__ = ["masters", "objects", "s3_endpoint", "vault"]

KEY = b"a key for tests that is none...!"
_TEMPLATE = "migrated"
_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="rc-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(postgres_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The server of the session; a test that ends or stops a server starts its own, which does wait for the disk."""
    with asyncio.Runner() as runner:
        server = EmbeddedPostgres(postgres_folder / "session", settings={"max_connections": "200", "fsync": "off"})
        runner.run(server.__aenter__())
        yield server
        runner.run(server.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgres_url(postgres_server: EmbeddedPostgres) -> str:
    """The session's server, with a migrated database to copy."""
    url = postgres_server.url
    create_database(url, _TEMPLATE, template="template0")
    migrate.upgrade(database_url(url, _TEMPLATE))
    return url


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh database, migrated."""
    yield from _fresh(postgres_url, template=_TEMPLATE)


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh database with nothing in it."""
    yield from _fresh(postgres_url, template="template0")


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(database)
    yield opened
    await opened.dispose()


@pytest.fixture
def ledger(engine: AsyncEngine) -> PostgresLedger:
    return PostgresLedger(engine, sampling_key=KEY, timeout_s=10.0)


@pytest.fixture
def run(tmp_path: Path, database: str) -> Run:
    """Runs a command on a fresh database, with the key of these tests."""
    return runner(tmp_path, database)


def runner(tmp_path: Path, database: str, *, more: str = "") -> Run:
    """Runs a command on a database, with the configuration of these tests and ``more`` of it."""
    for language in ("fr", "en"):
        for name in ("told", "information", "choice"):
            write_sound(tmp_path / "sounds" / language / "rc" / f"{name}.wav")
    text = FAULTLESS.replace("SOUNDS", str(tmp_path / "sounds")).replace("STATE", str(tmp_path / "state"))
    (tmp_path / "recording-controller.yaml").write_text(text + more)
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(_ROOT),
        "RC_CONFIG": str(tmp_path / "recording-controller.yaml"),
        "RECORDING_CONTROLLER_DATABASE_URL": database,
        "RECORDING_CONTROLLER_SAMPLING_KEY": KEY.hex(),
    }

    def command(*words: str, given: str = "") -> Done:
        program = [sys.executable, "-W", "error", "-m", "controller", *words]
        return subprocess.run(  # noqa: S603 - our own program
            program, env=environ, cwd=tmp_path, input=given, capture_output=True, text=True, check=False
        )

    return command


@asynccontextmanager
async def program(code: str, *arguments: str, path: str = "") -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A Python program of its own, and what it says (a line that begins with ``says``).

    It is killed at the end, also where the test fails.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", code, *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, str(Path.cwd()))))},
    )
    try:
        assert process.stdout is not None
        while not (line := (await process.stdout.readline()).decode()).startswith("says "):
            assert line, "the program ended without a word"
        yield process, line.removeprefix("says ").strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def database_url(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return url.replace("/postgres?", f"/{quote(name)}?")


def create_database(url: str, name: str, *, template: str) -> None:
    """Create a database as a copy, without the checkpoints that copying files would take."""
    with psycopg.connect(url, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _fresh(url: str, *, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    create_database(url, name, template=template)
    yield database_url(url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
