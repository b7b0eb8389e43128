"""What the command line, a restart and an auditor read back.

All functions raise ``DatabaseAway``; an id that is no id is ``DatabaseRefused``. What may be long is streamed: who
leaves such a stream early closes it (``contextlib.aclosing``).
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, Text, TextClause, cast, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.tables import call as call_table
from controller.db.tables import decision, live_call, policy_version, recording, recording_span, sampling_stratum
from controller.domain.decision import Kind, StoredDecision, Verdict
from controller.domain.names import CallId
from controller.domain.policy import Direction
from controller.domain.records import CallRecord, LiveCallRecord, RecordingRecord, RecordingState, SpanKind, SpanRecord
from controller.domain.sampling import Stratum

Source = AsyncEngine | AsyncConnection
"""A connection is one of ``one_moment``."""

_ROWS_AT_ONCE = 500
_UNFINISHED = (RecordingState.STARTING, RecordingState.RECORDING, RecordingState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecording:
    """A recording, and its spans by time."""

    recording: RecordingRecord
    spans: tuple[SpanRecord, ...]


async def decisions(
    engine: AsyncEngine, *, call: str | None = None, since: datetime | None = None, limit: int | None = None
) -> AsyncGenerator[StoredDecision, None]:
    """Decisions by ``seq``: of one call, taken at ``since`` or later, the newest ``limit`` of them."""
    chosen = select(decision)
    if call is not None:
        chosen = chosen.where(decision.c.call_id == call)
    if since is not None:
        chosen = chosen.where(decision.c.at >= since)
    newest = _newest(chosen, decision, "seq", limit)
    async with aclosing(streamed(engine, newest)) as rows:
        async for row in rows:
            yield _decision(row)


async def recordings(
    engine: AsyncEngine, *, call: str | None = None, since: datetime | None = None, limit: int | None = None
) -> AsyncGenerator[StoredRecording, None]:
    """Recordings by their beginning: of one call, begun at ``since`` or later, the newest ``limit`` of them."""
    chosen = select(recording)
    if call is not None:
        chosen = chosen.where(recording.c.call_id == call)
    if since is not None:
        chosen = chosen.where(recording.c.started_at >= since)
    some = _newest(chosen, recording, "started_at", limit).subquery("some")
    joined = (
        select(some, recording_span)
        .outerjoin_from(some, recording_span, some.c.name == recording_span.c.recording)
        .order_by(some.c.started_at, some.c.name, recording_span.c.begin)
    )
    known: RecordingRecord | None = None
    spans: list[SpanRecord] = []
    async with aclosing(streamed(engine, joined)) as rows:
        async for row in rows:
            if known is not None and row.name != known.name:
                yield StoredRecording(recording=known, spans=tuple(spans))
                spans = []
            known = _recording(row)
            if row.recording is not None:
                spans.append(_span(row))
    if known is not None:
        yield StoredRecording(recording=known, spans=tuple(spans))


async def unfinished_recordings(source: Source, pbx: str) -> list[RecordingRecord]:
    """Recordings of a PBX that nobody has seen end."""
    chosen = select(recording).where(recording.c.pbx == pbx, recording.c.state.in_(_UNFINISHED))
    return [_recording(row) async for row in streamed(source, chosen.order_by(recording.c.name))]


async def live_calls(source: Source, pbx: str) -> list[LiveCallRecord]:
    """The calls of a PBX that the daemon that watched it last has left under way."""
    chosen = select(live_call.c.call_id, live_call.c.pbx, cast(live_call.c.state, Text).label("state"))
    rows = streamed(source, chosen.where(live_call.c.pbx == pbx).order_by(live_call.c.call_id))
    return [LiveCallRecord(call_id=CallId(row.call_id), pbx=row.pbx, state=row.state) async for row in rows]


async def unended_calls(source: Source, pbx: str) -> list[CallRecord]:
    """The calls of a PBX that nobody has seen end."""
    here = (call_table.c.pbx == pbx, call_table.c.ended_at.is_(None))
    chosen = select(call_table).where(*here).order_by(call_table.c.id)
    return [_call(row) async for row in streamed(source, chosen)]


async def calls_of(source: Source, customer_hash: bytes) -> list[CallRecord]:
    """The calls of a customer, the oldest first."""
    chosen = select(call_table).where(call_table.c.customer_hash == customer_hash)
    return [_call(row) async for row in streamed(source, chosen.order_by(call_table.c.started_at, call_table.c.id))]


async def call_of(source: Source, call: CallId) -> CallRecord | None:
    """A call by its id. Raises ``DatabaseRefused`` where it is none."""
    rows = [_call(row) async for row in streamed(source, select(call_table).where(call_table.c.id == call))]
    return rows[0] if rows else None


async def recordings_to_hide(source: Source, pbx: str) -> list[RecordingRecord]:
    """Recordings of a PBX that nobody may listen to, and whose file may still be where it was."""
    chosen = select(recording).where(recording.c.pbx == pbx, recording.c.state == RecordingState.QUARANTINING)
    return [_recording(row) async for row in streamed(source, chosen.order_by(recording.c.name))]


async def recordings_to_discard(source: Source, pbx: str) -> list[RecordingRecord]:
    """Recordings of a PBX that are to be thrown away, and whose file may still be there."""
    chosen = select(recording).where(recording.c.pbx == pbx, recording.c.state == RecordingState.DISCARDING)
    return [_recording(row) async for row in streamed(source, chosen.order_by(recording.c.name))]


async def remember_policy(engine: AsyncEngine, *, version: str, text: str) -> None:
    """Keep the text of a policy, that decisions name by its version; the first time it was loaded stands."""
    with in_our_terms():
        async with engine.begin() as connection:
            statement = insert(policy_version).values(version=version, text=text)
            await connection.execute(statement.on_conflict_do_nothing())


async def sampling_strata(engine: AsyncEngine) -> dict[tuple[str, str], Stratum]:
    """Where each stratum stands, by purpose and stratum."""
    chosen = select(sampling_stratum).order_by(sampling_stratum.c.purpose, sampling_stratum.c.stratum)
    return {
        (row.purpose, row.stratum): Stratum(answered=row.answered, owed=row.owed, recent=int(row.recent, 2))
        async for row in streamed(engine, chosen)
    }


def _newest(chosen: Select[Any], table: Table, by: str, limit: int | None) -> Select[Any]:
    if limit is None:
        return chosen.order_by(table.c[by])
    last = chosen.order_by(table.c[by].desc().nulls_last()).limit(limit).subquery("last")
    return select(last).order_by(last.c[by])


@asynccontextmanager
async def one_moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """What is read of this connection is of the moment of the first reading."""
    with in_our_terms():
        async with _reading(engine) as connection:
            yield connection


async def streamed(source: Source, statement: Select[Any] | TextClause) -> AsyncGenerator[Row[*tuple[Any, ...]], None]:
    """The rows of a question as they come, all of one moment."""
    with in_our_terms():
        async with _reading(source) if isinstance(source, AsyncEngine) else nullcontext(source) as connection:
            rows = await connection.stream(statement)
            try:
                async for row in rows.yield_per(_ROWS_AT_ONCE):
                    yield row
            finally:  # stream's own context manager leaves the cursor open where the reader leaves early
                await rows.close()


@asynccontextmanager
async def _reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees one moment, as a cursor needs it."""
    async with engine.connect() as connection:
        yield await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True, stream_results=True
        )


