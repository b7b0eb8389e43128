"""How decisions are written: any number in one statement, in their order."""

import json
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncCursor

from controller.db.bounded import Driver
from controller.domain.decision import Decision

_INSERT = """
INSERT INTO decision
    (at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts)
SELECT at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts
FROM ROWS FROM (json_to_recordset(%s::json) AS (
    at timestamptz, call_id uuid, pbx text, linkedid text, kind text, verdict text, reason text, rule text,
    purpose text, policy_version text, actor text, facts jsonb
)) WITH ORDINALITY ORDER BY ordinality
RETURNING seq
"""


async def insert(driver: Driver, decisions: Sequence[Decision]) -> AsyncCursor[Any]:
    """Send decisions; read their numbers with ``numbers`` once they are written."""
    return await driver.execute(_INSERT, (json.dumps([_row(decision) for decision in decisions]),))


async def numbers(cursor: AsyncCursor[Any]) -> list[int]:
    """The ``seq`` of each decision: they are given in the order of the rows, so sorted is that order."""
    return sorted(row[0] for row in await cursor.fetchall())


def _row(decision: Decision) -> dict[str, object]:
    return {
        "at": decision.at.isoformat(),
        "call_id": decision.call_id,
        "pbx": decision.pbx,
        "linkedid": decision.linkedid,
        "kind": decision.kind,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "rule": decision.rule,
        "purpose": decision.purpose,
        "policy_version": decision.policy_version,
        "actor": decision.actor,
        "facts": dict(decision.facts),
    }
