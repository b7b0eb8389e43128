"""Lets people through to pages: who has not logged in is asked to, and who may not is told so, by a page."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial, wraps
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from controller.domain.access import Action, may_lie_open
from controller.errors import RecordingControllerError
from controller.faults import Code
from controller.runtime import metrics
from controller.web.admission import Admission, refusal, show_token
from controller.web.answers import status_of
from controller.web.bodies import form_of
from controller.web.headers import page_policy
from controller.web.pages.languages import language_of, said
from controller.web.pages.rendering import is_framed, rendered
from controller.web.routes import LOG_IN, PAGES
from controller.web.session import CSRF_FIELD, CSRF_HEADER, READS

TOKEN_FIELD: Final = "token"  # noqa: S105 - what the field is called

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """A page is there through a gate only, and only where ``PAGES`` says who may have it.

    ``embedded_by`` are the origins whose pages may have those in a frame that are made for it.
    """

    def __init__(self, admission: Admission, embedded_by: Sequence[str] = ()) -> None:
        self._admission = admission
        self._policy = page_policy(embedded_by=embedded_by)

    def add(self, router: web.UrlDispatcher, asked: str, handler: Handler) -> None:
        """Answer at this address, such as ``GET /console``, those who may have it."""
        method, path = asked.split(" ")
        router.add_route(method, path, _by_pages(self._gated(PAGES[asked], handler)))

    def add_framed(self, router: web.UrlDispatcher, asked: str, handler: Handler) -> None:
        """The same for one that a page of another site may have in a frame.

        Where it is asked for by a form, that may show a token (``TOKEN_FIELD``): with what is in a frame on another
        site a browser sends no cookie. So the form of somebody unknown is read, as far and as long as any body is.
        Whoever reads the page with that form has the token: one that does more than list is refused.
        """
        method, path = asked.split(" ")
        gated = self._gated(PAGES[asked], handler)

        @_by_pages
        async def let_through(request: web.Request) -> web.StreamResponse:
            token = await _from_form(request, TOKEN_FIELD)
            if token:
                show_token(request, token)
            admitted = self._admission.admitted(request) if token else None
            if admitted is None or may_lie_open(admitted.principal):
                return await gated(request)
            return await _lies_open(request)

        @wraps(handler)
        async def framed(request: web.Request) -> web.StreamResponse:
            answer = await let_through(request)
            answer.headers["Content-Security-Policy"] = self._policy
            return answer

        router.add_route(method, path, framed)

    def _gated(self, action: Action, handler: Handler) -> Handler:
        @wraps(handler)
        async def gated(request: web.Request) -> web.StreamResponse:
            known = self._admission.admitted(request) is not None  # nobody else's body is read here
            form = await _from_form(request, CSRF_FIELD) if known else ""
            csrf = request.headers.get(CSRF_HEADER) or form
            refused = refusal(self._admission, request, action, csrf=csrf)
            if refused is None:
                self._admission.used(request)
                return await handler(request)
            if refused.status == HTTPStatus.UNAUTHORIZED and from_another_site(request) and action is not Action.LISTEN:
                return await rendered(request, "onward.html", again=request.path_qs)
            if refused.status == HTTPStatus.UNAUTHORIZED and is_framed(request):
                return await rendered(request, "log_in_beside.html", status=refused.status)
            if refused.status == HTTPStatus.UNAUTHORIZED:
                raise web.HTTPSeeOther(f"{LOG_IN}?next={quote(request.path_qs)}")
            if json.loads(refused.text or "{}").get("code") == Code.NO_CSRF:
                return await _made_before(request)
            return await error_page(request, refused.status)

        return gated


def _by_pages(handler: Handler) -> Handler:
    """Tell by a page what went wrong."""

    @wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RecordingControllerError as error:
            found = status_of(error)
            if found is None:
                raise
            return await error_page(request, found[0])

    return answered


async def _lies_open(request: web.Request) -> web.StreamResponse:
    metrics.HTTP_REFUSED.labels("403").inc()
    say = partial(said, language_of(request))
    return await error_page(request, 403, title=say("customers.lies-open"), detail=say("customers.lies-open-detail"))


async def _made_before(request: web.Request) -> web.StreamResponse:
    """That their page is of a log-in before, and where to have it anew."""
    say = partial(said, language_of(request))
    return await error_page(
        request, 403, title=say("page.made-before"), detail=say("faults.no-csrf"), again=request.path
    )


async def error_page(
    request: web.Request, status: int, *, title: str = "", detail: str = "", again: str = ""
) -> web.Response:
    """What people are told where a page is not for them, not there, or cannot be had now.

    ``again`` is an address at which it can be had.
    """
    return await rendered(request, "error.html", status=status, code=status, title=title, detail=detail, again=again)


def from_another_site(request: web.Request) -> bool:
    """Whether a link of another site, such as a CRM, led here, with which a browser sends no cookie of a session.

    It does once a page of ours leads to the same place, and then says that the request is from here (Fetch Metadata).
    To listen is nothing that another site has somebody do.
    """
    said = [request.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Mode", "Dest")]
    return request.method == "GET" and said == ["cross-site", "navigate", "document"]


async def _from_form(request: web.Request, field: str) -> str:
    if request.method in READS:
        return ""
    shown = (await form_of(request)).get(field, "")
    return shown if isinstance(shown, str) else ""
