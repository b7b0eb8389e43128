"""The command that takes recordings from the PBX, as the daemon does by itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.custody import with_custody
from controller.cli.registers import actor
from controller.cli.session import load_settings

if TYPE_CHECKING:
    from controller.config import Pbx, Settings
    from controller.custody.custody import Custody


@click.command()
@options.config
def ingest(file: Path) -> None:
    """Take recordings that have ended from every PBX into the object store. A daemon that runs does not mind.

    Exits with 1 where any could not be taken.
    """
    settings = load_settings(file)

    async def work(custody: "Custody") -> None:
        left = [await _take(settings, pbx, custody) for pbx in settings.pbxs]
        if any(left):
            raise click.exceptions.Exit(1)

    with_custody(file, work)


async def _take(settings: "Settings", pbx: "Pbx", custody: "Custody") -> int:
    """How many are left on this PBX."""
    from controller.ari.client import Ari  # noqa: PLC0415
    from controller.custody.files import files_of  # noqa: PLC0415
    from controller.custody.ingest import Ingest  # noqa: PLC0415
    from controller.custody.ingesting import take_round  # noqa: PLC0415

    password = settings.secrets.ari_password(pbx.name).reveal()
    where = pbx.ari
    async with Ari(url=where.url, username=where.username, password=password, application=where.application) as ari:
        done = await take_round(Ingest(custody=custody, files=files_of(pbx, ari), actor=actor()), pbx.name)
    if done is None:
        click.echo(f"{pbx.name}: the daemon, or another command, takes from this PBX just now")
        return 0
    click.echo(f"{pbx.name}: {done.taken} taken, {done.left} left")
    return done.left
