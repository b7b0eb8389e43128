"""A connection that belongs to one holder and holds its lock: straight to PostgreSQL, and given up when it is late.

Not through a pooler that shares connections between transactions: a lock lives as long as its connection.
"""

import asyncio
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import namedtuple_row

from controller.db.bounded import cut
from controller.db.engine import connect_arguments
from controller.db.failures import FAILURES, translated
from controller.errors import DatabaseAway


class OwnConnection:
    """Closed at first. No answer within ``timeout_s`` seconds counts as lost, and whatever fails closes it."""

    def __init__(self, url: str, application: str, *, timeout_s: float) -> None:
        self._url = url
        self._application = application
        self._timeout_s = timeout_s
        self._connection: psycopg.AsyncConnection[Any] | None = None

    @property
    def there(self) -> bool:
        """Whether it has been opened, and not been lost as far as we know."""
        return self._connection is not None

    async def open(self) -> None:
        """Connect. Raises ``DatabaseAway``."""
        try:
            async with asyncio.timeout(self._timeout_s):
                self._connection = await psycopg.AsyncConnection.connect(
                    make_conninfo(self._url, **connect_arguments(self._application)),
                    autocommit=True,
                    row_factory=namedtuple_row,
                )
        except FAILURES as error:
            raise translated(error) from error

    async def ask(
        self, question: LiteralString, arguments: tuple[object, ...] | dict[str, object] | None = None
    ) -> list[Any]:
        """The rows of the answer; none where it has none. Raises ``DatabaseError``."""
        connection = self._connection
        if connection is None:
            raise DatabaseAway("there is no connection")
        late = asyncio.get_running_loop().call_later(self._timeout_s, cut, connection)
        try:
            cursor = await connection.execute(question, arguments)
            return await cursor.fetchall() if cursor.description else []
        except FAILURES as error:
            await self.close()
            raise translated(error) from error
        finally:
            late.cancel()

    async def close(self) -> None:
        """Give it up, and with it all that it held."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
