"""Somebody changes their own password, on a real PostgreSQL: they are logged out everywhere else, and go on here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import queries
from controller.domain.decision import Reason
from controller.runtime.sessions import BY_BOTH
from tests.integration.documented import expect_documented
from tests.integration.offices import PEOPLE, Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

PASSWORD, ANOTHER = "an invented password", "another invented one"
PATH = "/api/v1/me/password"


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        await opened.identities.add_account("lea", PASSWORD, PEOPLE["agent-201"], actor="test")
        yield opened


class Browser:
    """One that somebody has logged in with."""

    def __init__(self, session: aiohttp.ClientSession, csrf: str) -> None:
        self._session = session
        self.headers = {"X-CSRF-Token": csrf}

    async def changes(self, headers: dict[str, str] | None = None, **body: Any) -> int:
        headers = self.headers if headers is None else headers
        async with self._session.post(PATH, json=body, headers=headers) as answer:
            expect_documented("POST", PATH, answer.status, answer.headers, await answer.text())
            return answer.status

    async def is_in(self) -> bool:
        async with self._session.get("/api/v1/me") as answer:
            return answer.status == 200


async def log_in(office: Office, session: aiohttp.ClientSession, password: str) -> tuple[int, str]:
    account = {"name": "lea", "password": password}
    async with session.post(office.client.make_url("/api/v1/session"), json=account) as answer:
        return answer.status, (await answer.json()).get("csrf", "")


@asynccontextmanager
async def a_browser(office: Office) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(office.client.make_url("/"), cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        status, csrf = await log_in(office, session, PASSWORD)
        assert status == 200
        yield Browser(session, csrf)


async def changes(office: Office) -> list[tuple[str, Any]]:
    found = [one async for one in queries.decisions(office.custody.engine)]
    return [(one.actor, one.facts["password_changed"]) for one in found if one.reason == Reason.ACCOUNT_CHANGED]


async def test_who_changes_their_password_goes_on_here_and_nowhere_else(office: Office) -> None:
    async with a_browser(office) as here, a_browser(office) as there:
        assert await here.changes(current=PASSWORD, new=ANOTHER) == 204
        await office.tokens.keyring.refresh()
        assert (await here.is_in(), await there.is_in()) == (True, False)
        assert await changes(office) == [("account:lea", True)]
        assert (await log_in(office, office.client.session, PASSWORD))[0] == 401
        assert (await log_in(office, office.client.session, ANOTHER))[0] == 200
        assert await here.changes(current=ANOTHER, new=PASSWORD) == 204


async def test_what_is_refused_changes_nothing_and_logs_nobody_out(office: Office) -> None:
    async with a_browser(office) as here:
        assert await here.changes(current="a wrong password", new=ANOTHER) == 403
        assert await here.changes(current=PASSWORD, new="short") == 400
        assert await here.changes(current=PASSWORD, new=PASSWORD) == 400
        assert await here.changes(new=ANOTHER) == 400
        assert await here.changes({}, current=PASSWORD, new=ANOTHER) == 403
        await office.tokens.keyring.refresh()
        assert await here.is_in()
    assert await changes(office) == []
    assert (await log_in(office, office.client.session, PASSWORD))[0] == 200


async def test_who_has_found_a_browser_open_does_not_guess_for_long(office: Office) -> None:
    async with a_browser(office) as here:
        for _ in range(BY_BOTH):
            assert await here.changes(current="a wrong password", new=ANOTHER) == 403
        assert await here.changes(current=PASSWORD, new=ANOTHER) == 429
        assert await here.is_in()


async def test_it_is_done_each_time_that_it_is_asked(office: Office) -> None:
    """Nothing is kept of a password, nor is anybody told that it changed who was told so before."""
    async with a_browser(office) as here:
        key = {"Idempotency-Key": "one", **here.headers}
        assert await here.changes(key, current=PASSWORD, new=ANOTHER) == 204
        assert await here.changes(key, current=PASSWORD, new=ANOTHER) == 403


@pytest.mark.parametrize("who", ["dpo", "integration-of-all", "agent-201"])
async def test_a_token_has_no_password(office: Office, who: str) -> None:
    assert (await office.ask(who, "POST", "/me/password", json={"current": PASSWORD, "new": ANOTHER}))[0] == 403
