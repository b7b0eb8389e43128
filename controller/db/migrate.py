"""Brings a database to the tables that this program works with, and says whether it is there.

Blocking, on connections of its own. All functions raise ``DatabaseAway``, and ``DatabaseRefused`` where the database
was migrated by a newer program.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

import migrations
from controller.db.failures import translated
from controller.errors import DatabaseRefused

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('recording-controller:migrate', 0))")
_CONNECT_TIMEOUT_S = 10


def upgrade(url: str, to: str = "head") -> None:
    """Migrate forward, in one transaction; where another process is at it, wait and find it done."""
    with _connection(url) as connection:
        connection.execute(_LOCK)
        command.upgrade(_config(connection), to)


def downgrade(url: str, to: str) -> None:
    """Migrate back to a revision (``base`` is an empty database): what that drops is lost."""
    with _connection(url) as connection:
        connection.execute(_LOCK)
        command.downgrade(_config(connection), to)


def current(url: str) -> str | None:
    """The revision that a database is at; None where it was never migrated."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(url: str) -> bool:
    """Whether a database is what this program works with."""
    return current(url) == newest()


def newest() -> str | None:
    """The revision that this program works with."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def as_sql() -> str:
    """All steps as SQL, for who lets no program change tables."""
    script = StringIO()
    config = _config(None)
    config.output_buffer = script
    command.upgrade(config, "head", sql=True)
    return script.getvalue()


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S})
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise translated(error) from error
    except CommandError as error:
        raise DatabaseRefused(f"the database was migrated by another version of this program: {error}") from error


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
