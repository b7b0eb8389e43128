"""What the core needs from outside, as protocols: adapters fulfil them, tests can too."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from controller.domain.call import Call
from controller.domain.decision import Decision
from controller.domain.identity import AccountRecord, IdentityRecord, SessionRecord, TokenRecord
from controller.domain.policy import Sampling
from controller.domain.records import AccessRecord, NoticeRecord, ObjectionRecord, Record
from controller.domain.sampling import Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledDecision:
    """A decision that depends on the sample: drawn and written in one transaction.

    ``question`` says what is decided where ``eligible`` is False; see ``controller.domain.sampling.decided``.
    """

    question: Decision
    purpose: str
    stratum: str
    sampling: Sampling
    eligible: bool


Entry = Decision | SampledDecision | Record | IdentityRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an entry: the number of the decision, and its draw, where it is one."""

    seq: int | None = None
    draw: Draw | None = None


class Onlooker(Protocol):
    """Somebody who looks on while calls go on. Nothing here may wait, nor raise."""

    def changed(self, call: Call) -> None:
        """Something is otherwise in a call, or it is over."""
        ...

    def watching(self, pbx: str) -> None:
        """Every call of this PBX is known from now on."""
        ...

    def standing_by(self, pbx: str) -> None:
        """Its calls are not ours any more."""
        ...


class ManyLook:
    """Several of them, each told in turn."""

    def __init__(self, *onlookers: Onlooker) -> None:
        self._onlookers = onlookers

    def changed(self, call: Call) -> None:
        """All are told."""
        for onlooker in self._onlookers:
            onlooker.changed(call)

    def watching(self, pbx: str) -> None:
        """All are told."""
        for onlooker in self._onlookers:
            onlooker.watching(pbx)

    def standing_by(self, pbx: str) -> None:
        """All are told."""
        for onlooker in self._onlookers:
            onlooker.standing_by(pbx)


class NobodyLooks:
    """Where there is none."""

    def changed(self, call: Call) -> None:
        """Nobody is told."""

    def watching(self, pbx: str) -> None:
        """Nobody is told."""

    def standing_by(self, pbx: str) -> None:
        """Nobody is told."""


class Ledger(Protocol):
    """Where decisions and records are kept."""

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Write all entries in their order and in one transaction; a receipt for each, once it is durable.

        Raises ``DatabaseAway`` (nothing is written, as far as can be known) or ``DatabaseRefused`` (one of them never
        can be).
        """
        ...

    async def answers(self) -> None:
        """Return where it answers. Raises ``DatabaseAway``."""
        ...


class Journal(Protocol):
    """Where entries are safe from the end of this process until the ledger has them."""

    waiting: Sequence[tuple[int, Decision | Record]]
    """What a former process has left, by number, in its order."""
    trouble: str
    """Why nothing can be kept; empty where it can."""

    def append(self, entry: Decision | Record) -> int:
        """Have an entry kept; its number. Returns at once."""
        ...

    def reached(self, number: int) -> None:
        """All up to this number has reached the ledger, or never will."""
        ...

    def refuse(self, entry: Decision | Record) -> None:
        """The ledger will never take this: keep it where people can read it."""
        ...

    async def synced(self) -> None:
        """Wait until all that was appended is safe."""
        ...


class Register(Protocol):
    """What a call needs to know of what is on file. Both raise ``DatabaseAway``."""

    async def objections(self, customer_hash: bytes) -> frozenset[str]:
        """What this customer objects to now: names of purposes, or ``EVERY_PURPOSE``. Answers within 0.25 s."""
        ...

    async def informed(self, version: str) -> frozenset[str]:
        """The extensions of the agents who have been informed by this version of the notice."""
        ...


class RegisterBook(Protocol):
    """What people read of what is on file, and what a change has to know. Every method raises ``DatabaseAway``."""

    async def objections_on_file(self, customer_hash: bytes | None = None) -> list[ObjectionRecord]:
        """Objections that hold now, of one customer or of all, the oldest first."""
        ...

    async def objections_before(
        self, before: datetime | None, id_: str, *, scopes: Collection[str] | None, limit: int
    ) -> list[ObjectionRecord]:
        """Those of these scopes (None: of all), the newest first, that were raised before a time (None: now).

        Of those that were raised at that very time, what comes before an id, which is ``CUSTOMER~SCOPE``.
        """
        ...

    async def notices(self, agents: Collection[str] | None = None) -> list[NoticeRecord]:
        """Who of these agents (None: of all) has been informed, by version and agent."""
        ...

    async def notices_before(self, before: date | None, id_: str, *, limit: int) -> list[NoticeRecord]:
        """The same, the newest first: before a day (None: of all), and on that day before an id, ``AGENT~VERSION``."""
        ...

    async def informed(self, version: str) -> frozenset[str]:
        """The extensions of the agents who have been informed by this version of the notice."""
        ...


class IdentityBook(Protocol):
    """Accounts and tokens as they are on file. Every method raises ``DatabaseAway``."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Nobody else changes an account or a token until the block ends."""
        ...

    async def accounts(self) -> list[AccountRecord]:
        """All accounts, by name."""
        ...

    async def tokens(self) -> list[TokenRecord]:
        """All tokens, by name, those that were revoked too."""
        ...

    async def tokens_in_use(self) -> list[TokenRecord]:
        """The tokens that let somebody in now."""
        ...

    async def used(self, names: Collection[str]) -> None:
        """Note that these tokens were used today."""
        ...

    async def account(self, name: str) -> AccountRecord | None:
        """The account of this name; None where there is none."""
        ...

    async def account_of_openid(self, openid: str) -> AccountRecord | None:
        """The account of whom the provider names so; None where there is none."""
        ...

    async def sessions_in_use(self) -> list[SessionRecord]:
        """The sessions that let somebody in now."""
        ...

    async def begin_session(self, session: SessionRecord) -> bool:
        """Put a session on file, and forget those that have ended, and the oldest beyond what an account may have.

        False, and nothing is put there: its account is disabled by now, or has another password or ``openid``.
        """
        ...

    async def end_session(self, sha256: bytes) -> None:
        """Forget a session; harmless where there is none."""
        ...

    async def seen(self, sessions: Mapping[bytes, datetime]) -> None:
        """Note when these sessions were used last, by the SHA-256 of their secrets."""
        ...


class AccessBook(Protocol):
    """The access log, for those whom it is about."""

    async def accesses_of(self, who: str, *, before: datetime | None, id_: str, limit: int) -> list[AccessRecord]:
        """What somebody had, the newest first; only what was before ``before``, and then by an id before ``id_``.

        Raises ``DatabaseAway``.
        """
        ...
