"""``/console/objections`` and ``/console/notices``: what is in the registers; the API changes it."""

from aiohttp import web

from controller.domain.records import EVERY_PURPOSE
from controller.runtime.registration import Registration
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered
from controller.web.principals import grant_of
from controller.web.registers import notices_page, objections_page


class RegisterPages:
    """The pages of both registers."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/objections", self.objections)
        gate.add(router, "GET /console/notices", self.notices)

    async def objections(self, request: web.Request) -> web.StreamResponse:
        """Who objects to what; who adds one chooses among purposes that may be refused."""
        grant = grant_of(request)
        found, following = await objections_page(self._registration, request)
        return await rendered(
            request,
            "objections.html",
            objections=found,
            following=following,
            refusable=[one for one in self._registration.refusable if grant.covers(one)],
            for_all=grant.purposes is None,
            every_purpose=EVERY_PURPOSE,
        )

    async def notices(self, request: web.Request) -> web.StreamResponse:
        """Who has been informed, and how many of them by the version that is in force."""
        found, following = await notices_page(self._registration, request)
        return await rendered(
            request,
            "notices.html",
            notices=found,
            following=following,
            in_force=self._registration.notice,
            current=await self._registration.informed(),
        )
