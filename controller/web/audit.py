"""How far the chain of decisions is signed, over HTTP: ``GET /api/v1/audit``.

Nothing is verified here: that reads every decision, and belongs into the hands of somebody independent.
"""

from dataclasses import asdict

from aiohttp import web

from controller.runtime import metrics
from controller.runtime.books import ChainBook
from controller.web.answers import told
from controller.web.bodies import moment


class AuditApi:
    """The handler of it."""

    def __init__(self, chains: ChainBook) -> None:
        self._chains = chains

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/audit", self.show)

    @told
    async def show(self, _request: web.Request) -> web.Response:
        """Every chain, and how often this daemon has found that something signed was gone."""
        chains = [{**asdict(one), "signed_at": moment(one.signed_at)} for one in await self._chains.states()]
        return web.json_response({"chains": chains, "disturbed": metrics.chain_disturbed()})
