"""``/console/accounts``: who may come in, and in which roles: accounts of people, and tokens of programs."""

from aiohttp import web

from controller.domain.access import may_entrust
from controller.domain.identity import LONGEST, AccountRecord
from controller.domain.principal import Principal, Role
from controller.runtime.clock import now
from controller.runtime.identities import Identities
from controller.runtime.passwords import SHORTEST
from controller.web.pages.gate import Gate
from controller.web.pages.rendering import rendered
from controller.web.principals import PRINCIPAL, actor_of


class AccountsPage:
    """The page of both."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def add_to(self, router: web.UrlDispatcher, gate: Gate) -> None:
        """Answer there."""
        gate.add(router, "GET /console/accounts", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """All of them, those in use first."""
        at, asker = now(), request[PRINCIPAL]

        def theirs(one: AccountRecord) -> bool:
            return may_entrust(asker, one.principal)

        accounts, tokens = await self._identities.accounts(), await self._identities.tokens()
        return await rendered(
            request,
            "accounts.html",
            accounts=sorted(accounts, key=lambda one: (one.disabled_at is not None, one.name)),
            tokens=sorted(tokens, key=lambda one: (not one.good(at), one.name)),
            at=at,
            oneself=actor_of(request),
            theirs=theirs,
            issuer=self._identities.issuer,
            roles=[role for role in Role if may_entrust(asker, _alone(role, asker))],
            purposes=["*", *self._identities.purposes],
            pbxs=self._identities.pbxs,
            shortest=SHORTEST,
            most_days=LONGEST.days,
        )


def _alone(role: Role, asker: Principal) -> Principal:
    """Somebody who has this role alone, for the purposes of who asks."""
    return Principal(name="", roles=frozenset({role}), purposes=asker.purposes)
