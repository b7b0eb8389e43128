"""How decisions are written: any number in one statement, in their order."""

import json
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncCursor

from controller.db.bounded import Driver
from controller.domain.decision import Decision
from controller.errors import DatabaseAway

_INSERT = """
WITH given AS (
    SELECT * FROM ROWS FROM (json_to_recordset(%s::json) AS (
        token text, at timestamptz, call_id uuid, pbx text, linkedid text, kind text, verdict text, reason text,
        rule text, purpose text, policy_version text, actor text, facts jsonb
    )) WITH ORDINALITY
), written AS (
    INSERT INTO decision
        (token, at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts)
    SELECT token, at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts
    FROM given ORDER BY ordinality
    ON CONFLICT (token) DO NOTHING
    RETURNING token, seq
)
SELECT token, seq FROM written
UNION ALL SELECT decision.token, decision.seq FROM decision JOIN given USING (token)
"""


async def insert(driver: Driver, decisions: Sequence[Decision]) -> AsyncCursor[Any]:
    """Send decisions; read their numbers with ``numbers`` once they are written.

    One that an earlier write has left behind, though nobody learnt of it, is not written again.
    """
    return await driver.execute(_INSERT, (json.dumps([_row(decision) for decision in decisions]),))


async def numbers(cursor: AsyncCursor[Any], decisions: Sequence[Decision]) -> list[int]:
    """The ``seq`` of each decision, in their order.

    Raises ``DatabaseAway`` where an earlier write, that was given up, lands at this very moment.
    """
    found: dict[str, int] = dict(await cursor.fetchall())
    if not all(decision.token in found for decision in decisions):
        raise DatabaseAway("an earlier write is still landing")
    return [found[decision.token] for decision in decisions]


def _row(decision: Decision) -> dict[str, object]:
    return {
        "token": decision.token,
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
