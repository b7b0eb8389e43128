"""A network between a browser and a server that can be cut, and carries again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 65536


class Cable:
    """A TCP relay. While it is cut nothing is carried and nobody is told, as where a switch has no power.

    What was open when it was cut, or was opened meanwhile, is never carried again: whoever waits for it waits in vain.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._is_cut = False
        self._links: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        """Ends of whoever has connected; those too of which nothing is carried any more."""
        self.port = 0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Cable"]:
        """Carry what comes to ``port``."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            links = self._end_links()
            await asyncio.gather(*links, return_exceptions=True)
            for client in self._clients:
                client.transport.abort()
            await server.wait_closed()

    def cut(self) -> None:
        """Carry nothing from now on. The server's ends are closed, the clients' are not."""
        self._is_cut = True
        self._end_links()

    def mend(self) -> None:
        """Carry what is opened from now on."""
        self._is_cut = False

    def _end_links(self) -> set[asyncio.Task[None]]:
        links, self._links = self._links, set()
        for link in links:
            link.cancel()
        return links

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        if self._is_cut:
            return
        link = asyncio.get_running_loop().create_task(self._carry(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            back, there = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(reader, there))
                both.create_task(_pass_on(back, writer))
        except OSError:
            writer.transport.abort()
        finally:
            if there is not None:
                there.transport.abort()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_PIECE):
            sink.write(data)
            await sink.drain()
    sink.close()
