"""The daemon as it is put together, without a PBX: which connections to PostgreSQL it does what by."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import psycopg
import pytest

from lab.ports import free_port
from tests.unit.config.conftest import FAULTLESS, Place, place, replaced

__all__ = ["place"]

TOKEN = "an invented token of the file"


@asynccontextmanager
async def a_daemon(place: Place, database: str) -> AsyncIterator[str]:
    """One in a process of its own: where it answers."""
    port = free_port()
    more = f"fastagi: {{port: {free_port()}}}\nhttp: {{listen: 127.0.0.1, port: {port}}}\n"
    nobody = {"http://127.0.0.1:8088/ari": f"http://127.0.0.1:{free_port()}/ari"}
    file = place.write(replaced(FAULTLESS, nobody) + more)
    environ = {
        "RECORDING_CONTROLLER_DATABASE_URL": database,
        "RECORDING_CONTROLLER_HTTP_TOKEN": TOKEN,
        "RECORDING_CONTROLLER_ARI_PASSWORD": "an invented password",
    }
    program = (sys.executable, "-m", "controller", "run", "--config", str(file))
    process = await asyncio.create_subprocess_exec(*program, env={**os.environ, **environ})
    try:
        await answers(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def answers(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


@pytest.mark.parametrize("path", ["/api/v1/me/accesses", "/console/me"])
async def test_who_looks_at_what_they_had_takes_no_connection_that_decisions_are_written_by(
    place: Place, database: str, path: str
) -> None:
    """However many of them look, a start is on file in time."""
    async with (
        a_daemon(place, database) as address,
        await psycopg.AsyncConnection.connect(database) as connection,
        aiohttp.ClientSession(address, headers={"Authorization": f"Bearer {TOKEN}"}) as client,
        asyncio.TaskGroup() as tasks,
    ):
        await connection.execute("LOCK TABLE access")
        asked = tasks.create_task(client.get(path))
        assert await who_waits(database) == "recording-controller pages"
        await connection.rollback()
        assert (await asked).status == 200


async def who_waits(database: str) -> str:
    """The name of the connection that waits for a table."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as looking:
        while True:
            found = await looking.execute(
                "SELECT application_name FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if row := await found.fetchone():
                return str(row[0])
            await asyncio.sleep(0.02)
