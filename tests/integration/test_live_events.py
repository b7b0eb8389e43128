"""What goes on, as a real HTTP client reads it from a real server; the PBXs are told what happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.identities import PostgresIdentities
from controller.runtime.identities import Identities
from controller.runtime.keyring import Keyring
from controller.runtime.sessions import Sessions
from controller.web import live
from controller.web.session import COOKIE, CSRF_HEADER, csrf_of
from tests.integration.offices import PEOPLE, Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


@asynccontextmanager
async def listening(office: Office, who: str, query: str = "") -> AsyncIterator[ClientResponse]:
    path = f"/api/v1/live{query}"
    async with office.client.get(path, headers=office.tokens.bearer(who)) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield answer


async def heard(answer: ClientResponse) -> tuple[str, Any]:
    """The next event; what is no event is left out."""
    async with asyncio.timeout(30):
        name = ""
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                return name, json.loads(value)


async def test_a_stream_begins_with_all_that_is_theirs_and_goes_on_with_what_changes(office: Office) -> None:
    before, others = office.call("quality"), office.call("evidence")
    async with listening(office, "supervisor-of-quality") as answer:
        name, calls = await heard(answer)
        assert (name, [call["id"] for call in calls]) == ("calls", [before])
        office.call("evidence")
        after = office.call("quality")
        name, call = await heard(answer)
        assert (name, call["id"]) == ("call", after)
        office.pbxs["quality"].dispatcher.gone(office.pbxs["quality"].call(before).customer)
        while name != "over":
            name, call = await heard(answer)
        assert call == {"id": before}
        assert others not in str(calls)


async def test_an_agent_hears_of_their_own_call_and_a_screen_of_the_extension_that_it_asks_for(office: Office) -> None:
    own, _ = office.call("quality"), office.call("evidence")
    for who, query in (("agent-201", ""), ("supervisor-of-all", "?agent=201")):
        async with listening(office, who, query) as answer:
            name, calls = await heard(answer)
            assert (name, [call["id"] for call in calls]) == ("calls", [own]), who
    for query, found in (("?agent=201", [own]), ("?agent=201&pbx=nowhere", []), ("?agent=", [])):
        _, text = await office.ask("supervisor-of-all", "GET", f"/calls{query}")
        assert [call["id"] for call in json.loads(text)] == found, query


async def test_who_may_not_any_more_hears_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK_S", 0.2)
    async with listening(office, "supervisor-of-quality") as answer:
        assert (await heard(answer))[0] == "calls"
        book = PostgresIdentities(office.custody.engine)
        identities = Identities(
            ledger=office.custody.ledger, book=book, policy=office.custody.policy, pbxs=["main", "other"]
        )
        await identities.revoke_token("supervisor-of-quality", actor="test")
        async with asyncio.timeout(30):
            rest = await answer.content.read()
        assert b"event" not in rest


async def test_one_too_many_is_told_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    async with listening(office, "supervisor-of-quality") as answer:
        await heard(answer)
        assert (await office.ask("supervisor-of-quality", "GET", "/live"))[0] == 503
    async with asyncio.timeout(30):
        status = 503
        while status == 503:
            headers = office.tokens.bearer("supervisor-of-quality")
            async with office.client.get("/api/v1/live", headers=headers) as answer:
                status = answer.status
    assert status == 200


async def test_nobody_keeps_others_from_listening(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_EACH", 1)
    async with listening(office, "supervisor-of-quality") as answer:
        await heard(answer)
        assert (await office.ask("supervisor-of-quality", "GET", "/live"))[0] == 503
        async with listening(office, "supervisor-of-all") as other:
            await heard(other)


async def test_a_banner_that_is_open_is_use_of_its_session_and_a_list_of_calls_is_not(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_S", 0.02)
    await office.identities.add_account("agent-201", "an invented password", PEOPLE["agent-201"], actor="test")
    book, keyring = PostgresIdentities(office.custody.engine), office.tokens.keyring
    secret, session = await Sessions(book, keyring).begin("agent-201", "an invented password", address="127.0.0.1")
    seen = session.seen_at
    for query, is_use in (("?agent=201", True), ("", False)):
        headers = {"Cookie": f"{COOKIE}={secret}"}
        async with office.client.get(f"/api/v1/live{query}", headers=headers) as answer:
            await heard(answer)
            began = seen_of(keyring, secret)
            assert began > seen
            await still_there(answer)
            await still_there(answer)
            seen = seen_of(keyring, secret)
            assert (seen > began) == is_use, query


def seen_of(keyring: Keyring, secret: str) -> datetime:
    """When somebody has used this session last."""
    session = keyring.session_of(secret.encode())
    assert session is not None
    return session.seen_at


async def still_there(answer: ClientResponse) -> None:
    """Wait for the next line that says no more than that."""
    async with asyncio.timeout(30):
        while not (await answer.content.readline()).startswith(b":"):
            pass


async def test_it_is_said_that_a_stream_is_there_also_while_much_goes_on_of_which_nothing_is_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen digits of a card are sixteen events of a call that looks the same after each."""
    monkeypatch.setattr(live, "TICK_S", 0.2)
    call, switched = office.call("quality"), office.pbxs["quality"]

    async def typing() -> None:
        while True:
            switched.dispatcher.onlooker.changed(switched.call(call))
            await asyncio.sleep(0.01)

    async with listening(office, "agent-201", "?agent=201") as answer:
        await heard(answer)
        typed = asyncio.create_task(typing())
        await still_there(answer)
        await still_there(answer)
        typed.cancel()


async def test_a_stream_in_the_name_of_who_was_logged_in_before_is_refused(office: Office) -> None:
    await office.identities.add_account("agent-201", "an invented password", PEOPLE["agent-201"], actor="test")
    sessions = Sessions(PostgresIdentities(office.custody.engine), office.tokens.keyring)
    secrets = [(await sessions.begin("agent-201", "an invented password", address="127.0.0.1"))[0] for _ in range(2)]
    for shown, status in zip(secrets, (200, 401), strict=True):
        headers = {"Cookie": f"{COOKIE}={secrets[0]}", CSRF_HEADER: csrf_of(shown)}
        async with office.client.get("/api/v1/live", headers=headers) as answer:
            assert answer.status == status


async def test_nobody_else_listens(office: Office) -> None:
    for who, status in ((None, 401), ("listener-of-all", 403), ("dpo", 403), ("administrator", 403)):
        assert (await office.ask(who, "GET", "/live"))[0] == status, who
