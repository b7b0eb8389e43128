"""A wire to a PBX that tests can cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from urllib.parse import urlsplit

_SOME = 100
_TEXT = 0x81
"""How a frame begins that is a whole text message."""


class Wire:
    """A TCP relay to the PBX whose links a test can cut, or silence without closing them."""

    def __init__(self, ari_url: str) -> None:
        target = urlsplit(ari_url)
        self._target = (target.hostname or "", target.port or 80)
        self._path = target.path
        self._links: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._silenced: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._events: asyncio.StreamWriter | None = None
        self.broken = False
        """While it is, new links are cut as soon as they come."""
        self.late_s = 0.0
        """How late each piece comes out at the other end."""
        self.event: Callable[[bytes], bytes] = _as_it_is
        """What becomes of each message of the PBX's events, a whole frame: nothing, or the same twice."""
        self.pause_answer: bytes | None = None
        """What is answered to whoever asks for a pause, which then does not reach the PBX; empty: nothing."""

    async def connect(self, port: int = 0) -> str:
        """Begin to listen; gives ARI's address through this wire."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", port)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._path}"

    def cut(self) -> None:
        """Reset every link, as a failing network does."""
        for link in self._links:
            for writer in link:
                with suppress(AttributeError):  # CPython's, of one that closed by itself once its last bytes were out
                    writer.transport.abort()
        self._links.clear()

    async def flood(self, message: bytes, times: int) -> None:
        """Have the PBX's events say this so often, as fast as it is read; what it says itself comes in between."""
        if self._events is None:
            raise AssertionError("no websocket is open")
        head = b"\x81\x7e" + len(message).to_bytes(2)  # RFC 6455, 5.2: one whole text message
        some = (head + message) * _SOME
        for _ in range(times // _SOME):
            self._events.write(some)
            await self._events.drain()

    def silence(self) -> None:
        """Carry nothing more on the present links, and tell neither end; later links work."""
        for link in self._links:
            self._silenced.update(link)

    async def disconnect(self) -> None:
        """Stop listening and end every link."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.gather(*self._tasks)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:  # nobody is there
            writer.transport.abort()
            return
        self._links.append((writer, back))
        first = await reader.read(65536)
        if b"Upgrade: websocket" in first:
            self._events = writer
            back.write(first)
            down = self._carry(_messages(there), writer, self._said)
        else:
            self._asked(first, writer, back)
            down = self._carry(_pieces(there), writer, _written)
        up = self._carry(_pieces(reader), back, lambda data, sink: self._asked(data, writer, sink))
        self._tasks |= {asyncio.create_task(way) for way in (up, down)}

    async def _carry(
        self,
        pieces: AsyncIterator[bytes],
        sink: asyncio.StreamWriter,
        put: Callable[[bytes, asyncio.StreamWriter], None],
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            async for data in pieces:
                if self.late_s:
                    await asyncio.sleep(self.late_s)
                if sink not in self._silenced:
                    put(data, sink)
        if sink not in self._silenced:
            sink.close()

    def _said(self, frame: bytes, sink: asyncio.StreamWriter) -> None:
        sink.write(self.event(frame) if frame[0] == _TEXT else frame)

    def _asked(self, data: bytes, asker: asyncio.StreamWriter, sink: asyncio.StreamWriter) -> None:
        if self.pause_answer is not None and data.startswith(b"POST ") and b"/pause " in data.partition(b"\r\n")[0]:
            asker.write(self.pause_answer)
        else:
            sink.write(data)


def _as_it_is(message: bytes) -> bytes:
    return message


def _written(data: bytes, sink: asyncio.StreamWriter) -> None:
    sink.write(data)


async def _pieces(source: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await source.read(65536):
        yield data


async def _messages(source: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The answer to the upgrade, then frame by frame (RFC 6455, 5.2; what a server sends is not masked)."""
    yield await source.readuntil(b"\r\n\r\n")
    while True:
        head = await source.readexactly(2)
        extended = await source.readexactly({126: 2, 127: 8}.get(head[1], 0))
        size = int.from_bytes(extended) if extended else head[1]
        yield head + extended + await source.readexactly(size)
