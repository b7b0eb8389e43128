"""``/console/me``: who has logged in, what they may, and what they had by the access log."""

from aiohttp import web

from controller.runtime.passwords import SHORTEST
from controller.runtime.ports import AccessBook
from controller.web.me import own_accesses
from controller.web.pages.gate import Gate
from controller.web.pages.languages import language_of
from controller.web.pages.recordings import saying
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL, SESSION
from controller.web.routes import ME


class OneselfPage:
    """Handler of whoever looks at themselves."""

    def __init__(self, accesses: AccessBook) -> None:
        self._accesses = accesses

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, f"GET {ME}", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Who they are, and a page of their own log."""
        page, following = await own_accesses(self._accesses, request)
        session = request.get(SESSION)
        return await rendered(
            request,
            "me.html",
            accesses=page,
            following=following,
            session=session,
            has_password=session is not None and session.account.password_hash is not None,
            shortest=SHORTEST,
            roles=sorted(request[PRINCIPAL].roles),
            **saying(language_of(request)),
        )
