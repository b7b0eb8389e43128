"""``/console/audit``: how far the chain of decisions is signed, and how to verify it without asking us."""

from aiohttp import web

from controller.runtime import metrics
from controller.runtime.books import ChainBook
from controller.runtime.clock import now
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered


class AuditPage:
    """The page of the chain."""

    def __init__(self, chains: ChainBook) -> None:
        self._chains = chains

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/audit", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Every chain; what a daemon knows of them, and no verdict of ours on the whole."""
        chains = await self._chains.states()
        disturbed = metrics.chain_disturbed()
        return await rendered(request, "audit.html", chains=chains, disturbed=disturbed, at=now())
