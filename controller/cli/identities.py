"""What the commands of accounts and of tokens share: the options that say what somebody may, and the service."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.output import Row
from controller.cli.registers import with_ledger
from controller.cli.session import exit_cleanly, load_settings
from controller.domain.identity import IdentityRecord
from controller.domain.principal import Role

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from controller.config import Settings
    from controller.db.ledger import PostgresLedger
    from controller.runtime.identities import Identities, Scope

_roles = click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="A role; may be given several times.",
)
_purposes = click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="PURPOSE",
    help="A purpose that the roles listener, supervisor, integration and viewer are for, '*' for all; several times.",
)
_extension = click.option("--extension", metavar="EXTENSION", help="Where an agent talks: 201 of PJSIP/201.")


_pbx = click.option("--pbx", metavar="PBX", help="The PBX of that extension, where there are several.")


def scope(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what somebody may: the command is given them together, as ``may``."""

    @wraps(command)
    def with_scope(
        *, roles: Sequence[str], purposes: Sequence[str], extension: str | None, pbx: str | None, **more: object
    ) -> None:
        from controller.runtime.identities import Scope  # noqa: PLC0415 - only where it is asked for

        known = frozenset(Role(role) for role in roles)
        command(may=Scope(roles=known, purposes=frozenset(purposes), extension=extension, pbx=pbx), **more)

    return _roles(_purposes(_extension(_pbx(with_scope))))


def check(file: Path, may: "Scope") -> None:
    """Say what is wrong with a scope and exit 2, before anybody is asked for a password."""
    from controller.runtime.identities import checked  # noqa: PLC0415

    settings = load_settings(file)

    def work() -> None:
        checked(may, settings.policy, _names(settings))

    exit_cleanly(work)


def shown(record: IdentityRecord) -> Row:
    """What is printed of an account and of a token alike."""
    return {
        "name": record.name,
        "roles": " ".join(sorted(record.roles)),
        "purposes": " ".join(sorted(record.purposes)),
        "extension": record.extension,
        "pbx": record.pbx,
        "created_at": record.created_at,
    }


def with_identities(file: Path, work: Callable[["Identities"], Awaitable[None]]) -> None:
    """Do something with the accounts and tokens of the configured database."""

    async def do(settings: "Settings", engine: "AsyncEngine", ledger: "PostgresLedger") -> None:
        from controller.db.identities import PostgresIdentities  # noqa: PLC0415
        from controller.runtime.identities import Identities  # noqa: PLC0415

        book = PostgresIdentities(engine)
        await work(Identities(ledger=ledger, book=book, policy=lambda: settings.policy, pbxs=_names(settings)))

    with_ledger(file, do)


def _names(settings: "Settings") -> list[str]:
    return [pbx.name for pbx in settings.pbxs]
