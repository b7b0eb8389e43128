"""Finds stored recordings: by call, agent, queue, purpose and time, and by the number of a customer."""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from controller.custody.custody import Custody
from controller.db.holdings import Holding, holdings
from controller.db.tables import call, recording, stored
from controller.domain.names import CallId
from controller.domain.records import AccessRecord, StoredState
from controller.errors import RegisterRefused
from controller.numbers import hashed
from controller.runtime.clock import new_token, now

MOST = 200
USUAL = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; what is None matters not. ``after`` is the name that the page before ended with."""

    name: str | None = None
    call: CallId | None = None
    purpose: str | None = None
    queue: str | None = None
    agent: str | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was found, the oldest first; ``next`` is where the page after it begins, None at the end."""

    holdings: tuple[Holding, ...]
    next: str | None


async def found_by(custody: Custody, search: Search, *, who: str) -> Page:
    """Stored recordings by name, which is by time. Raises ``RegisterRefused``, ``DatabaseError``.

    Whoever looks for a customer is written down, before they learn anything.
    """
    conditions = _conditions(search)
    if search.number is not None:
        conditions.append(call.c.customer_hash == await _customer(custody, search.number, who))
    found: list[Holding] = []
    async with aclosing(holdings(custody.engine, *conditions, at=now())) as rows:
        async for row in rows:
            if len(found) == search.limit:
                return Page(holdings=tuple(found), next=found[-1].name)
            found.append(row)
    return Page(holdings=tuple(found), next=None)


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    given = [
        (stored.c.recording, search.name),
        (recording.c.call_id, search.call),
        (recording.c.purpose, search.purpose),
        (call.c.queue, search.queue),
        (call.c.agent, search.agent),
    ]
    conditions = [column == value for column, value in given if value is not None]
    conditions += [stored.c.state == StoredState.STORED, recording.c.name.is_not(None)]
    if search.since is not None:
        conditions.append(recording.c.started_at >= search.since)
    if search.until is not None:
        conditions.append(recording.c.started_at < search.until)
    if search.after is not None:
        conditions.append(stored.c.recording > search.after)
    return conditions


async def _customer(custody: Custody, number: str, who: str) -> bytes:
    customer = hashed(number, country=custody.country, key=custody.numbers_key)
    if customer is None:
        raise RegisterRefused("number: must be a telephone number, such as +33199000001 or 01 99 00 00 01")
    entry = AccessRecord(
        id=new_token("access"), at=now(), who=who, action="search", what=f"customer:{customer.hex()}", why=None
    )
    await custody.write([entry])
    return customer
