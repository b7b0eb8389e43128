"""Finds stored recordings: by call, agent, queue, purpose and time, and by the number of a customer."""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement

from controller.custody.custody import Custody
from controller.custody.listening import Listener
from controller.db.holdings import Holding, holdings
from controller.db.tables import call, recording, stored
from controller.domain.names import CallId
from controller.domain.records import AccessRecord, StoredState, Tier
from controller.errors import RegisterRefused
from controller.faults import NO_NUMBER
from controller.numbers import hashed
from controller.runtime.clock import new_token, now

MOST = 200
USUAL = 50


class Order(StrEnum):
    """Which recordings come first."""

    OLDEST = "oldest"
    NEWEST = "newest"


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
    order: Order = Order.OLDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was found, in the order that was asked for; ``next`` is where the page after it begins, None at the end."""

    holdings: tuple[Holding, ...]
    next: str | None


async def found_by(custody: Custody, search: Search, listener: Listener) -> Page:
    """Stored recordings that exist for who asks, by name, which is by time.

    Whoever looks for a customer is written down, before they learn anything. Raises ``RegisterRefused``,
    ``DatabaseError``.
    """
    conditions = [*_conditions(search), *_existing(listener)]
    if search.number is not None:
        conditions.append(call.c.customer_hash == await _customer(custody, search.number, listener.who))
    found: list[Holding] = []
    newest_first = search.order is Order.NEWEST
    async with aclosing(holdings(custody.engine, *conditions, at=now(), newest_first=newest_first)) as rows:
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
        name = stored.c.recording
        conditions.append(name < search.after if search.order is Order.NEWEST else name > search.after)
    return conditions


def _existing(listener: Listener) -> list[ColumnElement[bool]]:
    """The conditions on what exists for somebody, as ``Listener.may_know`` has them."""
    conditions: list[ColumnElement[bool]] = []
    if listener.purposes is not None:
        conditions.append(recording.c.purpose.in_(listener.purposes))
    if not listener.archive:
        conditions.append(stored.c.tier.is_distinct_from(Tier.ARCHIVE))
    return conditions


async def _customer(custody: Custody, number: str, who: str) -> bytes:
    customer = hashed(number, country=custody.country, key=custody.numbers_key)
    if customer is None:
        raise RegisterRefused(NO_NUMBER)
    entry = AccessRecord(
        id=new_token("access"), at=now(), who=who, action="search", what=f"customer:{customer.hex()}", why=None
    )
    await custody.write([entry])
    return customer
