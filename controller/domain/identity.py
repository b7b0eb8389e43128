"""Accounts of people and tokens of programs, as they are stored: nothing in here lets anybody in.

A password is only here as its Argon2id hash, a token as its SHA-256: it has 256 random bits, so nothing slower is
needed, and nobody who reads the table can use it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from controller.domain.principal import Principal, Role

LONGEST: Final = timedelta(days=731)
"""How long a token lets anybody in at most."""

SESSION: Final = timedelta(hours=12)
"""How long somebody stays logged in at most: a working day."""
UNUSED: Final = timedelta(hours=1)
"""After how long without a request a session ends, on a screen that was left alone."""

MOST_SESSIONS: Final = 20
"""How many sessions one account has at most: with another one, the oldest ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """Somebody who logs in: with a password, or through the OpenID provider, which names them by ``openid``.

    The other of the two is None. ``disabled_at`` None: it may be used. ``new`` is whether it is to be added, and then
    nobody has its name; all else changes the one of this name. ``keeps`` is the session, by the SHA-256 of its secret,
    that goes on though the password changes. ``last_in_on`` is a day only, in UTC, and written by nothing but logging
    in: when somebody works is nobody's business.
    """

    name: str
    password_hash: str | None
    roles: frozenset[Role]
    purposes: frozenset[str]
    extension: str | None
    pbx: str | None
    created_at: datetime
    disabled_at: datetime | None = None
    new: bool = False
    openid: str | None = None
    keeps: bytes | None = None
    last_in_on: date | None = None

    @property
    def principal(self) -> Principal:
        """Who they are once they have logged in."""
        return _principal("account", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token of the API. A name is given once; ``revoked_at`` is never taken back.

    ``last_used_at`` is a day only, and written by nothing but its use: when a program asks what is nobody's business.
    """

    name: str
    sha256: bytes
    roles: frozenset[Role]
    purposes: frozenset[str]
    extension: str | None
    pbx: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: date | None = None

    @property
    def principal(self) -> Principal:
        """Who shows it."""
        return _principal("token", self)

    def good(self, at: datetime) -> bool:
        """Whether it lets anybody in then."""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """Somebody who has logged in; ``account`` as it is now, and ``sha256`` of the secret that their browser shows.

    ``seen_at`` is when they last asked for something, to about a minute.
    """

    sha256: bytes
    account: AccountRecord
    began_at: datetime
    seen_at: datetime
    ends_at: datetime

    def good(self, at: datetime) -> bool:
        """Whether it lets anybody in then."""
        return self.account.disabled_at is None and at < min(self.ends_at, self.seen_at + UNUSED)


IdentityRecord = AccountRecord | TokenRecord


def _principal(kind: str, record: IdentityRecord) -> Principal:
    return Principal(
        name=f"{kind}:{record.name}",
        roles=record.roles,
        purposes=record.purposes,
        extension=record.extension,
        pbx=record.pbx,
    )
