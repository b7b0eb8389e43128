"""Calls, legal holds, documents and accesses, as people look them up. All functions raise ``DatabaseAway``."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.legal_holds import stands
from controller.db.queries import streamed
from controller.db.tables import access, call, document, legal_hold, outcome, stored
from controller.domain.names import CallId
from controller.domain.records import AccessRecord, DocumentRecord, HoldRecord, StoredState, Tier

_OLDEST_FIRST = select(legal_hold).order_by(legal_hold.c.placed_at, legal_hold.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOnFile:
    """What a decision about a call names, and what came of the call. ``pbx`` is empty where nothing is known of it."""

    id: CallId
    pbx: str = ""
    linkedid: str = ""
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOnFile:
    """A document, where and how long it is there. ``octets`` is its size, ``due_at`` when it is destroyed."""

    document: DocumentRecord
    state: StoredState
    tier: Tier | None
    octets: int | None
    due_at: datetime | None


async def call_on_file(engine: AsyncEngine, call_id: CallId) -> CallOnFile | None:
    """A call, None where nothing is known of it."""
    chosen = (
        select(call.c.pbx, call.c.linkedid, outcome.c.outcome)
        .outerjoin_from(call, outcome, outcome.c.call_id == call.c.id)
        .where(call.c.id == call_id)
    )
    async with aclosing(streamed(engine, chosen)) as rows:
        row = await anext(rows, None)
    return CallOnFile(id=call_id, pbx=row.pbx, linkedid=row.linkedid, outcome=row.outcome) if row else None


async def hold_on_file(engine: AsyncEngine, hold: str) -> HoldRecord | None:
    """A legal hold, whether or not it stands."""
    async with aclosing(_holds(engine, _OLDEST_FIRST.where(legal_hold.c.id == hold))) as found:
        return await anext(found, None)


async def holds_of_call(engine: AsyncEngine, call_id: CallId) -> list[HoldRecord]:
    """Every legal hold of a call, whether or not it stands, the oldest first."""
    return [hold async for hold in _holds(engine, _OLDEST_FIRST.where(legal_hold.c.call_id == call_id))]


async def standing_holds(engine: AsyncEngine, *, at: datetime) -> list[HoldRecord]:
    """The legal holds that stand then, the oldest first."""
    return [hold async for hold in _holds(engine, _OLDEST_FIRST.where(stands(at)))]


async def holds_before(
    engine: AsyncEngine, before: datetime | None, id_: str, *, at: datetime, limit: int
) -> list[HoldRecord]:
    """The legal holds that stand, the newest first: placed before a time (None: all), or then and before an id."""
    columns = (legal_hold.c.placed_at, legal_hold.c.id)
    chosen = [stands(at)] if before is None else [stands(at), tuple_(*columns) < (before, id_)]
    statement = select(legal_hold).where(*chosen).order_by(*(column.desc() for column in columns)).limit(limit)
    return [hold async for hold in _holds(engine, statement)]


async def accesses_on_file(engine: AsyncEngine, what: str, *, limit: int) -> list[AccessRecord]:
    """Who had a recording or a document, the newest first."""
    chosen = select(access).where(access.c.what == what).order_by(access.c.at.desc(), access.c.id).limit(limit)
    return [AccessRecord(**row._mapping) async for row in streamed(engine, chosen)]  # noqa: SLF001


async def documents_on_file(engine: AsyncEngine, *chosen: ColumnElement[bool]) -> AsyncGenerator[DocumentOnFile, None]:
    """Documents that are not destroyed and meet every condition on the tables, the oldest first."""
    there = stored.c.state.in_((StoredState.TAKING, StoredState.STORED))
    statement = (
        select(document, stored.c.state, stored.c.tier, stored.c.octets, stored.c.due_at)
        .join_from(document, stored, stored.c.recording == document.c.id)
        .where(there, *chosen)
        .order_by(document.c.added_at, document.c.id)
    )
    async with aclosing(streamed(engine, statement)) as rows:
        async for row in rows:
            yield _document(row)


async def _holds(engine: AsyncEngine, statement: Select[Any]) -> AsyncGenerator[HoldRecord, None]:
    async with aclosing(streamed(engine, statement)) as rows:
        async for row in rows:
            yield HoldRecord(**row._mapping)  # noqa: SLF001 - a row's own name for its columns


def _document(row: Row[Any]) -> DocumentOnFile:
    return DocumentOnFile(
        document=DocumentRecord(
            id=row.id,
            call_id=CallId(row.call_id),
            purpose=row.purpose,
            kind=row.kind,
            media_type=row.media_type,
            added_at=row.added_at,
            added_by=row.added_by,
        ),
        state=StoredState(row.state),
        tier=Tier(row.tier) if row.tier else None,
        octets=row.octets,
        due_at=row.due_at,
    )
