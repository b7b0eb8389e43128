"""A body that does not come all at once."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp.typedefs import Handler
from aiohttp.web import Application, Request, StreamResponse, middleware


class SlowBody:
    """What is sent a part now, and the rest when a test says so; ``arrived`` is when a handler waits for the rest."""

    def __init__(self) -> None:
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        yield b"{"
        await self.go_on.wait()
        yield b"}"

    def heard_by(self, app: Application) -> None:
        @middleware
        async def hearing(request: Request, handler: Handler) -> StreamResponse:
            self.arrived.set()  # nothing is awaited between this and the body
            return await handler(request)

        app.middlewares.append(hearing)
