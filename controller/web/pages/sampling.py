"""``/console/sampling``: the share of chosen calls of each purpose, queue and agent, week by week, and its limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from aiohttp import web

from controller.domain.share import Limits, Week
from controller.runtime.books import SampleBook
from controller.runtime.clock import now
from controller.web.pages import chart
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered
from controller.web.principals import grant_of
from controller.web.sampling import USUAL_WEEKS, since_weeks, theirs

CHOICES: Final = (4, USUAL_WEEKS, 26, 52)
"""How many weeks are shown."""
A_PAGE: Final = 20
"""How many strata are shown at once."""
_PARTS: Final = frozenset({"queue", "agent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A stratum of a purpose in all the weeks that are shown; ``parts`` say what it is: a kind, and a name."""

    purpose: str
    stratum: str
    parts: tuple[tuple[str, str], ...]
    weeks: tuple[Week, ...]

    @property
    def outside(self) -> tuple[Week, ...]:
        """The weeks in which its limits were not kept, by more than chance."""
        return tuple(week for week in self.weeks if week.limits in {Limits.ABOVE, Limits.BELOW})


class SamplingPage:
    """The page of what the sample came to."""

    def __init__(self, samples: SampleBook) -> None:
        self._samples = samples

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/sampling", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What is theirs, what is outside its limits first."""
        number = _choice(request.query.get("weeks", ""))
        since = since_weeks(number, now())
        found = await theirs(self._samples, grant_of(request), since=since, purpose=None)
        purposes = sorted({week.purpose for week in found})
        chosen = request.query.get("purpose", "")
        wanted = [week for week in found if chosen in {"", week.purpose}]
        strata = sorted(_strata(wanted), key=lambda one: (not one.outside, one.purpose, one.stratum))
        page = _page(request.query.get("page", ""), len(strata))
        there = strata[page * A_PAGE : (page + 1) * A_PAGE]
        return await rendered(
            request,
            "sampling.html",
            strata=[(one, chart.chart(one.weeks, since.date(), number)) for one in there],
            outside=[(one, week) for one in strata for week in one.outside],
            purposes=purposes,
            chosen=chosen,
            number=number,
            choices=CHOICES,
            page=page,
            pages=max(1, -(-len(strata) // A_PAGE)),
            size=chart,
        )


def _strata(weeks: Sequence[Week]) -> Iterator[Measured]:
    for (purpose, stratum), grouped in groupby(weeks, key=lambda week: (week.purpose, week.stratum)):
        measured = tuple(grouped)
        yield Measured(purpose=purpose, stratum=stratum, parts=parts(stratum), weeks=measured)


def parts(stratum: str) -> tuple[tuple[str, str], ...]:
    """What a stratum such as ``queue=support,agent=201`` is, as kinds and names; one of no kind where it says none."""
    found = tuple(part.partition("=")[::2] for part in stratum.split(","))
    known = all(kind in _PARTS for kind, _ in found)
    return tuple((kind, name) for kind, name in found) if known else (("", stratum),)


def _choice(text: str) -> int:
    return int(text) if text in {str(one) for one in CHOICES} else USUAL_WEEKS


def _page(text: str, strata: int) -> int:
    """Which page is asked for, counted from 0; the first where there is no such page."""
    page = int(text) - 1 if text.isascii() and text.isdecimal() and len(text) < 6 else 0  # noqa: PLR2004 - no page has more
    return page if 0 <= page * A_PAGE < max(strata, 1) else 0
