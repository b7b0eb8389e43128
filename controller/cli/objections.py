"""The commands of the objections that are kept from one call to the next."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from controller.cli import options
from controller.cli.output import Row, each, print_rows
from controller.cli.registers import actor, with_registration
from controller.domain.records import ObjectionRecord
from controller.errors import RegisterRefused
from controller.runtime.registration import Registration


def _number(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """The number itself, or what stands on standard input, where no list of processes shows it."""
    return sys.stdin.readline() if value == "-" else value


_customer = click.argument("number", callback=_number)
_purpose = click.option("--purpose", metavar="PURPOSE", help="Only this purpose.")

COLUMNS = ("customer", "scope", "at", "until")


@click.group()
def objections() -> None:
    """Keep who objects to being recorded. A NUMBER of "-" is read from standard input."""


@objections.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print the objections that hold, the oldest first. No number is kept: a customer is the keyed hash of theirs."""

    async def work(registration: Registration) -> None:
        await print_rows(each(_row(objection) for objection in await registration.objections()), shape, COLUMNS)

    with_registration(file, work)


@objections.command()
@options.config
@_customer
@_purpose
@click.option("--everything", is_flag=True, help="Every purpose.")
@click.option(
    "--until",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="The end, in UTC: 2027-06-30 or 2027-06-30T12:00:00; else as long as the configuration says.",
)
def add(file: Path, number: str, purpose: str | None, until: datetime | None, *, everything: bool) -> None:
    """Note that the customer with this NUMBER objects, to one purpose or to everything."""
    if everything == (purpose is not None):
        raise click.UsageError("either --purpose or --everything")

    async def work(registration: Registration) -> None:
        end = until.replace(tzinfo=UTC) if until else None
        objection = await registration.add_objection(number, purpose, end, actor=actor())
        click.echo(f"objects to {objection.scope} until {objection.until.isoformat(timespec='seconds')}")

    with_registration(file, work)


@objections.command()
@options.config
@_customer
@_purpose
def end(file: Path, number: str, purpose: str | None) -> None:
    """End what the customer with this NUMBER objects to."""

    async def work(registration: Registration) -> None:
        found = await registration.end_objections(registration.customer(number), purpose, actor=actor())
        if not found:
            raise RegisterRefused("number: no such objection is on file")
        click.echo(f"{len(found)} ended")

    with_registration(file, work)


def _row(objection: ObjectionRecord) -> Row:
    return {
        "customer": objection.customer_hash.hex(),
        "scope": objection.scope,
        "at": objection.at,
        "until": objection.until,
    }
