"""When what is stored comes to its end, added up by month."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import case, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.legal_holds import stands
from controller.db.tables import document, legal_hold, recording, stored
from controller.domain.records import StoredState

DUE: Final = "due"
"""By now: the next run destroys it, unless something holds it."""
NO_DATE: Final = "no-date"
"""No policy that ever was in force says anything of its purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Of one purpose, how many recordings and documents come to their end ``when``: a month (UTC), or one of the above.

    ``held`` of them are under a legal hold that stands now.
    """

    when: str
    purpose: str
    recordings: int
    documents: int
    held: int


async def ends(engine: AsyncEngine, *, at: datetime) -> list[Ends]:
    """Of all that is stored; PostgreSQL adds up. Raises ``DatabaseAway``."""
    due = stored.c.due_at
    month = func.to_char(func.timezone("UTC", due), "YYYY-MM")
    about = func.coalesce(recording.c.call_id, document.c.call_id)
    held = exists(select(literal(1)).where(legal_hold.c.call_id == about, stands(at)).correlate(recording, document))
    found = (
        select(
            case((due.is_(None), NO_DATE), (due <= at, DUE), else_=month).label("at"),
            func.coalesce(recording.c.purpose, document.c.purpose).label("purpose"),
            recording.c.name.label("recording"),
            held.label("held"),
        )
        .outerjoin_from(stored, recording, recording.c.name == stored.c.recording)
        .outerjoin(document, document.c.id == stored.c.recording)
        .where(stored.c.state == StoredState.STORED)
        .subquery("found")
    )
    late = case((found.c.at == DUE, 0), (found.c.at == NO_DATE, 2), else_=1)
    added_up = (
        select(
            found.c.at,
            found.c.purpose,
            func.count(found.c.recording).label("recordings"),
            (func.count() - func.count(found.c.recording)).label("documents"),
            func.count().filter(found.c.held).label("held"),
        )
        .group_by(found.c.at, found.c.purpose)
        .order_by(late, found.c.at, found.c.purpose)
    )
    with in_our_terms():
        async with engine.connect() as connection:
            rows = (await connection.execute(added_up)).all()
    return [
        Ends(when=row.at, purpose=row.purpose, recordings=row.recordings, documents=row.documents, held=row.held)
        for row in rows
    ]
