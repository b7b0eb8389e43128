"""The commands of retention: what is due destroyed, and what another policy would change."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.output import Row, each, print_rows
from controller.cli.registers import actor
from controller.domain.retention import FINISH, Fate
from controller.runtime.clock import now

if TYPE_CHECKING:
    from controller.custody.custody import Custody
    from controller.custody.retention import Report, Step
    from controller.custody.reviewing import Changes

RUN_COLUMNS = ("recording", "purpose", "due_at", "what", "reason", "trouble")
REVIEW_COLUMNS = ("purpose", "change", "recordings", "overdue", "first", "last")


@click.group()
def retention() -> None:
    """Destroy what may not be kept any longer, and see what another policy would change."""


@retention.command()
@options.config
@options.shape
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--at",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="As if it were this time, in UTC: what is due by then is destroyed now. The present unless given.",
)
def run(file: Path, shape: str, at: datetime | None, *, dry_run: bool) -> None:
    """Destroy what is due, and move to the archive what is old enough. Exits with 1 where something could not be done.

    What a legal hold or a restriction keeps is listed with that reason. Does what the daemon does every hour.
    """
    from controller.custody.retention import run as run_retention  # noqa: PLC0415

    time = at.replace(tzinfo=UTC) if at else now()

    async def work(custody: "Custody") -> None:
        if time > now() and not dry_run:
            click.echo(f"what is due by {time.isoformat(timespec='seconds')} is destroyed now", err=True)
        steps: list[Step] = []
        report = await run_retention(custody, at=time, dry_run=dry_run, actor=actor(), tell=steps.append)
        await print_rows(each(map(_row, steps)), shape, RUN_COLUMNS)
        click.echo(_summary(report, dry_run=dry_run), err=True)
        if report.troubles:
            sys.exit(1)

    with_custody(file, work)


@retention.command()
@options.config
@options.shape
@click.option("--apply", "apply_it", is_flag=True, help="Have it applied: what is to be destroyed sooner is.")
@click.option("--lengthen", is_flag=True, help="With --apply: what may be kept for longer is, too.")
def review(file: Path, shape: str, *, apply_it: bool, lengthen: bool) -> None:
    """Say what the policy in force would change of the dates that were fixed when recordings were stored."""
    from controller.custody import reviewing  # noqa: PLC0415

    if lengthen and not apply_it:
        raise click.UsageError("--lengthen goes with --apply")

    async def work(custody: "Custody") -> None:
        found = await reviewing.review(custody)
        await print_rows(each(map(_changes, found)), shape, REVIEW_COLUMNS)
        if apply_it:
            done = await reviewing.apply(custody, lengthen=lengthen, actor=actor())
            click.echo(f"{done} dates changed", err=True)

    with_custody(file, work)


def _row(step: "Step") -> Row:
    holding = step.holding
    return {
        "recording": holding.name,
        "call_id": holding.call_id,
        "purpose": holding.purpose,
        "document": holding.is_document,
        "due_at": holding.stored.due_at,
        "what": step.what,
        "reason": step.reason,
        "trouble": step.trouble,
    }


def _summary(report: "Report", *, dry_run: bool) -> str:
    done = report.done
    parts = [
        f"{done[Fate.DESTROY]} destroyed",
        f"{done[FINISH]} finished",
        f"{done[Fate.ARCHIVE]} archived",
        f"{done[Fate.KEEP]} kept",
        f"{report.troubles} in trouble",
        f"{report.accesses} accesses forgotten",
    ]
    return ("would be: " if dry_run else "") + ", ".join(parts[: 4 if dry_run else None])


def _changes(found: "Changes") -> Row:
    return {
        "purpose": found.purpose,
        "change": "sooner" if found.sooner else "later",
        "recordings": found.count,
        "overdue": found.overdue,
        "first": found.first,
        "last": found.last,
    }
