"""What an erasure is about that is in no object store: the customer's number of a call, a file on a PBX.

Every function raises ``DatabaseAway``.
"""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.legal_holds import stands
from controller.db.tables import call as call_table
from controller.db.tables import legal_hold, recording
from controller.domain.names import CallId
from controller.domain.records import RecordingRecord, RecordingState

_WITH_FILE = (RecordingState.ENDED, RecordingState.QUARANTINING, RecordingState.QUARANTINED)


async def has_number(engine: AsyncEngine, call: CallId) -> bool:
    """Whether anything stands for a customer's number in this call."""
    number = or_(call_table.c.customer_hash.is_not(None), call_table.c.customer_sealed.is_not(None))
    with in_our_terms():
        async with engine.connect() as connection:
            found = await connection.execute(select(call_table.c.id).where(call_table.c.id == call, number))
            return found.first() is not None


async def waits_on_pbx(engine: AsyncEngine, name: str) -> RecordingRecord | None:
    """The recording of this name, where its file may still be on its PBX."""
    columns = [recording.c[field.name] for field in fields(RecordingRecord)]
    chosen = select(*columns).where(recording.c.name == name, recording.c.state.in_(_WITH_FILE))
    with in_our_terms():
        async with engine.connect() as connection:
            row = (await connection.execute(chosen)).mappings().first()
    return RecordingRecord(**{**row, "state": RecordingState(row["state"])}) if row else None


async def is_held(engine: AsyncEngine, call: CallId, *, at: datetime) -> bool:
    """Whether a legal hold of this call stands at a time."""
    standing = select(legal_hold.c.id).where(legal_hold.c.call_id == call, stands(at))
    with in_our_terms():
        async with engine.connect() as connection:
            return (await connection.execute(standing)).first() is not None
