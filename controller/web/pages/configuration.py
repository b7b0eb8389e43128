"""``/console/configuration``: the policy in force, what it was before, and the button that reads the file again."""

from typing import Final

from aiohttp import web

from controller.runtime.books import PolicyBook
from controller.runtime.reloading import Reloading
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered
from controller.web.policies import changes

_KINDS: Final = {"+": "added", "-": "removed", "@": "part"}


class ConfigurationPage:
    """The page of what the daemon decides by."""

    def __init__(self, reloading: Reloading, policies: PolicyBook) -> None:
        self._reloading = reloading
        self._policies = policies

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/configuration", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What is in force, and what came into force when, by whom."""
        settings = self._reloading.settings
        return await rendered(
            request,
            "configuration.html",
            version=settings.policy.version,
            text=settings.text,
            warnings=[str(one) for one in settings.warnings],
            changes=[
                (one.now, [(_KINDS.get(line[0], "same"), line) for line in one.lines])
                for one in await changes(self._policies)
            ],
        )
