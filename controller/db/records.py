"""How snapshots of calls, recordings, their spans, objections and notices are written: the last one wins, mostly.

An end stays an end: ``ended_at`` and a quarantine only grow, and the state of a recording never goes back. A call that
was excluded names nobody again. Of two
objections the one that was raised later wins, whichever is written last.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import assert_never

from controller.db import identities, life
from controller.db.bounded import Driver
from controller.domain.identity import AccountRecord, IdentityRecord, TokenRecord
from controller.domain.records import (
    CallRecord,
    LifeRecord,
    LiveCallRecord,
    NoticeRecord,
    ObjectionRecord,
    Record,
    RecordingRecord,
    RecordingState,
    SpanRecord,
)

_AGE = {
    RecordingState.STARTING: 0,
    RecordingState.RECORDING: 1,
    RecordingState.PAUSED: 1,
    RecordingState.FAILED: 2,
    RecordingState.ENDED: 3,
    RecordingState.QUARANTINING: 4,
    RecordingState.QUARANTINED: 5,
    RecordingState.DISCARDING: 6,
    RecordingState.DISCARDED: 7,
}
"""How far a recording is in its life. Where it is said both to have failed and to have ended, there may be a file."""

_THROWN_AWAY = {RecordingState.DISCARDING, RecordingState.DISCARDED}

_NAMES_NOBODY = "known.linkedid = '' AND excluded.linkedid <> ''"
"""A call was excluded since this snapshot of it was made: what named it stays gone."""

_NUMBER_IS_GONE = "known.customer_hash IS NULL"
"""It is known from the first snapshot on or never: by now the call was excluded, or its number erased."""

_CALL = f"""
INSERT INTO call AS known
    (id, pbx, linkedid, direction, queue, language, route, agent, customer_hash, customer_sealed,
    started_at, answered_at, ended_at)
SELECT id, pbx, linkedid, direction, queue, language, route, agent, customer_hash, customer_sealed,
    started_at, answered_at, ended_at
