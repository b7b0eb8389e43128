"""The part of the API that reloads the policy."""

from aiohttp import web

from controller.config import ConfigurationFaults
from controller.errors import DatabaseError
from controller.faults import Code
from controller.runtime.reloading import Reloading
from controller.web.principals import actor_of
from controller.web.problems import problem


class ConfigApi:
    """``POST /api/v1/config/reload``."""

    def __init__(self, reloading: Reloading) -> None:
        self._reloading = reloading

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer there."""
        router.add_post("/config/reload", self.reload)

    async def reload(self, request: web.Request) -> web.Response:
        """Read the file again; a faulty one changes nothing, and every fault is told."""
        try:
            done = await self._reloading.reload(actor=actor_of(request))
        except ConfigurationFaults as error:
            return problem(
                422,
                "Unprocessable Content",
                "\n".join(str(fault) for fault in error.faults),
                code=Code.POLICY_FAULTY,
            )
        except DatabaseError:
            return problem(
                503, "Service Unavailable", "the database is away: nothing has changed", code=Code.DATABASE_AWAY
            )
        return web.json_response(
            {"version": done.version, "former": done.former, "at_the_next_start": list(done.at_the_next_start)}
        )
