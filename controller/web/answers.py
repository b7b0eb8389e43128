"""How the API tells by a problem document (RFC 9457) what went wrong, one status for each kind of error."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
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
from controller.faults import Code, Fault, fault_of
from controller.web.problems import problem

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


def status_of(error: Exception) -> tuple[int, str] | None:
    """The status and its name for what went wrong; None where there is none for it."""
    if isinstance(error, RegisterRefused):
        return 400, "Bad Request"
    return next((answer for kind, answer in _STATUSES.items() if isinstance(error, kind)), None)


def _code_of(error: Exception) -> Code | None:
    """What it says itself, or else what its kind does; None: what its status says."""
    said = error.args[0] if error.args else None
    if isinstance(said, Fault):
        return said.code
    return Code.DATABASE_AWAY if isinstance(error, DatabaseError) else None


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
            return problem(status, title, str(error), code=_code_of(error))

    return handler


@contextmanager
def by_members(names: Mapping[str, str]) -> Iterator[None]:
    """Have what is refused in here name the members of the body, where they are called otherwise than at a command."""
    try:
        yield
    except RegisterRefused as error:
        raise RegisterRefused(*(fault_of(one).renamed(names) for one in error.faults)) from None