def _decision(row: Row[Any]) -> StoredDecision:
    return StoredDecision(
        seq=row.seq,
        at=row.at,
        call_id=row.call_id,
        pbx=row.pbx,
        linkedid=row.linkedid,
        kind=Kind(row.kind),
        verdict=Verdict(row.verdict),
        reason=row.reason,
        rule=row.rule,
        purpose=row.purpose,
        policy_version=row.policy_version,
        actor=row.actor,
        facts=row.facts,
    )


def _call(row: Row[Any]) -> CallRecord:
    return CallRecord(
        id=CallId(row.id),
        pbx=row.pbx,
        linkedid=row.linkedid,
        direction=Direction(row.direction),
        queue=row.queue,
        language=row.language,
        route=row.route,
        agent=row.agent,
        customer_hash=row.customer_hash,
        customer_sealed=row.customer_sealed,
        started_at=row.started_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
    )


def _recording(row: Row[Any]) -> RecordingRecord:
    return RecordingRecord(
        name=row.name,
        call_id=row.call_id,
        pbx=row.pbx,
        purpose=row.purpose,
        state=RecordingState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        milliseconds=row.milliseconds,
        quarantined_from=row.quarantined_from,
    )


def _span(row: Row[Any]) -> SpanRecord:
    return SpanRecord(recording=row.recording, kind=SpanKind(row.kind), reason=row.reason, begin=row.begin, end=row.end)
