"""The commands about the sample: why a call was chosen or not, and what the share came to."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from controller.cli import options
from controller.cli.output import each, print_rows
from controller.cli.session import engine_on, load_settings, with_database
from controller.domain.names import CallId
from controller.domain.replay import Account, account
from controller.domain.share import measured

if TYPE_CHECKING:
    from controller.db.samples import Asked

REPORT_COLUMNS = (
    "purpose",
    "stratum",
    "week",
    "answered",
    "eligible",
    "chosen",
    "share",
    "low",
    "high",
    "minimum",
    "maximum",
    "limits",
)


@click.group()
def sample() -> None:
    """Show how calls are chosen, and what it comes to."""


@sample.command()
@click.argument("call", type=click.UUID)
@options.config
@click.option(
    "--format", "shape", type=click.Choice(["text", "jsonl"]), default="text", show_default=True, help="How to print."
)
def explain(call: UUID, file: Path, shape: str) -> None:
    """Tell why CALL was chosen for a recording or not, and draw again with the key."""
    from controller.db import samples  # noqa: PLC0415

    settings = load_settings(file)
    key = settings.secrets.stored_sampling_key()

    async def show(url: str) -> None:
        async with engine_on(url) as engine:
            asked = await samples.of_call(engine, CallId(str(call)))
            if not asked:
                raise click.ClickException(f"nobody has asked whether call {call} may be recorded")
            for one in asked:
                told = None
                if one.drawn is not None:
                    told = account(one.drawn, await samples.before(engine, one.drawn, one.seq), key=key)
                click.echo(_text(one, told) if shape == "text" else json.dumps(_row(one, told)))

    with_database(settings, show)


@sample.command()
@options.config
@options.since
@click.option("--purpose", metavar="PURPOSE", help="Only of this purpose.")
@options.shape
def report(file: Path, since: datetime | None, purpose: str | None, shape: str) -> None:
    """Print the share of chosen calls for each purpose, stratum and week, against its limits."""
    from controller.db import samples  # noqa: PLC0415

    async def show(url: str) -> None:
        async with engine_on(url) as engine:
            begin = since.replace(tzinfo=UTC) if since else None
            found = await samples.weeks(engine, since=begin, purpose=purpose)
            await print_rows(each(map(measured, found)), shape, REPORT_COLUMNS)

    with_database(load_settings(file), show)


def _text(one: "Asked", told: Account | None) -> str:
    head = f"purpose {one.purpose}: {one.reason}" if one.purpose else one.reason.value
    lines = told.why if told else ("No sample was asked.",)
    return "\n".join([f"{one.at:%Y-%m-%dT%H:%M:%SZ} {head}", *(f"  {line}" for line in lines)])


def _row(one: "Asked", told: Account | None) -> dict[str, Any]:
    row = {
        "seq": one.seq,
        "at": one.at.isoformat(timespec="milliseconds"),
        "purpose": one.purpose,
        "reason": one.reason,
    }
    if told is None:
        return row
    drawn = told.drawn
    return {
        **row,
        "stratum": drawn.stratum,
        "number": drawn.answered + 1,
        "drawn": asdict(drawn.outcome),
        "again": asdict(told.again) if told.again else None,
        "replay": told.replay,
        "why": list(told.why),
    }
