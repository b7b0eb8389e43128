"""Which recordings are on their way from a PBX to the object store, and by which policies they were made.

All functions raise ``DatabaseAway``.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Select, Text, and_, any_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.locks import tried
from controller.db.queries import streamed
from controller.db.tables import call, decision, policy_version, recording, stored
from controller.domain.decision import Kind, Verdict
from controller.domain.names import CallId
from controller.domain.records import RecordingState, StoredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A recording that is not all the way from its PBX."""

    name: str
    purpose: str
    began_at: datetime


async def waiting(engine: AsyncEngine, pbx: str, *, since: datetime | None = None, most: int) -> list[Waiting]:
    """Recordings that are not all the way from this PBX, the earliest first.

    Of a call under way none is taken: its customer may object yet. Nor is one that is out of hearing. ``since`` leaves
    out those that began before, so that what is stored already does not make the question longer.
    """
    began_at = func.coalesce(recording.c.started_at, recording.c.ended_at, func.now())
    statement = _waiting(select(recording.c.name, recording.c.purpose, began_at.label("began_at")), pbx)
    if since is not None:
        statement = statement.where(recording.c.started_at >= since)
    ordered = statement.order_by(recording.c.started_at, recording.c.name).limit(most)
    return [
        Waiting(name=row.name, purpose=row.purpose, began_at=row.began_at) async for row in streamed(engine, ordered)
    ]


async def unknown(engine: AsyncEngine, names: Collection[str]) -> set[str]:
    """Those of these files that no recording explains: none has that name, or it is gone from the PBX for good."""
    gone = (stored.c.state == StoredState.DESTROYED, stored.c.off_pbx_at.is_not(None))
    statement = (
        select(recording.c.name)
        .outerjoin_from(recording, stored, stored.c.recording == recording.c.name)
        .where(recording.c.name == any_(cast(list(names), ARRAY(Text))))
        .where(or_(stored.c.recording.is_(None), ~and_(*gone)))
    )
    return set(names) - {row.name async for row in streamed(engine, statement)}


async def policy_of(engine: AsyncEngine, call_id: CallId, purpose: str) -> str | None:
    """The version of the policy by which a call was recorded for a purpose."""
    allowed = (decision.c.kind == Kind.RECORD, decision.c.verdict == Verdict.ALLOWED, decision.c.purpose == purpose)
    statement = select(decision.c.policy_version).where(decision.c.call_id == call_id, *allowed)
    return await _first(engine, statement.order_by(decision.c.seq.desc()).limit(1))


async def policy_text(engine: AsyncEngine, version: str) -> str | None:
    """The file that was this policy."""
    return await _first(engine, select(policy_version.c.text).where(policy_version.c.version == version))


async def policy_texts(engine: AsyncEngine) -> AsyncGenerator[str]:
    """Every policy that was ever in force."""
    async for row in streamed(engine, select(policy_version.c.text).order_by(policy_version.c.loaded_at)):
        yield row.text


def alone(engine: AsyncEngine, pbx: str) -> AbstractAsyncContextManager[bool]:
    """Whether we are the one that takes from this PBX, until this is left: the daemon and commands take turns."""
    return tried(engine, f"intake/{pbx}")


def _waiting(statement: Select[Any], pbx: str) -> Select[Any]:
    under_way = select(call.c.id).where(call.c.id == recording.c.call_id, call.c.ended_at.is_(None)).exists()
    return (
        statement.outerjoin_from(recording, stored, stored.c.recording == recording.c.name)
        .where(recording.c.pbx == pbx, recording.c.state == RecordingState.ENDED)
        .where(recording.c.quarantined_from.is_(None), ~under_way)
        .where(or_(stored.c.recording.is_(None), stored.c.state == StoredState.TAKING, stored.c.off_pbx_at.is_(None)))
    )


async def _first(engine: AsyncEngine, statement: Select[Any]) -> str | None:
    return next((row[0] for row in [row async for row in streamed(engine, statement)]), None)
