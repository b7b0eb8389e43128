"""Accounts and tokens, for the people who give them out: each change is written with its decision, or neither is.

Owns what an account or a token may be. Who is behind a token is ``controller.runtime.keyring``'s to know, what they may
do, and what of that they may hand on, ``controller.domain.access``'s.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from controller.domain.access import may_entrust
from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.identity import LONGEST, AccountRecord, IdentityRecord, TokenRecord
from controller.domain.policy import Policy
from controller.domain.principal import Principal, Role
from controller.domain.records import EVERY_PURPOSE
from controller.errors import NotForYou, RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import new_token, now
from controller.runtime.passwords import hashed
from controller.runtime.ports import IdentityBook, Ledger
from controller.threads import off_the_loop

PREFIX: Final = "rc_"
"""What a token begins with, so that a scanner for secrets finds one that lies about."""

LONGEST_OPENID: Final = 255
"""As long as a subject may be (OpenID Connect Core, section 2)."""

Actor = Principal | str
"""Who changes something: whoever asks over HTTP, who hands on no more than they may; else the machine's own people, by
the name that stands in the decision."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EXTENSION = re.compile(r"[0-9A-Za-z_.+-]{1,80}")
BY_PURPOSE: Final = frozenset({Role.LISTENER, Role.SUPERVISOR, Role.INTEGRATION, Role.VIEWER})
"""The roles that are for named purposes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What somebody may: in which roles, for which purposes, and at which extension of which PBX they talk.

    ``pbx`` None: the only one that there is.
    """

    roles: frozenset[Role]
    purposes: frozenset[str] = frozenset()
    extension: str | None = None
    pbx: str | None = None

    @property
    def given(self) -> bool:
        """Whether it says anything."""
        return self != Scope(roles=frozenset())


