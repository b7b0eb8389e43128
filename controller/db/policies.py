"""Which policies were in force, and since when, read from the decisions about them."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.domain.decision import Reason
from controller.runtime.books import InForce

_HISTORY: Final = text(f"""
WITH loaded AS (
    SELECT at, policy_version AS version, actor FROM decision
    WHERE kind = 'config' AND reason = '{Reason.POLICY_LOADED}'
), begun AS (
    SELECT loaded_at AS at, version, CAST(NULL AS text) AS actor FROM policy_version
    WHERE NOT EXISTS (
        SELECT FROM loaded
        WHERE loaded.version = policy_version.version AND loaded.at < policy_version.loaded_at + interval '1 minute'
    )
)
SELECT found.at, found.version, found.actor, policy_version.text
FROM (SELECT * FROM loaded UNION ALL SELECT * FROM begun) AS found JOIN policy_version USING (version)
ORDER BY found.at DESC LIMIT :most
""")  # noqa: S608 - a constant of the domain


class PostgresPolicies:
    """Fulfils ``controller.runtime.books.PolicyBook``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def history(self, most: int) -> list[InForce]:
        """The newest first. A policy is kept just before it is loaded; one that nobody loaded, a daemon began with."""
        with in_our_terms():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(_HISTORY, {"most": most})).mappings()
                return [InForce(**row) for row in rows]
