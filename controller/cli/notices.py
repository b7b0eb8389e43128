"""The commands of the notice register: which agents were informed that they may be recorded."""

from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from controller.cli import options
from controller.cli.output import each, print_rows
from controller.cli.registers import actor, with_registration
from controller.errors import RegisterRefused
from controller.runtime.clock import today
from controller.runtime.notice_list import from_csv
from controller.runtime.registration import Registration

COLUMNS = ("agent", "version", "informed_at")


@click.group()
def notices() -> None:
    """Keep the register of agents who were informed that they may be recorded."""


@notices.command("import")
@options.config
@click.argument("csv", type=click.File("rb"))
def import_(file: Path, csv: BinaryIO) -> None:
    """Put a CSV file with the columns agent, informed_at and version on file; "-" is standard input."""

    async def work(registration: Registration) -> None:
        found = from_csv(csv.read(), source=csv.name, today=today())
        done = await registration.import_notices(found, actor=actor())
        click.echo(f"{csv.name}: {done.added} added, {done.corrected} corrected, {done.unchanged} unchanged")
        for version in sorted({notice.version for notice in found} - {registration.notice}):
            click.echo(f"warning: version {version} does not count: {registration.notice} is in force", err=True)

    with_registration(file, work)


@notices.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print who has been informed, by version and agent."""

    async def work(registration: Registration) -> None:
        await print_rows(each(asdict(notice) for notice in await registration.notices()), shape, COLUMNS)

    with_registration(file, work)


@notices.command()
@options.config
@click.argument("agent")
@click.option("--version", metavar="VERSION", help="Only of this version of the notice.")
def withdraw(file: Path, agent: str, version: str | None) -> None:
    """Say that an agent was not informed, or that somebody else has the extension now."""

    async def work(registration: Registration) -> None:
        found = await registration.withdraw_notices(agent, version, actor=actor())
        if not found:
            raise RegisterRefused("agent: no such notice is on file")
        click.echo(f"{len(found)} withdrawn")

    with_registration(file, work)
