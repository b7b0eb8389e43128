"""What of the stored recordings may be due, or old enough for the archive; and what is deleted of the access log.

The conditions choose what is looked at; ``controller.domain.retention`` judges it.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.tables import access, document, recording, stored
from controller.domain.policy import Period
from controller.domain.records import StoredState, Tier

IS_STORED = stored.c.state == StoredState.STORED
_BEGAN = func.coalesce(recording.c.ended_at, document.c.added_at, recording.c.started_at, stored.c.taken_at)


def may_be_due(at: datetime) -> ColumnElement[bool]:
    """Due by then, or without a date."""
    return and_(IS_STORED, or_(stored.c.due_at <= at, stored.c.due_at.is_(None)))


def may_be_archived(at: datetime, after: Period, purposes: Collection[str]) -> ColumnElement[bool]:
    """Not due by then, of one of these purposes, and begun so long ago."""
    return and_(
        IS_STORED,
        stored.c.due_at > at,
        or_(stored.c.tier == Tier.ACTIVE, stored.c.tier.is_(None)),
        func.coalesce(recording.c.purpose, document.c.purpose).in_(purposes),
        _BEGAN + _interval(after) <= at,
    )


async def forget_accesses(engine: AsyncEngine, *, kept: Period, at: datetime) -> int:
    """Delete what the access log has kept for so long; how many entries. Raises ``DatabaseAway``."""
    with in_our_terms():
        async with engine.connect() as connection:
            done = await connection.execute(delete(access).where(access.c.at + _interval(kept) <= at))
            return int(done.rowcount)


def _interval(period: Period) -> ColumnElement[object]:
    return func.make_interval(period.years, period.months, 0, period.days)