FROM json_to_recordset(%s::json) AS snapshot (
    id uuid, pbx text, linkedid text, direction text, queue text, language text, route text, agent text,
    customer_hash bytea, customer_sealed bytea,
    started_at timestamptz, answered_at timestamptz, ended_at timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    pbx = excluded.pbx, direction = excluded.direction, language = excluded.language,
    linkedid = CASE WHEN {_NAMES_NOBODY} THEN known.linkedid ELSE excluded.linkedid END,
    queue = CASE WHEN {_NAMES_NOBODY} THEN known.queue ELSE excluded.queue END,
    route = CASE WHEN {_NAMES_NOBODY} THEN known.route ELSE excluded.route END,
    agent = CASE WHEN {_NAMES_NOBODY} THEN known.agent ELSE excluded.agent END,
    customer_hash = CASE WHEN {_NUMBER_IS_GONE} THEN NULL ELSE excluded.customer_hash END,
    customer_sealed = CASE WHEN {_NUMBER_IS_GONE} THEN NULL ELSE excluded.customer_sealed END,
    started_at = excluded.started_at,
    answered_at = coalesce(excluded.answered_at, known.answered_at),
    ended_at = greatest(known.ended_at, excluded.ended_at)
"""  # noqa: S608 - words of our own


def _age(row: str) -> str:
    cases = " ".join(f"WHEN '{state}' THEN {age}" for state, age in _AGE.items())
    return f"CASE {row}.state {cases} END"


_RECORDING = f"""
INSERT INTO recording AS known
    (name, call_id, pbx, purpose, state, started_at, ended_at, milliseconds, quarantined_from)
SELECT name, call_id, pbx, purpose, state, started_at, ended_at, milliseconds, quarantined_from
FROM json_to_recordset(%s::json) AS snapshot (
    name text, call_id uuid, pbx text, purpose text, state text, started_at timestamptz, ended_at timestamptz,
    milliseconds bigint, quarantined_from timestamptz
)
ON CONFLICT (name) DO UPDATE SET
    call_id = excluded.call_id, pbx = excluded.pbx, purpose = excluded.purpose,
    state = CASE WHEN {_age("known")} > {_age("excluded")} THEN known.state ELSE excluded.state END,
    started_at = excluded.started_at,
    ended_at = greatest(known.ended_at, excluded.ended_at),
    milliseconds = coalesce(excluded.milliseconds, known.milliseconds),
    quarantined_from = least(known.quarantined_from, excluded.quarantined_from)
"""  # noqa: S608 - states and numbers of our own

_SPAN = """
INSERT INTO recording_span (recording, kind, reason, "begin", "end")
SELECT recording, kind, reason, "begin", "end"
FROM json_to_recordset(%s::json) AS snapshot (
    recording text, kind text, reason text, "begin" timestamptz, "end" timestamptz
)
ON CONFLICT (recording, "begin", kind) DO UPDATE SET reason = excluded.reason, "end" = excluded."end"
"""

_OBJECTION = """
INSERT INTO objection AS known (customer_hash, scope, at, until)
SELECT customer_hash, scope, at, until
FROM json_to_recordset(%s::json) AS snapshot (customer_hash bytea, scope text, at timestamptz, until timestamptz)
ORDER BY customer_hash, scope
ON CONFLICT (customer_hash, scope) DO UPDATE SET at = excluded.at, until = excluded.until
WHERE known.at <= excluded.at
"""

_NOTICE = """
INSERT INTO agent_notice AS known (agent, version, informed_at)
SELECT agent, version, informed_at
FROM json_to_recordset(%s::json) AS snapshot (agent text, version text, informed_at date)
ORDER BY agent, version
ON CONFLICT (agent, version) DO UPDATE SET informed_at = excluded.informed_at, recorded_at = clock_timestamp()
WHERE known.informed_at IS DISTINCT FROM excluded.informed_at
"""

_LIVE_CALL = """
WITH given AS (
    SELECT call_id, pbx, state FROM json_to_recordset(%s::json) AS snapshot (call_id uuid, pbx text, state jsonb)
), over AS (
    DELETE FROM live_call USING given WHERE live_call.call_id = given.call_id AND given.state IS NULL
)
INSERT INTO live_call (call_id, pbx, state)
SELECT call_id, pbx, state FROM given WHERE state IS NOT NULL
ON CONFLICT (call_id) DO UPDATE SET pbx = excluded.pbx, state = excluded.state, at = clock_timestamp()
"""

_OF_CALLS = (_CALL, _RECORDING, _SPAN, _OBJECTION, _NOTICE, _LIVE_CALL)
_STATEMENTS = (*_OF_CALLS, *life.STATEMENTS.values(), *identities.STATEMENTS)

_Key = tuple[object, ...]
_Row = dict[str, object]


async def upsert(driver: Driver, records: Sequence[Record | IdentityRecord]) -> None:
    """Send records; what one statement can take (no row twice) goes in one."""
    for statement, rows in _statements(records):
        given = (json.dumps(rows),)
        if statement in identities.BEFORE:
            await driver.execute(identities.BEFORE[statement], given)
        await driver.execute(statement, given)


def _statements(records: Sequence[Record | IdentityRecord]) -> Iterator[tuple[str, list[_Row]]]:
    waiting: dict[str, dict[_Key, _Row]] = {statement: {} for statement in _STATEMENTS}
    for record in records:
        statement, key, row = _row(record)
        if key in waiting[statement]:
            yield statement, list(waiting[statement].values())
            waiting[statement] = {}
        waiting[statement][key] = row
    yield from ((statement, list(rows.values())) for statement, rows in waiting.items() if rows)


def _row(record: Record | IdentityRecord) -> tuple[str, _Key, _Row]:
    if isinstance(record, AccountRecord | TokenRecord):
        return identities.row(record)
    return life.row(record) if isinstance(record, LifeRecord) else _row_of_call(record)


def _row_of_call(
    record: CallRecord | RecordingRecord | SpanRecord | ObjectionRecord | NoticeRecord | LiveCallRecord,
) -> tuple[str, _Key, _Row]:
    match record:
        case CallRecord():
            return _CALL, (record.id,), _call(record)
        case RecordingRecord():
            return _RECORDING, (record.name,), _recording(record)
        case SpanRecord():
            return _SPAN, (record.recording, record.begin, record.kind), _span(record)
        case ObjectionRecord():
            return _OBJECTION, (record.customer_hash, record.scope), _objection(record)
        case NoticeRecord():
            return _NOTICE, (record.agent, record.version), _notice(record)
        case LiveCallRecord():
            return _LIVE_CALL, (record.call_id,), _live_call(record)
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
        "customer_hash": None if record.customer_hash is None else _bytes(record.customer_hash),
        "customer_sealed": None if record.customer_sealed is None else _bytes(record.customer_sealed),
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
        "quarantined_from": _time(_quarantined_from(record)),
    }


def _quarantined_from(record: RecordingRecord) -> datetime | None:
    """Nobody listens to anything of a recording that is thrown away."""
    if record.state not in _THROWN_AWAY:
        return record.quarantined_from
    return min(filter(None, (record.quarantined_from, record.started_at)), default=None)


def _span(record: SpanRecord) -> _Row:
    return {
        "recording": record.recording,
        "kind": record.kind,
        "reason": record.reason,
        "begin": _time(record.begin),
        "end": _time(record.end),
    }


def _objection(record: ObjectionRecord) -> _Row:
    return {
        "customer_hash": _bytes(record.customer_hash),
        "scope": record.scope,
        "at": _time(record.at),
        "until": _time(record.until),
    }


def _notice(record: NoticeRecord) -> _Row:
    return {"agent": record.agent, "version": record.version, "informed_at": _time(record.informed_at)}


def _live_call(record: LiveCallRecord) -> _Row:
    state = None if record.state is None else json.loads(record.state)
    return {"call_id": record.call_id, "pbx": record.pbx, "state": state}


def _bytes(value: bytes) -> str:
    return "\\x" + value.hex()


def _time(time: date | None) -> str | None:
    return None if time is None else time.isoformat()
