"""``/console/calls``: the calls under way of who asks, as they are; a script keeps them so by ``/api/v1/live``."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web

from controller.runtime.requests import CAUSES, CallState
from controller.web.api import Pbx, each_call, offered_call
from controller.web.pages.decisions import reason
from controller.web.pages.gate import Gate
from controller.web.pages.languages import language_of
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL, grant_of
from controller.web.routes import NAVIGATION

PAUSES = (*CAUSES, "hold")
"""The causes of a pause that a call can have, by the words for reasons."""


class CallsPage:
    """Handler of what is under way on every PBX."""

    def __init__(self, pbxs: Iterable[Pbx]) -> None:
        self._pbxs = tuple(pbxs)
        self._listing = asyncio.Lock()

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, f"GET {NAVIGATION['calls']}", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Those that are theirs, the oldest first."""
        grant = grant_of(request)
        async with self._listing:
            calls = [
                offered_call(call, grant, request[PRINCIPAL])
                async for call in each_call(self._pbxs)
                if call.ended_at is None and grant.covers_call(call)
            ]
        calls.sort(key=_began)
        states = Counter(call["state"] for call in calls)
        return await rendered(
            request,
            "calls.html",
            calls=calls,
            recording=states[CallState.RECORDING.value],
            paused=states[CallState.PAUSED.value],
            states=[state.value for state in CallState],
            pauses=PAUSES,
            reason=partial(reason, language_of(request)),
        )


def _began(call: dict[str, Any]) -> tuple[str, str]:
    return call["began_at"] or "", call["id"]
