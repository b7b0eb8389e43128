"""Another password for the account that somebody has logged in with: ``POST /api/v1/me/password``.

Owns no rule of passwords, nor how often one may be tried: who has found a browser open is held off as at the log-in.
"""

from aiohttp import web

from controller.errors import LogInRefused, NotForYou, RegisterRefused, TooManyAttempts
from controller.faults import Code, Fault
from controller.runtime.identities import Identities
from controller.runtime.sessions import Sessions
from controller.web.answers import by_members, told
from controller.web.bodies import texts_of
from controller.web.principals import SESSION
from controller.web.proxies import client_of
from controller.web.session import held_off


class OwnPasswordApi:
    """The handler of it."""

    def __init__(self, sessions: Sessions, identities: Identities) -> None:
        self._sessions = sessions
        self._identities = identities

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_post("/me/password", self.change)

    @told
    async def change(self, request: web.Request) -> web.Response:
        """Change it. Their other sessions end; this one goes on, whether the current password was right or not."""
        session = request.get(SESSION)
        if session is None or session.account.password_hash is None:
            raise NotForYou("only who has logged in with a password has one here")
        body = await texts_of(request, required={"current", "new"})
        current, new = body["current"], body["new"]
        if new == current:
            raise RegisterRefused(Fault(Code.SAME_PASSWORD, "is the password that it is already", of="new"))
        try:
            account = await self._sessions.proven(session.account.name, current, address=client_of(request))
        except LogInRefused:
            raise NotForYou(Fault(Code.WRONG_PASSWORD, "the current password is another one")) from None
        except TooManyAttempts as error:
            return held_off(error)
        with by_members({"password": "new"}):
            await self._identities.change_own_password(account, new, keeps=session.sha256)
        return web.Response(status=204)
