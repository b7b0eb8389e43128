"""The wrapped keys of what is stored, and how one takes another's place. All functions raise ``DatabaseAway``."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.queries import streamed
from controller.db.tables import decision, stored
from controller.domain.decision import Kind, Reason
from controller.domain.records import WrappedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """What is stored and has its key. ``object``, ``sha256`` and ``octets`` are None until it is stored."""

    recording: str
    key: WrappedKey
    object: str | None
    sha256: bytes | None
    octets: int | None


_PAGE = 200

_REPLACED = text("""
    UPDATE stored SET sealed_key = change.new, master = change.master
    FROM json_to_recordset(CAST(:changes AS json)) AS change (recording text, old bytea, new bytea, master text)
    WHERE stored.recording = change.recording AND stored.sealed_key = change.old
""")
"""Nothing changes where the key is another one meanwhile, or destroyed."""


async def wrapped(engine: AsyncEngine) -> AsyncGenerator[Wrapped, None]:
    """All of them by name, a page at a time: whoever opens each of them takes their time."""
    columns = (stored.c.recording, stored.c.sealed_key, stored.c.master, stored.c.object, stored.c.sha256)
    chosen = select(*columns, stored.c.octets).where(stored.c.sealed_key.is_not(None)).order_by(stored.c.recording)
    last = ""
    while True:
        rows = [row async for row in streamed(engine, chosen.where(stored.c.recording > last).limit(_PAGE))]
        for row in rows:
            key = WrappedKey(sealed=row.sealed_key, master=row.master or "")
            yield Wrapped(recording=row.recording, key=key, object=row.object, sha256=row.sha256, octets=row.octets)
        if len(rows) < _PAGE:
            return
        last = rows[-1].recording


async def wrapped_by_others(
    engine: AsyncEngine, master: str, *, after: str, limit: int
) -> list[tuple[str, WrappedKey]]:
    """Some whose key another master than this one wraps, by name, after this one."""
    chosen = select(stored.c.recording, stored.c.sealed_key, stored.c.master)
    others = chosen.where(stored.c.sealed_key.is_not(None), stored.c.master.is_distinct_from(master))
    rows = streamed(engine, others.where(stored.c.recording > after).order_by(stored.c.recording).limit(limit))
    return [(row.recording, WrappedKey(sealed=row.sealed_key, master=row.master or "")) async for row in rows]


async def replace_keys(engine: AsyncEngine, changes: Sequence[tuple[str, WrappedKey, WrappedKey]]) -> int:
    """Put the second key in the place of the first, for each name; how many were still the first."""
    rows = [
        {
            "recording": name,
            "old": f"\\x{old.sealed.hex()}",
            "new": f"\\x{new.sealed.hex()}",
            "master": new.master,
        }
        for name, old, new in changes
    ]
    with in_our_terms():
        async with engine.begin() as connection:
            return (await connection.execute(_REPLACED, {"changes": json.dumps(rows)})).rowcount


async def by_master(engine: AsyncEngine) -> dict[str, int]:
    """How many keys each master wraps."""
    counted = select(stored.c.master, func.count().label("keys")).where(stored.c.sealed_key.is_not(None))
    rows = streamed(engine, counted.group_by(stored.c.master))
    return {row.master or "": row.keys async for row in rows}


async def last_rewrapped_by(engine: AsyncEngine) -> str | None:
    """The master that the last decision to wrap all keys anew names."""
    named = decision.c.facts["master"].astext.label("master")
    about = (decision.c.kind == Kind.CONFIG, decision.c.reason == Reason.KEYS_REWRAPPED)
    chosen = select(named).where(*about).order_by(decision.c.seq.desc()).limit(1)
    return next(iter([row.master async for row in streamed(engine, chosen)]), None)
