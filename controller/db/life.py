"""How changes to what is kept after a call are written: what a change does not say stays as it was.

Each statement is told by a record of ``controller.domain.records``, and most are made from their table. A state never
goes back, and a key that was destroyed never comes back, whatever is written later.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from controller.db import tables
from controller.domain.records import (
    AccessRecord,
    CondemnedRecord,
    DocumentRecord,
    ErasureRecord,
    ForgottenRecord,
    HoldRecord,
    LifeRecord,
    OutcomeRecord,
    RectifiedRecord,
    RestrictionRecord,
    StoredRecord,
    StoredState,
)

_AGES = " ".join(f"WHEN '{state}' THEN {age}" for age, state in enumerate(StoredState))
_GOING = "('destroying', 'destroyed')"
_GUARDED = {
    "state": (
        f"CASE WHEN (CASE known.state {_AGES} END) > (CASE excluded.state {_AGES} END)"
        " THEN known.state ELSE excluded.state END"
    ),
    "sealed_key": (
        f"CASE WHEN known.state IN {_GOING} OR excluded.state IN {_GOING} THEN NULL"
        " ELSE coalesce(excluded.sealed_key, known.sealed_key) END"
    ),
}
"""What of ``stored`` is not simply the newest."""


def _upsert(table: Table, *, once: bool = False) -> str:
    columns = [column.name for column in table.columns]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    typed = ", ".join(f'"{column.name}" {column.type.compile(dialect)}' for column in table.columns)
    names = ", ".join(f'"{name}"' for name in columns)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    kept = [name for name in columns if name not in table.primary_key]
    guards = _GUARDED if table is tables.stored else {}
    changes = ", ".join(
        f'"{name}" = ' + guards.get(name, f'coalesce(excluded."{name}", known."{name}")') for name in kept
    )
    what = "NOTHING" if once else f"UPDATE SET {changes}"
    return (
        f"INSERT INTO {table.name} AS known ({names}) SELECT {names}"  # noqa: S608 - names of our own
        f" FROM json_to_recordset(%s::json) AS snapshot ({typed}) ON CONFLICT ({keys}) DO {what}"
    )


_CONDEMNED = """
UPDATE recording AS known
SET state = 'discarding', quarantined_from = least(known.quarantined_from, known.started_at)
FROM json_to_recordset(%s::json) AS snapshot (recording text)
WHERE known.name = snapshot.recording AND known.state IN ('ended', 'quarantining', 'quarantined')
"""

_RECTIFIED = """
UPDATE call AS known SET
    queue = coalesce(snapshot.queue, known.queue),
    agent = coalesce(snapshot.agent, known.agent),
    customer_hash = coalesce(snapshot.customer_hash, known.customer_hash),
    customer_sealed = coalesce(snapshot.customer_sealed, known.customer_sealed)
FROM json_to_recordset(%s::json) AS snapshot (
    call_id uuid, queue text, agent text, customer_hash bytea, customer_sealed bytea
)
WHERE known.id = snapshot.call_id
"""

_FORGOTTEN = """
UPDATE call AS known SET customer_hash = NULL, customer_sealed = NULL
FROM json_to_recordset(%s::json) AS snapshot (call_id uuid)
WHERE known.id = snapshot.call_id
"""

STATEMENTS: Mapping[type[LifeRecord], str] = {
    StoredRecord: _upsert(tables.stored),
    DocumentRecord: _upsert(tables.document),
    HoldRecord: _upsert(tables.legal_hold),
    OutcomeRecord: _upsert(tables.outcome),
    RestrictionRecord: _upsert(tables.restriction),
    ErasureRecord: _upsert(tables.erasure, once=True),
    AccessRecord: _upsert(tables.access, once=True),
    CondemnedRecord: _CONDEMNED,
    RectifiedRecord: _RECTIFIED,
    ForgottenRecord: _FORGOTTEN,
}
_KEYS: Mapping[type[LifeRecord], tuple[str, ...]] = {
    StoredRecord: ("recording",),
    DocumentRecord: ("id",),
    HoldRecord: ("id",),
    OutcomeRecord: ("call_id",),
    RestrictionRecord: ("customer_hash", "at"),
    ErasureRecord: ("what",),
    AccessRecord: ("id",),
    CondemnedRecord: ("recording",),
    RectifiedRecord: ("call_id",),
    ForgottenRecord: ("call_id",),
}


def row(record: LifeRecord) -> tuple[str, tuple[object, ...], dict[str, object]]:
    """The statement that writes a record, what tells it from others of its kind, and its columns."""
    fields = asdict(record)
    kind = type(record)
    key = tuple(fields[name] for name in _KEYS[kind])
    return STATEMENTS[kind], key, {name: _plain(value) for name, value in fields.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.isoformat() if isinstance(value, datetime) else value
