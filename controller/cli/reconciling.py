"""The command that holds the database, the object store and the PBXs against one another."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.restoring import print_differences
from controller.cli.session import load_settings
from controller.config import Settings
from controller.domain.differences import Found
from controller.simulation.call_log import Leg, read

if TYPE_CHECKING:
    from controller.custody.custody import Custody
    from controller.custody.reconciling import Files


@click.command()
@options.config
@options.shape
@click.option(
    "--cdr",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Asterisk's own call log, Master.csv: count the answered calls that no decision was asked about.",
)
@click.option(
    "--since",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Of that log, only calls answered from this time on, as it writes them.",
)
def reconcile(file: Path, shape: str, cdr: Path | None, since: datetime | None) -> None:
    """Name every difference between decisions, recordings, objects and the files on the PBXs.

    What is on its way when it is looked at is looked at twice. Exits with 1 where there is any difference, but for
    calls that are only in the call log.
    """
    from controller.custody.reconciling import Reconciling, contradicting  # noqa: PLC0415

    settings = load_settings(file)
    found: list[Found] = []

    async def work(custody: "Custody") -> None:
        async with _pbxs(settings) as pbxs:
            reconciling = Reconciling(custody, pbxs, calls=lambda: _answered(cdr, since) if cdr else ())
            found.extend(await reconciling.differences())
        await print_differences(found, shape)

    with_custody(file, work)
    if contradicting(found):
        sys.exit(1)


@asynccontextmanager
async def _pbxs(settings: Settings) -> AsyncIterator[Mapping[str, "Files"]]:
    from controller.ari.client import Ari  # noqa: PLC0415

    files: dict[str, Files] = {}
    async with AsyncExitStack() as stack:
        for pbx in settings.pbxs:
            ari = Ari(
                url=pbx.ari.url,
                username=pbx.ari.username,
                password=settings.secrets.ari_password(pbx.name).reveal(),
                application=pbx.ari.application,
            )
            files[pbx.name] = (await stack.enter_async_context(ari)).stored_recordings
        yield files


def _answered(cdr: Path, since: datetime | None) -> Iterator[str]:
    """The unique ids of answered calls; a line that is no leg is left out."""
    begin = since.replace(tzinfo=UTC) if since else None
    with cdr.open(newline="", encoding="utf-8", errors="replace") as lines:
        for leg in read(lines):
            if isinstance(leg, Leg) and leg.answer is not None and (begin is None or leg.answer >= begin):
                yield leg.call
