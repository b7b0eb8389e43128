"""How the API tells by a problem document (RFC 9457) what went wrong, one status for each kind of error."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

from aiohttp import web

from controller.errors import (
    AudioUnreadable,
    DatabaseError,
    NotForYou,
    ObjectGone,
    RecordingControllerError,
    RegisterRefused,
    StoreError,
)
from controller.web.api import problem

S = TypeVar("S")
A = TypeVar("A", bound=web.StreamResponse)

_STATUSES: dict[type[RecordingControllerError], tuple[int, str]] = {
    ObjectGone: (404, "Not Found"),
    NotForYou: (403, "Forbidden"),
    AudioUnreadable: (409, "Conflict"),
    StoreError: (503, "Service Unavailable"),
    DatabaseError: (503, "Service Unavailable"),
}
"""The first that fits."""


def told(handle: Callable[[S, web.Request], Awaitable[A]]) -> Callable[[S, web.Request], Awaitable[web.StreamResponse]]:
    """Tell by a problem document what went wrong."""

    @wraps(handle)
    async def handler(self: S, request: web.Request) -> web.StreamResponse:
        try:
            return await handle(self, request)
        except RegisterRefused as error:
            return problem(400, "Bad Request", error.faults[0], faults=error.faults)
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "Content Too Large")
        except tuple(_STATUSES) as error:
            status, title = next(answer for kind, answer in _STATUSES.items() if isinstance(error, kind))
            return problem(status, title, str(error))

    return handler
