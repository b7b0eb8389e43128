"""Who objects and who has been informed, as PostgreSQL keeps it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.db.registers import LOOK_UP_TIMEOUT_S, PostgresRegister
from controller.domain.records import EVERY_PURPOSE
from controller.errors import DatabaseAway, DatabaseRefused
from tests.integration.entries import NOON, a_notice, an_objection, at

SOMEBODY, SOMEBODY_ELSE = bytes(range(32)), bytes(range(32, 64))
FAR_TOO_LONG_S = 60


@pytest.fixture
def register(engine: AsyncEngine) -> PostgresRegister:
    return PostgresRegister(engine, look_up_timeout_s=10.0)


async def test_objections_are_those_of_this_customer_that_hold_now(
    ledger: PostgresLedger, register: PostgresRegister
) -> None:
    await ledger.write(
        [
            an_objection(customer_hash=SOMEBODY, scope="quality"),
            an_objection(customer_hash=SOMEBODY, scope=EVERY_PURPOSE),
            an_objection(customer_hash=SOMEBODY, scope="orders", until=at(1)),
            an_objection(customer_hash=SOMEBODY_ELSE, scope="investment"),
        ]
    )
    assert await register.objections(SOMEBODY) == {"quality", EVERY_PURPOSE}
    assert await register.objections(SOMEBODY_ELSE) == {"investment"}
    assert await register.objections(bytes(32)) == frozenset()


@pytest.mark.parametrize("apart", [True, False])
async def test_the_objection_that_was_raised_last_wins_whichever_is_written_last(
    ledger: PostgresLedger, register: PostgresRegister, *, apart: bool
) -> None:
    raised = an_objection(at=at(0), until=NOON + timedelta(days=365))
    lifted = an_objection(at=at(60), until=at(60))
    for batch in ([raised], [lifted], [raised]) if apart else ([raised, lifted, raised],):
        await ledger.write(batch)
    assert await register.objections(raised.customer_hash) == frozenset()
    again = an_objection(at=at(120))
    await ledger.write([again])
    assert await register.objections_on_file() == [again]


async def test_an_objection_holds_a_hash_and_nothing_shorter(ledger: PostgresLedger) -> None:
    with pytest.raises(DatabaseRefused, match="objection_customer_hash_check"):
        await ledger.write([an_objection(customer_hash=b"0199000001")])


async def test_objections_on_file_come_by_age_and_for_one_customer(
    ledger: PostgresLedger, register: PostgresRegister
) -> None:
    old = an_objection(customer_hash=SOMEBODY_ELSE, at=at(1))
    young = an_objection(customer_hash=SOMEBODY, at=at(2))
    await ledger.write([young, old, an_objection(scope="orders", until=at(1))])
    assert await register.objections_on_file() == [old, young]
    assert await register.objections_on_file(SOMEBODY) == [young]


async def test_informed_are_those_of_this_version_who_were(ledger: PostgresLedger, register: PostgresRegister) -> None:
    await ledger.write(
        [a_notice("201"), a_notice("202"), a_notice("203", version="2025-1"), a_notice("204", informed_at=None)]
    )
    assert await register.informed("2026-1") == {"201", "202"}
    assert await register.informed("2025-1") == {"203"}
    assert await register.informed("2027-1") == frozenset()


async def test_a_notice_that_turns_out_to_be_wrong_no_longer_counts(
    ledger: PostgresLedger, register: PostgresRegister
) -> None:
    await ledger.write([a_notice("202"), a_notice("201")])
    assert await register.notices() == [a_notice("201"), a_notice("202")]
    await ledger.write([a_notice("201", informed_at=None)])
    assert await register.informed("2026-1") == {"202"}
    assert await register.notices() == [a_notice("202")]


async def test_a_notice_that_is_written_again_keeps_the_moment_in_which_it_was_first(
    ledger: PostgresLedger, database: str
) -> None:
    await ledger.write([a_notice()])
    first = recorded(database)
    await ledger.write([a_notice()])
    assert recorded(database) == first
    await ledger.write([a_notice(informed_at=NOON.date())])
    assert recorded(database) > first


def recorded(database: str) -> datetime:
    with psycopg.connect(database) as connection:
        [(moment,)] = connection.execute("SELECT recorded_at FROM agent_notice").fetchall()
    assert isinstance(moment, datetime)
    return moment


@pytest.fixture
async def locked(database: str) -> AsyncIterator[None]:
    """The registers as a long migration holds them: nobody reads."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await connection.execute("LOCK TABLE objection, agent_notice IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.usefixtures("locked")
async def test_a_look_up_that_is_not_answered_is_given_up(engine: AsyncEngine) -> None:
    register = PostgresRegister(engine)
    for _ in range(6):
        with pytest.raises(DatabaseAway, match=f"within {LOOK_UP_TIMEOUT_S:g} s"):
            await asyncio.wait_for(register.objections(SOMEBODY), FAR_TOO_LONG_S)


async def test_registers_that_are_nowhere_are_away() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/none")
    register = PostgresRegister(engine, look_up_timeout_s=10.0)
    for reading in (
        register.objections(SOMEBODY),
        register.informed("2026-1"),
        register.objections_on_file(),
        register.notices(),
    ):
        with pytest.raises(DatabaseAway):
            await reading
    await engine.dispose()
