"""How far each chain of decisions is signed, without reading the chains."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.runtime.books import ChainState

_STATES: Final = text("""
WITH RECURSIVE writers AS (
    (SELECT writer FROM decision ORDER BY writer LIMIT 1)
    UNION ALL
    SELECT (SELECT decision.writer FROM decision WHERE decision.writer > writers.writer ORDER BY writer LIMIT 1)
    FROM writers WHERE writers.writer IS NOT NULL
)
SELECT writers.writer, head.position AS decisions, coalesce(point.position, 0) AS signed,
    point.at AS signed_at, point.key_id
FROM writers
CROSS JOIN LATERAL (
    SELECT position FROM decision WHERE decision.writer = writers.writer ORDER BY position DESC LIMIT 1
) AS head
LEFT JOIN LATERAL (
    SELECT position, at, key_id FROM checkpoint
    WHERE checkpoint.writer = writers.writer ORDER BY position DESC LIMIT 1
) AS point ON true
ORDER BY writers.writer
""")
"""One step along an index for each writer, of whom there are few."""


class PostgresChainStates:
    """Fulfils ``controller.runtime.books.ChainBook``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def states(self) -> list[ChainState]:
        """Of every chain, by writer."""
        with in_our_terms():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(_STATES)).mappings()
                return [ChainState(**row) for row in rows]
