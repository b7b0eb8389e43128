"""Tokens and sessions as this daemon knows them: all that let somebody in, read again every few seconds.

To know who asks takes no database: nothing stands between a trigger and the pause. A new token is known, and a revoked
one is not any more, within some seconds. While they cannot be read, who was known stays known; ``age_s`` says how old
that is.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from math import inf
from time import monotonic
from typing import Final, Never

import structlog

from controller.domain.identity import SessionRecord, TokenRecord
from controller.domain.principal import Principal
from controller.errors import DatabaseError, DatabaseNotMigrated
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.runtime.ports import IdentityBook

EVERY_S: Final = 2.0
ENDS_SOON: Final = timedelta(days=14)
"""Time enough to give out another, and to have it in use."""
NOTED_EVERY: Final = timedelta(minutes=1)
"""How often it is noted that a session is in use."""

_log = structlog.get_logger(__name__)


class Keyring:
    """Who is behind a token or a session. ``clock`` is in seconds, and never goes back."""

    def __init__(self, book: IdentityBook, *, clock: Callable[[], float] = monotonic) -> None:
        self._book = book
        self._clock = clock
        self._tokens: dict[bytes, TokenRecord] = {}
        self._read_at: float | None = None
        self._used: set[str] = set()
        self._sessions: dict[bytes, SessionRecord] = {}
        self._noted: dict[bytes, SessionRecord] = {}
        self._changed: dict[bytes, tuple[float, SessionRecord | None]] = {}
        self._warned: set[str] = set()
        self._troubles: dict[str, str] = {}

    @property
    def age_s(self) -> float:
        """How long ago what is known here was what PostgreSQL says; infinite where it was never read."""
        return self._clock() - self._read_at if self._read_at is not None else inf

    def principal_of(self, token: bytes) -> Principal | None:
        """Who shows this token; None where it is none, or none any more, as far as is known here."""
        digest = sha256(token).digest()
        found = self._tokens.get(digest)
        # The hash of 256 random bits is looked up: how long that takes tells nothing of any other.
        if found is None or not hmac.compare_digest(found.sha256, digest) or not found.good(now()):
            return None
        self._used.add(found.name)
        return found.principal

    def session_of(self, secret: bytes) -> SessionRecord | None:
        """The session whose secret this is; None where there is none, or none any more."""
        digest = sha256(secret).digest()
        found = self._sessions.get(digest)
        if found is None or not hmac.compare_digest(found.sha256, digest) or not found.good(now()):
            return None
        return found

    def used(self, session: SessionRecord) -> None:
        """Note that who has logged in has asked for something."""
        found = self._sessions.get(session.sha256)
        if found is not None:
            self._sessions[session.sha256] = replace(found, seen_at=now())

    def began(self, session: SessionRecord) -> None:
        """Know of a session that is on file by now."""
        self._sessions[session.sha256] = self._noted[session.sha256] = session
        self._changed[session.sha256] = self._clock(), session

    def ended(self, sha256_: bytes) -> None:
        """Know that a session is on file no more."""
        self._sessions.pop(sha256_, None)
        self._changed[sha256_] = self._clock(), None

    async def refresh(self) -> None:
        """Read all of them now, and then note which were used: who cannot write can still read."""
        asked_at = self._clock()
        try:
            tokens, sessions = await self._book.tokens_in_use(), await self._book.sessions_in_use()
        except DatabaseNotMigrated as error:  # there is nothing yet: nobody is kept waiting for it
            tokens, sessions = [], []
            self._told("keyring.not_read", error)
        except DatabaseError as error:
            self._told("keyring.not_read", error)
            return
        else:
            self._told("keyring.not_read", None)
        self._tokens = {token.sha256: token for token in tokens}
        self._read_at = asked_at
        self._take(sessions, asked_at)
        self._tell_ends(tokens)
        await self._note_used()
        await self._note_seen()

    def _take(self, sessions: Sequence[SessionRecord], asked_at: float) -> None:
        """Know these sessions, and those that began or ended while they were read."""
        before = self._sessions
        self._changed = {key: change for key, change in self._changed.items() if change[0] >= asked_at}
        self._noted = {session.sha256: session for session in sessions}
        for key, (_, session) in self._changed.items():
            if session is None:
                self._noted.pop(key, None)
            else:
                self._noted.setdefault(key, session)
        self._sessions = dict(self._noted)
        for key, held in before.items():
            session = self._noted.get(key)
            if session is not None and session.seen_at < held.seen_at:
                self._sessions[key] = replace(session, seen_at=held.seen_at)

    async def _note_seen(self) -> None:
        seen = {
            key: session.seen_at
            for key, session in self._sessions.items()
            if session.seen_at - self._noted[key].seen_at >= NOTED_EVERY
        }
        if not seen:
            return
        try:
            await self._book.seen(seen)
        except DatabaseError as error:
            self._told("keyring.use_not_noted", error)

    async def _note_used(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await self._book.used(used)
        except DatabaseError as error:
            self._used |= used
            self._told("keyring.use_not_noted", error)
        else:
            self._told("keyring.use_not_noted", None)

    def _tell_ends(self, tokens: Sequence[TokenRecord]) -> None:
        """When the next token ends; each that does so soon is told once, by its name."""
        at = now()
        ends = {token.name: token.expires_at - at for token in tokens if token.good(at)}
        metrics.TOKEN_END_SECONDS.set(min(ends.values()).total_seconds() if ends else inf)
        for name in sorted(name for name, left in ends.items() if left < ENDS_SOON and name not in self._warned):
            self._warned.add(name)
            _log.warning("keyring.token_ends_soon", token=name, days=ends[name].days)

    def _told(self, what: str, error: DatabaseError | None) -> None:
        """Once for each trouble, until it is over."""
        trouble = type(error).__name__ if error is not None else ""
        if trouble and trouble != self._troubles.get(what):
            _log.warning(what, reason=trouble)
        self._troubles[what] = trouble

    async def run(self) -> Never:
        """Read them again and again, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(EVERY_S)
