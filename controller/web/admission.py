"""Lets somebody in, or does not: before a request reaches its handler, it is known who asks and what they may.

Whoever is let in does not see here what is theirs: a handler asks the grant that it finds (``principals``).
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import isinf
from typing import Any, Final

from aiohttp import web

from controller.domain.access import Action, grant, word_holds
from controller.domain.identity import SessionRecord
from controller.domain.principal import Principal, Role
from controller.domain.records import EVERY_PURPOSE
from controller.faults import Code
from controller.runtime import metrics
from controller.runtime.keyring import Keyring
from controller.web.principals import AGAIN, GRANT, PRINCIPAL, SESSION, Again
from controller.web.problems import problem
from controller.web.routes import ACTIONS, OPEN, PREFIX, request_of
from controller.web.session import COOKIE, CSRF_HEADER, READS, belongs

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SET_UP: Final = Principal(
    name="api", roles=frozenset({Role.ADMINISTRATOR, Role.INTEGRATION}), purposes=frozenset({EVERY_PURPOSE})
)
"""Who shows the secret of the configuration: enough to set the system up, and to drive calls; nothing to listen to."""

_BEARER: Final = "Bearer "
SHOWN: Final = web.RequestKey("shown", str)
"""What a form shows instead of an ``Authorization`` header, which no form can send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Somebody who was let in, ``age_s`` seconds after it was known that they may come in."""

    principal: Principal
    age_s: float = 0.0
    session: SessionRecord | None = None


def show_token(request: web.Request, token: str) -> None:
    """Have a request be of whom this token stands for, whoever has logged in in this browser."""
    request[SHOWN] = f"{_BEARER}{token}"


class Admission:
    """The ways in. ``secret`` is the bearer token of the configuration; None: there is none.

    ``keyring`` knows all others; None: there are none.
    """

    def __init__(self, secret: str | None, keyring: Keyring | None) -> None:
        self._secret = secret.encode() if secret else None
        self._keyring = keyring

    def admitted(self, request: web.Request) -> Admitted | None:
        """Who asks; None where it is nobody that is known."""
        shown = request.headers.get("Authorization") or request.get(SHOWN)
        if shown is None and COOKIE in request.cookies:
            return self._logged_in(request.cookies[COOKIE])
        if shown is None or not shown.startswith(_BEARER):
            return None
        token = shown.removeprefix(_BEARER).encode("utf-8", "surrogateescape")
        if self._secret is not None and hmac.compare_digest(token, self._secret):
            return Admitted(principal=SET_UP)
        principal = self._keyring.principal_of(token) if self._keyring is not None else None
        return Admitted(principal=principal, age_s=self._age_s) if principal is not None else None

    def _logged_in(self, secret: str) -> Admitted | None:
        shown = secret.encode("utf-8", "surrogateescape")
        session = self._keyring.session_of(shown) if self._keyring is not None else None
        if session is None:
            return None
        return Admitted(principal=session.account.principal, age_s=self._age_s, session=session)

    def used(self, request: web.Request) -> None:
        """Note that who has logged in has asked; what is looked up once more later on is no asking of theirs."""
        if self._keyring is not None and SESSION in request:
            self._keyring.used(request[SESSION])

    @property
    def _age_s(self) -> float:
        return self._keyring.age_s if self._keyring is not None else 0.0

    def refusal(self, request: web.Request) -> web.Response:
        """What is answered to somebody who is not known."""
        shown = request.headers.get("Authorization") or request.get(SHOWN, "")
        if shown.startswith(_BEARER) and isinf(self._age_s):
            return problem(
                503, "Service Unavailable", "the database is away: no token has ever been read", code=Code.DATABASE_AWAY
            )
        response = problem(401, "Unauthorized", "a bearer token or a session is needed")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response


def guard(admission: Admission) -> Any:  # noqa: ANN401 - aiohttp types a middleware so
    """Let a request through to its handler, with who asks and what they may; or say why not."""

    def refused(request: web.Request) -> web.Response | None:
        asked = request_of(request.match_info.route)
        if asked in OPEN:
            return None
        if asked is None and admission.admitted(request) is not None:
            return None  # aiohttp says that there is no such address
        return refusal(admission, request, ACTIONS.get(asked or ""), csrf=request.headers.get(CSRF_HEADER, ""))

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = refused(request)
        if answer is not None:
            return answer
        request[AGAIN] = Again(ask=partial(refused, request), use=partial(admission.used, request))
        admission.used(request)
        return await handler(request)

    return middleware


def refusal(admission: Admission, request: web.Request, action: Action | None, *, csrf: str) -> web.Response | None:
    """Why this is not let through, None where it is: then the request says who asks, and what they may.

    ``action`` is what it does; None: what nobody may. ``csrf`` is the second word of a session that it shows.
    """
    answer = _refusal(admission, request, action, csrf)
    if answer is not None:
        metrics.HTTP_REFUSED.labels(str(answer.status)).inc()
    return answer


def _refusal(admission: Admission, request: web.Request, action: Action | None, csrf: str) -> web.Response | None:
    admitted = admission.admitted(request)
    if admitted is None:
        return admission.refusal(request)
    another = admitted.session is not None and not belongs(request.cookies[COOKIE], csrf)
    if another and request.method not in READS:
        return problem(
            403, "Forbidden", f"the header {CSRF_HEADER} is needed, as GET {PREFIX}/me gives it", code=Code.NO_CSRF
        )
    if another and csrf:
        return admission.refusal(request)  # it is asked in the name of who was logged in before
    return _without_a_role(request, admitted, action)


def _without_a_role(request: web.Request, admitted: Admitted, action: Action | None) -> web.Response | None:
    """The same, for somebody who is known."""
    granted = grant(admitted.principal, action) if action is not None else None
    if action is None or granted is None:
        return problem(403, "Forbidden", "no role of yours does this")
    if not word_holds(action, admitted.age_s):
        return problem(
            503,
            "Service Unavailable",
            "the database is away: whether you still may is not known",
            code=Code.DATABASE_AWAY,
        )
    request[PRINCIPAL], request[GRANT] = admitted.principal, granted
    if admitted.session is not None:
        request[SESSION] = admitted.session
    return None
