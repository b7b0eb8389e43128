"""Somebody who takes webhooks on loopback, as an independent program would, and fails in the way that it is told."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PATIENCE_S = 20.0

TAKE, REFUSE, REDIRECT, RESET, HANG, DRIP, GONE = (
    "take",
    "refuse",
    "redirect",
    "reset",
    "hang",
    "drip",
    "gone",
)


@dataclass(slots=True)
class Receiver:
    """Does with each request what is next in ``manners``, and takes it when nothing is."""

    manners: deque[str] = field(default_factory=deque)
    came: list[tuple[str, Any]] = field(default_factory=list)
    """Each request that came, its id and its body, taken or not."""
    taken: list[Any] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Where a redirect has led somebody."""
    url: str = ""
    port: int = 0

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0.005)

    async def take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        assert _verified(request, raw)
        assert request.headers["Content-Type"] == "application/json"
        body = json.loads(raw)
        self.came.append((request.headers["webhook-id"], body))
        match self.manners.popleft() if self.manners else TAKE:
            case "refuse":
                return web.Response(status=500, body=b"x" * 100_000)
            case "gone":
                return web.Response(status=410)
            case "redirect":
                return web.Response(status=307, headers={"Location": "/elsewhere"})
            case "reset":
                assert request.transport is not None
                raw_socket = request.transport.get_extra_info("socket")
                raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                request.transport.abort()
            case "hang":
                await asyncio.sleep(60)
            case "drip":
                answer = web.StreamResponse(status=503)
                await answer.prepare(request)
                while True:
                    await answer.write(b"x")
                    await asyncio.sleep(0.01)
            case _:
                self.taken.append(body)
        return web.Response(status=204)

    async def led(self, request: web.Request) -> web.Response:
        self.elsewhere.append(request.path)
        return web.Response(status=204)


def _verified(request: web.Request, body: bytes) -> bool:
    """As the Standard Webhooks tell a receiver to do it, with nothing of ours."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [one.partition(",") for one in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(one, expected) for version, _, one in given)


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """One that listens beside the test."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    application.router.add_route("*", "/elsewhere", receiver.led)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{receiver.port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
