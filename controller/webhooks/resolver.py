"""Looks up where receivers are, in threads of its own: asyncio's few are for what calls wait for.

A name whose look-up hangs holds up nothing but its own receiver: there is one look-up at a time for each name, and
whoever asks meanwhile waits for that one.
"""

import asyncio
import socket
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult

from controller.threads import off_the_loop

_Asked = tuple[str, int, socket.AddressFamily]


class OwnResolver(AbstractResolver):
    """Asks the system, as aiohttp's own does, but for whose threads it takes."""

    def __init__(self) -> None:
        self._under_way: dict[_Asked, asyncio.Task[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``OSError``."""
        asked = (host, port, family)
        if asked not in self._under_way:
            looking = self._under_way[asked] = asyncio.create_task(_look_up(*asked))
            looking.add_done_callback(lambda done: self._over(asked, done))
        return await asyncio.shield(self._under_way[asked])

    async def close(self) -> None:
        """Wait for no look-up any more."""
        under_way = list(self._under_way.values())
        for looking in under_way:
            looking.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _over(self, asked: _Asked, looking: "asyncio.Task[list[ResolveResult]]") -> None:
        self._under_way.pop(asked, None)
        with suppress(asyncio.CancelledError):
            looking.exception()  # looked at, where nobody waits for it any more


async def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = await off_the_loop(
        socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=of,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for of, _, protocol, _, address in found
    ]
