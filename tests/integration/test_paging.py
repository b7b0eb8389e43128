"""Registers and legal holds over HTTP, a page at a time, from a real PostgreSQL: everything once, the newest first."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.domain.records import NoticeRecord, ObjectionRecord
from tests.integration.entries import a_call_id
from tests.integration.offices import Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

RAISED = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


async def pages(office: Office, what: str, *, who: str = "dpo", limit: int = 3) -> list[list[dict[str, Any]]]:
    """Every page of a list, as one who follows ``next`` gets them."""
    found, query = [], {"limit": str(limit)}
    while True:
        headers = office.tokens.bearer(who)
        async with office.client.get(f"/api/v1/{what}", params=query, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            page = await answer.json()
        found.append(page[what])
        if page["next"] is None:
            return found
        query["before"] = page["next"]


def objection(number: int, scope: str, *, after_s: int) -> ObjectionRecord:
    at = RAISED + timedelta(seconds=after_s)
    return ObjectionRecord(customer_hash=bytes([number]) * 32, scope=scope, at=at, until=LATER)


async def test_objections_come_once_each_the_newest_first_though_many_are_of_one_moment(office: Office) -> None:
    raised = [objection(number, scope, after_s=number // 4) for number in range(8) for scope in ("*", "quality")]
    await office.custody.ledger.write(raised)
    found = await pages(office, "objections")
    told = [(one["customer"], one["scope"]) for page in found for one in page]
    assert [len(page) for page in found] == [3, 3, 3, 3, 3, 1]
    assert sorted(told) == sorted((one.customer_hash.hex(), one.scope) for one in raised)
    assert [customer[:2] >= "04" for customer, _ in told] == [True] * 8 + [False] * 8


async def test_a_page_of_objections_is_full_though_others_are_of_purposes_that_are_not_theirs(office: Office) -> None:
    await office.custody.ledger.write(
        [objection(number, scope, after_s=number) for number in range(6) for scope in ("evidence", "quality")]
    )
    found = await pages(office, "objections", who="integration-of-quality")
    assert [[one["customer"][:2] for one in page] for page in found] == [["05", "04", "03"], ["02", "01", "00"]]
    assert {one["scope"] for page in found for one in page} == {"quality"}


async def test_notices_come_once_each_the_newest_first(office: Office) -> None:
    informed = [
        NoticeRecord(agent=str(200 + number), version=version, informed_at=RAISED.date() + timedelta(days=number // 3))
        for number in range(6)
        for version in ("2025-01", "2026-01")
    ]
    await office.custody.ledger.write(informed)
    found = [one for page in await pages(office, "notices", limit=5) for one in page]
    assert sorted((one["agent"], one["version"]) for one in found) == sorted(
        (one.agent, one.version) for one in informed
    )
    assert [one["informed_at"] for one in found] == ["2026-03-03"] * 6 + ["2026-03-02"] * 6


async def test_holds_come_once_each_the_newest_first(office: Office) -> None:
    placed = []
    for why in "abcde":
        body = {"call": a_call_id(), "why": why}
        status, _ = await office.ask("dpo", "POST", "/holds", json=body)
        assert status == 201
        placed.append(why)
    found = await pages(office, "holds", limit=2)
    assert [one["why"] for page in found for one in page] == placed[::-1]
    assert [len(page) for page in found] == [2, 2, 1]


@pytest.mark.parametrize("what", ["objections", "notices", "holds", "me/accesses"])
@pytest.mark.parametrize("query", [{"before": "yesterday"}, {"limit": "0"}, {"limit": "201"}, {"before": "2026-02-30"}])
async def test_what_is_no_page_is_refused(office: Office, what: str, query: dict[str, str]) -> None:
    headers = office.tokens.bearer("dpo")
    async with office.client.get(f"/api/v1/{what}", params=query, headers=headers) as answer:
        assert answer.status == 400
