"""Who sends a body byte by byte, by a real connection to a real server: nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.web.bodies import BODY_WITHIN_S, MOST_COMING, SLOWEST, _coming
from tests.integration.offices import Office, an_office, call_of
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

NOW_AND_THEN_S = 0.25


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


async def dripped(office: Office, who: str | None, asked: str, media: str, *, length: int, drop: bytes = b" ") -> int:
    """The status of what is answered while a body of this length comes in drops."""
    port = office.client.port
    assert port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = {"Host": "localhost", "Content-Type": media, "Content-Length": str(length)}
    headers |= office.tokens.bearer(who) if who else {}
    lines = [f"{asked} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    answer = asyncio.create_task(reader.readline())
    while length > 0 and not answer.done():
        writer.write(drop[:length])
        length -= len(drop)
        await asyncio.wait([answer], timeout=NOW_AND_THEN_S)
    status = int((await answer).split()[1])
    writer.close()
    return status


async def test_nobody_is_waited_for_who_sends_a_body_byte_by_byte(office: Office) -> None:
    """Neither somebody who has not logged in yet, nor who may send a long one, nor on a page."""
    call = call_of(await office.recording("quality"))
    document = f"POST /api/v1/documents?call={call}&purpose=quality&kind=notes"
    under_way = office.call("quality")
    pause = f"POST /api/v1/calls/{under_way}/pause"
    form = "application/x-www-form-urlencoded"
    steady = int(SLOWEST * 2 * NOW_AND_THEN_S)
    statuses = await asyncio.gather(
        dripped(office, None, "POST /api/v1/session", "application/json", length=1000),
        dripped(office, "agent-201", pause, "application/json", length=1000),
        dripped(office, "dpo", "POST /api/v1/notices", "text/csv", length=1000),
        dripped(office, "listener-of-quality", document, "text/plain", length=1000),
        dripped(office, "listener-of-quality", "POST /console/recordings/search", form, length=1000),
        dripped(
            office,
            "listener-of-quality",
            document,
            "text/plain",
            length=int(SLOWEST * 2 * (BODY_WITHIN_S + 1)),
            drop=b"x" * steady,
        ),
    )
    assert list(statuses) == [408, 408, 408, 408, 408, 201]
    assert office.pbxs["quality"].call(under_way).suspensions == ()


async def test_no_more_long_bodies_come_at_the_same_time_than_memory_is_there_for(office: Office) -> None:
    """Whoever comes then is told to try again, and others are served."""
    call = call_of(await office.recording("quality"))
    document = f"POST /api/v1/documents?call={call}&purpose=quality&kind=notes"
    slow = [
        asyncio.create_task(dripped(office, "listener-of-quality", document, "text/plain", length=1000))
        for _ in range(MOST_COMING)
    ]
    while len(_coming) < MOST_COMING:
        await asyncio.sleep(0.01)
    headers = {"Content-Type": "text/plain"}
    asked = document.removeprefix("POST /api/v1")
    assert (await office.ask("listener-of-quality", "POST", asked, data=b"late", headers=headers))[0] == 503
    assert (await office.ask("listener-of-quality", "GET", "/me"))[0] == 200
    assert set(await asyncio.gather(*slow)) == {408}
    assert (await office.ask("listener-of-quality", "POST", asked, data=b"late", headers=headers))[0] == 201
