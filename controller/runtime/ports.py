"""What the core needs from outside, as protocols: adapters fulfil them, tests can too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.domain.decision import Decision
from controller.domain.policy import Sampling
from controller.domain.records import NoticeRecord, ObjectionRecord, Record
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


Entry = Decision | SampledDecision | Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an entry: the number of the decision, and its draw, where it is one."""

    seq: int | None = None
    draw: Draw | None = None


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
    """What people read of what is on file, and what a change has to know. Both raise ``DatabaseAway``."""

    async def objections_on_file(self, customer_hash: bytes | None = None) -> list[ObjectionRecord]:
        """Objections that hold now, of one customer or of all, the oldest first."""
        ...

    async def notices(self) -> list[NoticeRecord]:
        """Who has been informed, by version and agent."""
        ...
