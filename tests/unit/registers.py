"""Registers that are kept in memory, as PostgreSQL would keep them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from controller.domain.decision import Decision
from controller.domain.policy import Basis, Consent, ConsentMode, Period, Policy, Purpose, Start
from controller.domain.records import NoticeRecord, ObjectionRecord
from controller.errors import DatabaseAway
from controller.numbers import hashed
from controller.runtime.clock import now
from controller.runtime.ports import Entry, Receipt
from controller.runtime.registration import Registration

KEY = b"a key for tests that is no secret"
CUSTOMER = "01 99 00 00 01"


class MemoryRegister:
    """Ledger and book at once; ``away`` is a database that cannot be reached."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.batches = 0
        self.away = False
        self._objections: dict[tuple[bytes, str], ObjectionRecord] = {}
        self._notices: dict[tuple[str, str], NoticeRecord] = {}

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        self._reach()
        self.batches += 1
        for entry in entries:
            match entry:
                case Decision():
                    self.decisions.append(entry)
                case ObjectionRecord():
                    self._objections[entry.customer_hash, entry.scope] = entry
                case NoticeRecord():
                    self._notices[entry.agent, entry.version] = entry
        return [Receipt() for _ in entries]

    async def answers(self) -> None:
        self._reach()

    async def objections_on_file(self, customer_hash: bytes | None = None) -> list[ObjectionRecord]:
        self._reach()
        holding = [objection for objection in self._objections.values() if objection.until > now()]
        return [objection for objection in holding if customer_hash in {None, objection.customer_hash}]

    async def notices(self, agents: Collection[str] | None = None) -> list[NoticeRecord]:
        self._reach()
        informed = [notice for notice in self._notices.values() if notice.informed_at is not None]
        return [notice for notice in informed if agents is None or notice.agent in agents]

    async def objections_before(
        self, before: datetime | None, id_: str, *, scopes: Collection[str] | None, limit: int
    ) -> list[ObjectionRecord]:
        theirs = [one for one in await self.objections_on_file() if scopes is None or one.scope in scopes]
        found = {(one.at, f"{one.customer_hash.hex()}~{one.scope}"): one for one in theirs}
        return [found[key] for key in sorted(found, reverse=True) if before is None or key < (before, id_)][:limit]

    async def notices_before(self, before: date | None, id_: str, *, limit: int) -> list[NoticeRecord]:
        found = {(one.informed_at or date.min, f"{one.agent}~{one.version}"): one for one in await self.notices()}
        return [found[key] for key in sorted(found, reverse=True) if before is None or key < (before, id_)][:limit]

    async def informed(self, version: str) -> frozenset[str]:
        return frozenset(notice.agent for notice in await self.notices() if notice.version == version)

    def _reach(self) -> None:
        if self.away:
            raise DatabaseAway("PostgreSQL is away")


def a_policy() -> Policy:
    """Quality and orders may be refused, an investment must be recorded."""
    modes = {"quality": ConsentMode.OPT_OUT, "orders": ConsentMode.OPT_IN, "investment": ConsentMode.NONE}
    purposes = {
        name: Purpose(
            name=name,
            basis=Basis.LEGITIMATE_INTEREST,
            start=Start.ON_ANSWER,
            sampling=None,
            consent=Consent(mode=mode),
            retention=Period(months=6),
        )
        for name, mode in modes.items()
    }
    return Policy(
        version="a" * 64, purposes=purposes, routes=(), agents=(), notice="2026-09", prompts={}, default_language="fr"
    )


def a_registration(register: MemoryRegister, told: list[str] | None = None) -> Registration:
    """Registers for people; ``told`` grows whenever the daemon is told that the notices changed."""

    async def changed() -> None:
        if told is not None:
            told.append("notices")

    return Registration(
        ledger=register, book=register, policy=a_policy, numbers_key=KEY, country="FR", notices_changed=changed
    )


def customer_of(number: str) -> bytes:
    found = hashed(number, country="FR", key=KEY)
    assert found is not None
    return found
