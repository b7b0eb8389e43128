"""The decisions about a call that is over, over HTTP: ``/api/v1/calls/{id}/decisions``."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from controller.custody.custody import Custody
from controller.custody.trail import decisions_about
from controller.domain.decision import StoredDecision
from controller.web.answers import told
from controller.web.bodies import call_id_of, moment
from controller.web.principals import listener_of


class TrailApi:
    """Handlers of how it came to what is stored."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/calls/{id}/decisions", self.decisions)

    @told
    async def decisions(self, request: web.Request) -> web.Response:
        """What was decided about a call of which a recording of theirs is stored, in its order."""
        call = call_id_of(request.match_info["id"])
        found = await decisions_about(self._custody, call, listener_of(request))
        return web.json_response([_shown(one) for one in found])


def _shown(one: StoredDecision) -> dict[str, Any]:
    return {**asdict(one), "at": moment(one.at)}
