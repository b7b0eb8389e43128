"""What is in the object store, with all that says what may become of it: its call, its holds, its restrictions.

All functions raise ``DatabaseAway``.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.legal_holds import stands
from controller.db.queries import streamed
from controller.db.tables import call, document, legal_hold, outcome, recording, recording_span, restriction, stored
from controller.domain.names import CallId, RecordingName
from controller.domain.records import RecordingState, SpanKind, SpanRecord, StoredRecord, StoredState, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A recording, or a document about a call, as it lies in the object store.

    ``is_document`` tells which. ``state`` and ``quarantined_from`` are the recording's own; ``ended_at`` is when it was
    over, or when the document was added. ``held`` is whether a legal hold stands at the time that was asked for,
    ``restricted`` whether its customer has had processing restricted (GDPR art. 18), ``outcome`` what came of the call.
    """

    stored: StoredRecord
    is_document: bool
    call_id: CallId
    pbx: str
    linkedid: str
    purpose: str
    queue: str
    agent: str | None
    customer_hash: bytes | None
    state: RecordingState | None
    started_at: datetime | None
    ended_at: datetime | None
    milliseconds: int | None
    quarantined_from: datetime | None
    held: bool
    restricted: bool
    outcome: str | None
    outcome_at: datetime | None

    @property
    def name(self) -> str:
        """The name of the recording, or of the document."""
        return self.stored.recording


async def holdings(
    engine: AsyncEngine, *chosen: ColumnElement[bool], at: datetime, newest_first: bool = False
) -> AsyncGenerator[Holding, None]:
    """Holdings by name, which is by time, that meet every condition on the tables, with what stands at ``at``."""
    about = func.coalesce(recording.c.call_id, document.c.call_id)
    restricted = (restriction.c.customer_hash == call.c.customer_hash, restriction.c.lifted_at.is_(None))
    statement = (
        select(
            *stored.c,
            document.c.id.label("document"),
            about.label("call_id"),
            func.coalesce(recording.c.purpose, document.c.purpose).label("purpose"),
            recording.c.state.label("recording_state"),
            recording.c.started_at,
            func.coalesce(recording.c.ended_at, document.c.added_at).label("ended_at"),
            recording.c.milliseconds,
            recording.c.quarantined_from,
            func.coalesce(recording.c.pbx, call.c.pbx, literal("")).label("pbx"),
            func.coalesce(call.c.linkedid, literal("")).label("linkedid"),
            func.coalesce(call.c.queue, literal("")).label("queue"),
            call.c.agent,
            call.c.customer_hash,
            exists().where(legal_hold.c.call_id == about, stands(at)).label("held"),
            exists().where(*restricted).label("restricted"),
            outcome.c.outcome,
            outcome.c.at.label("outcome_at"),
        )
        .outerjoin_from(stored, recording, recording.c.name == stored.c.recording)
        .outerjoin(document, document.c.id == stored.c.recording)
        .outerjoin(call, call.c.id == about)
        .outerjoin(outcome, outcome.c.call_id == about)
        .where(about.is_not(None), *chosen)
        .order_by(stored.c.recording.desc() if newest_first else stored.c.recording)
    )
    async with aclosing(streamed(engine, statement)) as rows:
        async for row in rows:
            yield _holding(row)


async def holding(engine: AsyncEngine, name: str, *, at: datetime) -> Holding | None:
    """One of them, by its name."""
    async with aclosing(holdings(engine, stored.c.recording == name, at=at)) as found:
        return await anext(found, None)


async def spans_of(engine: AsyncEngine, name: str) -> list[SpanRecord]:
    """The stretches of a recording, by their beginnings."""
    chosen = select(recording_span).where(recording_span.c.recording == name).order_by(recording_span.c.begin)
    async with aclosing(streamed(engine, chosen)) as rows:
        return [
            SpanRecord(
                recording=RecordingName(row.recording),
                kind=SpanKind(row.kind),
                reason=row.reason,
                begin=row.begin,
                end=row.end,
            )
            async for row in rows
        ]


def _holding(row: Row[Any]) -> Holding:
    return Holding(
        stored=_stored(row),
        is_document=row.document is not None,
        call_id=CallId(row.call_id),
        pbx=row.pbx,
        linkedid=row.linkedid,
        purpose=row.purpose,
        queue=row.queue,
        agent=row.agent,
        customer_hash=row.customer_hash,
        state=RecordingState(row.recording_state) if row.recording_state else None,
        started_at=row.started_at,
        ended_at=row.ended_at,
        milliseconds=row.milliseconds,
        quarantined_from=row.quarantined_from,
        held=row.held,
        restricted=row.restricted,
        outcome=row.outcome,
        outcome_at=row.outcome_at,
    )


def _stored(row: Row[Any]) -> StoredRecord:
    return StoredRecord(
        recording=row.recording,
        state=StoredState(row.state),
        object=row.object,
        sealed_key=row.sealed_key,
        master=row.master,
        sha256=row.sha256,
        octets=row.octets,
        partial=row.partial,
        tier=Tier(row.tier) if row.tier else None,
        taken_at=row.taken_at,
        stored_at=row.stored_at,
        off_pbx_at=row.off_pbx_at,
        due_at=row.due_at,
        destroyed_at=row.destroyed_at,
    )
