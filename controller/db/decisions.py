"""How decisions are written: any number in one statement, in their order, each with its place in the chain."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from psycopg import AsyncCursor

from controller.db.bounded import Driver
from controller.domain.chain import BEGINNING, Link, Linked
from controller.domain.decision import Decision
from controller.errors import DatabaseRefused

_INSERT = """
INSERT INTO decision
    (token, at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts,
     writer, position, hash)
SELECT token, at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts,
    writer, position, hash
FROM json_to_recordset(%s::json) AS given (
    token text, at timestamptz, call_id uuid, pbx text, linkedid text, kind text, verdict text, reason text,
    rule text, purpose text, policy_version text, actor text, facts jsonb, writer text, position bigint, hash bytea
)
ORDER BY position
RETURNING token, seq
"""
ANOTHER = "its token is that of another decision"
_HEAD = "SELECT position, hash FROM decision WHERE writer = %s ORDER BY position DESC LIMIT 1"
_THERE = "SELECT token, seq, at, call_id::text, kind, verdict, reason FROM decision WHERE token = ANY(%s)"


async def insert(driver: Driver, writer: str, linked: Sequence[Linked]) -> AsyncCursor[Any]:
    """Send decisions; read their numbers with ``numbers`` once they are written.

    One that is there already, or whose place is taken, lets none of them be written (``DatabaseTaken``).
    """
    return await driver.execute(_INSERT, (json.dumps([_row(writer, one) for one in linked]),))


async def numbers(cursor: AsyncCursor[Any]) -> dict[str, int]:
    """The ``seq`` of each decision that was written, by its token."""
    return dict(await cursor.fetchall())


async def head(driver: Driver, writer: str) -> Link:
    """The newest link of a writer's chain."""
    row = await (await driver.execute(_HEAD, (writer,))).fetchone()
    return Link(position=row[0], hash=row[1]) if row else BEGINNING


async def there(driver: Driver, decisions: Sequence[Decision], *, questions: Collection[str]) -> dict[str, int]:
    """The ``seq`` of those that an earlier write has left behind, though nobody learnt of it, by token.

    Those whose tokens are among ``questions`` are not decided yet. Raises ``DatabaseRefused`` where what has a token is
    another decision.
    """
    cursor = await driver.execute(_THERE, ([decision.token for decision in decisions],))
    found = {token: (seq, tuple(said)) for token, seq, *said in await cursor.fetchall()}
    for decision in decisions:
        if decision.token not in found:
            continue
        known, ours = found[decision.token][1], essence(decision)
        asked = len(ours) - 2 if decision.token in questions else len(ours)
        if known[:asked] != ours[:asked]:
            raise DatabaseRefused(ANOTHER)
    return {token: seq for token, (seq, _) in found.items()}


def essence(decision: Decision) -> tuple[object, ...]:
    """Two decisions of one token are the same where this is; the last two are what a draw decides."""
    return (decision.at, decision.call_id, decision.kind, decision.verdict, decision.reason)


def _row(writer: str, linked: Linked) -> dict[str, object]:
    decision = linked.decision
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
        "writer": writer,
        "position": linked.link.position,
        "hash": f"\\x{linked.link.hash.hex()}",
    }
