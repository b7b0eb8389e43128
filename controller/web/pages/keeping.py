"""``/console/retention``, ``/console/holds`` and ``/console/subjects``: how long what is stored is kept."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from aiohttp import web

from controller.custody import retention, reviewing
from controller.custody.custody import Custody
from controller.custody.forecast import Ends, forecast
from controller.domain.access import Action, grant
from controller.domain.decision import Reason
from controller.runtime.clock import now
from controller.web.custody import holds_page
from controller.web.pages.gate import Gate
from controller.web.pages.languages import language_of, said
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL, actor_of

KEPT: Final = (Reason.LEGAL_HOLD, Reason.EVIDENCE, Reason.LEGAL_OBLIGATION, Reason.PURPOSE_UNKNOWN)
"""Why something is not erased on request, as ``controller.domain.erasure`` says."""


class KeepingPages:
    """The pages of what becomes of stored recordings."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/retention", self.retention)
        gate.add(router, "GET /console/holds", self.holds)
        gate.add(router, "GET /console/subjects", self.subjects)

    async def retention(self, request: web.Request) -> web.StreamResponse:
        """What goes when.

        For who asks, since all that is stored is gone through for it: what the next run does, and what another policy
        would change.
        """
        foresees = grant(request[PRINCIPAL], Action.FORESEE_RETENTION) is not None
        goes_through = "all" in request.query
        found = await forecast(self._custody) if foresees else []
        return await rendered(
            request,
            "retention.html",
            foresees=foresees,
            ends=_by_time(found),
            most=max((sum(map(_number, group)) for _, group in _by_time(found)), default=1),
            number=_number,
            goes_through=goes_through,
            next_run=await self._next_run(request) if goes_through and foresees else None,
            changes=await reviewing.review(self._custody) if goes_through else None,
        )

    async def _next_run(self, request: web.Request) -> dict[str, int]:
        report = await retention.run(self._custody, at=now(), dry_run=True, actor=actor_of(request))
        return dict(report.done)

    async def holds(self, request: web.Request) -> web.StreamResponse:
        """The legal holds that stand."""
        found, following = await holds_page(self._custody, request)
        call = request.query.get("call", "")
        return await rendered(
            request,
            "holds.html",
            holds=found,
            following=following,
            tomorrow=now().date() + timedelta(days=1),
            call=call,
        )

    async def subjects(self, request: web.Request) -> web.StreamResponse:
        """What a data subject may ask for: nothing is looked up before somebody says a number."""
        language = language_of(request)
        kept = {reason.value: said(language, f"subjects.kept-{reason}") for reason in KEPT}
        return await rendered(request, "subjects.html", kept=kept)


def _by_time(found: Sequence[Ends]) -> list[tuple[str, list[Ends]]]:
    return [(when, list(group)) for when, group in groupby(found, key=lambda one: one.when)]


def _number(one: Ends) -> int:
    return one.recordings + one.documents
