"""What the sample came to, read from the decisions: week by week, and draw by draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.failures import in_our_terms
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.domain.replay import ELIGIBLE, Drawn, drawn
from controller.domain.sampling import WINDOW
from controller.domain.share import Week

_WEEKS = text(f"""
SELECT purpose, facts ->> 'stratum' AS stratum, to_char(at AT TIME ZONE 'UTC', 'IYYY-"W"IW') AS week,
       count(*) AS answered,
       count(*) FILTER (WHERE reason IN ({", ".join(f"'{reason}'" for reason in sorted(ELIGIBLE))})) AS eligible,
       count(*) FILTER (WHERE reason = '{Reason.SAMPLED}') AS chosen,
       CAST(facts ->> 'minimum' AS float8) AS minimum, CAST(facts ->> 'maximum' AS float8) AS maximum
FROM decision
WHERE kind = 'record' AND facts ? 'block_size'
  AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
  AND (CAST(:purpose AS text) IS NULL OR purpose = :purpose)
GROUP BY purpose, stratum, week, minimum, maximum
ORDER BY purpose, stratum, week, minimum, maximum
""")  # noqa: S608 - constants of the domain

_OF_CALL = text("""
SELECT seq, at, purpose, reason, facts FROM decision
WHERE call_id = CAST(:call AS uuid) AND kind = 'record' ORDER BY seq
""")

_BEFORE = text("""
SELECT purpose, reason, facts FROM decision
WHERE kind = 'record' AND facts ? 'block_size' AND purpose = :purpose AND facts ->> 'stratum' = :stratum AND seq < :seq
ORDER BY seq DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A decision on whether a call may be recorded; ``drawn`` is None where no sample was asked."""

    seq: int
    at: datetime
    purpose: str | None
    reason: Reason
    drawn: Drawn | None


class PostgresSamples:
    """Fulfils ``controller.runtime.books.SampleBook``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def weeks(self, *, since: datetime | None = None, purpose: str | None = None) -> list[Week]:
        """As the function of this name has it."""
        return await weeks(self._engine, since=since, purpose=purpose)


async def weeks(engine: AsyncEngine, *, since: datetime | None = None, purpose: str | None = None) -> list[Week]:
    """What the sample came to, by purpose, stratum and week; PostgreSQL adds up. Raises ``DatabaseAway``.

    A week in which the limits changed has a row for each.
    """
    return [Week(**row) for row in await _rows(engine, _WEEKS, since=since, purpose=purpose)]


async def of_call(engine: AsyncEngine, call: CallId) -> list[Asked]:
    """Whether a call may be recorded, purpose by purpose. Raises ``DatabaseAway``; ``DatabaseRefused`` for no id."""
    return [
        Asked(
            seq=row["seq"],
            at=row["at"],
            purpose=row["purpose"],
            reason=Reason(row["reason"]),
            drawn=_drawn(row) if "block_size" in row["facts"] else None,
        )
        for row in await _rows(engine, _OF_CALL, call=call)
    ]


async def before(engine: AsyncEngine, call: Drawn, seq: int) -> list[Drawn]:
    """The draws of a stratum just before the one with this ``seq``, the newest first: as many as a draw looks back."""
    rows = await _rows(engine, _BEFORE, purpose=call.purpose, stratum=call.stratum, seq=seq, most=WINDOW - 1)
    return [_drawn(row) for row in rows]


async def _rows(engine: AsyncEngine, statement: Any, **given: object) -> list[Mapping[str, Any]]:  # noqa: ANN401
    with in_our_terms():
        async with engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(statement, given)).mappings()]


def _drawn(row: Mapping[str, Any]) -> Drawn:
    return drawn(purpose=row["purpose"], reason=Reason(row["reason"]), facts=row["facts"])
