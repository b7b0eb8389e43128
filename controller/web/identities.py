"""Accounts and tokens over HTTP, under ``/api/v1``: who may come in, and in which roles.

Owns no rule but one: nobody gives themselves another role. A password comes in a body only, and goes out nowhere.
"""

from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from controller.domain.identity import LONGEST, AccountRecord, TokenRecord
from controller.domain.principal import Role
from controller.errors import NotForYou, RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import now
from controller.runtime.identities import Identities, Scope
from controller.web.answers import by_members, told
from controller.web.bodies import moment, object_of
from controller.web.principals import PRINCIPAL, actor_of

_SCOPE: Final = frozenset({"roles", "purposes", "extension", "pbx"})
_MEMBERS = {"role": "roles", "purpose": "purposes", "expiry": "days"}
"""What the body has, of what the command line calls otherwise."""


class IdentitiesApi:
    """Handlers of both."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under ``/api/v1``."""
        router.add_get("/accounts", self.list_accounts)
        router.add_post("/accounts", self.add_account)
        router.add_post("/accounts/{name}", self.change_account)
        router.add_post("/accounts/{name}/disable", self.disable_account)
        router.add_get("/tokens", self.list_tokens)
        router.add_post("/tokens", self.issue_token)
        router.add_post("/tokens/{name}/revoke", self.revoke_token)

    @told
    async def list_accounts(self, _request: web.Request) -> web.Response:
        """All accounts, those that are disabled too."""
        return web.json_response([self._account(one) for one in await self._identities.accounts()])

    @told
    async def add_account(self, request: web.Request) -> web.Response:
        """Let somebody log in."""
        body = await _members(request, required={"name", "password"}, optional=_SCOPE)
        name, password = _text(body, "name"), _text(body, "password")
        with by_members(_MEMBERS):
            added = await self._identities.add_account(name, password, _scope(body), actor=request[PRINCIPAL])
        return web.json_response(self._account(added), status=201)

    @told
    async def change_account(self, request: web.Request) -> web.Response:
        """Give one other roles, all of them at once, or another password, or let it be used again."""
        body = await _members(request, required=set(), optional={*_SCOPE, "password", "enable"})
        name = _of_somebody_else(request)
        if not body:
            raise RegisterRefused("the body must have roles, password or enable")
        if "password" in body:
            await self._has_a_password(name)
        with by_members(_MEMBERS):
            changed = await self._identities.change_account(
                name,
                scope=_scope(body) if _SCOPE & body.keys() else None,
                password=_text(body, "password") if "password" in body else None,
                enable=body.get("enable", False) is True,
                actor=request[PRINCIPAL],
            )
        return web.json_response(self._account(changed))

    def _account(self, one: AccountRecord) -> dict[str, Any]:
        openid = {"issuer": self._identities.issuer, "subject": one.openid} if one.openid is not None else None
        return {
            "name": one.name,
            **_said(one),
            "openid": openid,
            "created_at": moment(one.created_at),
            "disabled_at": moment(one.disabled_at),
            "last_in_on": one.last_in_on.isoformat() if one.last_in_on else None,
        }

    async def _has_a_password(self, name: str) -> None:
        """Raises ``RegisterRefused`` for who logs in through the provider: nobody would be let in that way any more."""
        if any(one.name == name and one.password_hash is None for one in await self._identities.accounts()):
            words = "who logs in through the provider gets one by the command accounts only"
            raise RegisterRefused(Fault(Code.AT_THE_PROVIDER, words, of="password"))

    @told
    async def disable_account(self, request: web.Request) -> web.Response:
        """Let nobody log in by it any more."""
        disabled = await self._identities.disable_account(_of_somebody_else(request), actor=request[PRINCIPAL])
        return web.json_response(self._account(disabled))

    @told
    async def list_tokens(self, _request: web.Request) -> web.Response:
        """All tokens, without what they are."""
        return web.json_response([_token(one) for one in await self._identities.tokens()])

    @told
    async def issue_token(self, request: web.Request) -> web.Response:
        """A new token, told in this answer and never again."""
        body = await _members(request, required={"name", "days"}, optional=_SCOPE)
        name, days = _text(body, "name"), body["days"]
        if not isinstance(days, int) or isinstance(days, bool) or not 0 < days < 10_000:  # noqa: PLR2004 - what a timedelta takes
            raise RegisterRefused(
                Fault(Code.TOO_FAR, "must be how many it lets somebody in for", of="days", days=LONGEST.days)
            )
        expires_at = now() + timedelta(days=days)
        with by_members(_MEMBERS):
            token = await self._identities.issue_token(name, _scope(body), expires_at, actor=request[PRINCIPAL])
        answer = web.json_response({"name": name, "token": token, "expires_at": moment(expires_at)}, status=201)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @told
    async def revoke_token(self, request: web.Request) -> web.Response:
        """Let nobody in by it any more."""
        revoked = await self._identities.revoke_token(request.match_info["name"], actor=request[PRINCIPAL])
        return web.json_response(_token(revoked))


def _of_somebody_else(request: web.Request) -> str:
    """The account that is asked for. Raises ``NotForYou`` where it is that of who asks."""
    name = request.match_info["name"]
    if f"account:{name}" == actor_of(request):
        words = "nobody changes their own account: somebody else does who gives out its roles, or the command accounts"
        raise NotForYou(Fault(Code.OWN_ACCOUNT, words))
    return name


async def _members(
    request: web.Request, *, required: set[str], optional: "set[str] | frozenset[str]"
) -> dict[str, Any]:
    body = await object_of(request)
    if not required <= set(body) <= required | optional:
        raise RegisterRefused(
            f"the body must have {', '.join(sorted(required)) or 'what is to change'}, and at most "
            f"{', '.join(sorted(optional))} besides"
        )
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise RegisterRefused(f"{name}: must be text")
    return value


def _scope(body: dict[str, Any]) -> Scope:
    """What a body says somebody may. Raises ``RegisterRefused`` where it cannot be read; the rest is checked later."""
    roles, purposes = _texts(body, "roles"), _texts(body, "purposes")
    unknown = sorted(roles - {role.value for role in Role})
    if unknown:
        raise RegisterRefused(f"roles: each must be one of {', '.join(Role)}")
    extension, pbx = (_text(body, name) if body.get(name) is not None else None for name in ("extension", "pbx"))
    return Scope(roles=frozenset(map(Role, roles)), purposes=purposes, extension=extension, pbx=pbx)


def _texts(body: dict[str, Any], name: str) -> frozenset[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RegisterRefused(f"{name}: must be a list of texts")
    return frozenset(value)


def _token(one: TokenRecord) -> dict[str, Any]:
    return {
        "name": one.name,
        **_said(one),
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        "revoked_at": moment(one.revoked_at),
        "last_used_at": one.last_used_at.isoformat() if one.last_used_at else None,
    }


def _said(one: AccountRecord | TokenRecord) -> dict[str, Any]:
    return {
        "roles": sorted(one.roles),
        "purposes": sorted(one.purposes),
        "extension": one.extension,
        "pbx": one.pbx,
    }
