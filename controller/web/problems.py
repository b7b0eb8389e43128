"""What is answered where something goes wrong: problem documents (RFC 9457). Owns no rule of what is wrong."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from controller.faults import Code, Fault, code_of, fault_of

PROBLEM: Final = "application/problem+json"


def problem(
    status: int, title: str, detail: str = "", *, code: Code | None = None, faults: Sequence[str] = ()
) -> web.Response:
    """A problem document (RFC 9457) with members of our own: ``code``, and where there may be several, ``faults``.

    ``errors`` has the same as ``faults`` for programs, one for one.
    """
    body: dict[str, Any] = {"title": title, "status": status, "code": code or code_of(status)}
    body |= {"detail": detail} if detail else {}
    body |= {"faults": list(faults), "errors": [_error(fault_of(one)) for one in faults]} if faults else {}
    return web.json_response(body, status=status, content_type=PROBLEM)


def _error(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code, "field": fault.field, "values": fault.values}
