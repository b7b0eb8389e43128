"""Recordings whose files are on a PBX and are to be no more. All functions raise ``DatabaseAway``."""

from dataclasses import fields

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.legal_holds import stands
from controller.db.queries import streamed
from controller.db.tables import call, legal_hold, recording
from controller.domain.records import RecordingRecord, RecordingState


async def quarantined(engine: AsyncEngine, pbx: str) -> list[RecordingRecord]:
    """Recordings of a PBX that are out of hearing, and that no legal hold keeps."""
    return await _found(engine, pbx, recording.c.state == RecordingState.QUARANTINED, ~_held())


async def condemned(engine: AsyncEngine, pbx: str) -> list[RecordingRecord]:
    """Recordings of a PBX whose files are to be deleted, and whose calls are over: of others the call takes care."""
    over = exists().where(call.c.id == recording.c.call_id, call.c.ended_at.is_not(None))
    return await _found(engine, pbx, recording.c.state == RecordingState.DISCARDING, over)


def _held() -> ColumnElement[bool]:
    return exists().where(legal_hold.c.call_id == recording.c.call_id, stands(func.clock_timestamp()))


async def _found(engine: AsyncEngine, pbx: str, *chosen: ColumnElement[bool]) -> list[RecordingRecord]:
    columns = [recording.c[field.name] for field in fields(RecordingRecord)]
    statement = select(*columns).where(recording.c.pbx == pbx, *chosen).order_by(recording.c.name)
    return [
        RecordingRecord(**{**row._mapping, "state": RecordingState(row.state)})  # noqa: SLF001 - SQLAlchemy's own name
        async for row in streamed(engine, statement)
    ]
