"""Says in our terms what went wrong with PostgreSQL, once for all of ``controller.db``."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from controller.errors import DatabaseAway, DatabaseError, DatabaseNotMigrated, DatabaseRefused, DatabaseTaken

FAILURES = (psycopg.Error, DBAPIError, PendingRollbackError, PoolTimeout, OSError, TimeoutError)
"""Whatever the driver and the pool raise when the database does not do what it should."""

_NOT_MIGRATED = ("42P01", "42703")
"""SQLSTATE of a table and of a column that are not there."""

_UNIQUE = "23505"
"""SQLSTATE of a row whose key another row has."""

_NEVER = ("22", "23", "54")
"""SQLSTATE classes that say that the data is at fault: data exception, integrity constraint, program limit."""


def translated(error: Exception) -> DatabaseError:
    """The same failure in our terms.

    Only what lies in the data itself is refused for good. All else may pass: a lost connection, a full disk, a table
    that is not migrated yet. The text names the fault but never a value.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return DatabaseAway(f"PostgreSQL: {type(error).__name__}")
    state = cause.sqlstate
    if state is None:
        away = not isinstance(cause, psycopg.DataError)
        return DatabaseAway(_first_line(cause)) if away else DatabaseRefused(type(cause).__name__)
    if state == _UNIQUE:
        return DatabaseTaken(f"PostgreSQL has it already ({cause.diag.constraint_name})")
    if state in _NOT_MIGRATED:
        return DatabaseNotMigrated("the database is not migrated: run recording-controller migrate")
    if state.startswith(_NEVER):
        constraint = cause.diag.constraint_name
        where = f" ({constraint})" if constraint else ""
        return DatabaseRefused(f"PostgreSQL refuses it: {type(cause).__name__}{where}")
    return DatabaseAway(f"PostgreSQL: {cause.diag.message_primary} ({state})")


@contextmanager
def in_our_terms() -> Iterator[None]:
    """Raise ``DatabaseAway`` or ``DatabaseRefused`` for whatever goes wrong inside."""
    try:
        yield
    except FAILURES as error:
        raise translated(error) from error


def _first_line(error: psycopg.Error) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
