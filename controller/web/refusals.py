"""What aiohttp itself refuses, and what fails without anybody having thought of it, as problem documents (RFC 9457).

Whoever follows a link to the API in a browser, such as that of a download, is told by a page.
"""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from controller.runtime.openid import HOME
from controller.web.bodies import BodyTooSlow
from controller.web.pages.faults import heading
from controller.web.pages.gate import error_page, from_another_site
from controller.web.pages.languages import language_of
from controller.web.pages.rendering import rendered
from controller.web.problems import PROBLEM, problem
from controller.web.routes import BANNER, LOG_IN

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_OF_PAGES: Final = (HOME, LOG_IN, BANNER)
"""Where people look, who are told by a page."""
_KEPT: Final = ("Allow", "Content-Range", "Retry-After")
"""What a client has use for, of the headers of what is answered in another form."""

_log = structlog.get_logger(__name__)


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell what went wrong in the form in which everything is told, and people by a page."""
    answer = await _answered(request, handler)
    if answer.content_type == PROBLEM and isinstance(answer, web.Response) and _is_looked_at(request):
        return await _in_words(request, answer)
    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    if "\0" in request.path_qs or any("\0" in word for pair in request.query.items() for word in pair):
        return problem(400, "Bad Request", "the address must hold no NUL")
    if "\0" in request.path:
        return problem(404, "Not Found", "nothing has such a name")
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        if error.status == HTTPStatus.NOT_FOUND and _is_page(request):
            return await error_page(request, error.status)
        slow = isinstance(error, BodyTooSlow)
        answer = problem(error.status, HTTPStatus(error.status).phrase, "the body did not come in time" if slow else "")
        if slow:
            answer.force_close()
        answer.headers.update({name: error.headers[name] for name in _KEPT if name in error.headers})
        return answer
    except ConnectionError:
        raise  # nobody is there any more to be told
    except Exception:  # noqa: BLE001 - the boundary of what one request can break; it is logged with all that is known
        _log.exception("web.failed", method=request.method, route=_route_of(request))
        return await error_page(request, 500) if _is_page(request) else problem(500, "Internal Server Error")


def _is_looked_at(request: web.Request) -> bool:
    """Whether a browser shows the answer to somebody (Fetch Metadata)."""
    said = [request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest")]
    return request.method == "GET" and said == ["navigate", "document"]


async def _in_words(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """A problem as a page; who is not known is asked to log in, unless their browser only holds its cookie back."""
    if answer.status == HTTPStatus.UNAUTHORIZED and from_another_site(request):
        return await rendered(request, "onward.html", again=HOME)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise web.HTTPSeeOther(f"{LOG_IN}?next={HOME}")
    page = await rendered(
        request,
        "problem.html",
        status=answer.status,
        title=heading(language_of(request), answer.status),
        problem=answer.text,
        detail=json.loads(answer.text or "{}").get("detail", ""),
    )
    page.headers.update({name: answer.headers[name] for name in _KEPT if name in answer.headers})
    return page


def _is_page(request: web.Request) -> bool:
    return request.path.startswith(_OF_PAGES)


def _route_of(request: web.Request) -> str:
    """The address as the program has it: what stands in its place in a request is nobody's to read in a log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
