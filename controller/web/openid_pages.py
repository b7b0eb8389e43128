"""The pages of a log-in through a provider: on we go, or why not."""

from enum import StrEnum

from aiohttp import web

from controller.web.pages.rendering import rendered


class Told(StrEnum):
    """What somebody is told who is not let in: named so among the words of ``openid``."""

    AWAY = "away"
    DATABASE_AWAY = "database-away"
    HELD_OFF = "held-off"
    NOT_BEGUN_HERE = "not-begun-here"
    NOT_PROVEN = "not-proven"
    NOT_WANTED = "not-wanted"
    NO_ACCOUNT = "no-account"


async def refused(request: web.Request, status: int, why: Told, *, named: str = "") -> web.Response:
    """Why somebody is not let in; ``named`` is what the provider names them by."""
    return await rendered(request, "openid_refused.html", status=status, why=why.value, named=named)


async def on(request: web.Request, path: str) -> web.Response:
    """On to a page of ours: from this one, since what another site has sent here shows no cookie of a session."""
    return await rendered(request, "onward.html", again=path)
