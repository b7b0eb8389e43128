"""The commands of documents made from recordings: evaluations, notes."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.output import Row, print_rows
from controller.cli.registers import actor
from controller.domain.names import CallId

if TYPE_CHECKING:
    from controller.custody.custody import Custody
    from controller.db.on_file import DocumentOnFile

COLUMNS = ("id", "call_id", "purpose", "kind", "media_type", "octets", "added_at", "added_by", "due_at")
_PIECE_BYTES = 256 * 1024


@click.group()
def documents() -> None:
    """Keep documents that were made from recordings, sealed, for as long as their purpose allows."""


@documents.command()
@options.config
@click.argument("call", type=click.UUID)
@click.argument("content", metavar="FILE", type=click.File("rb"))
@click.option("--purpose", metavar="PURPOSE", required=True, help="The purpose that it serves.")
@click.option("--kind", metavar="WORD", required=True, help="What it is, such as evaluation.")
@click.option("--media-type", metavar="TYPE", default="text/plain", show_default=True, help="Its media type.")
def add(file: Path, call: UUID, content: BinaryIO, *, purpose: str, kind: str, media_type: str) -> None:
    """Seal a FILE about a CALL (a call_id) and keep it; "-" is standard input."""
    from controller.custody.documents import NewDocument  # noqa: PLC0415
    from controller.custody.documents import add as add_document  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        new = NewDocument(call_id=CallId(str(call)), purpose=purpose, kind=kind, media_type=media_type)
        added = await add_document(custody, new, _pieces(content), actor=actor())
        click.echo(added.id)

    with_custody(file, work)


@documents.command("list")
@options.config
@options.call
@options.shape
def list_(file: Path, call: UUID | None, shape: str) -> None:
    """Print what documents there are, the oldest first."""
    from controller.custody.documents import documents as documents_of  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        found = documents_of(custody, CallId(str(call)) if call else None)
        await print_rows((_row(one) async for one in found), shape, COLUMNS)

    with_custody(file, work)


@documents.command()
@options.config
@click.argument("document", metavar="ID")
@click.option("--why", metavar="TEXT", help="Why: written down, and needed where the policy or the archive asks.")
@click.option("--output", type=click.File("wb"), default="-", help="Where to write it; standard output unless given.")
def fetch(file: Path, document: str, why: str | None, output: BinaryIO) -> None:
    """Write the document with this ID. Who had it, when and why is kept in the access log."""
    from controller.custody.documents import fetch as fetch_document  # noqa: PLC0415
    from controller.custody.listening import Listener  # noqa: PLC0415

    async def work(custody: "Custody") -> None:
        pieces = await fetch_document(custody, document, Listener(who=actor(), why=why))
        await asyncio.to_thread(output.writelines, pieces)

    with_custody(file, work)


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    return iter(partial(content.read, _PIECE_BYTES), b"")


def _row(one: "DocumentOnFile") -> Row:
    return {**asdict(one.document), "state": one.state, "octets": one.octets, "due_at": one.due_at}
