"""Logging in and out under ``/api/v1/session``, and the cookie by which a browser shows that it has.

The cookie is nothing that a script can read (``HttpOnly``) or another site can have sent (``SameSite=Strict``). What a
browser asks beside reading needs a second word, which only a page of ours knows: the header ``X-CSRF-Token``.
"""

import hmac
from hashlib import sha256
from typing import Final

from aiohttp import web

from controller.domain.identity import SessionRecord
from controller.errors import LogInRefused, TooManyAttempts
from controller.faults import Code
from controller.runtime.sessions import Sessions
from controller.web.answers import told
from controller.web.bodies import moment, texts_of
from controller.web.principals import SESSION
from controller.web.problems import problem
from controller.web.proxies import client_of, encrypted

COOKIE: Final = "rc_session"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
"""The same in a form."""
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_of(secret: str) -> str:
    """The second word of a session, which says nothing of its first."""
    return hmac.new(secret.encode("utf-8", "surrogateescape"), b"csrf", sha256).hexdigest()


def belongs(secret: str, csrf: str) -> bool:
    """Whether this is the second word of this session: else another site may be asking in its name."""
    return hmac.compare_digest(csrf.encode("utf-8", "surrogateescape"), csrf_of(secret).encode())


class SessionApi:
    """Handlers of the session of who asks."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_post("/session", self.begin)
        router.add_delete("/session", self.end)

    @told
    async def begin(self, request: web.Request) -> web.Response:
        """Log in. The body must be JSON, which no form of another site can send."""
        if request.content_type != "application/json":
            return problem(415, "Unsupported Media Type", "the body must be application/json")
        body = await texts_of(request, required={"name", "password"})
        try:
            secret, session = await self._sessions.begin(body["name"], body["password"], address=client_of(request))
        except LogInRefused as error:
            return problem(401, "Unauthorized", str(error), code=Code.LOG_IN_REFUSED)
        except TooManyAttempts as error:
            return held_off(error)
        answer = web.json_response(shown(session, secret))
        answer.set_cookie(COOKIE, secret, httponly=True, samesite="Strict", path="/", secure=encrypted(request))
        return answer

    @told
    async def end(self, request: web.Request) -> web.Response:
        """Log out; who asks by a token has nothing to end."""
        session = request.get(SESSION)
        if session is not None:
            await self._sessions.end(session)
        answer = web.Response(status=204)
        answer.del_cookie(COOKIE, path="/")
        return answer


def held_off(error: TooManyAttempts) -> web.Response:
    """What is answered to whom nobody listens for a while."""
    answer = problem(429, "Too Many Requests", str(error))
    answer.headers["Retry-After"] = str(int(error.retry_s))
    return answer


def shown(session: SessionRecord, secret: str) -> dict[str, str | None]:
    """As who has logged in sees it: what ``GET /api/v1/me`` says of a session, too."""
    return {"name": session.account.name, "ends_at": moment(session.ends_at), "csrf": csrf_of(secret)}
