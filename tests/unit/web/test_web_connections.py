"""How many connections there may be over HTTP, and for how long one may say nothing: by real ones to a real server."""

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from controller.web.connections import MOST, Limits, limits_of, listening
from controller.web.proxies import PROXIES, Proxies
from controller.web.tls import Certificate
from tests.unit.web.test_web_tls import write_pair

HERE, BESIDE = "127.0.0.1", "127.0.0.2"
PATIENCE_S = 20.0
GENEROUS: dict[str, Any] = {"most": 100, "most_each": 100, "heard_within_s": PATIENCE_S, "kept_s": PATIENCE_S}
BRIEF_S = 0.2
ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAM = ASKED.replace(b"/ ", b"/stream ", 1)


@dataclass
class Line:
    """A connection from here."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, words: bytes) -> None:
        """Send this."""
        self.writer.write(words)
        await self.writer.drain()

    async def hears(self, end: bytes) -> bytes:
        """What comes, up to this."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(end)

    async def is_answered(self) -> bool:
        """Whether it is answered, or closed instead."""
        try:
            await self.says(ASKED)
            return b"200 OK" in await self.hears(b"here")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async def is_closed(self) -> None:
        """Wait until the other side has closed it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await self.reader.read(1024):
                    pass
        except ConnectionError:
            pass


@dataclass
class Server:
    """``go_on`` has its streams say a second word."""

    port: int
    encrypted: bool
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: list[Line] = field(default_factory=list)

    async def opened(self, whence: str = HERE, *, plain: bool = False) -> Line:
        """A connection to it, encrypted where that is how it speaks."""
        context = trusting() if self.encrypted and not plain else None
        reader, writer = await asyncio.open_connection(HERE, self.port, local_addr=(whence, 0), ssl=context)
        self._lines.append(Line(reader, writer))
        return self._lines[-1]

    async def close_all(self) -> None:
        """Close what is open at this side."""
        for line in self._lines:
            line.writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def a_server(
    folder: Path, *, encrypted: bool = False, trusted: Sequence[str] = (), **limits: float
) -> AsyncIterator[Server]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await server.go_on.wait()
        await response.write(b"second")
        return response

    app = web.Application()
    app[PROXIES] = Proxies(map(ip_network, trusted))
    app.router.add_get("/", answer)
    app.router.add_get("/stream", stream)
    context = Certificate(*write_pair(folder)).context if encrypted else None
    bounds = Limits(**GENEROUS | limits)
    server = Server(port=0, encrypted=encrypted)
    try:
        async with listening(app, HERE, 0, limits=bounds, answered_within_s=BRIEF_S, context=context) as server.port:
            yield server
    finally:
        await server.close_all()


def trusting() -> ssl.SSLContext:
    """Of somebody who believes every certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def closed(reason: str) -> float:
    return REGISTRY.get_sample_value("rc_http_connections_closed_total", {"reason": reason}) or 0.0


either = pytest.mark.parametrize("encrypted", [False, True], ids=["HTTP", "HTTPS"])


@either
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n\r\n"], ids=["nothing", "half", "lines"])
async def test_one_is_closed_on_which_no_request_comes(tmp_path: Path, said: bytes, *, encrypted: bool) -> None:
    before = closed("silent")
    async with a_server(tmp_path, encrypted=encrypted, heard_within_s=BRIEF_S) as server:
        line = await server.opened()
        await line.says(said)
        await line.is_closed()
    assert closed("silent") == before + 1


async def test_one_is_closed_on_which_it_is_never_agreed_how_to_encrypt_it(tmp_path: Path) -> None:
    before = closed("silent")
    async with a_server(tmp_path, encrypted=True, most=2, heard_within_s=BRIEF_S) as server:
        lines = [await server.opened(plain=True) for _ in range(3)]
        await asyncio.gather(*(line.is_closed() for line in lines))
        assert await (await server.opened()).is_answered()
    assert closed("silent") <= before + 2


async def test_one_that_speaks_no_tls_counts_no_more(tmp_path: Path) -> None:
    async with a_server(tmp_path, encrypted=True, most=1) as server:
        line = await server.opened(plain=True)
        await line.says(ASKED)
        await line.is_closed()
        assert await answered_in_the_end(server)


