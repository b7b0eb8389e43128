"""The commands that print what is stored: ``decisions`` and ``recordings``."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from controller.cli import options
from controller.cli.lazy import LazyGroup
from controller.cli.output import print_rows
from controller.cli.session import engine_on, load_settings, with_database

DECISION_COLUMNS = ("seq", "at", "call_id", "kind", "verdict", "reason", "purpose", "actor")
RECORDING_COLUMNS = ("name", "purpose", "state", "started_at", "ended_at", "milliseconds", "quarantined_from")
"""What a table shows of a row, since people read it on a screen. The whole row is in ``jsonl``."""


@click.command()
@options.config
@options.call
@options.since
@options.limit
@options.shape
def decisions(file: Path, call: UUID | None, since: datetime | None, limit: int | None, shape: str) -> None:
    """Print decisions, as they were written."""
    from controller.db import queries  # noqa: PLC0415

    async def show(url: str) -> None:
        async with engine_on(url) as engine:
            found = queries.decisions(engine, call=_text(call), since=_utc(since), limit=limit)
            await print_rows((asdict(row) async for row in found), shape, DECISION_COLUMNS)

    with_database(load_settings(file), show)


@click.group(
    cls=LazyGroup,
    elsewhere={"fetch": "listening", "ingest": "ingesting", "proof": "listening"},
    invoke_without_command=True,
)
@options.config
@options.call
@options.since
@options.limit
@options.shape
def recordings(file: Path, call: UUID | None, since: datetime | None, limit: int | None, shape: str) -> None:
    """Print recordings, with their spans; or do something with them."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from controller.db import queries  # noqa: PLC0415

    async def show(url: str) -> None:
        async with engine_on(url) as engine:
            found = queries.recordings(engine, call=_text(call), since=_utc(since), limit=limit)
            rows = ({**asdict(row.recording), "spans": [_span(span) for span in row.spans]} async for row in found)
            await print_rows(rows, shape, RECORDING_COLUMNS)

    with_database(load_settings(file), show)


def _span(span: Any) -> dict[str, Any]:  # noqa: ANN401 - any frozen record
    fields = asdict(span)
    fields.pop("recording")
    return fields


def _text(call: UUID | None) -> str | None:
    return str(call) if call else None


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None
