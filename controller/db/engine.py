"""Opens the pool of connections to PostgreSQL; the rest of ``controller.db`` shares it."""

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

POOL_SIZE = 4
READERS = 2
"""Connections for what people look at: none of those that decisions are written by."""
READ_WITHIN = "5s"
_CONNECT_TIMEOUT_S = 5
_KEEPALIVE = {"keepalives_idle": 3, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 8000}
_SERVER_SIDE = {
    "timezone": "UTC",
    # What is said to be durable is on disk, whatever the database or the role is set to.
    "synchronous_commit": "on",
    # Where we are cut off in mid-transaction, its locks on the strata must not outlive us by much.
    "idle_in_transaction_session_timeout": "10s",
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "8s",
}


def connect_arguments(application: str, **more: str) -> dict[str, str | int]:
    """Arguments of a connection that both ends give up within ten seconds when the other one is gone.

    ``more`` are settings of PostgreSQL.
    """
    return {
        "application_name": application,
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "options": " ".join(f"-c {name}={value}" for name, value in (_SERVER_SIDE | more).items()),
        **_KEEPALIVE,
    }


def open_engine(url: str, *, pool_size: int = POOL_SIZE) -> AsyncEngine:
    """An engine for a ``postgresql://`` URL; connects when it is used first. Close it with ``dispose()``.

    Its connections commit each statement by itself: who needs a transaction says so, and a decision that is one
    statement costs one round trip.
    """
    return _engine(url, pool_size, connect_arguments("recording-controller"))


def open_readers(url: str) -> AsyncEngine:
    """The same for what people look at: few connections, and a question that takes long is given up."""
    return _engine(url, READERS, connect_arguments("recording-controller pages", statement_timeout=READ_WITHIN))


def _engine(url: str, pool_size: int, arguments: dict[str, str | int]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        pool_use_lifo=True,
        connect_args=arguments,
    )
