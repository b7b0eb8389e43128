"""How snapshots of calls, recordings and their spans are written: the last one wins, but an end stays an end.

That is: ``ended_at`` and a quarantine only grow, and a recording that has ended never goes on.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from controller.db.bounded import Driver
from controller.domain.records import CallRecord, Record, RecordingRecord, SpanRecord

_CALL = """
INSERT INTO call AS known
    (id, pbx, linkedid, direction, queue, language, route, agent, customer_hash, started_at, answered_at, ended_at)
SELECT id, pbx, linkedid, direction, queue, language, route, agent, customer_hash, started_at, answered_at, ended_at
FROM json_to_recordset(%s::json) AS snapshot (
    id uuid, pbx text, linkedid text, direction text, queue text, language text, route text, agent text,
    customer_hash bytea, started_at timestamptz, answered_at timestamptz, ended_at timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    pbx = excluded.pbx, linkedid = excluded.linkedid, direction = excluded.direction, queue = excluded.queue,
    language = excluded.language, route = excluded.route, agent = excluded.agent,
    customer_hash = excluded.customer_hash, started_at = excluded.started_at, answered_at = excluded.answered_at,
    ended_at = greatest(known.ended_at, excluded.ended_at)
"""

_RECORDING = """
INSERT INTO recording AS known
    (name, call_id, pbx, purpose, state, started_at, ended_at, milliseconds, quarantined_from)
SELECT name, call_id, pbx, purpose, state, started_at, ended_at, milliseconds, quarantined_from
FROM json_to_recordset(%s::json) AS snapshot (
    name text, call_id uuid, pbx text, purpose text, state text, started_at timestamptz, ended_at timestamptz,
    milliseconds bigint, quarantined_from timestamptz
)
ON CONFLICT (name) DO UPDATE SET
    call_id = excluded.call_id, pbx = excluded.pbx, purpose = excluded.purpose,
    state = CASE known.state WHEN 'ended' THEN known.state ELSE excluded.state END,
    started_at = excluded.started_at,
    ended_at = greatest(known.ended_at, excluded.ended_at),
    milliseconds = coalesce(excluded.milliseconds, known.milliseconds),
    quarantined_from = least(known.quarantined_from, excluded.quarantined_from)
"""

_SPAN = """
INSERT INTO recording_span (recording, kind, reason, "begin", "end")
SELECT recording, kind, reason, "begin", "end"
FROM json_to_recordset(%s::json) AS snapshot (
    recording text, kind text, reason text, "begin" timestamptz, "end" timestamptz
)
ON CONFLICT (recording, "begin", kind) DO UPDATE SET reason = excluded.reason, "end" = excluded."end"
"""

_Key = tuple[object, ...]
_Row = dict[str, object]


async def upsert(driver: Driver, records: Sequence[Record]) -> None:
    """Send records; what one statement can take (no row twice) goes in one."""
    for statement, rows in _statements(records):
        await driver.execute(statement, (json.dumps(rows),))


def _statements(records: Sequence[Record]) -> Iterator[tuple[str, list[_Row]]]:
    waiting: dict[str, dict[_Key, _Row]] = {_CALL: {}, _RECORDING: {}, _SPAN: {}}
    for record in records:
        statement, key, row = _row(record)
        if key in waiting[statement]:
            yield statement, list(waiting[statement].values())
            waiting[statement] = {}
        waiting[statement][key] = row
    yield from ((statement, list(rows.values())) for statement, rows in waiting.items() if rows)


def _row(record: Record) -> tuple[str, _Key, _Row]:
    match record:
        case CallRecord():
            return _CALL, (record.id,), _call(record)
        case RecordingRecord():
            return _RECORDING, (record.name,), _recording(record)
        case SpanRecord():
            return _SPAN, (record.recording, record.begin, record.kind), _span(record)
        case _:
            assert_never(record)


def _call(record: CallRecord) -> _Row:
    return {
        "id": record.id,
        "pbx": record.pbx,
        "linkedid": record.linkedid,
        "direction": record.direction,
        "queue": record.queue,
        "language": record.language,
        "route": record.route,
        "agent": record.agent,
        "customer_hash": None if record.customer_hash is None else "\\x" + record.customer_hash.hex(),
        "started_at": _time(record.started_at),
        "answered_at": _time(record.answered_at),
        "ended_at": _time(record.ended_at),
    }


def _recording(record: RecordingRecord) -> _Row:
    return {
        "name": record.name,
        "call_id": record.call_id,
        "pbx": record.pbx,
        "purpose": record.purpose,
        "state": record.state,
        "started_at": _time(record.started_at),
        "ended_at": _time(record.ended_at),
        "milliseconds": record.milliseconds,
        "quarantined_from": _time(record.quarantined_from),
    }


def _span(record: SpanRecord) -> _Row:
    return {
        "recording": record.recording,
        "kind": record.kind,
        "reason": record.reason,
        "begin": _time(record.begin),
        "end": _time(record.end),
    }


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
