"""The policy in force and those before it, over HTTP: ``GET /api/v1/config`` and ``/config/versions``."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from itertools import pairwise
from typing import Final

from aiohttp import web

from controller.runtime.books import InForce, PolicyBook
from controller.runtime.reloading import Reloading
from controller.threads import off_the_loop
from controller.web.answers import told
from controller.web.bodies import moment

MOST: Final = 100
"""How many changes are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A policy came into force; ``lines`` are how it differs from the one before, as a unified difference.

    Empty where nothing before it is known, or nothing differs.
    """

    now: InForce
    lines: tuple[str, ...]


class PoliciesApi:
    """Handlers of what is and was in force."""

    def __init__(self, reloading: Reloading, policies: PolicyBook) -> None:
        self._reloading = reloading
        self._policies = policies

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/config", self.show)
        router.add_get("/config/versions", self.versions)

    @told
    async def show(self, _request: web.Request) -> web.Response:
        """The policy in force, as its file was."""
        settings = self._reloading.settings
        return web.json_response({"version": settings.policy.version, "text": settings.text})

    @told
    async def versions(self, _request: web.Request) -> web.Response:
        """What came into force when, by whom, and what it changed; the newest first."""
        return web.json_response(
            [
                {
                    "at": moment(change.now.at),
                    "version": change.now.version,
                    "actor": change.now.actor,
                    "difference": "\n".join(change.lines),
                }
                for change in await changes(self._policies)
            ]
        )


async def changes(policies: PolicyBook) -> Sequence[Change]:
    """What came into force, the newest first. Raises ``DatabaseAway``."""
    return await off_the_loop(_changes, await policies.history(MOST + 1))


def _changes(found: Sequence[InForce]) -> Sequence[Change]:
    told_of = [Change(now=after, lines=difference(before.text, after.text)) for after, before in pairwise(found)]
    oldest = [Change(now=one, lines=()) for one in found[-1:]]
    return [*told_of, *oldest][:MOST]


@lru_cache(maxsize=2 * MOST)
def difference(before: str, after: str) -> tuple[str, ...]:
    """How two texts differ: lines that begin with a plus, a minus or a space, and ``@@`` between parts."""
    return tuple(unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[2:]
