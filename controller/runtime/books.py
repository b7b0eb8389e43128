"""What people read of what the daemon has done and of how it stands: ports, as ``controller.runtime.ports`` has others.

Every method raises ``DatabaseAway``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.domain.share import Week


class SampleBook(Protocol):
    """What the sample came to."""

    async def weeks(self, *, since: datetime | None = None, purpose: str | None = None) -> list[Week]:
        """By purpose, stratum and week; a week in which the limits changed is there once for each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A policy came into force: ``text`` is the file, ``version`` its SHA-256.

    ``actor`` had it loaded; None where a daemon began with it.
    """

    at: datetime
    version: str
    text: str
    actor: str | None


class PolicyBook(Protocol):
    """Which policies were in force."""

    async def history(self, most: int) -> list[InForce]:
        """The newest first, ``most`` of them at most."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """The chain of a writer has so many ``decisions``, of which the first ``signed`` are signed.

    ``signed_at`` and ``key_id`` are those of the newest checkpoint; None where there is none.
    """

    writer: str
    decisions: int
    signed: int
    signed_at: datetime | None
    key_id: str | None


class ChainBook(Protocol):
    """How far the chains of decisions are signed."""

    async def states(self) -> list[ChainState]:
        """Of every chain, by writer."""
        ...
