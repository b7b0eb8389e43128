"""The command line: ``recording-controller``, also ``python -m controller``."""

import asyncio
import sys
from pathlib import Path

import click
import structlog

from controller.cli import options
from controller.cli.lazy import LazyGroup
from controller.cli.session import exit_cleanly, load_settings, log_to_stderr, with_database
from controller.last_resort import LastResort

_ELSEWHERE = {
    "accounts": "accounts",
    "audit": "audit",
    "decisions": "reports",
    "documents": "documents",
    "feeds": "feeds",
    "holds": "holds",
    "journal": "journal",
    "keys": "keys",
    "notices": "notices",
    "objections": "objections",
    "outcome": "holds",
    "reconcile": "reconciling",
    "recordings": "reports",
    "restore": "restoring",
    "retention": "retention",
    "sample": "sample",
    "simulate": "simulate",
    "subject": "subjects",
    "tokens": "tokens",
}


@click.group(cls=LazyGroup, elsewhere=_ELSEWHERE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recording-controller", prog_name="recording-controller")
def main() -> None:
    """Decide, call by call, whether Asterisk may record; make it so; prove it afterwards."""


@main.command()
@options.config
def run(file: Path) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP makes it read the policy again."""
    from controller.app import App, loop_factory  # noqa: PLC0415 - the other commands start without it

    log_to_stderr()
    settings = load_settings(file)
    for warning in settings.warnings:
        structlog.get_logger("controller").warning("config.warning", text=str(warning))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        exit_cleanly(lambda: runner.run(App(settings).run(on_stopping=LastResort().set)))


@main.command("check-config")
@click.argument("file", type=click.Path(path_type=Path))
def check_config(file: Path) -> None:
    """Say all that is wrong with a configuration file.

    Looks at the secrets once the file itself is good. Exits with 2 if anything is wrong.
    """
    settings = load_settings(file)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    problems = settings.secrets.problems(
        (pbx.name for pbx in settings.pbxs),
        (webhook.secret for webhook in settings.webhooks),
        openid=settings.openid_connect is not None,
    )
    for problem in problems:
        click.echo(f"{file}: {problem}", err=True)
    if problems:
        sys.exit(2)
    click.echo(f"{file}: good; policy version {settings.policy.version}")


@main.command()
@options.config
def migrate(file: Path) -> None:
    """Bring the database to this version's tables."""
    from controller.db import migrate as migrations  # noqa: PLC0415

    with_database(load_settings(file), lambda url: asyncio.to_thread(migrations.upgrade, url))


if __name__ == "__main__":
    main()
