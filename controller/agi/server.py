"""The FastAGI server: who may connect, how many at once, and that one session's end is never the server's.

FastAGI has no password: the address is all that a peer shows.
Owns sockets and tasks, not what a session does.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from controller.agi.connection import AgiConnection, AgiLimits, peer_address
from controller.agi.session import AgiSession
from controller.errors import AgiHangup, AgiProtocolError

_log = structlog.get_logger(__name__)


class FastAgiServer:
    """Listens while it is entered; each connection runs `handler` in a task of its own.

    `port` 0 lets the system choose. `allowed` is asked with the peer's IP address. On leaving, every session
    is cancelled and its connection closed, whereupon the PBX's dialplan goes on. Entering raises OSError when
    the address cannot be bound.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        allowed: Callable[[str], bool],
        handler: Callable[[AgiSession], Awaitable[None]],
        limits: AgiLimits | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._allowed = allowed
        self._handler = handler
        self._limits = limits or AgiLimits()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """The TCP port that is listened on."""
        return self._port

    @property
    def session_count(self) -> int:
        """How many connections are being served."""
        return len(self._sessions)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, limit=self._limits.line_bytes
        )
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing = True
        if self._server is not None:
            self._server.close()
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_address(writer)
        if self._closing or not peer:  # a peer that has gone before it was met has no address
            writer.transport.abort()
            return
        if not self._allowed(peer):
            _log.warning("agi.peer_refused", peer=peer)
            writer.transport.abort()
            return
        if len(self._sessions) >= self._limits.sessions:
            _log.warning("agi.sessions_exhausted", peer=peer, sessions=len(self._sessions))
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = AgiConnection(reader, writer, self._limits)
        session = asyncio.create_task(self._serve(connection), name=f"agi {peer}")
        self._sessions.add(session)
        # Not in a finally of the task: a task that is cancelled before its first step never gets there.
        session.add_done_callback(lambda task: self._ended(task, connection))

    def _ended(self, session: asyncio.Task[None], connection: AgiConnection) -> None:
        connection.abort()
        self._sessions.discard(session)

    async def _serve(self, connection: AgiConnection) -> None:
        try:
            await self._handler(AgiSession(connection, await connection.read_request()))
        except AgiHangup as error:
            _log.info("agi.hung_up", peer=connection.peer, why=str(error))
        except AgiProtocolError as error:
            _log.warning("agi.protocol_error", peer=connection.peer, why=str(error))
        except Exception:  # noqa: BLE001 - the boundary of a task
            _log.exception("agi.handler_failed", peer=connection.peer)
