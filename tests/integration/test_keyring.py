"""Who is behind a token, with a real PostgreSQL: known within seconds, revoked within seconds, and when it hangs."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.identities import AT_A_TIME, PostgresIdentities, in_turns
from controller.db.ledger import PostgresLedger
from controller.domain.access import FRESH_FOR_S
from controller.domain.identity import SESSION, SessionRecord
from controller.domain.principal import Principal, Role
from controller.errors import DatabaseError, RegisterRefused
from controller.runtime.clock import now
from controller.runtime.identities import Identities, Scope
from controller.runtime.keyring import Keyring
from controller.runtime.passwords import matches
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.web import server
from tests.integration.conftest import KEY
from tests.integration.holdings import a_policy
from tests.integration.test_ledger_without_database import own_server, stopped
from tests.unit.runtime.switched import Pbx, Switched
from tests.unit.web.slow_body import SlowBody

__all__ = ["own_server"]

CRM = Scope(roles=frozenset({Role.INTEGRATION}), purposes=frozenset({"quality"}))
TOKEN = "an invented token of the file"
TAKEN = "name: is taken, perhaps by one that is not used any more: a name stands for one only"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Office:
    """Where tokens are given out, and a keyring of a daemon."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.book, self.clock = PostgresIdentities(engine), Clock()
        self.ledger = PostgresLedger(engine, sampling_key=KEY, timeout_s=10.0)
        self.identities = Identities(ledger=self.ledger, book=self.book, policy=a_policy, pbxs=["main"])
        self.keyring = Keyring(self.book, clock=self.clock)

    async def issues(self, name: str, scope: Scope = CRM, *, days: float = 1) -> str:
        return await self.identities.issue_token(name, scope, now() + timedelta(days=days), actor="test")

    def knows(self, token: str) -> Principal | None:
        return self.keyring.principal_of(token.encode())


@pytest.fixture
def office(engine: AsyncEngine) -> Office:
    return Office(engine)


async def test_a_token_is_known_once_it_is_read_and_no_more_once_it_is_revoked(office: Office) -> None:
    token = await office.issues("crm")
    assert (office.knows(token), office.keyring.age_s) == (None, inf)
    await office.keyring.refresh()
    assert office.knows(token) == Principal(name="token:crm", roles=CRM.roles, purposes=CRM.purposes)
    assert office.knows(token + "x") is None
    await office.identities.revoke_token("crm", actor="test")
    await office.keyring.refresh()
    assert office.knows(token) is None


async def test_a_token_ends_by_itself_though_nobody_reads_anything(office: Office, database: str) -> None:
    token = await office.issues("crm")
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE api_token SET expires_at = clock_timestamp() + interval '5 s'")
    await office.keyring.refresh()
    assert office.knows(token) is not None
    while office.knows(token) is not None:
        await asyncio.sleep(0.05)


async def test_only_the_hash_of_a_token_is_stored_and_only_the_day_of_its_use(office: Office, database: str) -> None:
    token = await office.issues("crm")
    await office.issues("unused")
    await office.keyring.refresh()
    office.knows(token)
    await office.keyring.refresh()
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT t::text FROM api_token AS t").fetchall()
        used = connection.execute("SELECT name, last_used_at FROM api_token ORDER BY name").fetchall()
        decided = connection.execute("SELECT kind, reason, facts::text FROM decision").fetchall()
    assert token not in f"{rows}{decided}"
    assert used == [("crm", datetime.now(UTC).date()), ("unused", None)]
    assert [(kind, reason) for kind, reason, _ in decided] == [("config", "token-issued")] * 2


async def test_a_token_that_was_revoked_stays_so_and_its_name_is_not_given_again(office: Office) -> None:
    await office.issues("crm")
    await office.identities.revoke_token("crm", actor="test")
    with pytest.raises(RegisterRefused, match="revoked before"):
        await office.identities.revoke_token("crm", actor="test")
    with pytest.raises(RegisterRefused, match="is taken"):
        await office.issues("crm")


async def test_who_cannot_note_the_use_of_a_token_reads_them_still(office: Office, database: str) -> None:
    token = await office.issues("crm")
    await office.keyring.refresh()
    assert office.knows(token) is not None
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE api_token ADD CONSTRAINT unused CHECK (last_used_at IS NULL)")
    office.clock.seconds += FRESH_FOR_S
    await office.keyring.refresh()
    assert office.keyring.age_s == 0
    assert await used(database) == [None]
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE api_token DROP CONSTRAINT unused")
    await office.keyring.refresh()
    assert await used(database) == [datetime.now(UTC).date()]


