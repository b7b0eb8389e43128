"""Brings a command to the registers of the configured database."""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path

from controller.cli.session import engine_on, load_settings, with_database
from controller.runtime.registration import Registration

_WRITE_TIMEOUT_S = 30.0
"""Nobody's call waits for a command."""


def with_registration(file: Path, work: Callable[[Registration], Awaitable[None]]) -> None:
    """Do something with the registers, as the daemon of this configuration would."""
    from controller.db.ledger import PostgresLedger  # noqa: PLC0415
    from controller.db.registers import PostgresRegister  # noqa: PLC0415

    settings = load_settings(file)
    secrets = settings.secrets

    async def do(url: str) -> None:
        async with engine_on(url) as engine:
            registration = Registration(
                ledger=PostgresLedger(engine, sampling_key=secrets.sampling_key(), timeout_s=_WRITE_TIMEOUT_S),
                book=PostgresRegister(engine),
                policy=lambda: settings.policy,
                numbers_key=secrets.numbers_key(),
                country=settings.country,
            )
            await work(registration)

    with_database(settings, do)


def actor() -> str:
    """Who changes something here: the user of the operating system."""
    return f"cli:{getpass.getuser()}"
