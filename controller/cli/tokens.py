"""The commands of the API's tokens: which programs may ask, and what."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.identities import scope, shown, with_identities
from controller.cli.output import each, print_rows
from controller.cli.registers import actor
from controller.domain.identity import LONGEST
from controller.runtime.clock import now

if TYPE_CHECKING:
    from controller.runtime.identities import Identities, Scope

COLUMNS = ("name", "roles", "purposes", "extension", "pbx", "created_at", "expires_at", "revoked_at", "last_used_at")
USUAL_DAYS = 365


@click.group()
def tokens() -> None:
    """Keep which programs may use the API. Only the SHA-256 of a token is stored."""


@tokens.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print the tokens, by name, those that were revoked too. Of its last use only the day is known."""

    async def work(service: "Identities") -> None:
        rows = [
            {
                **shown(token),
                "expires_at": token.expires_at,
                "revoked_at": token.revoked_at,
                "last_used_at": token.last_used_at and token.last_used_at.isoformat(),
            }
            for token in await service.tokens()
        ]
        await print_rows(each(rows), shape, COLUMNS)

    with_identities(file, work)


@tokens.command()
@options.config
@click.argument("name")
@scope
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST.days),
    default=USUAL_DAYS,
    show_default=True,
    help="How long it lets anybody in.",
)
def new(file: Path, name: str, may: "Scope", *, days: int) -> None:
    """Print a new token, once. Its NAME stands in decisions and in the access log, and is never given again."""

    async def work(service: "Identities") -> None:
        end = now() + timedelta(days=days)
        token = await service.issue_token(name, may, end, actor=actor())
        click.echo(token)
        click.echo(
            f"token:{name} is good until {end.isoformat(timespec='seconds')}; nobody can show it again", err=True
        )

    with_identities(file, work)


@tokens.command()
@options.config
@click.argument("name")
def revoke(file: Path, name: str) -> None:
    """Let nobody in by the token NAME any more: a daemon that reaches PostgreSQL knows within seconds."""

    async def work(service: "Identities") -> None:
        revoked = await service.revoke_token(name, actor=actor())
        click.echo(f"{revoked.principal.name} is revoked")

    with_identities(file, work)
