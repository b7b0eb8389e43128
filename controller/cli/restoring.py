"""The commands for after a restore: what does not fit together, and destroying again what came back."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.audit import checkpoints_option, proven, public_key_option
from controller.cli.custody import with_custody
from controller.cli.output import Row, each, print_rows
from controller.cli.registers import actor
from controller.cli.session import load_settings
from controller.domain.differences import Difference, Found

if TYPE_CHECKING:
    from controller.custody.custody import Custody

COLUMNS = ("difference", "what", "detail")


@click.group()
def restore() -> None:
    """See to it that a restored database, object store and file of erasures fit together."""


@restore.command()
@options.config
@options.shape
@public_key_option
@checkpoints_option
@click.option("--deep", is_flag=True, help="Open every object, and see that it is what was sealed.")
def check(file: Path, shape: str, pems: tuple[Path, ...], kept: tuple[Path, ...], *, deep: bool) -> None:
    """Name every difference between decisions, rows, keys, objects and erasures. Exits with 1 where there is any."""
    from controller.custody.restoring import check as compare  # noqa: PLC0415

    reports = proven(load_settings(file), pems, kept)
    found = [
        Found(difference=Difference.CHAIN_BROKEN, what=report.writer, detail=f"{fault.damage}: {fault.detail}")
        for report in reports
        for fault in report.findings
    ]

    async def work(custody: "Custody") -> None:
        found.extend([one async for one in compare(custody, deep=deep)])
        await print_differences(found, shape)

    with_custody(file, work)
    if found:
        sys.exit(1)


@restore.command()
@options.config
def reapply(file: Path) -> None:
    """Destroy again what had been erased and came back. Exits with 1 where something had to be left alone."""
    from controller.custody.reapplying import Reapplied  # noqa: PLC0415
    from controller.custody.reapplying import reapply as destroy_again  # noqa: PLC0415

    done = Reapplied()

    async def work(custody: "Custody") -> None:
        await destroy_again(custody, done, actor=actor())
        click.echo(
            f"{len(done.destroyed)} destroyed again, {len(done.removed)} objects without a key removed,"
            f" {len(done.condemned)} to be deleted on their PBX, {len(done.numbers)} numbers forgotten again"
        )

    with_custody(file, work)
    for name in done.held:
        click.echo(f"{name} had been erased, and is under a legal hold: lift it, and say this again", err=True)
    for line in done.broken:
        click.echo(f"line {line.line} of the file of erasures {line.why}: not heeded", err=True)
    if done.held or done.broken:
        sys.exit(1)


async def print_differences(found: list[Found], shape: str) -> None:
    """Print them, and on standard error how many there are."""
    if found or shape == "jsonl":
        await print_rows(each(_row(one) for one in found), shape, COLUMNS)
    click.echo(f"{len(found)} differences" if found else "all fits together", err=True)


def _row(one: Found) -> Row:
    return asdict(one)
