"""The commands about the local journal: what waits to reach PostgreSQL, and whether all of it can be read."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from controller.cli import options
from controller.cli.output import Row, each, print_rows
from controller.cli.session import load_settings
from controller.domain.decision import Decision
from controller.journal.lines import NAMES, BrokenLine, Kept, read
from controller.journal.segments import REFUSED, Contents, contents

COLUMNS = ("line", "state", "entry", "at", "call_id", "kind", "reason")
WAITS = "waits"
REFUSES = "refused"


@click.group()
def journal() -> None:
    """Look into the local journal; a daemon that runs does not mind."""


@journal.command()
@options.config
@options.shape
def show(file: Path, shape: str) -> None:
    """Print what has not reached PostgreSQL yet, and what PostgreSQL will never take."""
    folder = _folder(file)
    waiting = (_row(number, WAITS, entry) for number, entry in _contents(folder).waiting)
    refused = (_row(None, REFUSES, entry) for entry in _refused(folder))
    asyncio.run(print_rows(each((*waiting, *refused)), shape, COLUMNS))


@journal.command()
@options.config
def check(file: Path) -> None:
    """Say which lines cannot be read. Exits with 1 where there are any."""
    found = _contents(_folder(file))
    for fault in found.faults:
        click.echo(str(fault), err=True)
    if found.faults:
        sys.exit(1)
    click.echo(f"good; {len(found.waiting)} wait to reach PostgreSQL")


def _folder(file: Path) -> Path:
    return load_settings(file).state_directory / "journal"


def _contents(folder: Path) -> Contents:
    try:
        return contents(folder)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from error


def _refused(folder: Path) -> Iterator[Kept]:
    path = folder / REFUSED
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        try:
            entry = read(line).entry
        except BrokenLine:
            continue
        if entry is not None:
            yield entry


def _row(number: int | None, state: str, entry: Kept) -> Row:
    """What may be shown to whoever may read the file: no hash of a number, no state of a call."""
    shown: Row = {"line": number, "state": state, "entry": NAMES[type(entry)]}
    names: Iterable[str] = ("at", "call_id", "kind", "reason", "verdict", "purpose", "actor")
    if not isinstance(entry, Decision):
        names = ("at", "call_id", "purpose", "name", "recording")
    shown |= dict.fromkeys(COLUMNS[3:])
    return shown | {name: getattr(entry, name) for name in names if hasattr(entry, name)}
