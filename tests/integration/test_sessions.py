"""Logging in with a real password on a real PostgreSQL, and what a browser then asks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.identities import PostgresIdentities
from controller.domain.identity import MOST_SESSIONS, SESSION, UNUSED, AccountRecord, SessionRecord
from controller.domain.principal import Role
from controller.errors import LogInRefused, NotProven, ProviderAway, TooManyAttempts
from controller.runtime.clock import now
from controller.runtime.identities import Identities, Scope
from controller.runtime.keyring import EVERY_S, Keyring
from controller.runtime.sessions import ATTEMPTS, BY_ACCOUNT, BY_ADDRESS, BY_BOTH, WAITING, WITHIN_S, Sessions, block_of
from tests.integration.offices import Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

SUPERVISOR = Scope(roles=frozenset({Role.SUPERVISOR}), purposes=frozenset({"quality"}))
PASSWORD = "an invented password"


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        identities = identities_of(opened)
        await identities.add_account("alice", PASSWORD, SUPERVISOR, actor="test")
        yield opened


def identities_of(office: Office) -> Identities:
    book = PostgresIdentities(office.custody.engine)
    return Identities(ledger=office.custody.ledger, book=book, policy=office.custody.policy, pbxs=["main"])


async def log_in(office: Office, name: str = "alice", password: str = PASSWORD) -> tuple[int, dict[str, Any]]:
    """The client keeps the cookie, as a browser does."""
    async with office.client.post("/api/v1/session", json={"name": name, "password": password}) as answer:
        return answer.status, await answer.json()


async def test_who_knows_the_password_is_let_in_at_once_as_their_account_says(office: Office) -> None:
    status, body = await log_in(office)
    assert (status, body["name"]) == (200, "alice")
    status, text = await office.ask(None, "GET", "/me")
    assert status == 200
    assert '"account:alice"' in text
    assert body["csrf"] in text
    assert (await office.ask(None, "GET", f"/calls/{office.call('quality')}"))[0] == 200
    assert (await office.ask(None, "GET", f"/calls/{office.call('evidence')}"))[0] == 404
    assert (await office.ask(None, "GET", "/holds"))[0] == 403


async def test_the_cookie_is_no_scripts_and_no_other_sites(office: Office) -> None:
    await log_in(office)
    [cookie] = list(office.client.session.cookie_jar)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    account, by_proxy = {"name": "alice", "password": PASSWORD}, {"X-Forwarded-Proto": "https"}
    async with office.client.post("/api/v1/session", json=account, headers=by_proxy) as answer:
        assert answer.cookies["rc_session"]["secure"] is True


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("alice", "another password", id="another password"),
        pytest.param("bob", PASSWORD, id="nobody of that name"),
        pytest.param("alice", "", id="no password"),
    ],
)
async def test_nobody_else_is_let_in(office: Office, name: str, password: str) -> None:
    status, body = await log_in(office, name, password)
    assert (status, body["detail"]) == (401, "no account has this name and this password")
    assert (await office.ask(None, "GET", "/me"))[0] == 401


async def test_a_form_of_another_site_logs_nobody_in(office: Office) -> None:
    text = f'{{"name": "alice", "password": "{PASSWORD}"}}'
    plain = {"Content-Type": "text/plain"}
    async with office.client.post("/api/v1/session", data=text, headers=plain) as answer:
        assert (answer.status, "Set-Cookie" in answer.headers) == (415, False)


async def test_what_changes_something_needs_the_second_word(office: Office) -> None:
    _, body = await log_in(office)
    pause = f"/calls/{office.call('quality')}/pause"
    for headers in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": body["csrf"][:-1] + "\xe9"}):
        assert (await office.ask(None, "POST", pause, headers=headers))[0] == 403
    assert (await office.ask(None, "POST", pause, headers={"X-CSRF-Token": body["csrf"]}))[0] == 200


async def test_who_logs_out_is_out(office: Office) -> None:
    _, body = await log_in(office)
    [cookie] = list(office.client.session.cookie_jar)
    assert (await office.ask(None, "DELETE", "/session", headers={"X-CSRF-Token": body["csrf"]}))[0] == 204
    assert (await office.ask(None, "GET", "/me"))[0] == 401
    stolen = {"Cookie": f"rc_session={cookie.value}"}
    assert (await office.ask(None, "GET", "/me", headers=stolen))[0] == 401
    await office.tokens.keyring.refresh()
    assert (await office.ask(None, "GET", "/me", headers=stolen))[0] == 401


async def test_an_account_that_is_disabled_is_out_within_seconds_and_does_not_come_back(office: Office) -> None:
    await log_in(office)
    await identities_of(office).disable_account("alice", actor="test")
    await asyncio.sleep(2 * EVERY_S)
    assert (await office.ask(None, "GET", "/me"))[0] == 401
    assert (await log_in(office))[0] == 401


async def test_another_password_logs_out_and_other_roles_do_not(office: Office) -> None:
    _, body = await log_in(office)
    reader = Scope(roles=frozenset({Role.LISTENER}), purposes=frozenset({"quality"}))
    await identities_of(office).change_account("alice", scope=reader, actor="test")
    await asyncio.sleep(2 * EVERY_S)
    assert '"listener"' in (await office.ask(None, "GET", "/me"))[1]
    pause = f"/calls/{office.call('quality')}/pause"
    assert (await office.ask(None, "POST", pause, headers={"X-CSRF-Token": body["csrf"]}))[0] == 403
    await identities_of(office).change_account("alice", password="another invented one", actor="test")
    await asyncio.sleep(2 * EVERY_S)
    assert (await office.ask(None, "GET", "/me"))[0] == 401


async def test_another_daemon_knows_the_session_and_one_that_is_not_used_ends(office: Office) -> None:
    book = PostgresIdentities(office.custody.engine)
    here, there = Keyring(book), Keyring(book)
    secret, session = await Sessions(book, here).begin("alice", PASSWORD, address="127.0.0.1")
    await there.refresh()
    found = there.session_of(secret.encode())
    assert found is not None
    assert found.account.name == "alice"
    assert not session.good(now() + UNUSED)
    await book.seen({session.sha256: now() - UNUSED - timedelta(minutes=1)})
    assert [one.sha256 for one in await book.sessions_in_use()] == [session.sha256]  # what was seen later stands


async def test_an_account_has_its_newest_sessions_and_no_others(office: Office) -> None:
    """However many log in at a time; and nobody else loses theirs."""
    book = PostgresIdentities(office.custody.engine)
    await identities_of(office).add_account("bob", PASSWORD, SUPERVISOR, actor="test")
    alice, bob = await book.accounts()
    sessions = [a_session(alice, n) for n in range(MOST_SESSIONS + 5)]
    assert await book.begin_session(a_session(bob, 0))
    for session in sessions:
        assert await book.begin_session(session)
    kept = {one.sha256 for one in await book.sessions_in_use() if one.account.name == "alice"}
    assert kept == {one.sha256 for one in sessions[5:]}
    await asyncio.gather(*(book.begin_session(a_session(alice, 200 + n)) for n in range(10)))
    in_use = [one.account.name for one in await book.sessions_in_use()]
    assert (in_use.count("alice"), in_use.count("bob")) == (MOST_SESSIONS, 1)


async def test_who_begins_one_session_more_is_in_though_their_clock_is_behind(office: Office) -> None:
    book = PostgresIdentities(office.custody.engine)
    [alice] = await book.accounts()
    for n in range(MOST_SESSIONS):
        await book.begin_session(a_session(alice, n))
    behind = replace(a_session(alice, MOST_SESSIONS), began_at=now() - timedelta(minutes=1))
    await book.begin_session(behind)
    assert behind.sha256 in {one.sha256 for one in await book.sessions_in_use()}


def a_session(account: AccountRecord, n: int) -> SessionRecord:
    at, digest = now(), sha256(f"{account.name} {n}".encode()).digest()
    return SessionRecord(sha256=digest, account=account, began_at=at, seen_at=at, ends_at=at + SESSION)


class Overtaken(PostgresIdentities):
    """A book in which something happens between the check of an account and the beginning of its session."""

    def __init__(self, engine: AsyncEngine, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(engine)
        self._meanwhile = meanwhile

    async def begin_session(self, session: SessionRecord) -> bool:
        """It happens first."""
        await self._meanwhile()
        return await super().begin_session(session)


async def change(office: Office, name: str, way_in: dict[str, Any] | None) -> None:
    """Give an account another way in; None: disable it."""
    identities = identities_of(office)
    if way_in is None:
        await identities.disable_account(name, actor="test")
    else:
        await identities.change_account(name, **way_in, actor="test")


@pytest.mark.parametrize(
    "way_in",
    [
        pytest.param({"password": "another invented one"}, id="another password"),
        pytest.param({"openid": "a-2"}, id="a provider's word"),
        pytest.param(None, id="disabled, and enabled again later"),
    ],
)
async def test_what_was_right_when_it_was_checked_lets_nobody_in_after_a_change(
    office: Office, way_in: dict[str, Any] | None
) -> None:
    """Neither a password, nor what a provider says."""
    identities = identities_of(office)
    await identities.add_openid_account("bob", "a-1", SUPERVISOR, actor="test")
    by_password = Overtaken(office.custody.engine, lambda: change(office, "alice", way_in))
    with pytest.raises(LogInRefused, match="no account has this name and this password"):
        await Sessions(by_password, Keyring(by_password)).begin("alice", PASSWORD, address="192.0.2.1")
    if way_in is not None:  # an account has its word for itself
        await identities.change_account("alice", password=PASSWORD, actor="test")
    by_openid = Overtaken(office.custody.engine, lambda: change(office, "bob", way_in))
    with pytest.raises(LogInRefused):
        await Sessions(by_openid, Keyring(by_openid)).begin_by_openid("a-1")
    for name in ("alice", "bob"):
        await identities.change_account(name, enable=True, actor="test")
    assert await by_openid.sessions_in_use() == []
    assert {account.last_in_on for account in await by_openid.accounts()} == {None}


async def test_other_roles_meanwhile_keep_nobody_out(office: Office) -> None:
    identities = identities_of(office)

    async def changes() -> None:
        reader = Scope(roles=frozenset({Role.LISTENER}), purposes=frozenset({"quality"}))
        await identities.change_account("alice", scope=reader, actor="test")

    book = Overtaken(office.custody.engine, changes)
    await Sessions(book, Keyring(book)).begin("alice", PASSWORD, address="192.0.2.1")
    [session] = await book.sessions_in_use()
    assert session.account.roles == {Role.LISTENER}


async def test_a_change_logs_out_a_session_that_is_just_being_put_on_file(office: Office, database: str) -> None:
    """The change waits for the log-in, and then it sees it."""
    book, identities = PostgresIdentities(office.custody.engine), identities_of(office)
    await Sessions(book, Keyring(book)).begin("alice", PASSWORD, address="192.0.2.1")
    async with await psycopg.AsyncConnection.connect(database) as log_in, asyncio.TaskGroup() as tasks:
        await log_in.execute("SELECT FROM account FOR NO KEY UPDATE")
        changing = tasks.create_task(identities.change_account("alice", password="another one again", actor="test"))
        await waits_for_a_lock(database)
        await log_in.execute(
            "INSERT INTO session SELECT sha256(sha256), account, began_at, seen_at, ends_at FROM session"
        )
        await log_in.commit()
        await changing
    assert await book.sessions_in_use() == []


async def waits_for_a_lock(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as looking:
        while not await (
            await looking.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        ).fetchone():
            await asyncio.sleep(0.02)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def failed(sessions: Sessions, name: str, address: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Exception, match="no account has"):
            await sessions.begin(name, "wrong", address=address)


@pytest.mark.parametrize(
    ("names", "addresses", "times"),
    [
        pytest.param(["alice"], ["192.0.2.1"], BY_BOTH, id="an account from one place"),
        pytest.param(
            ["alice"],
            [f"198.51.100.{n}" for n in range(BY_ACCOUNT // BY_BOTH)],
            BY_BOTH,
            id="an account from everywhere",
        ),
        pytest.param([f"name{n}" for n in range(BY_ADDRESS)], ["192.0.2.1"], 1, id="every account from one place"),
    ],
)
async def test_who_fails_too_often_is_not_listened_to_for_a_while(
    office: Office, names: list[str], addresses: list[str], times: int
) -> None:
    book, clock = PostgresIdentities(office.custody.engine), Clock()
    sessions = Sessions(book, Keyring(book), clock=clock)
    for name in names:
        for address in addresses:
            await failed(sessions, name, address, times)
    with pytest.raises(TooManyAttempts) as refused:
        await sessions.begin("alice", PASSWORD, address="192.0.2.1")
    clock.seconds += refused.value.retry_s
    assert refused.value.retry_s <= WITHIN_S
    await sessions.begin("alice", PASSWORD, address="192.0.2.1")


async def test_who_fails_from_one_place_keeps_no_owner_of_a_name_out_elsewhere(office: Office) -> None:
    """An agent has to log in to pause by the banner, whoever knows their name."""
    book = PostgresIdentities(office.custody.engine)
    sessions = Sessions(book, Keyring(book))
    for n in range(BY_BOTH):
        await failed(sessions, "alice", f"2001:db8::{n:x}:1", 1)
    with pytest.raises(TooManyAttempts):
        await sessions.proven("alice", PASSWORD, address="2001:db8::ffff:2")
    await sessions.begin("alice", PASSWORD, address="2001:db8:0:1::1")
    with pytest.raises(TooManyAttempts):
        await sessions.begin("alice", PASSWORD, address="2001:db8::ffff:2")


async def test_who_is_held_off_is_the_client_of_a_proxy_and_not_all_of_them(office: Office) -> None:
    async def status_from(client: str, name: str) -> int:
        headers = {"X-Forwarded-For": f"198.51.100.1, {client}, 192.0.2.7"}
        body = {"name": name, "password": PASSWORD}
        async with office.client.post("/api/v1/session", json=body, headers=headers) as answer:
            return answer.status

    assert {await status_from("203.0.113.1", f"name{n}") for n in range(BY_ADDRESS)} == {401}
    assert await status_from("203.0.113.1", "alice") == 429
    assert await status_from("203.0.113.2", "alice") == 200


async def test_of_many_at_a_time_some_are_told_to_come_again(office: Office) -> None:
    asked = [log_in(office, f"name{n}", "wrong") for n in range(20)]
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert set(statuses) == {401, 429}


class Slow(PostgresIdentities):
    """A book that answers once it may."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.asked = 0
        self.may = asyncio.Event()

    async def account(self, name: str) -> AccountRecord | None:
        """The account of this name, later."""
        self.asked += 1
        await self.may.wait()
        return await super().account(name)