async def test_what_comes_with_the_last_word_about_encryption_is_heard(tmp_path: Path) -> None:
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    spoken = trusting().wrap_bio(coming, going)
    async with a_server(tmp_path, encrypted=True) as server:
        line = await server.opened(plain=True)
        while not shaken(spoken):
            await line.says(going.read())
            coming.write(await line.reader.read(65536))
        spoken.write(ASKED)
        await line.says(going.read())
        async with asyncio.timeout(PATIENCE_S):
            while b"here" not in deciphered(spoken):
                coming.write(await line.reader.read(65536))


def shaken(spoken: ssl.SSLObject) -> bool:
    """Whether the handshake is over on this side."""
    try:
        spoken.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def deciphered(spoken: ssl.SSLObject) -> bytes:
    """What has come."""
    try:
        return spoken.read()
    except ssl.SSLWantReadError:
        return b""


@either
async def test_a_stream_goes_on_however_long_ago_it_was_asked_for(tmp_path: Path, *, encrypted: bool) -> None:
    async with a_server(tmp_path, encrypted=encrypted, heard_within_s=BRIEF_S, kept_s=BRIEF_S) as server:
        stream = await server.opened()
        await stream.says(STREAM)
        await stream.hears(b"first")
        await (await server.opened()).is_closed()  # which was opened later
        server.go_on.set()
        await stream.hears(b"second")


@either
async def test_one_on_which_nothing_more_is_asked_is_kept_for_a_while_only(tmp_path: Path, *, encrypted: bool) -> None:
    before = closed("silent")
    async with a_server(tmp_path, encrypted=encrypted, kept_s=BRIEF_S) as server:
        line = await server.opened()
        assert await line.is_answered()
        await line.says(ASKED[:20])
        await line.is_closed()
    assert closed("silent") == before


@either
async def test_there_are_not_more_than_so_many(tmp_path: Path, *, encrypted: bool) -> None:
    before = closed("too-many")
    with capture_logs() as logs:
        async with a_server(tmp_path, encrypted=encrypted, most=2) as server:
            lines = [await server.opened() for _ in range(2)]
            for _ in range(2):
                await (await server.opened(BESIDE, plain=True)).is_closed()
            assert [await line.is_answered() for line in lines] == [True, True]
            lines[0].writer.transport.abort()
            assert await answered_in_the_end(server)
    assert closed("too-many") >= before + 2
    assert [log for log in logs if log["event"] == "http.connection_refused"] == [
        {"event": "http.connection_refused", "log_level": "warning", "reason": "too-many", "open": 2}
    ]


async def answered_in_the_end(server: Server) -> bool:
    """Whether there is room again, once the server has noticed that somebody has gone."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await (await server.opened()).is_answered():
                    return True
            except ConnectionError:  # while it is agreed how to encrypt it
                pass
            await asyncio.sleep(0.01)


async def test_no_address_has_more_than_so_many_of_them(tmp_path: Path) -> None:
    before = closed("too-many-of-one")
    async with a_server(tmp_path, most_each=2) as server:
        lines = [await server.opened() for _ in range(2)]
        await (await server.opened()).is_closed()
        lines += [await server.opened(BESIDE) for _ in range(2)]
        await (await server.opened(BESIDE)).is_closed()
        assert [await line.is_answered() for line in lines] == [True] * 4
    assert closed("too-many-of-one") == before + 2


async def test_all_are_behind_a_proxy_that_is_trusted(tmp_path: Path) -> None:
    async with a_server(tmp_path, most=4, most_each=2, trusted=["127.0.0.2/32"]) as server:
        lines = [await server.opened(BESIDE) for _ in range(4)]
        await (await server.opened(BESIDE)).is_closed()
        assert [await line.is_answered() for line in lines] == [True] * 4


@either
async def test_at_the_end_whatever_is_open_is_closed(tmp_path: Path, *, encrypted: bool) -> None:
    async with a_server(tmp_path, encrypted=encrypted) as server:
        silent, unencrypted, kept, stream = [await server.opened(plain=n == 1) for n in range(4)]
        assert await kept.is_answered()
        await stream.says(STREAM)
        await stream.hears(b"first")
    for line in (silent, unencrypted, kept, stream):
        await line.is_closed()


def test_half_of_the_files_are_for_others() -> None:
    assert limits_of(1024).most == 512
    assert limits_of(1_000_000).most == limits_of(resource.RLIM_INFINITY).most == MOST
