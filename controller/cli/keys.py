"""The commands of the keys that seal recordings. None of them shows a secret."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.output import Row, each, print_rows
from controller.cli.registers import actor

if TYPE_CHECKING:
    from controller.custody.custody import Custody

COLUMNS = ("master", "secret", "keys")
CURRENT = "master-key"
FORMER = "former-master-key"


@click.group()
def keys() -> None:
    """Look after the master key, that wraps the key of each recording."""


@keys.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print the master keys by their public halves, and how many keys each of them wraps.

    One without a secret opens nothing here any more.
    """
    from controller.db.wrapping import by_master  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        await print_rows(each(_rows(custody, await by_master(custody.engine))), shape, COLUMNS)

    with_custody(file, work)


@keys.command()
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Make a new master key in FILE, which must not exist yet. Prints its public half."""
    from controller.store.keys import MasterKeys, new_master_key  # noqa: PLC0415

    secret = new_master_key()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:  # noqa: PTH123 - a descriptor, not a path
            stream.write(f"{secret}\n")
            stream.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    click.echo(MasterKeys.read(secret).public)


@keys.command()
@options.config
def rewrap(file: Path) -> None:
    """Wrap every key by the current master key. Exits with 1 where there is a key that no master key opens."""
    from controller.custody.rewrapping import rewrap as wrap_anew  # noqa: PLC0415

    unopened: list[str] = []

    async def work(custody: "Custody") -> None:
        done = await wrap_anew(custody, actor=actor())
        unopened.extend(done.unopened)
        click.echo(f"{done.keys} keys wrapped anew by {custody.vault.masters.public}")

    with_custody(file, work)
    for name in unopened:
        click.echo(f"no master key opens the key of {name}", err=True)
    if unopened:
        sys.exit(1)


def _rows(custody: "Custody", counts: dict[str, int]) -> list[Row]:
    current, *former = custody.vault.masters.publics
    secrets = {current: CURRENT, **dict.fromkeys(former, FORMER)}
    return [
        {"master": master, "secret": secrets.get(master), "keys": counts.get(master, 0)}
        for master in (*secrets, *sorted(set(counts) - set(secrets)))
    ]
