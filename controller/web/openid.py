"""Logging in through an OpenID provider, under ``/login/openid``: to the provider, and back with its word.

It ends in the session and the cookie of ``controller.web.session``. Until then the browser has a cookie of its own,
of which all words of the attempt are made: an answer that somebody else has got logs in nobody.
"""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from controller.errors import DatabaseError, LogInRefused, NotProven, ProviderAway, TooManyAttempts
from controller.runtime import metrics
from controller.runtime.openid import Attempt, Provider, attempt_of, came_back, cookie_of, local, new_secret
from controller.runtime.sessions import Sessions
from controller.web.openid_pages import Told, on, refused
from controller.web.proxies import client_of
from controller.web.session import COOKIE as SESSION_COOKIE

ATTEMPT_S: Final = 600
"""How long somebody may take at the provider."""

_log = structlog.get_logger(__name__)


class OpenIdLogIn:
    """``encrypted`` is whether browsers reach us by HTTPS: then the cookies go by no other."""

    def __init__(self, provider: Provider, sessions: Sessions, *, encrypted: bool) -> None:
        self._provider = provider
        self._sessions = sessions
        self._encrypted = encrypted
        # by its name nobody but this very host can have set it, where that can be had (RFC 6265bis)
        self._cookie = "__Host-rc_openid" if encrypted else "rc_openid"

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer beside the API."""
        router.add_get("/login/openid", self.begin, allow_head=False)
        router.add_get("/login/openid/callback", self.end, allow_head=False)

    async def begin(self, request: web.Request) -> web.Response:
        """Send the browser to the provider."""
        secret = new_secret()
        try:
            self._sessions.listen_to(client_of(request))
            then = local(request.query.get("next"))
            there = await self._provider.where(attempt_of(secret, then))
        except (TooManyAttempts, ProviderAway) as error:
            return await self._refused(request, error)
        answer = web.Response(status=302, headers={"Location": there, "Cache-Control": "no-store"})
        # Lax: the provider sends the browser back, and then it must be shown
        self._set(answer, self._cookie, cookie_of(secret, then), samesite="Lax", max_age=ATTEMPT_S)
        return answer

    async def end(self, request: web.Request) -> web.Response:
        """The browser comes back from the provider."""
        attempt = came_back(request.cookies.get(self._cookie, ""), request.query.get("state", ""))
        if attempt is None:
            metrics.OPENID_LOG_INS.labels("not-begun-here").inc()
            return await refused(request, HTTPStatus.BAD_REQUEST, Told.NOT_BEGUN_HERE)
        answer = await self._answer(request, attempt)
        answer.del_cookie(self._cookie, path="/", secure=self._encrypted, httponly=True, samesite="Lax")
        return answer

    async def _answer(self, request: web.Request, attempt: Attempt) -> web.Response:
        code, address = request.query.get("code", ""), client_of(request)
        if not code:
            metrics.OPENID_LOG_INS.labels("not-wanted").inc()
            return await refused(request, HTTPStatus.FORBIDDEN, Told.NOT_WANTED)
        named = ""
        try:
            async with self._sessions.attempt_by_openid(address):
                named = await self._provider.who(attempt, code=code, issuer=request.query.get("iss"))
                secret, _ = await self._sessions.begin_by_openid(named)
        except (TooManyAttempts, ProviderAway, NotProven, LogInRefused, DatabaseError) as error:
            return await self._refused(request, error, named=named)
        metrics.OPENID_LOG_INS.labels("let-in").inc()
        answer = await on(request, attempt.then)
        self._set(answer, SESSION_COOKIE, secret, samesite="Strict")
        return answer

    async def _refused(self, request: web.Request, error: Exception, *, named: str = "") -> web.Response:
        status, why = _why(error)
        answer = await refused(request, status, why, named=named if why is Told.NO_ACCOUNT else "")
        if isinstance(error, TooManyAttempts):
            answer.headers["Retry-After"] = str(int(error.retry_s))
        outcome = why.value
        metrics.OPENID_LOG_INS.labels(outcome).inc()
        _log.warning("openid.refused", outcome=outcome, reason=str(error))
        return answer

    def _set(self, answer: web.Response, name: str, value: str, *, samesite: str, max_age: int | None = None) -> None:
        answer.set_cookie(
            name, value, httponly=True, samesite=samesite, path="/", secure=self._encrypted, max_age=max_age
        )


def _why(error: Exception) -> tuple[HTTPStatus, Told]:
    match error:
        case TooManyAttempts():
            return HTTPStatus.TOO_MANY_REQUESTS, Told.HELD_OFF
        case ProviderAway():
            return HTTPStatus.SERVICE_UNAVAILABLE, Told.AWAY
        case NotProven():
            return HTTPStatus.FORBIDDEN, Told.NOT_PROVEN
        case LogInRefused():
            return HTTPStatus.FORBIDDEN, Told.NO_ACCOUNT
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE, Told.DATABASE_AWAY
