"""The commands about those outside who are told of decisions: how far they have been told."""

from dataclasses import asdict
from pathlib import Path

import click

from controller.cli import options
from controller.cli.output import each, print_rows
from controller.cli.session import load_settings, with_database
from controller.errors import RegisterRefused

COLUMNS = ("name", "waiting", "since", "given_up")


@click.group()
def feeds() -> None:
    """See how far the broker and the webhooks have been told of decisions."""


@feeds.command("list")
@options.config
@options.shape
def list_(file: Path, shape: str) -> None:
    """Print every feed, with the decisions that it has not come to."""
    from controller.db.feed import standings  # noqa: PLC0415

    async def show(url: str) -> None:
        await print_rows(each(asdict(one) for one in await standings(url)), shape, COLUMNS)

    with_database(load_settings(file), show)


@feeds.command()
@options.config
@click.argument("name")
def skip(file: Path, name: str) -> None:
    """Have a feed tell nothing of what has been decided until now."""
    from controller.db.feed import pass_over  # noqa: PLC0415

    async def work(url: str) -> None:
        if not await pass_over(url, name):
            raise RegisterRefused("name: there is no such feed")
        click.echo(f"{name} goes on with what is decided from now on")

    with_database(load_settings(file), work)
