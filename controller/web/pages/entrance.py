"""Where people come in: ``/login``, and the first page that is theirs."""

from aiohttp import web

from controller.domain.access import grant
from controller.domain.principal import Principal, Role
from controller.runtime.openid import HOME, local
from controller.web.admission import Admission
from controller.web.pages.assets import asset
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL
from controller.web.routes import BANNER, LOG_IN, NAVIGATION, PAGES


class Entrance:
    """Handlers of whoever comes. ``openid`` is whether somebody may come by way of an OpenID provider."""

    def __init__(self, admission: Admission, *, openid: bool) -> None:
        self._admission = admission
        self._openid = openid

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there, and give out what pages are made with."""
        router.add_get("/static/{name}", asset)
        router.add_get("/", self.root)
        router.add_get(LOG_IN, self.log_in)
        gate.add(router, f"GET {HOME}", self.home)

    async def root(self, _request: web.Request) -> web.StreamResponse:
        """Whoever names no page."""
        raise web.HTTPSeeOther(HOME)

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """The form; who has logged in goes on at once."""
        after = local(request.query.get("next"))
        if self._admission.admitted(request) is not None:
            raise web.HTTPSeeOther(after)
        return await rendered(request, "login.html", after=after, openid=self._openid)

    async def home(self, request: web.Request) -> web.StreamResponse:
        """The first page that is for who asks."""
        first = first_page(request[PRINCIPAL])
        if first is None:
            return await rendered(request, "nothing.html")
        raise web.HTTPSeeOther(f"{first}?{request.query_string}" if request.query_string else first)


def first_page(principal: Principal) -> str | None:
    """Where somebody begins: who only talks to customers at the banner, anybody else at the first page of theirs."""
    if principal.roles == {Role.AGENT}:
        return BANNER
    places = NAVIGATION.values()
    return next((place for place in places if grant(principal, PAGES[f"GET {place}"]) is not None), None)
