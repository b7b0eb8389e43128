"""What a daemon does by itself about retention: a run every hour, and a word where a policy would change dates."""

import asyncio
from datetime import timedelta
from typing import Never

import structlog

from controller.custody.custody import Custody
from controller.custody.retention import Report, Step, run
from controller.custody.reviewing import review
from controller.domain.retention import Fate
from controller.errors import DatabaseError, UnderWay
from controller.runtime.clock import now

EVERY = timedelta(hours=1)
ACTOR = "retention"

_log = structlog.get_logger(__name__)


class Routine:
    """Retention, again and again. What goes wrong is logged, and tried again an hour later."""

    def __init__(self, custody: Custody, *, every: timedelta = EVERY) -> None:
        self._custody = custody
        self._every_s = every.total_seconds()
        self._changed = asyncio.Event()
        self._reviewed = False

    async def policy_changed(self) -> None:
        """Another policy is in force: see what it would change."""
        self._reviewed = False
        self._changed.set()

    async def run(self) -> Never:
        """Until cancelled."""
        while True:
            self._changed.clear()
            try:
                await self._once()
            except UnderWay:
                _log.info("retention.under_way_elsewhere")
            except DatabaseError as error:
                _log.warning("retention.not_run", reason=str(error))
            await self._wait()

    async def _once(self) -> None:
        if not self._reviewed:
            await self._review()
            self._reviewed = not self._changed.is_set()
        report = await run(self._custody, at=now(), dry_run=False, actor=ACTOR, tell=_tell)
        _say(report)

    async def _review(self) -> None:
        for found in await review(self._custody):
            _log.warning(
                "retention.policy_differs",
                purpose=found.purpose,
                change="sooner" if found.sooner else "later",
                recordings=found.count,
                first=found.first.isoformat(),
                last=found.last.isoformat(),
            )

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._every_s):
                await self._changed.wait()
        except TimeoutError:
            return


def _tell(step: Step) -> None:
    if step.trouble is not None:
        _log.error("retention.not_done", what=step.what, recording=step.holding.name, reason=step.trouble)


def _say(report: Report) -> None:
    if report.done or report.troubles or report.accesses:
        _log.info(
            "retention.done",
            destroyed=report.done[Fate.DESTROY],
            archived=report.done[Fate.ARCHIVE],
            kept=report.done[Fate.KEEP],
            troubles=report.troubles,
            accesses=report.accesses,
        )
