"""What surrounds every command: the configuration read, the database at hand, faults told in one line, exit codes.

What is slow to import is imported where it is used, so that a command line answers at once.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from controller.config import ConfigurationFaults, Settings, load
from controller.errors import RecordingControllerError, RegisterRefused

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def load_settings(file: Path) -> Settings:
    """The settings; where they are faulty, say every fault and exit 2."""
    try:
        return load(file)
    except ConfigurationFaults as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        sys.exit(2)
    except RecordingControllerError as error:
        click.echo(f"{file}: {error}", err=True)
        sys.exit(2)


def with_database(settings: Settings, work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Do something with the URL of the configured database; start the embedded one where no daemon runs it."""
    from controller.db.embedded import EmbeddedPostgres, running_url  # noqa: PLC0415

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
    log_to_stderr(level=logging.WARNING)
    exit_cleanly(lambda: asyncio.run(do()))


@asynccontextmanager
async def engine_on(url: str) -> AsyncIterator["AsyncEngine"]:
    """An engine for the time of a command."""
    from controller.db.engine import open_engine  # noqa: PLC0415

    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


def exit_cleanly(work: Callable[[], None]) -> None:
    """Tell what the product itself knows to be wrong in one line; anything else keeps its traceback."""
    code = 0
    try:
        work()
    except* RegisterRefused as group:
        code = 2
        for refusal in group.exceptions:
            click.echo(refusal, err=True)
    except* RecordingControllerError as group:
        code = 1
        for error in group.exceptions:
            click.echo(f"recording-controller: {error}", err=True)
    except* BrokenPipeError:
        code = 1
    if code:  # outside: an exit from within except* would become a group with a traceback of its own
        sys.exit(code)


def log_to_stderr(*, level: int = logging.INFO) -> None:
    """One JSON object for each line."""
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
