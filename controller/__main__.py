"""The command line: ``recording-controller``, also ``python -m controller``."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import structlog

from controller.config import ConfigurationFaults, Settings, load
from controller.errors import RecordingControllerError

DEFAULT_FILE = "/etc/recording-controller/recording-controller.yaml"

_config = click.option(
    "--config",
    "file",
    default=DEFAULT_FILE,
    show_default=True,
    envvar="RC_CONFIG",
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
_format = click.option(
    "--format", "shape", type=click.Choice(["table", "jsonl"]), default="table", show_default=True, help="How to print."
)
_call = click.option("--call", help="Only of this call.")
_since = click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only from this time on, in UTC."
)
_limit = click.option("--limit", type=click.IntRange(min=1), help="Only the newest.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recording-controller", prog_name="recording-controller")
def main() -> None:
    """Decide, call by call, whether Asterisk may record; make it so; prove it afterwards."""


@main.command()
@_config
def run(file: Path) -> None:
    """Run the daemon until SIGTERM."""
    from controller.app import App, loop_factory  # noqa: PLC0415 - the other commands start without it

    _log_to_stderr()
    settings = _load(file)
    for warning in settings.warnings:
        structlog.get_logger("controller").warning("config.warning", text=str(warning))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        _exit_cleanly(lambda: runner.run(App(settings).run()))


@main.command("check-config")
@click.argument("file", type=click.Path(path_type=Path))
def check_config(file: Path) -> None:
    """Say everything that is wrong with a configuration file; exit 2 if anything is."""
    settings = _load(file)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    problems = settings.secrets.problems(pbx.name for pbx in settings.pbxs)
    for problem in problems:
        click.echo(f"{file}: {problem}", err=True)
    if problems:
        sys.exit(2)
    click.echo(f"{file}: good; policy version {settings.policy.version}")


@main.command()
@_config
def migrate(file: Path) -> None:
    """Bring the database to what this version works with."""
    from controller.db import migrate as migrations  # noqa: PLC0415

    _with_database(file, lambda url: asyncio.to_thread(migrations.upgrade, url))


@main.command()
@_config
@_call
@_since
@_limit
@_format
def decisions(file: Path, call: str | None, since: datetime | None, limit: int | None, shape: str) -> None:
    """Print decisions in the order in which they were written."""
    from controller.db import queries  # noqa: PLC0415
    from controller.db.engine import open_engine  # noqa: PLC0415

    async def show(url: str) -> None:
        engine = open_engine(url)
        try:
            rows = (asdict(row) async for row in queries.decisions(engine, call=call, since=_utc(since), limit=limit))
            await _print(rows, shape)
        finally:
            await engine.dispose()

    _with_database(file, show)


@main.command()
@_config
@_call
@_since
@_limit
@_format
def recordings(file: Path, call: str | None, since: datetime | None, limit: int | None, shape: str) -> None:
    """Print recordings, each with its recorded and paused stretches."""
    from controller.db import queries  # noqa: PLC0415
    from controller.db.engine import open_engine  # noqa: PLC0415

    async def show(url: str) -> None:
        engine = open_engine(url)
        try:
            found = queries.recordings(engine, call=call, since=_utc(since), limit=limit)
            rows = ({**asdict(row.recording), "spans": [_span(span) for span in row.spans]} async for row in found)
            await _print(rows, shape)
        finally:
            await engine.dispose()

    _with_database(file, show)


def _load(file: Path) -> Settings:
    try:
        return load(file)
    except ConfigurationFaults as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        sys.exit(2)
    except RecordingControllerError as error:
        click.echo(f"{file}: {error}", err=True)
        sys.exit(2)


def _with_database(file: Path, work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Do something with the configured database; start the embedded one where no daemon runs it."""
    from controller.db.embedded import EmbeddedPostgres, running_url  # noqa: PLC0415

    settings = _load(file)

    async def do() -> None:
        if settings.database.url is not None:
            await work(settings.database.url.reveal())
            return
        folder = settings.state_directory / "postgresql"
        running = running_url(folder)
        if running is not None:
            await work(running)
            return
        async with EmbeddedPostgres(folder) as postgres:
            await work(postgres.url)

    logging.disable(logging.INFO)
    _log_to_stderr(level=logging.WARNING)
    _exit_cleanly(lambda: asyncio.run(do()))


def _exit_cleanly(work: Callable[[], None]) -> None:
    """Tell what the product itself knows to be wrong in one line; anything else keeps its traceback."""
    try:
        work()
    except* RecordingControllerError as group:
        for error in group.exceptions:
            click.echo(f"recording-controller: {error}", err=True)
        sys.exit(1)
    except* BrokenPipeError:
        sys.exit(1)


async def _print(rows: AsyncIterator[dict[str, Any]], shape: str) -> None:
    if shape == "jsonl":
        async for row in rows:
            click.echo(json.dumps(row, default=_plain, ensure_ascii=False))
        return
    from rich.console import Console  # noqa: PLC0415 - only where it is shown
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_lines=False)
    async for row in rows:
        if not table.columns:
            for name in row:
                table.add_column(name, overflow="fold")
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _span(span: Any) -> dict[str, Any]:  # noqa: ANN401 - any frozen record
    fields = asdict(span)
    fields.pop("recording")
    return fields


def _plain(value: object) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return _plain(value)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def _log_to_stderr(*, level: int = logging.INFO) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    main()
