"""What is answered where something goes wrong: problem documents (RFC 9457). Owns no rule of what is wrong."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from controller.faults import Code, Fault, fault_of

_CODES: Final = {
    401: Code.NOT_LOGGED_IN,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.NO_METHOD,
    408: Code.TOO_SLOW,
    409: Code.CONFLICT,
    413: Code.TOO_LARGE,
    415: Code.MEDIA_TYPE,
    416: Code.NO_RANGE,
    422: Code.UNPROCESSABLE,
    429: Code.TOO_MANY_ATTEMPTS,
    500: Code.FAILED,
    503: Code.UNAVAILABLE,
}
"""What a status says where nothing says more."""


def problem(
    status: int, title: str, detail: str = "", *, code: Code | None = None, faults: Sequence[str] = ()
) -> web.Response:
    """A problem document (RFC 9457) with members of our own: ``code``, and where there may be several, ``faults``.

    ``errors`` has the same as ``faults`` for programs, one for one.
    """
    body: dict[str, Any] = {"title": title, "status": status, "code": code or _CODES.get(status, Code.INVALID)}
    body |= {"detail": detail} if detail else {}
    body |= {"faults": list(faults), "errors": [_error(fault_of(one)) for one in faults]} if faults else {}
    return web.json_response(body, status=status, content_type="application/problem+json")


def _error(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code, "field": fault.field, "values": fault.values}
