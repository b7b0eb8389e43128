"""Locks that several processes share, by name: advisory locks of PostgreSQL, given up when their holder ends.

The connection goes straight to PostgreSQL, not through a pooler that shares connections between transactions.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from controller.db.failures import in_our_terms

_KEY = "hashtextextended('recording-controller/' || :name, 0)"
_TRY = text(f"SELECT pg_try_advisory_lock({_KEY})")
_WAIT = text(f"SELECT pg_advisory_lock({_KEY})")
_UNLOCK = text(f"SELECT pg_advisory_unlock({_KEY})")


@asynccontextmanager
async def tried(engine: AsyncEngine, name: str) -> AsyncIterator[bool]:
    """Whether the lock is ours, until the block ends; False at once where somebody else has it.

    Raises ``DatabaseAway``. Takes a connection of the engine's for itself.
    """
    async with _connected(engine) as connection:
        taken = bool(await _ask(connection, _TRY, name))
        yield taken
        if taken:
            await _ask(connection, _UNLOCK, name)


@asynccontextmanager
async def locked(engine: AsyncEngine, name: str) -> AsyncIterator[None]:
    """Wait for the lock, and have it until the block ends. Raises ``DatabaseAway``."""
    async with _connected(engine) as connection:
        await _ask(connection, _WAIT, name)
        yield
        await _ask(connection, _UNLOCK, name)


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that is not used again where anything went wrong: with it the lock is gone."""
    connection = engine.connect()
    with in_our_terms():
        await connection.start()
    try:
        yield connection
    except BaseException:
        await connection.invalidate()
        raise
    finally:
        await connection.close()


async def _ask(connection: AsyncConnection, question: TextClause, name: str) -> object:
    with in_our_terms():
        return (await connection.execute(question, {"name": name})).scalar()
