"""Which daemon holds a PBX: a lock in PostgreSQL that lives as long as its holder's connection.

The connection goes straight to PostgreSQL, not through a pooler that shares connections between transactions.
"""

import asyncio
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from psycopg.conninfo import make_conninfo

from controller.db.bounded import cut
from controller.db.engine import connect_arguments
from controller.db.failures import FAILURES, translated
from controller.errors import DatabaseAway

_TRY = "SELECT pg_try_advisory_lock(hashtextextended('recording-controller:' || %s, 0))"
_STILL = "SELECT 1"


class Lease:
    """The lease of one PBX. Closing it, dying, or being cut off for ten seconds gives it up.

    No answer within ``timeout_s`` seconds counts as lost: who cannot ask does not hold.
    """

    def __init__(self, url: str, pbx: str, *, timeout_s: float = 3.0) -> None:
        self._url = url
        self._pbx = pbx
        self._timeout_s = timeout_s
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def acquire(self) -> bool:
        """Take the lease; False where another daemon holds it. Raises ``DatabaseAway``."""
        if await self.held():
            return True
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await psycopg.AsyncConnection.connect(
                    make_conninfo(self._url, **connect_arguments("recording-controller lease")), autocommit=True
                )
        except FAILURES as error:
            raise translated(error) from error
        self._connection = connection
        if await self._answer(_TRY, (self._pbx,)):
            return True
        await self.release()
        return False

    async def held(self) -> bool:
        """Whether the lease is ours, as PostgreSQL itself says; costs a round trip."""
        if self._connection is None:
            return False
        try:
            return bool(await self._answer(_STILL))
        except DatabaseAway:
            return False

    async def release(self) -> None:
        """Give the lease up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()

    async def _answer(self, question: LiteralString, arguments: tuple[str, ...] = ()) -> object:
        connection = self._connection
        if connection is None:
            raise DatabaseAway("the lease has no connection")
        late = asyncio.get_running_loop().call_later(self._timeout_s, cut, connection)
        try:
            row = await (await connection.execute(question, arguments)).fetchone()
        except FAILURES as error:
            await self.release()
            raise translated(error) from error
        finally:
            late.cancel()
        return row and row[0]
