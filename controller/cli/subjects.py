"""The commands by which a data subject's rights are served: access, erasure, rectification, restriction."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.registers import actor
from controller.cli.session import load_settings
from controller.custody.custody import Custody
from controller.domain.names import CallId

if TYPE_CHECKING:
    from controller.custody.erasing import Erasure


def _number(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The number itself, or what stands on standard input, where no list of processes shows it."""
    return sys.stdin.readline() if value == "-" else value


_customer = click.argument("number", callback=_number)


@click.group()
def subject() -> None:
    """Serve the rights of a data subject. A NUMBER of "-" is read from standard input, which is safer."""


@subject.command()
@options.config
@_customer
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="The folder to make.")
def export(file: Path, number: str, folder: Path) -> None:
    """Make a folder with all that is stored of the customer with this NUMBER, for a person to look through."""
    from controller.custody.exporting import REVIEW, Encoding  # noqa: PLC0415 - the other commands start without it
    from controller.custody.exporting import export as exported  # noqa: PLC0415
    from controller.custody.rendering import mp3_of  # noqa: PLC0415

    data_controller = load_settings(file).data_controller

    async def work(custody: Custody) -> None:
        made = await exported(
            custody,
            number,
            folder,
            data_controller=data_controller,
            encoding=Encoding(suffix=".mp3", pieces=partial(mp3_of, custody)),
            actor=actor(),
        )
        if made is None:
            click.echo("nothing is stored of this customer")
            return
        click.echo(f"{folder}: {made.calls} calls, {made.files} files to decide about in {folder / REVIEW}")

    with_custody(file, work)


@subject.command()
@options.config
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def release(file: Path, folder: Path) -> None:
    """Make FOLDER.zip of an exported FOLDER, once its review.csv says yes or no of everything."""
    from controller.custody.releasing import release as released  # noqa: PLC0415

    async def work(custody: Custody) -> None:
        made = await released(custody, folder, actor=actor())
        click.echo(f"{made.archive}: {len(made.released)} released, {len(made.withheld)} withheld")

    with_custody(file, work)


@subject.command()
@options.config
@_customer
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
def erase(file: Path, number: str, *, dry_run: bool) -> None:
    """Erase what is stored of the customer with this NUMBER; say what is kept, and by which rule."""
    from controller.custody.erasing import erase as erased  # noqa: PLC0415

    async def work(custody: Custody) -> None:
        done = await erased(custody, number, actor=actor(), dry_run=dry_run)
        if dry_run:
            click.echo("nothing is done:")
        for line in _lines(done):
            click.echo(line)

    with_custody(file, work)


@subject.command()
@options.config
@click.argument("call", type=click.UUID)
@click.option("--agent", metavar="EXTENSION", help="Who answered.")
@click.option("--queue", metavar="QUEUE", help="The queue.")
@click.option("--number", metavar="NUMBER", callback=_number, help='The customer\'s number; "-" is standard input.')
def rectify(file: Path, call: object, agent: str | None, queue: str | None, number: str | None) -> None:
    """Put right what is stored of a CALL that is over."""
    from controller.custody.rectifying import rectify as rectified  # noqa: PLC0415

    if (agent, queue, number) == (None, None, None):
        raise click.UsageError("at least one of --agent, --queue and --number")

    async def work(custody: Custody) -> None:
        await rectified(custody, CallId(str(call)), actor=actor(), agent=agent, queue=queue, number=number)
        click.echo("rectified")

    with_custody(file, work)


@subject.command()
@options.config
@_customer
@click.option("--lift", is_flag=True, help="End the restriction; tell the data subject before (GDPR art. 18(3)).")
def restrict(file: Path, number: str, *, lift: bool) -> None:
    """Only store what is stored of the customer with this NUMBER, and use it for nothing else."""
    from controller.custody import rectifying  # noqa: PLC0415

    async def work(custody: Custody) -> None:
        if lift:
            changed = await rectifying.lift(custody, number, actor=actor())
            click.echo("lifted" if changed else "was not restricted")
            return
        changed = await rectifying.restrict(custody, number, actor=actor())
        click.echo("restricted" if changed else "is restricted already")

    with_custody(file, work)


def _lines(done: "Erasure") -> Iterator[str]:
    for what, names in (
        ("erased", done.erased),
        ("to be deleted on the PBX", done.condemned),
        ("objects still to be removed", done.waiting),
        ("under way, so ask again", done.under_way),
        ("number removed from call", done.forgotten),
    ):
        yield from (f"{what}: {name}" for name in names)
    for thing in done.kept:
        until = f" until {thing.due_at.isoformat(timespec='seconds')}" if thing.due_at else ""
        yield f"kept: {thing.name}: {thing.kept}{until}"
    if done.nothing:
        yield "nothing is stored of this customer"
    if done.objections:
        yield f"objections that stay, so that they are respected: {done.objections}"
