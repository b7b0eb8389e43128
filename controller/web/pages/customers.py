"""``/console/customers/{number}``: what is stored of one customer, for a CRM to link, or to show in a frame.

That somebody looked is a search, and written down. The number stands in the address, since a link needs one: the page
lets it go to no other site, and is kept by no browser. ``POST /console/customers`` takes it in a form.
"""

from functools import partial

from aiohttp import web

from controller.custody.custody import Custody
from controller.custody.finding import found_by
from controller.custody.telling import is_quarantined
from controller.custody.trail import standing_of
from controller.domain.access import Action, grant
from controller.errors import RegisterRefused
from controller.runtime.clock import now
from controller.web.pages.gate import TOKEN_FIELD, Gate, error_page
from controller.web.pages.languages import language_of, said
from controller.web.pages.recordings import given, search_for
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL, listener_of
from controller.web.session import CSRF_FIELD


class CustomerPages:
    """Handlers of one customer's recordings."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/customers", self.ask)
        gate.add_framed(router, "POST /console/customers", self.asked)
        gate.add_framed(router, "GET /console/customers/{number}", self.linked)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Where a number is asked for; here is who logs in, or changes the language, after a form."""
        return await rendered(request, "customers.html", field=CSRF_FIELD)

    async def linked(self, request: web.Request) -> web.StreamResponse:
        """By the number in the address."""
        words = given(request.query, "after")
        return await self._shown(request, {**words, "number": request.match_info["number"]})

    async def asked(self, request: web.Request) -> web.StreamResponse:
        """By the number in a form."""
        sent = await request.post()
        token = given(sent, TOKEN_FIELD).get(TOKEN_FIELD, "")
        return await self._shown(request, {"number": "", **given(sent, "number", "after")}, token=token)

    async def _shown(self, request: web.Request, words: dict[str, str], *, token: str = "") -> web.StreamResponse:
        try:
            page = await found_by(self._custody, search_for(words), listener_of(request))
        except RegisterRefused:
            say = partial(said, language_of(request))
            title, detail = say("customers.not-a-number"), say("customers.not-a-number-detail")
            return await error_page(request, 400, title=title, detail=detail)
        serves = grant(request[PRINCIPAL], Action.SERVE_SUBJECTS) is not None
        return await rendered(
            request,
            "customer.html",
            page=page,
            number=words["number"],
            again={"number": words["number"]} | ({TOKEN_FIELD: token} if token else {}),
            standing=await standing_of(self._custody, words["number"]) if serves else None,
            at=now(),
            field=CSRF_FIELD,
            quarantined=is_quarantined,
        )
