"""Lets a thread read what comes by way of the event loop, piece by piece, while the loop goes on with its work."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from controller.threads import off_the_loop, threaded

T = TypeVar("T")


class _Closed(Exception):  # noqa: N818 - nobody sees it
    """Nobody wants the rest."""


class _Bridge:
    """Pieces of the loop, in a thread."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = pieces
        self._loop = loop
        self._asked: Future[bytes | None] | None = None
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            piece = self._ask()
            if piece is None:
                return
            yield piece

    def close(self) -> None:
        self._closed = True
        if self._asked is not None:
            self._asked.cancel()

    def _ask(self) -> bytes | None:
        self._asked = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        return self._asked.result()

    async def _next(self) -> bytes | None:
        if self._closed:
            raise _Closed
        return await anext(self._pieces, None)


async def in_thread(work: Callable[[Sequence[Iterator[bytes]]], T], files: Sequence[AsyncIterator[bytes]]) -> T:
    """What ``work`` makes of the pieces of these files, in a thread of its own. Raises what either raises.

    Cancelled, it lets the thread have no more pieces, and does not wait long for its end.
    """
    bridges = [_Bridge(pieces, asyncio.get_running_loop()) for pieces in files]

    def close() -> None:
        for bridge in bridges:
            bridge.close()

    return await threaded(lambda: work([iter(bridge) for bridge in bridges]), close)


async def from_thread(pieces: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """Pieces that block while they are made. Close it (``aclosing``) where you stop early."""
    try:
        while (piece := await off_the_loop(next, pieces, None)) is not None:
            yield piece
    finally:
        with suppress(ValueError):  # cancelled while one is made: it is closed when nobody has it any more
            await off_the_loop(pieces.close)
