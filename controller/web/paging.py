"""Lists that are told a page at a time, the newest first: which page is asked for, and where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiohttp import web

from controller.web.bodies import AND, limit_of, moment_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The page of what was before a time, and at that very time comes before an id; ``before`` None: the first one."""

    before: datetime | None
    id: str
    limit: int

    @property
    def one_more(self) -> int:
        """How many to look for: one more than there are on the page tells that another page follows."""
        return self.limit + 1


def asked(request: web.Request) -> Asked:
    """Which page a query asks for, by ``before`` and ``limit``. Raises ``RegisterRefused``."""
    limit, text = limit_of(request.query.get("limit")), request.query.get("before")
    if text is None:
        return Asked(before=None, id="", limit=limit)
    time, _, id_ = text.partition(AND)
    return Asked(before=moment_of("before", time), id=id_, limit=limit)


def page(found: Sequence[T], of: Asked, mark: Callable[[T], tuple[datetime, str]]) -> tuple[Sequence[T], str | None]:
    """What of it is on the page, and the ``before`` of the next one; None at the end."""
    shown = found[: of.limit]
    if len(found) <= of.limit:
        return shown, None
    at, id_ = mark(shown[-1])
    return shown, f"{at.isoformat().replace('+00:00', 'Z')}{AND}{id_}"