async def test_postgresql_is_not_asked_for_those_who_are_told_to_come_again(office: Office) -> None:
    """It writes down what was decided meanwhile."""
    book = Slow(office.custody.engine)
    sessions = Sessions(book, Keyring(book))
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(refused(sessions, f"name{n}")) for n in range(3 * WAITING)]
        await asyncio.sleep(0)  # all of them have asked
        assert book.asked == WAITING
        book.may.set()
    assert Counter(one.result() for one in asking) == {LogInRefused: WAITING, TooManyAttempts: 2 * WAITING}


async def refused(sessions: Sessions, name: str) -> type[Exception]:
    with pytest.raises((LogInRefused, TooManyAttempts)) as caught:
        await sessions.begin(name, PASSWORD, address="192.0.2.1")
    return caught.type


@pytest.mark.parametrize(
    ("address", "block"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="an address of IPv4 is one"),
        pytest.param("2001:db8:0:1:a:b:c:d", "2001:db8:0:1::/64", id="of IPv6 a subscriber has a whole network"),
        pytest.param("", "", id="a Unix socket has none"),
    ],
)
def test_what_counts_as_one_address(address: str, block: str) -> None:
    assert block_of(address) == block


async def fail_by_openid(sessions: Sessions, address: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        async with sessions.attempt_by_openid(address):
            raise error


@pytest.mark.parametrize(
    ("error", "theirs"), [(LogInRefused, True), (NotProven, True), (ProviderAway, False), (ZeroDivisionError, False)]
)
async def test_whatever_fails_through_a_provider_counts_against_the_network_that_it_came_from(
    office: Office, error: type[Exception], *, theirs: bool
) -> None:
    """What is no fault of whoever tries keeps them from the provider, and from no password."""
    book = PostgresIdentities(office.custody.engine)
    sessions = Sessions(book, Keyring(book))
    for n in range(BY_ADDRESS):
        await fail_by_openid(sessions, f"2001:db8::{n:x}:1", error)
    with pytest.raises(TooManyAttempts):
        async with sessions.attempt_by_openid("2001:db8::ffff:2"):
            pass
    with pytest.raises(TooManyAttempts) if theirs else nullcontext():
        await sessions.begin("alice", PASSWORD, address="2001:db8::ffff:2")
    async with sessions.attempt_by_openid("2001:db8:0:1::1"):
        pass
    await sessions.begin("alice", PASSWORD, address="2001:db8:0:1::1")


async def test_few_have_the_provider_asked_at_a_time_and_not_many_wait(office: Office) -> None:
    book = PostgresIdentities(office.custody.engine)
    sessions, go_on, asking = Sessions(book, Keyring(book)), asyncio.Event(), [0, 0]

    async def attempt(n: int) -> bool:
        try:
            async with sessions.attempt_by_openid(f"192.0.2.{n}"):
                asking[0] += 1
                asking[1] = max(asking)
                await go_on.wait()
                asking[0] -= 1
        except TooManyAttempts:
            return False
        return True

    async with asyncio.TaskGroup() as tasks:
        attempts = [tasks.create_task(attempt(n)) for n in range(2 * (ATTEMPTS + WAITING))]
        await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)  # those for whom there is no room
        assert asking[0] == ATTEMPTS
        go_on.set()
    assert sum(one.result() for one in attempts) == ATTEMPTS + WAITING
    assert asking == [0, ATTEMPTS]
