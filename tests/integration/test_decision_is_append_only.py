"""Decisions are evidence: PostgreSQL itself keeps them, whoever asks."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import sql

from controller.db.ledger import PostgresLedger
from tests.integration.entries import a_decision

ATTEMPTS = [
    "UPDATE decision SET verdict = 'allowed'",
    "UPDATE decision SET facts = '{}' WHERE seq = 1",
    "DELETE FROM decision",
    "DELETE FROM decision WHERE seq = 1",
    "TRUNCATE decision",
    "TRUNCATE decision, call RESTART IDENTITY CASCADE",
    """
    INSERT INTO decision OVERRIDING SYSTEM VALUE SELECT * FROM decision
    ON CONFLICT (seq) DO UPDATE SET actor = 'nobody'
    """,
]


@pytest.fixture(params=["superuser", "owner", "replica"])
async def session(
    request: pytest.FixtureRequest, database: str, ledger: PostgresLedger
) -> AsyncIterator[psycopg.Connection]:
    """A session of one who could do anything to the table, with a decision in it."""
    await ledger.write([a_decision()])
    with psycopg.connect(database, autocommit=True) as opened:
        if request.param == "replica":
            opened.execute("SET session_replication_role = replica")
        if request.param == "owner":
            _become_owner(opened)
        yield opened
        opened.execute("RESET ROLE")


def _become_owner(session: psycopg.Connection) -> None:
    role = sql.Identifier("owner_" + session.info.dbname)
    session.execute(sql.SQL("CREATE ROLE {}").format(role))
    for table in ("decision", "call"):
        session.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), role))
    session.execute(sql.SQL("SET ROLE {}").format(role))


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nobody_changes_or_removes_a_decision(session: psycopg.Connection, attempt: str) -> None:
    before = session.execute("SELECT * FROM decision").fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match='on table "decision" is refused'):
        session.execute(attempt.encode())
    assert session.execute("SELECT * FROM decision").fetchall() == before
    assert len(before) == 1


def test_the_number_of_a_decision_cannot_be_chosen(database: str) -> None:
    with psycopg.connect(database) as session, pytest.raises(psycopg.errors.GeneratedAlways):
        session.execute("INSERT INTO decision (seq) VALUES (1)")
