"""Brings a command to the registers of the configured database."""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.audit.checkpoints import CHECKPOINTS
from controller.audit.keys import SigningKey
from controller.cli.session import engine_on, load_settings, with_database
from controller.config import Settings
from controller.errors import DatabaseTaken
from controller.runtime.notary import Notary
from controller.runtime.registration import Registration

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from controller.db.chains import PostgresChains
    from controller.db.ledger import PostgresLedger

_WRITE_TIMEOUT_S = 30.0
"""Nobody's call waits for a command."""


def with_registration(file: Path, work: Callable[[Registration], Awaitable[None]]) -> None:
    """Do something with the registers, as the daemon of this configuration would."""

    async def do(settings: Settings, engine: "AsyncEngine", ledger: "PostgresLedger") -> None:
        from controller.db.registers import PostgresRegister  # noqa: PLC0415

        registration = Registration(
            ledger=ledger,
            book=PostgresRegister(engine),
            policy=lambda: settings.policy,
            numbers_key=settings.secrets.numbers_key(),
            country=settings.country,
        )
        await work(registration)

    with_ledger(file, do)


def with_ledger(file: Path, work: Callable[[Settings, "AsyncEngine", "PostgresLedger"], Awaitable[None]]) -> None:
    """Do something that writes decisions to the configured database, and sign them."""
    from controller.db.chains import PostgresChains  # noqa: PLC0415
    from controller.db.ledger import PostgresLedger  # noqa: PLC0415

    settings = load_settings(file)

    async def do(url: str) -> None:
        async with engine_on(url) as engine:
            sampling_key = settings.secrets.sampling_key()
            await work(settings, engine, PostgresLedger(engine, sampling_key=sampling_key, timeout_s=_WRITE_TIMEOUT_S))
            await signed(settings, PostgresChains(engine))

    with_database(settings, do)


async def signed(settings: Settings, chains: "PostgresChains") -> None:
    """Sign what the command has decided; where somebody else has just done so, or the copy cannot be kept, say so."""
    from controller.db.ledger import COMMAND_LINE  # noqa: PLC0415

    key = SigningKey(settings.secrets.audit_key())
    notary = Notary(chains=chains, key=key, writer=COMMAND_LINE, file=settings.state_directory / CHECKPOINTS)
    try:
        await notary.sign()
    except DatabaseTaken:
        return
    except OSError as error:
        click.echo(f"warning: no copy of the checkpoint is kept: {error.strerror}", err=True)


def actor() -> str:
    """Who changes something here: the user of the operating system."""
    return f"cli:{getpass.getuser()}"
