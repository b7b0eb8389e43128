"""The command line: ``recording-controller``, also ``python -m controller``."""

import asyncio
import sys
from pathlib import Path

import click
import structlog

from controller.cli import (
    audit,
    documents,
    holds,
    ingesting,
    journal,
    keys,
    listening,
    notices,
    objections,
    options,
    reconciling,
    reports,
    restoring,
    retention,
    sample,
    simulate,
    subjects,
)
from controller.cli.session import exit_cleanly, load_settings, log_to_stderr, with_database
from controller.last_resort import LastResort


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
    problems = settings.secrets.problems(pbx.name for pbx in settings.pbxs)
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


main.add_command(reports.decisions)
main.add_command(reports.recordings)
reports.recordings.add_command(ingesting.ingest)
reports.recordings.add_command(listening.fetch)
reports.recordings.add_command(listening.proof)
main.add_command(journal.journal)
main.add_command(audit.audit)
main.add_command(notices.notices)
main.add_command(objections.objections)
main.add_command(retention.retention)
main.add_command(holds.holds)
main.add_command(holds.outcome)
main.add_command(documents.documents)
main.add_command(sample.sample)
main.add_command(simulate.simulate)
main.add_command(subjects.subject)
main.add_command(restoring.restore)
main.add_command(reconciling.reconcile)
main.add_command(keys.keys)


if __name__ == "__main__":
    main()
