"""What is stored of one customer beside what is in the object store, found by the hash of their number.

All functions raise ``DatabaseAway``. Calls without a hash, of those who withhold their number, are found by nobody.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, exists, select, union

from controller.db.legal_holds import stands
from controller.db.queries import Source, streamed
from controller.db.tables import access, call, document, erasure, legal_hold, objection, outcome, recording, restriction
from controller.domain.names import CallId
from controller.domain.records import (
    ERASED_NUMBER,
    AccessRecord,
    DocumentRecord,
    ObjectionRecord,
    OutcomeRecord,
    RestrictionRecord,
)


async def documents_of(source: Source, customer_hash: bytes) -> list[DocumentRecord]:
    """The documents about their calls, destroyed ones too."""
    return [DocumentRecord(**row._mapping) async for row in _about_calls(source, document, customer_hash)]  # noqa: SLF001


async def outcomes_of(source: Source, customer_hash: bytes) -> list[OutcomeRecord]:
    """What came of their calls."""
    return [OutcomeRecord(**row._mapping) async for row in _about_calls(source, outcome, customer_hash)]  # noqa: SLF001


async def objections_of(source: Source, customer_hash: bytes) -> list[ObjectionRecord]:
    """What they object to, or did."""
    return [ObjectionRecord(**row._mapping) async for row in _theirs(source, objection, customer_hash)]  # noqa: SLF001


async def restrictions_of(source: Source, customer_hash: bytes) -> list[RestrictionRecord]:
    """When they had processing restricted, whether that was lifted or not; the oldest first."""
    return [RestrictionRecord(**row._mapping) async for row in _theirs(source, restriction, customer_hash)]  # noqa: SLF001


async def accesses_of(source: Source, customer_hash: bytes) -> list[AccessRecord]:
    """Who had something of their calls, of their recordings, or of the documents about them; the oldest first."""
    theirs = _calls_of(customer_hash)
    about = union(
        select(recording.c.name).where(recording.c.call_id.in_(theirs)),
        select(document.c.id).where(document.c.call_id.in_(theirs)),
        select(call.c.id.cast(access.c.what.type)).where(call.c.customer_hash == customer_hash),
    )
    chosen = select(access).where(access.c.what.in_(about)).order_by(access.c.at, access.c.id)
    return [AccessRecord(**row._mapping) async for row in streamed(source, chosen)]  # noqa: SLF001


async def held_calls_of(source: Source, customer_hash: bytes, *, at: datetime) -> frozenset[CallId]:
    """Those of their calls on which a legal hold stands."""
    chosen = select(legal_hold.c.call_id).where(legal_hold.c.call_id.in_(_calls_of(customer_hash)), stands(at))
    return frozenset([CallId(row.call_id) async for row in streamed(source, chosen)])


async def number_was_erased(source: Source, call_id: CallId) -> bool:
    """Whether the number of a call was erased on request."""
    chosen = select(exists().where(erasure.c.what == f"{ERASED_NUMBER}{call_id}"))
    return [row[0] async for row in streamed(source, chosen)] == [True]


def _calls_of(customer_hash: bytes) -> Select[Any]:
    return select(call.c.id).where(call.c.customer_hash == customer_hash)


def _about_calls(source: Source, table: Table, customer_hash: bytes) -> AsyncIterator[Row[Any]]:
    theirs = table.c.call_id.in_(_calls_of(customer_hash))
    return streamed(source, select(table).where(theirs).order_by(*table.primary_key))


def _theirs(source: Source, table: Table, customer_hash: bytes) -> AsyncIterator[Row[Any]]:
    return streamed(source, select(table).where(table.c.customer_hash == customer_hash).order_by(table.c.at))
