"""Brings a command to the stored recordings of the configured database and object store."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.registers import signed
from controller.cli.session import engine_on, load_settings, with_database

if TYPE_CHECKING:
    from controller.custody.custody import Custody

_WRITE_TIMEOUT_S = 30.0
"""Nobody's call waits for a command."""


def with_custody(file: Path, work: Callable[["Custody"], Awaitable[None]]) -> None:
    """Do something with stored recordings, as the daemon of this configuration would."""
    from controller.custody.custody import custody_of  # noqa: PLC0415
    from controller.db.chains import PostgresChains  # noqa: PLC0415
    from controller.db.ledger import PostgresLedger  # noqa: PLC0415

    settings = load_settings(file)

    async def do(url: str) -> None:
        async with engine_on(url) as engine:
            sampling_key = settings.secrets.sampling_key()
            ledger = PostgresLedger(engine, sampling_key=sampling_key, timeout_s=_WRITE_TIMEOUT_S)
            custody = custody_of(settings, engine, ledger, lambda: settings.policy)
            try:
                await work(custody)
            finally:
                await signed(settings, PostgresChains(engine))

    with_database(settings, do)
