"""What somebody is told of themselves, under ``/api/v1/me``: who they are, what they may, and what they had."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from controller.domain.access import Action, grant
from controller.domain.records import AccessRecord
from controller.runtime.ports import AccessBook
from controller.web.answers import told
from controller.web.bodies import moment
from controller.web.paging import asked, page
from controller.web.principals import PRINCIPAL, SESSION, actor_of
from controller.web.session import COOKIE, shown


class MeApi:
    """Handlers of whoever asks about themselves."""

    def __init__(self, accesses: AccessBook) -> None:
        self._accesses = accesses

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/me", self.show)
        router.add_get("/me/accesses", self.accesses)

    @told
    async def show(self, request: web.Request) -> web.Response:
        """Who asks, and of what they may do what; ``purposes`` null is all."""
        principal = request[PRINCIPAL]
        may = {action.value: grant(principal, action) for action in Action}
        limited, session = principal.limited_to, request.get(SESSION)
        return web.json_response(
            {
                "name": principal.name,
                "roles": sorted(principal.roles),
                "purposes": None if limited is None else sorted(limited),
                "extension": principal.extension,
                "pbx": principal.pbx,
                "session": shown(session, request.cookies[COOKIE]) if session is not None else None,
                "may": {
                    name: {
                        "purposes": None if found.purposes is None else sorted(found.purposes),
                        "extension": found.extension,
                        "pbx": found.pbx,
                    }
                    for name, found in may.items()
                    if found is not None
                },
            }
        )

    @told
    async def accesses(self, request: web.Request) -> web.Response:
        """What they had, as the access log has it, the newest first, a page at a time."""
        found, following = await own_accesses(self._accesses, request)
        return web.json_response({"accesses": [_shown(one) for one in found], "next": following})


async def own_accesses(book: AccessBook, request: web.Request) -> tuple[Sequence[AccessRecord], str | None]:
    """The page of their own log that is asked for, and where the one after it begins. Raises ``RegisterRefused``."""
    which = asked(request)
    found = await book.accesses_of(actor_of(request), before=which.before, id_=which.id, limit=which.one_more)
    return page(found, which, lambda one: (one.at, one.id))


def _shown(one: AccessRecord) -> dict[str, Any]:
    return {"at": moment(one.at), "action": one.action, "what": one.what, "why": one.why}
