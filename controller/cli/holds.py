"""The commands of legal holds, and of what came of a call."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.output import each, print_rows
from controller.cli.registers import actor
from controller.domain.names import CallId
from controller.domain.retention import OUTCOMES

if TYPE_CHECKING:
    from controller.custody.custody import Custody

COLUMNS = ("id", "call_id", "why", "placed_by", "placed_at", "until")


@click.group()
def holds() -> None:
    """Keep what is stored of a call for a dispute: nothing of it is destroyed meanwhile."""


@holds.command()
@options.config
@click.argument("call", type=click.UUID)
@click.option("--why", metavar="TEXT", required=True, help="Why; it stands in no decision.")
@click.option(
    "--until",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="The end, in UTC: 2027-06-30 or 2027-06-30T12:00:00; until it is lifted unless given.",
)
def place(file: Path, call: UUID, why: str, until: datetime | None) -> None:
    """Place a hold on a CALL (a call_id), also where its recording is still on its way."""
    from controller.custody.holds import place as place_hold  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        end = until.replace(tzinfo=UTC) if until else None
        hold = await place_hold(custody, CallId(str(call)), why, end, actor=actor())
        stands = f"until {hold.until.isoformat(timespec='seconds')}" if hold.until else "until it is lifted"
        click.echo(f"hold {hold.id} stands {stands}")

    with_custody(file, work)


@holds.command()
@options.config
@click.argument("hold", metavar="ID")
@click.option("--why", metavar="TEXT", help="Why it may go; kept with it, and in no decision.")
def lift(file: Path, hold: str, why: str | None) -> None:
    """Lift the hold with this ID: what is due is destroyed by the next run."""
    from controller.custody.holds import lift as lift_hold  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        lifted = await lift_hold(custody, hold, why, actor=actor())
        click.echo(f"hold {lifted.id} is lifted")

    with_custody(file, work)


@holds.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print the holds that stand, the oldest first."""
    from controller.custody.holds import holds as standing  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        found = await standing(custody)
        await print_rows(each(asdict(hold) for hold in found), shape, COLUMNS)

    with_custody(file, work)


@click.command()
@options.config
@click.argument("call", type=click.UUID)
@click.argument("what", metavar="OUTCOME", type=click.Choice(OUTCOMES))
def outcome(file: Path, call: UUID, what: str) -> None:
    """Say what came of a CALL: contract, or none. The dates of its recordings follow, where the purpose says so."""
    from controller.custody.outcomes import tell_outcome  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        changed = await tell_outcome(custody, CallId(str(call)), what, actor=actor())
        click.echo(f"{changed} dates changed")

    with_custody(file, work)
