"""Who asks, and what they may, as a handler finds it once ``controller.web.admission`` has let them in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from controller.custody.listening import Listener
from controller.domain.access import Action, Grant, grant
from controller.domain.identity import SessionRecord
from controller.domain.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """``ask`` looks once more who asks and what they may, and says what is answered where they may not any more.

    ``use`` notes that they are still there, as a request of theirs would.
    """

    ask: Callable[[], web.Response | None]
    use: Callable[[], None]


AGAIN: Final = web.RequestKey("again", Again)
SESSION: Final = web.RequestKey("session", SessionRecord)
PRINCIPAL: Final = web.RequestKey("principal", Principal)
GRANT: Final = web.RequestKey("grant", Grant)


def actor_of(request: web.Request) -> str:
    """How decisions and the access log name who asks."""
    return request[PRINCIPAL].name


def grant_of(request: web.Request) -> Grant:
    """Of what who asks may do what they ask for."""
    return request[GRANT]


def refused_by_now(request: web.Request) -> web.Response | None:
    """What is answered where who asks may not any more; for whoever has waited for a body since they were let in."""
    return request[AGAIN].ask()


def still_used(request: web.Request) -> None:
    """Note that who asks is still there; for what goes on for long, such as watching one's own calls."""
    request[AGAIN].use()


def listener_of(request: web.Request) -> Listener:
    """Who asks for what is stored: what they may have of it, and why they ask."""
    principal = request[PRINCIPAL]
    return Listener(
        who=principal.name,
        purposes=request[GRANT].purposes,
        archive=grant(principal, Action.OPEN_ARCHIVE) is not None,
        why=request.query.get("reason", "").strip() or None,
    )