async def used(database: str) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(database) as connection:
        return [day for (day,) in await (await connection.execute("SELECT last_used_at FROM api_token")).fetchall()]


async def test_however_many_rows_are_read_others_have_their_turn_between_some_and_the_next(database: str) -> None:
    """A pause does not wait for thousands of sessions to be made of what PostgreSQL says."""
    turn = 0

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with await psycopg.AsyncConnection.connect(database) as connection, asyncio.TaskGroup() as tasks:
        having = tasks.create_task(others())
        rows = await connection.execute("SELECT n FROM generate_series(1, 1234) AS n")
        made = await in_turns(rows, lambda columns: (columns[0], turn))
        having.cancel()
    assert [n for n, _ in made] == list(range(1, 1235))
    assert max(Counter(at for _, at in made).values()) == AT_A_TIME


async def test_what_was_used_since_it_was_read_is_not_forgotten(office: Office) -> None:
    """And it is written again once it lies back far enough."""
    await office.identities.add_account("alice", "three invented words", CRM, actor="test")
    [alice] = await office.book.accounts()
    at = now() - timedelta(minutes=30)
    begun = SessionRecord(
        sha256=sha256(b"secret").digest(), account=alice, began_at=at, seen_at=at, ends_at=at + SESSION
    )
    await office.book.begin_session(begun)
    await office.keyring.refresh()
    office.keyring.used(begun)
    await office.keyring.refresh()
    held = office.keyring.session_of(b"secret")
    assert held is not None
    assert held.seen_at > at
    [stored] = await office.book.sessions_in_use()
    assert stored.seen_at == held.seen_at


async def test_where_there_are_no_tables_yet_nobody_is_known_and_nobody_is_kept_waiting(
    office: Office, database: str
) -> None:
    token = await office.issues("crm")
    await office.keyring.refresh()
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE api_token RENAME TO not_yet")
    office.clock.seconds += FRESH_FOR_S
    await office.keyring.refresh()
    assert (office.knows(token), office.keyring.age_s) == (None, 0)


async def test_who_is_not_known_is_told_so_whether_or_not_postgresql_is_away(office: Office) -> None:
    """Only where no token was ever read is it not known who shows one."""
    async with served(office, Switched()) as client:
        for shown, status in (({}, 401), ({"Authorization": "Basic YTpi"}, 401), ({"Authorization": "Bearer x"}, 503)):
            assert (await client.get("/api/v1/calls", headers=shown)).status == status
        await office.keyring.refresh()
        office.clock.seconds += FRESH_FOR_S
        assert (await client.get("/api/v1/calls", headers={"Authorization": "Bearer x"})).status == 401


async def test_a_token_that_is_revoked_while_a_body_is_on_its_way_does_nothing(office: Office) -> None:
    switched, slow = Switched(), SlowBody()
    call = switched.asks("customer")
    shown = {"Authorization": f"Bearer {await office.issues('crm')}"}
    await office.keyring.refresh()
    async with served(office, switched, slow) as client, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.post(f"/api/v1/calls/{call}/pause", headers=shown, data=slow.parts()))
        await slow.arrived.wait()
        await office.identities.revoke_token("crm", actor="test")
        await office.keyring.refresh()
        slow.go_on.set()
        assert (await asked).status == 401
    assert not switched.call(call).suspensions


async def test_a_token_that_ends_soon_is_told_of_before_it_does(office: Office) -> None:
    await office.issues("later", days=30)
    await office.keyring.refresh()
    assert 29 * 86400 < sample("rc_api_token_end_seconds") <= 30 * 86400
    await office.issues("crm", days=13)
    with capture_logs() as logs:
        await office.keyring.refresh()
        await office.keyring.refresh()
    told = [(log["token"], log["days"]) for log in logs if log["event"] == "keyring.token_ends_soon"]
    assert told == [("crm", 12)]
    assert sample("rc_api_token_end_seconds") <= 13 * 86400
    refused = sample("rc_http_refused_total", status="401")
    async with served(office, Switched()) as client:
        assert (await client.get("/api/v1/calls")).status == 401
    assert sample("rc_http_refused_total", status="401") == refused + 1


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_two_who_add_one_name_at_a_time_are_one_who_does_and_one_who_is_refused(office: Office) -> None:
    added = await asyncio.gather(*(office.issues("crm") for _ in range(2)), return_exceptions=True)
    issued = [one for one in added if isinstance(one, str)]
    assert len(issued) == 1
    assert {str(one) for one in added if one not in issued} == {str(RegisterRefused(TAKEN))}
    await office.keyring.refresh()
    assert office.knows(issued[0]) is not None


