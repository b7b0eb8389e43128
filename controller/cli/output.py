"""How rows are printed: a table for people, or one JSON object for each line."""

import json
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any

import click

Row = dict[str, Any]

WIDTH = 200
"""Characters of a table that goes to no terminal."""


async def each(rows: Iterable[Row]) -> AsyncIterator[Row]:
    """Rows that are all there already."""
    for row in rows:
        yield row


async def print_rows(rows: AsyncIterator[Row], shape: str, columns: Sequence[str]) -> None:
    """Print them as they come, where ``shape`` is ``jsonl``; a table shows ``columns``, and waits for the last."""
    if shape == "jsonl":
        async for row in rows:
            click.echo(json.dumps(row, default=_plain, ensure_ascii=False))
        return
    from rich.console import Console  # noqa: PLC0415 - only where it is shown
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None)
    for name in columns:
        table.add_column(name, overflow="fold")
    async for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    else:
        click.echo("nothing found", err=True)


def _plain(value: object) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    return "" if value is None else _plain(value)
