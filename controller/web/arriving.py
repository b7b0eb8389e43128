"""Has the body of a request here before its handler begins; whoever sends it byte by byte is not waited for.

How long it may take is ``controller.web.bodies``' to say.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from controller.web.bodies import LONGEST, in_time
from controller.web.principals import AGAIN, refused_by_now
from controller.web.routes import request_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def arriving(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Wait for the body, and look once more then whether who asks still may: behind this, nothing is waited for.

    What is long is read by its handler, once that knows what it is for.
    """
    if request.can_read_body and request_of(request.match_info.route) not in LONGEST:
        await in_time(request.read())
        refused = refused_by_now(request) if AGAIN in request else None
        if refused is not None:
            return refused
    return await handler(request)
