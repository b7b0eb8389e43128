"""Brings a command to the stored recordings of the configured database and object store."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from controller.cli.registers import signed
from controller.cli.session import engine_on, load_settings, with_database
from controller.config import Settings
from controller.custody.custody import Custody
from controller.errors import ConfigurationError
from controller.store.keys import MasterKeys
from controller.store.objects import ObjectStore
from controller.store.vault import Vault

_WRITE_TIMEOUT_S = 30.0
"""Nobody's call waits for a command."""


def vault_of(settings: Settings) -> Vault:
    """The vault that this configuration names. Raises ``ConfigurationError``."""
    if settings.storage is None:
        raise ConfigurationError("storage: is not given, so recordings stay on the PBX")
    secrets = settings.secrets
    former = secrets.former_master_key()
    masters = MasterKeys.read(secrets.master_key().reveal(), former.reveal() if former else None)
    return Vault(ObjectStore(settings.storage.url, settings.storage.options), masters)


def with_custody(file: Path, work: Callable[[Custody], Awaitable[None]]) -> None:
    """Do something with stored recordings, as the daemon of this configuration would."""
    from controller.db.chains import PostgresChains  # noqa: PLC0415
    from controller.db.ledger import PostgresLedger  # noqa: PLC0415

    settings = load_settings(file)

    async def do(url: str) -> None:
        vault = vault_of(settings)
        if settings.storage is None:
            return
        async with engine_on(url) as engine:
            sampling_key = settings.secrets.sampling_key()
            custody = Custody(
                engine=engine,
                ledger=PostgresLedger(engine, sampling_key=sampling_key, timeout_s=_WRITE_TIMEOUT_S),
                vault=vault,
                policy=lambda: settings.policy,
                storage=settings.storage,
                numbers_key=settings.secrets.numbers_key(),
                country=settings.country,
            )
            try:
                await work(custody)
            finally:
                await signed(settings, PostgresChains(engine))

    with_database(settings, do)