class Identities:
    """Every method raises ``DatabaseAway``, and ``RegisterRefused`` where it is asked for something that cannot be.

    What gives somebody something, or changes what they have, raises ``NotForYou`` where that is more than who asks has.
    What takes it away is done by whoever changes accounts.
    ``pbxs`` are the names of those that the configuration has, ``issuer`` is its OpenID provider; None: there is none.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        book: IdentityBook,
        policy: Callable[[], Policy],
        pbxs: Sequence[str],
        issuer: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._policy = policy
        self._pbxs = pbxs
        self.issuer = issuer

    @property
    def purposes(self) -> list[str]:
        """The purposes that there are."""
        return list(self._policy().purposes)

    @property
    def pbxs(self) -> Sequence[str]:
        """The names of the PBXs that there are."""
        return self._pbxs

    async def accounts(self) -> list[AccountRecord]:
        """All accounts, by name."""
        return await self._book.accounts()

    async def tokens(self) -> list[TokenRecord]:
        """All tokens, by name."""
        return await self._book.tokens()

    async def add_account(self, name: str, password: str, scope: Scope, *, actor: Actor) -> AccountRecord:
        """Let somebody log in with a password."""
        _check_name(name)
        _check_theirs(actor, self.checked(scope))
        return await self._add(name, scope, actor, password_hash=await off_the_loop(hashed, password))

    async def add_openid_account(self, name: str, openid: str, scope: Scope, *, actor: Actor) -> AccountRecord:
        """Let somebody log in through the OpenID provider, which names them so."""
        _check_name(name)
        _check_openid(openid)
        return await self._add(name, scope, actor, openid=openid)

    async def _add(
        self, name: str, scope: Scope, actor: Actor, *, password_hash: str | None = None, openid: str | None = None
    ) -> AccountRecord:
        scope = self.checked(scope)
        _check_theirs(actor, scope)
        added = AccountRecord(
            name=name,
            password_hash=password_hash,
            openid=openid,
            roles=scope.roles,
            purposes=scope.purposes,
            extension=scope.extension,
            pbx=scope.pbx,
            created_at=now(),
            new=True,
        )
        async with self._book.alone():
            accounts = await self._book.accounts()
            _check_free(name, (record.name for record in accounts))
            _check_nobodys(openid, accounts)
            await self._write(added, Reason.ACCOUNT_ADDED, actor, openid=openid is not None)
        return added

    async def change_account(
        self,
        name: str,
        *,
        scope: Scope | None = None,
        password: str | None = None,
        openid: str | None = None,
        enable: bool = False,
        actor: Actor,
    ) -> AccountRecord:
        """Give an account another scope or way in, or let it be used again; what is not given stays as it was.

        A password takes the place of ``openid``, and the other way round.
        """
        if openid is not None:
            _check_openid(openid)
        if scope is not None:
            scope = self.checked(scope)
            _check_theirs(actor, scope)
        password_hash = await off_the_loop(hashed, password) if password is not None else None
        async with self._book.alone():
            changed = await self._account(name)
            _check_theirs(actor, changed)
            if scope is not None:
                changed = replace(
                    changed, roles=scope.roles, purposes=scope.purposes, extension=scope.extension, pbx=scope.pbx
                )
            if password_hash is not None or openid is not None:
                _check_nobodys(openid, [one for one in await self._book.accounts() if one.name != name])
                changed = replace(changed, password_hash=password_hash, openid=openid)
            if enable:
                changed = replace(changed, disabled_at=None)
            facts: dict[str, Fact] = {
                "password_changed": password is not None,
                "openid_changed": openid is not None,
                "openid": changed.openid is not None,
                "enabled": enable,
            }
            await self._write(changed, Reason.ACCOUNT_CHANGED, actor, **facts)
        return changed

    async def change_own_password(self, proven: AccountRecord, password: str, *, keeps: bytes) -> None:
        """Give their account another password, after they have proven that they know the one that it has.

        They are logged out everywhere but in the session ``keeps``, which is the SHA-256 of its secret.
        """
        password_hash = await off_the_loop(hashed, password)
        async with self._book.alone():
            found = await self._account(proven.name)
            if found.password_hash != proven.password_hash or found.disabled_at is not None:
                raise RegisterRefused("current: somebody has changed it meanwhile")
            changed = replace(found, password_hash=password_hash, keeps=keeps)
            facts = {"password_changed": True, "openid_changed": False, "openid": False, "enabled": False}
            await self._write(changed, Reason.ACCOUNT_CHANGED, changed.principal.name, **facts)

    async def disable_account(self, name: str, *, actor: Actor) -> AccountRecord:
        """Let nobody log in by it any more; its name stays taken, since decisions and the access log hold it."""
        async with self._book.alone():
            found = await self._account(name)
            if found.disabled_at is not None:
                raise RegisterRefused(Fault(Code.ON_FILE_NO_MORE, "this account is disabled already", of="name"))
            disabled = replace(found, disabled_at=now())
            await self._write(disabled, Reason.ACCOUNT_DISABLED, actor)
        return disabled

    async def issue_token(self, name: str, scope: Scope, expires_at: datetime, *, actor: Actor) -> str:
        """A new token, which is told here and never again."""
        _check_name(name)
        scope = self.checked(scope)
        _check_theirs(actor, scope)
        at = now()
        if not at < expires_at <= at + LONGEST:
            raise RegisterRefused(_too_far(LONGEST.days))
        token = PREFIX + secrets.token_urlsafe(32)
        issued = TokenRecord(
            name=name,
            sha256=sha256(token.encode()).digest(),
            roles=scope.roles,
            purposes=scope.purposes,
            extension=scope.extension,
            pbx=scope.pbx,
            created_at=at,
            expires_at=expires_at,
        )
        async with self._book.alone():
            _check_free(name, (record.name for record in await self._book.tokens()))
            await self._write(issued, Reason.TOKEN_ISSUED, actor, expires_at=_time(expires_at))
        return token

    async def revoke_token(self, name: str, *, actor: Actor) -> TokenRecord:
        """Let nobody in by it any more."""
        async with self._book.alone():
            found = next((token for token in await self._book.tokens() if token.name == name), None)
            if found is None or found.revoked_at is not None:
                raise RegisterRefused(
                    Fault(Code.ON_FILE_NO_MORE, "no such token is on file, or it was revoked before", of="name")
                )
            revoked = replace(found, revoked_at=now())
            await self._write(revoked, Reason.TOKEN_REVOKED, actor)
        return revoked

    async def _account(self, name: str) -> AccountRecord:
        for account in await self._book.accounts():
            if account.name == name:
                return account
        raise RegisterRefused(Fault(Code.ON_FILE_NO_MORE, "no such account is on file", of="name"))

    def checked(self, scope: Scope) -> Scope:
        """As the function of this name has it, for the configuration in force."""
        return checked(scope, self._policy(), self._pbxs)

    async def _write(self, record: IdentityRecord, reason: Reason, actor: Actor, **more: Fact) -> None:
        await self._ledger.write([record, self._about(record, reason, actor, more)])

    def _about(self, record: IdentityRecord, reason: Reason, actor: Actor, more: dict[str, Fact]) -> Decision:
        facts: dict[str, Fact] = {
            "name": record.principal.name,
            "roles": " ".join(sorted(record.roles)),
            "purposes": " ".join(sorted(record.purposes)),
            "extension": record.extension,
            "pbx": record.pbx,
            **more,
        }
        return Decision(
            token=new_token("identity"),
            at=now(),
            call_id=None,
            pbx="",
            linkedid=None,
            kind=Kind.CONFIG,
            verdict=Verdict.APPLIED,
            reason=reason,
            rule=None,
            purpose=None,
            policy_version=self._policy().version,
            actor=actor.name if isinstance(actor, Principal) else actor,
            facts=facts,
        )


def checked(scope: Scope, policy: Policy, pbxs: Sequence[str]) -> Scope:
    """The same, with the PBX of an extension where there is one only. Raises ``RegisterRefused``."""
    if scope.extension is not None and scope.pbx is None and len(pbxs) == 1:
        scope = replace(scope, pbx=pbxs[0])
    unknown = sorted(scope.purposes - {EVERY_PURPOSE} - policy.purposes.keys())
    choice = f"{', '.join(policy.purposes)}, or * for all"
    faults = [*_faults(scope), *(_unknown(one[:40], choice) for one in unknown)]
    if (scope.pbx is not None) != (scope.extension is not None) or not {scope.pbx} <= {None, *pbxs}:
        faults.append(_no_pbx(", ".join(pbxs)))
    if faults:
        raise RegisterRefused(*faults)
    return scope


def _check_theirs(actor: Actor, given: Scope | AccountRecord) -> None:
    """Raises ``NotForYou``."""
    reach = Principal(name="", roles=given.roles, purposes=given.purposes)
    if isinstance(actor, Principal) and not may_entrust(actor, reach):
        raise NotForYou(Fault(Code.BEYOND_YOU, "these roles reach further than yours: who has them gives them out"))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RegisterRefused(
            Fault(Code.NO_NAME, "must have up to 64 small letters, digits, dots, hyphens and underlines", of="name")
        )


def _check_free(name: str, taken: Iterable[str]) -> None:
    if name in taken:
        raise RegisterRefused(
            Fault(
                Code.TAKEN, "is taken, perhaps by one that is not used any more: a name stands for one only", of="name"
            )
        )


def _check_openid(openid: str) -> None:
    if not 0 < len(openid) <= LONGEST_OPENID or not openid.isprintable() or openid.strip() != openid:
        raise RegisterRefused(f"openid: must be what the provider names somebody by, up to {LONGEST_OPENID} characters")


def _check_nobodys(openid: str | None, accounts: Iterable[AccountRecord]) -> None:
    if openid is not None and openid in {account.openid for account in accounts}:
        raise RegisterRefused(Fault(Code.TAKEN, "is another account's, perhaps of one that is disabled", of="openid"))


def _faults(scope: Scope) -> Iterable[str]:
    if not scope.roles:
        yield Fault(Code.NO_ROLE, f"must be one at least: {', '.join(Role)}", of="role")
    if (Role.AGENT in scope.roles) != (scope.extension is not None):
        yield Fault(Code.EXTENSION_AND_AGENT, "goes with the role agent, and with no other", of="extension")
    if scope.extension is not None and not _EXTENSION.fullmatch(scope.extension):
        yield Fault(Code.NO_EXTENSION, "must be one, such as the 201 of PJSIP/201", of="extension")
    if bool(scope.roles & BY_PURPOSE) != bool(scope.purposes):
        words = f"goes with the roles {', '.join(sorted(BY_PURPOSE))}, and with no other"
        yield Fault(Code.PURPOSES_AND_ROLES, words, of="purpose")


def _unknown(purpose: str, choice: str) -> Fault:
    words = f"{purpose} is none of the file's: {choice}"
    return Fault(Code.PURPOSE_UNKNOWN, words, of="purpose", purpose=purpose, choice=choice)


def _no_pbx(choice: str) -> Fault:
    words = f"goes with an extension, and is one of the file's: {choice}"
    return Fault(Code.PBX_AND_EXTENSION, words, of="pbx", choice=choice)


def _too_far(days: int) -> Fault:
    return Fault(Code.TOO_FAR, f"must lie in the future, {days} days away at most", of="expiry", days=days)


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
