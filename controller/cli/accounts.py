"""The commands of accounts: who may log in, and what they may."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli import options
from controller.cli.identities import check, scope, shown, with_identities
from controller.cli.output import each, print_rows
from controller.cli.registers import actor

if TYPE_CHECKING:
    from controller.runtime.identities import Identities, Scope

COLUMNS = ("name", "openid", "roles", "purposes", "extension", "pbx", "created_at", "disabled_at", "last_in_on")

_openid = click.option(
    "--openid", metavar="WORD", help="No password: through the OpenID provider, which names them by this word."
)


@click.group()
def accounts() -> None:
    """Keep who may log in. A password comes from the terminal or from standard input, never from the command line."""


@accounts.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print the accounts, by name."""

    async def work(service: "Identities") -> None:
        rows = [
            {
                **shown(account),
                "openid": account.openid,
                "disabled_at": account.disabled_at,
                "last_in_on": account.last_in_on and account.last_in_on.isoformat(),
            }
            for account in await service.accounts()
        ]
        await print_rows(each(rows), shape, COLUMNS)

    with_identities(file, work)


@accounts.command()
@options.config
@click.argument("name")
@scope
@_openid
def add(file: Path, name: str, may: "Scope", openid: str | None) -> None:
    """Let somebody log in by this NAME, which stands in decisions and in the access log."""
    check(file, may)
    password = _password() if openid is None else ""

    async def work(service: "Identities") -> None:
        if openid is not None:
            added = await service.add_openid_account(name, openid, may, actor=actor())
        else:
            added = await service.add_account(name, password, may, actor=actor())
        click.echo(f"{added.principal.name} is added")

    with_identities(file, work)


@accounts.command()
@options.config
@click.argument("name")
@scope
@click.option("--password", "anew", is_flag=True, help="Another password.")
@_openid
@click.option("--enable", is_flag=True, help="Let it be used again.")
def change(file: Path, name: str, may: "Scope", *, anew: bool, openid: str | None, enable: bool) -> None:
    """Change the account NAME. Roles, purposes, extension and PBX are replaced together, where any of them is given."""
    if not may.given and not anew and openid is None and not enable:
        raise click.UsageError("nothing is to be changed")
    if anew and openid is not None:
        raise click.UsageError("--password and --openid exclude each other: an account has one way in")
    if may.given:
        check(file, may)
    password = _password() if anew else None

    async def work(service: "Identities") -> None:
        scope = may if may.given else None
        changed = await service.change_account(
            name, scope=scope, password=password, openid=openid, enable=enable, actor=actor()
        )
        click.echo(f"{changed.principal.name} is changed")

    with_identities(file, work)


@accounts.command()
@options.config
@click.argument("name")
def disable(file: Path, name: str) -> None:
    """Let nobody log in by the account NAME any more."""

    async def work(service: "Identities") -> None:
        disabled = await service.disable_account(name, actor=actor())
        click.echo(f"{disabled.principal.name} is disabled")

    with_identities(file, work)


def _password() -> str:
    """As it is typed, twice and unseen; where nobody types, the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")
