"""Connections over HTTP: how many there may be, and for how long one may say nothing before its first request.

Whoever connects need not be known, and each connection takes a file descriptor. FastAGI, PostgreSQL and what stops a
recording need some, too: without one a card number would be recorded. What is beyond a limit is closed at once. What is
said on a connection is aiohttp's.
"""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from resource import RLIM_INFINITY
from ssl import SSLContext
from typing import Final, Never, cast

import structlog
from aiohttp import web

from controller.runtime import metrics
from controller.runtime.sessions import block_of
from controller.web.proxies import PROXIES, Proxies, address_of

MOST: Final = 2000
MOST_EACH: Final = 256
HEARD_WITHIN_S: Final = 10.0
KEPT_S: Final = 75.0
"""Longer than nginx keeps one that it does not use, so that nginx is the one that closes it."""
BACKLOG: Final = 128
AGAIN_S: Final = 0.2
"""When it is tried again to accept a connection where that has failed, such as for want of a file descriptor."""
SAID_EVERY_S: Final = 60.0
"""How often the log says the same again."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``most`` connections in all, and ``most_each`` of one address, but for those of proxies that are trusted.

    The header of the first request is there ``heard_within_s`` seconds after the connection was opened, or it is
    closed; and so is one on which nothing more is asked for ``kept_s`` seconds.
    """

    most: int
    most_each: int = MOST_EACH
    heard_within_s: float = HEARD_WITHIN_S
    kept_s: float = KEPT_S


class Closed(StrEnum):
    """Why a connection was closed: the label of a metric."""

    TOO_MANY = "too-many"
    TOO_MANY_OF_ONE = "too-many-of-one"
    SILENT = "silent"


