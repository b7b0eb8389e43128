"""The registers as they are read: who objects to what, and which agents have been informed.

They are written like everything else, through the ledger. Only what holds at this moment is read.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.bounded import Attempt, BoundedConnections, Driver
from controller.domain.records import NoticeRecord, ObjectionRecord

LOOK_UP_TIMEOUT_S = 0.25
"""A caller waits for this."""

_READ_TIMEOUT_S = 5.0

_SCOPES = "SELECT scope FROM objection WHERE customer_hash = %s AND until > clock_timestamp()"
_INFORMED = "SELECT agent FROM agent_notice WHERE version = %s AND informed_at IS NOT NULL"
_OBJECTIONS = """
SELECT customer_hash, scope, at, until FROM objection WHERE until > clock_timestamp() ORDER BY at, customer_hash, scope
"""
_OBJECTIONS_OF = """
SELECT customer_hash, scope, at, until FROM objection
WHERE customer_hash = %s AND until > clock_timestamp() ORDER BY at, scope
"""
_OBJECTIONS_BEFORE = """
SELECT customer_hash, scope, at, until FROM objection
WHERE until > clock_timestamp() AND (%s::text[] IS NULL OR scope = ANY(%s))
    AND (at, encode(customer_hash, 'hex') || '~' || scope) < (coalesce(%s::timestamptz, 'infinity'), %s)
ORDER BY at DESC, encode(customer_hash, 'hex') || '~' || scope DESC LIMIT %s
"""
_NOTICES_BEFORE = """
SELECT agent, version, informed_at FROM agent_notice
WHERE informed_at IS NOT NULL
    AND (informed_at, agent || '~' || version) < (coalesce(%s::date, 'infinity'), %s)
ORDER BY informed_at DESC, agent || '~' || version DESC LIMIT %s
"""
_NOTICES = """
SELECT agent, version, informed_at FROM agent_notice
WHERE informed_at IS NOT NULL AND (%s::text[] IS NULL OR agent = ANY(%s)) ORDER BY version, agent
"""


class PostgresRegister:
    """Fulfils ``controller.runtime.ports.Register`` and ``RegisterBook``.

    The engine is one of ``controller.db.engine.open_engine``. Every method raises ``DatabaseAway``.
    """

    def __init__(self, engine: AsyncEngine, *, look_up_timeout_s: float = LOOK_UP_TIMEOUT_S) -> None:
        self._look_up = BoundedConnections(engine, timeout_s=look_up_timeout_s)
        self._read = BoundedConnections(engine, timeout_s=_READ_TIMEOUT_S)

    async def objections(self, customer_hash: bytes) -> frozenset[str]:
        """What this customer objects to now: names of purposes, or ``EVERY_PURPOSE``."""
        rows = await _rows(self._look_up, _SCOPES, customer_hash)
        return frozenset(scope for (scope,) in rows)

    async def informed(self, version: str) -> frozenset[str]:
        """The extensions of the agents who have been informed by this version of the notice."""
        rows = await _rows(self._read, _INFORMED, version)
        return frozenset(agent for (agent,) in rows)

    async def objections_on_file(self, customer_hash: bytes | None = None) -> list[ObjectionRecord]:
        """Objections that hold now, of one customer or of all, the oldest first."""
        rows = await (
            _rows(self._read, _OBJECTIONS)
            if customer_hash is None
            else _rows(self._read, _OBJECTIONS_OF, customer_hash)
        )
        return _objections(rows)

    async def objections_before(
        self, before: datetime | None, id_: str, *, scopes: Collection[str] | None, limit: int
    ) -> list[ObjectionRecord]:
        """Objections that hold now, the newest first: of these scopes (None: of all), raised before ``before``.

        Of those that were raised at that very time, what comes before an id, which is ``CUSTOMER~SCOPE``.
        """
        chosen = list(scopes) if scopes is not None else None
        return _objections(await _rows(self._read, _OBJECTIONS_BEFORE, chosen, chosen, before, id_, limit))

    async def notices_before(self, before: date | None, id_: str, *, limit: int) -> list[NoticeRecord]:
        """Who has been informed, the newest first: before a day, and on that day before an id, ``AGENT~VERSION``."""
        return _notices(await _rows(self._read, _NOTICES_BEFORE, before, id_, limit))

    async def notices(self, agents: Collection[str] | None = None) -> list[NoticeRecord]:
        """Who of these agents (None: of all) has been informed, by version and agent."""
        chosen = list(agents) if agents is not None else None
        return _notices(await _rows(self._read, _NOTICES, chosen, chosen))


def _objections(rows: Iterable[tuple[Any, ...]]) -> list[ObjectionRecord]:
    return [
        ObjectionRecord(customer_hash=bytes(customer), scope=scope, at=at, until=until)
        for customer, scope, at, until in rows
    ]


def _notices(rows: Iterable[tuple[Any, ...]]) -> list[NoticeRecord]:
    return [NoticeRecord(agent=agent, version=version, informed_at=day) for agent, version, day in rows]


async def _rows(connections: BoundedConnections, question: str, *values: object) -> list[tuple[Any, ...]]:
    async def work(driver: Driver, _attempt: Attempt) -> list[tuple[Any, ...]]:
        return await (await driver.execute(question.encode(), values)).fetchall()

    return await connections.run(work)
