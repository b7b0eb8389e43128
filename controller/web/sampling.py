"""What the sample came to, over HTTP: ``GET /api/v1/sampling``."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web

from controller.domain.access import Grant
from controller.domain.share import Week, measured
from controller.errors import RegisterRefused
from controller.runtime.books import SampleBook
from controller.runtime.clock import now
from controller.web.answers import told
from controller.web.bodies import moment, moment_of
from controller.web.principals import grant_of

USUAL_WEEKS: Final = 12
MOST_WEEKS: Final = 53
"""How far back is looked: nothing that people ask grows with all that was ever decided."""


class SamplingApi:
    """Handlers of the report on the sample."""

    def __init__(self, samples: SampleBook) -> None:
        self._samples = samples

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/sampling", self.report)

    @told
    async def report(self, request: web.Request) -> web.Response:
        """The share of chosen calls of each purpose of theirs, stratum and week, against its limits."""
        query = request.query
        since = moment_of("since", query["since"]) if "since" in query else since_weeks(USUAL_WEEKS, now())
        if since < since_weeks(MOST_WEEKS, now()):
            raise RegisterRefused(f"since: must be in the last {MOST_WEEKS} weeks")
        found = await theirs(self._samples, grant_of(request), since=since, purpose=query.get("purpose"))
        return web.json_response({"since": moment(since), "weeks": [measured(week) for week in found]})


async def theirs(samples: SampleBook, grant: Grant, *, since: datetime, purpose: str | None) -> Sequence[Week]:
    """What is for who asks. Raises ``DatabaseAway``."""
    if purpose is not None and not grant.covers(purpose):
        return ()
    return [week for week in await samples.weeks(since=since, purpose=purpose) if grant.covers(week.purpose)]


def since_weeks(number: int, at: datetime) -> datetime:
    """When the first of so many weeks began (UTC, on a Monday), of which the last is the one of ``at``."""
    monday = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=at.weekday())
    return monday - timedelta(weeks=number - 1)