def limits_of(files: int) -> Limits:
    """Where a process may have so many files open, at least half of them are for others than HTTP."""
    return Limits(most=MOST if files == RLIM_INFINITY else min(MOST, files // 2))


@asynccontextmanager
async def listening(
    application: web.Application,
    host: str,
    port: int,
    *,
    limits: Limits,
    answered_within_s: float,
    context: SSLContext | None = None,
) -> AsyncIterator[int]:
    """Serve this application, by HTTPS where there is a ``context``; gives the port, which is any for ``0``.

    At the end whoever is being answered has ``answered_within_s`` seconds. Raises ``OSError``.
    """
    application.middlewares.insert(0, _heard)
    runner = web.AppRunner(
        application, access_log=None, keepalive_timeout=limits.kept_s, shutdown_timeout=answered_within_s
    )
    await runner.setup()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        if runner.server is None:
            raise RuntimeError("a runner that is set up has a server")
        listeners = await _listeners(stack, host, port)
        connections = _Connections(runner.server, limits, application[PROXIES], context)
        accepting = [asyncio.create_task(connections.accept(listener), name="http") for listener in listeners]
        stack.push_async_callback(connections.close, accepting)
        yield int(listeners[0].getsockname()[1])


async def _listeners(stack: AsyncExitStack, host: str, port: int) -> list[socket.socket]:
    """At every address that this host has. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners = []
    for family, address in dict.fromkeys((family, address) for family, *_, address in found):
        try:
            listener = stack.enter_context(socket.create_server(address, family=family, backlog=BACKLOG))
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise OSError(error.errno, f"{address!r}: {why}") from error
        listener.setblocking(False)
        listeners.append(listener)
    return listeners


@web.middleware
async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request begins to be answered, so its header is here."""
    protocol = request.transport.get_protocol() if request.transport is not None else None
    if isinstance(protocol, _Connection):
        protocol.heard()
    return await handler(request)


class _Connections:
    """Those that are open. ``serve`` makes what speaks HTTP on one.

    They are accepted here and not by a server of asyncio, which tells of one only once it is agreed upon how to encrypt
    it: whoever never agrees would not be counted.
    """

    def __init__(
        self, serve: Callable[[], asyncio.Protocol], limits: Limits, proxies: Proxies, context: SSLContext | None
    ) -> None:
        self._serve = serve
        self._limits = limits
        self._proxies = proxies
        self._context = context
        self._open: dict[_Connection, str] = {}
        self._of: Counter[str] = Counter()
        self._said_at: dict[str, float] = {}

    async def accept(self, listener: socket.socket) -> Never:
        """Take those that come, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listener)
            except OSError as error:
                self._say("http.not_accepted", error.strerror or "unknown")
                await asyncio.sleep(AGAIN_S)
                continue
            self._take(accepted, str(address_of(peer[0]) or peer[0]))
            await asyncio.sleep(0)  # however many come, all else goes on

    async def close(self, accepting: Iterable["asyncio.Task[Never]"]) -> None:
        """Take no more, and close those of which aiohttp does not know yet; it closes the others itself."""
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        await asyncio.gather(*(connection.leave() for connection in self._open))

    def _take(self, accepted: socket.socket, address: str) -> None:
        whose = block_of(address)
        why = self._too_many(address, whose)
        if why is not None:
            accepted.close()
            metrics.HTTP_CLOSED.labels(why.value).inc()
            self._say("http.connection_refused", why.value)
            return
        connection = _Connection(accepted, self._serve(), self._limits.heard_within_s, on_over=self._forget)
        self._open[connection] = whose
        self._of[whose] += 1
        connection.begin(self._context)

    def _too_many(self, address: str, whose: str) -> Closed | None:
        if len(self._open) >= self._limits.most:
            return Closed.TOO_MANY
        if self._of[whose] >= self._limits.most_each and not self._proxies.trusts(address):
            return Closed.TOO_MANY_OF_ONE
        return None

    def _forget(self, connection: "_Connection") -> None:
        whose = self._open.pop(connection)
        self._of[whose] -= 1
        if not self._of[whose]:
            del self._of[whose]

    def _say(self, what: str, reason: str) -> None:
        """Once in a while: whoever is refused may come back a thousand times a second."""
        now = asyncio.get_running_loop().time()
        if now - self._said_at.get(reason, -SAID_EVERY_S) >= SAID_EVERY_S:
            self._said_at[reason] = now
            _log.warning(what, reason=reason, open=len(self._open))


class _Connection(asyncio.Protocol):
    """One of them, which hands on to ``http`` what it hears. ``on_over`` is called once, when it is open no more."""

    def __init__(
        self,
        accepted: socket.socket,
        http: asyncio.Protocol,
        heard_within_s: float,
        *,
        on_over: Callable[["_Connection"], None],
    ) -> None:
        self._accepted: socket.socket | None = accepted
        self._http = http
        self._on_over = on_over
        self._beginning: asyncio.Task[None] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._silence = asyncio.get_running_loop().call_later(heard_within_s, self._not_heard)

    def begin(self, context: SSLContext | None) -> None:
        """Have the loop read and write it, encrypted where there is a ``context``."""
        self._beginning = asyncio.create_task(self._begin(context), name="http connection")
        self._beginning.add_done_callback(self._begun)

    async def _begin(self, context: SSLContext | None) -> None:
        accepted, self._accepted = self._accepted, None
        if accepted is None:
            raise RuntimeError("a connection begins once")
        with suppress(OSError):  # no TLS, none that is good enough, or nobody there any more
            await asyncio.get_running_loop().connect_accepted_socket(lambda: self, accepted, ssl=context)

    def _begun(self, _: "asyncio.Task[None]") -> None:
        """Where it has come to nothing, nobody else says that it is over."""
        if self._accepted is not None:  # cancelled before its first step
            self._accepted.close()
        if self._transport is None:
            self._over()

    def heard(self) -> None:
        """Something is asked on it."""
        self._silence.cancel()

    def _not_heard(self) -> None:
        metrics.HTTP_CLOSED.labels(Closed.SILENT.value).inc()
        if self._transport is not None:
            self._transport.abort()
        elif self._beginning is not None:
            self._beginning.cancel()

    async def leave(self) -> None:
        """Close it, unless it has begun."""
        if self._transport is None and self._beginning is not None:
            self._beginning.cancel()
            await asyncio.wait([self._beginning])

    def _over(self) -> None:
        self._silence.cancel()
        self._on_over(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it on, as all that follows."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._http.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over()
        self._http.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        return self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()
