"""Headers that go with everything that is served: what a browser may do with it, and where it may be kept.

A handler that needs another policy says so in its answer, and is left alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from controller.web.proxies import encrypted


def page_policy(*, embedded_by: Sequence[str] = ()) -> str:
    """What a page may load and do: what comes from here, and nothing that is written into it.

    ``embedded_by`` are the origins whose pages may have it in a frame; without any, nobody's may.
    """
    ancestors = " ".join(embedded_by) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        f"connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


PAGE_POLICY: Final = page_policy()
"""For pages: nothing that is not ours, nothing inline, and nobody's frame."""
WORKER_POLICY: Final = "default-src 'none'; script-src 'self'; connect-src 'self'"
"""For a script that runs beside pages: it asks what it is there to ask."""
POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For all that is no page, should a browser ever take it for one."""

_FOR_ALL: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOR_PAGES: Final[Mapping[str, str]] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""No screen is captured beside a recording (CNIL), and no page of ours needs a microphone."""
_STRICT_TRANSPORT: Final = "max-age=31536000"


def protect(app: web.Application) -> None:
    """Have them sent with every answer of this application, and of those in it."""
    app.on_response_prepare.append(_with_headers)


async def _with_headers(request: web.Request, response: web.StreamResponse) -> None:
    is_page = response.content_type == "text/html"
    headers = {"Content-Security-Policy": PAGE_POLICY if is_page else POLICY, **_FOR_ALL}
    headers |= _FOR_PAGES if is_page else {}
    headers |= {"Strict-Transport-Security": _STRICT_TRANSPORT} if encrypted(request) else {}
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "recording-controller"
