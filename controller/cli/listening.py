"""The commands about one stored recording: give it out, and destroy what there is other proof of."""

import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.registers import actor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from typing import BinaryIO

    from controller.custody.custody import Custody
    from controller.db.holdings import Holding

SEALED = "sealed"


@click.command()
@options.config
@click.argument("name")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="The file to write; a new one.")
@click.option(
    "--as",
    "shape",
    type=click.Choice(["mp3", "wav", SEALED]),
    default="mp3",
    show_default=True,
    help="sealed: the object as it lies in the store, and its key in FILE.key, for the program age.",
)
@click.option("--gaps", type=click.Choice(["silence", "tone", "none"]), help="What stands for a pause.")
@click.option("--reason", help="Why: written down, and needed where the policy or the archive asks.")
def fetch(file: Path, name: str, target: Path, *, shape: str, gaps: str | None, reason: str | None) -> None:
    """Write the stored recording NAME into a file. It is written down who did, and why."""
    from controller.audio.gaps import GapStyle  # noqa: PLC0415
    from controller.custody.listening import Listener, Use, granted  # noqa: PLC0415
    from controller.custody.rendering import Shape, rendered  # noqa: PLC0415

    for there in (target, _key_of(target)):
        if there.exists():
            raise click.UsageError(f"{there} is there already")

    async def work(custody: "Custody") -> None:
        use = Use.TAKE if shape == SEALED else Use.LISTEN
        found = await granted(custody, name, Listener(who=actor(), why=reason), use)
        if shape == SEALED:
            _write_sealed(custody, found, target)
            return
        rendering = await rendered(custody, found, Shape(shape), GapStyle(gaps) if gaps else None)
        await _write(rendering.pieces(), target)

    with_custody(file, work)


@click.command()
@options.config
@click.argument("name")
def proof(file: Path, name: str) -> None:
    """Destroy the stored recording NAME, that was to prove a contract: there is other proof (CNIL, 25 April 2022)."""
    from controller.custody.proof import proven_otherwise  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        await proven_otherwise(custody, name, actor=actor())
        click.echo(f"destroyed: {name}")

    with_custody(file, work)


async def _write(pieces: "AsyncGenerator[bytes, None]", target: Path) -> None:
    """A file that is there is whole."""
    half = target.with_name(f".{target.name}.part")
    try:
        with _new(half) as stream:
            async with aclosing(pieces):
                async for piece in pieces:
                    stream.write(piece)
        half.rename(target)
    finally:
        half.unlink(missing_ok=True)


def _write_sealed(custody: "Custody", found: "Holding", target: Path) -> None:
    key = custody.vault.key(found.stored)
    _written(target, custody.vault.objects.pieces(found.stored.object or ""))
    _written(_key_of(target), [f"{key}\n".encode()])


def _key_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.key")


def _written(target: Path, pieces: "Iterable[bytes]") -> None:
    with _new(target) as stream:
        for piece in pieces:
            stream.write(piece)


def _new(target: Path) -> "BinaryIO":
    """A file that only its owner reads."""
    return open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: PTH123
