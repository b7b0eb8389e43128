"""Whether this daemon keeps up: where it does not, calls that begin go through unrecorded, and those under way go on.

The more there is to do, the later everything is done; a pause above all. So what is measured is how late a task runs
that should run every few milliseconds, and what is refused is what would add to it.
"""

import asyncio
from typing import Never

import structlog

from controller.runtime import metrics

EVERY_S = 0.05
LATE_S = 0.25
"""A task that runs so late shows that there is too much to do: a pause would be as late."""
RELIEF_S = 2.0
"""So long nothing is taken on after that."""

_log = structlog.get_logger(__name__)


class Load:
    """What there is to do, and whether more can be taken on. ``most_calls``: on one PBX, at once."""

    def __init__(self, *, most_calls: int) -> None:
        self._most_calls = most_calls
        self._relief = 0.0

    def too_many(self, calls: int) -> bool:
        """Whether one more call than these is one too many."""
        return calls >= self._most_calls or asyncio.get_running_loop().time() < self._relief

    async def run(self) -> Never:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.was_late(loop.time() - due)

    def was_late(self, late_s: float) -> None:
        """Take note of how many seconds too late something was done."""
        metrics.LATE_SECONDS.observe(max(late_s, 0))
        if late_s < LATE_S:
            return
        now = asyncio.get_running_loop().time()
        if now >= self._relief:
            _log.warning("load.too_much", late_s=round(late_s, 3))
        self._relief = now + RELIEF_S