async def test_two_changes_of_an_account_at_a_time_are_both_made(office: Office) -> None:
    """A password takes its time: what is changed meanwhile stays changed."""
    await office.identities.add_account("alice", "three invented words", CRM, actor="test")
    await asyncio.gather(
        office.identities.change_account("alice", password="four other invented words", actor="test"),
        office.identities.disable_account("alice", actor="test"),
    )
    [alice] = await office.book.accounts()
    assert alice.disabled_at is not None
    assert alice.password_hash is not None
    assert matches(alice.password_hash, "four other invented words")


async def test_what_is_new_takes_nobodys_place(office: Office) -> None:
    first = await office.identities.add_account("alice", "three invented words", CRM, actor="test")
    with pytest.raises(DatabaseError):
        await office.ledger.write([replace(first, password_hash="$argon2id$another")])
    [alice] = await office.book.accounts()
    assert alice.password_hash == first.password_hash


async def test_an_agent_talks_on_one_pbx(office: Office) -> None:
    agent = Scope(roles=frozenset({Role.AGENT}), extension="201")
    assert office.identities.checked(agent).pbx == "main"
    two = Identities(ledger=office.ledger, book=office.book, policy=a_policy, pbxs=["paris", "lyon"])
    assert two.checked(replace(agent, pbx="lyon")).pbx == "lyon"
    for wrong in (agent, replace(agent, pbx="nice"), Scope(roles=frozenset({Role.DPO}), pbx="lyon")):
        with pytest.raises(RegisterRefused, match="pbx: goes with an extension, and is one of the file's: paris, lyon"):
            two.checked(wrong)


@asynccontextmanager
async def served(
    office: Office, switched: Switched, slow: SlowBody | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    app = server.build(
        pbxs=[Pbx(switched.dispatcher)],
        token=TOKEN,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
        keyring=office.keyring,
        accesses=office.book,
    )
    if slow is not None:
        slow.heard_by(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_pause_by_a_token_that_was_good_a_moment_ago_waits_for_no_database(
    own_server: tuple[EmbeddedPostgres, Path],
) -> None:
    """Whether a token is good is not asked of PostgreSQL, which hangs; what would record more is not done then."""
    postgres, data = own_server
    engine = open_engine(postgres.url)
    office, switched = Office(engine), Switched()
    call = switched.asks("customer")
    good, later = {"Authorization": f"Bearer {await office.issues('crm')}"}, {"Authorization": "Bearer rc_later"}
    await office.keyring.refresh()
    path = f"/api/v1/calls/{call}"
    async with served(office, switched) as client:
        assert (await client.post(f"{path}/pause", headers=later)).status == 401
        with stopped(data):
            reading = asyncio.create_task(office.keyring.refresh())
            assert (await client.post(f"{path}/pause", headers=good)).status == 200
            assert switched.call(call).suspensions
            assert (await client.post(f"{path}/resume", headers=good)).status == 200
            office.clock.seconds += FRESH_FOR_S
            assert (await client.post(f"{path}/pause", headers=good)).status == 200
            assert (await client.get(path, headers=good)).status == 200
            assert switched.call(call).suspensions
            for verb in ("resume", "start", "objection", "private", "proof"):
                assert (await client.post(f"{path}/{verb}", headers=good)).status == 503
            assert switched.call(call).suspensions
            assert switched.call(call).excluded is None
            assert (await client.post(f"{path}/pause", headers=later)).status == 401
            office.clock.seconds += 3600
            assert (await client.get(path, headers=good)).status == 503
            assert (await client.post(f"{path}/pause", headers=good)).status == 200
            assert (await client.post(f"{path}/stop", headers=good)).status == 200
            file = {"Authorization": f"Bearer {TOKEN}"}
            assert (await client.post(f"{path}/resume", headers=file)).status == 200
            await reading
            assert office.keyring.age_s > FRESH_FOR_S
        await office.keyring.refresh()
        assert (await client.post(f"{path}/start", headers=good)).status == 200
        assert (await client.post(f"{path}/pause", headers=later)).status == 401
    await engine.dispose()
