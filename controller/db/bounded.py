"""Work on a pooled connection that ends in time, whatever PostgreSQL or the network do.

Cancelling a statement is a conversation with a server that may not answer. So work that is late, or cancelled, has its
socket shut down under it: it then fails by itself at once, and the connection is thrown away.
"""

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from controller.db.failures import FAILURES, in_our_terms
from controller.errors import DatabaseAway

Driver = AsyncConnection[Any]
T = TypeVar("T")


@dataclass(slots=True)
class Attempt:
    """How far an attempt has come.

    Work sets ``committing`` before it sends COMMIT: from then on a failure does not tell whether anything is stored.
    """

    driver: Driver | None = None
    reused: bool = False
    committing: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """A connection from the pool may have died long before; a new one fails for a reason."""
        return self.reused and not self.committing


Work = Callable[[Driver, Attempt], Awaitable[T]]


class BoundedConnections:
    """Runs work on connections of an engine, each within ``timeout_s`` seconds, waiting for one included."""

    def __init__(self, engine: AsyncEngine, *, timeout_s: float) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def run(self, work: Work[T]) -> T:
        """Run work; once more where the connection turns out to have died in the pool.

        Raises ``DatabaseAway`` and ``DatabaseRefused``.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        attempt = Attempt()
        with in_our_terms():
            try:
                return await self._until(deadline, attempt, work)
            except FAILURES:
                if not attempt.may_be_repeated:
                    raise
            return await self._until(deadline, Attempt(), work)

    async def _until(self, deadline: float, attempt: Attempt, work: Work[T]) -> T:
        task = asyncio.create_task(self._on_connection(attempt, work))
        try:
            await asyncio.wait({task}, timeout=deadline - asyncio.get_running_loop().time())
        finally:
            late = not task.done()
            if late:
                await self._break_off(task, attempt)
        if late:
            raise DatabaseAway(f"PostgreSQL did not answer within {self._timeout_s:g} s")
        return task.result()

    async def _break_off(self, task: asyncio.Task[Any], attempt: Attempt) -> None:
        if attempt.driver is not None:
            cut(attempt.driver)
            await asyncio.wait({task})
            task.exception()
            return
        # Still connecting: nothing to cut, and how long its cancellation takes is up to others.
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()

    async def _on_connection(self, attempt: Attempt, work: Work[T]) -> T:
        pooled = await self._live(attempt)
        driver = attempt.driver = _driver(pooled)
        try:
            return await work(driver, attempt)
        finally:
            attempt.driver = None
            if driver.pgconn.transaction_status != TransactionStatus.IDLE:
                await greenlet_spawn(pooled.invalidate)
            await greenlet_spawn(pooled.close)

    async def _live(self, attempt: Attempt) -> PoolProxiedConnection:
        """A connection that has not been closed while it waited in the pool.

        An idle connection has nothing to read; what there is can only be the server's farewell. To look costs a
        system call, where a ping would cost a round trip.
        """
        while True:
            pooled = await self._engine.raw_connection()
            attempt.reused = pooled.info.get("used", False)
            pooled.info["used"] = True
            if not attempt.reused or not _readable(_driver(pooled)):
                return pooled
            await greenlet_spawn(pooled.invalidate)
            await greenlet_spawn(pooled.close)


def _driver(pooled: PoolProxiedConnection) -> Driver:
    driver = pooled.driver_connection
    assert isinstance(driver, AsyncConnection)  # noqa: S101 - tells mypy what a postgresql:// URL has chosen
    return driver


def _readable(driver: Driver) -> bool:
    if driver.closed:
        return True
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def cut(driver: Driver) -> None:
    """Shut the socket of a connection down: what waits on it fails at once."""
    if driver.closed:
        return
    with socket.socket(fileno=os.dup(driver.fileno())) as connection:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other end was faster
            return
