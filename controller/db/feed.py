"""Decisions read back in their order, by one daemon at a time, from where the last one has come to.

How far a feed has come is a position in the chain of each writer. Positions have no gaps and a chain grows by one
transaction after the other, so nothing can turn up later before a position that was read; numbers (``seq``) are given
before their transactions end, and can.
The connection holds the lock, reads and notes: where it is lost, so is the right to note, and another daemon goes on.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, LiteralString, Self

from controller.db.own_connection import OwnConnection
from controller.domain.decision import Kind, Reason, StoredDecision, Verdict
from controller.domain.names import CallId, Token
from controller.runtime.feed import Told

COMMAND_S: Final = 30.0
"""How long a command waits for PostgreSQL."""
_TRY = "SELECT pg_try_advisory_lock(hashtextextended('recording-controller/feed/' || %s, 0)) AS taken"
_WRITERS = """
    writers AS (
        (SELECT writer FROM decision ORDER BY writer LIMIT 1)
        UNION ALL
        SELECT (SELECT next.writer FROM decision next WHERE next.writer > writers.writer ORDER BY writer LIMIT 1)
        FROM writers WHERE writers.writer IS NOT NULL
    )
"""
"""Every writer, by one look into the index for each."""
_ENDS: LiteralString = f"""
WITH RECURSIVE {_WRITERS}, ends AS (
    SELECT writer, (SELECT max(position) FROM decision WHERE decision.writer = writers.writer) AS position
    FROM writers WHERE writer IS NOT NULL
)
"""  # noqa: S608 - words of our own
"""Where the chain of each writer ends now."""
_BEGIN: LiteralString = f"""
{_ENDS}
INSERT INTO feed (name, positions)
SELECT %s, coalesce(jsonb_object_agg(writer, position), '{{}}') FROM ends
ON CONFLICT (name) DO NOTHING
"""  # noqa: S608 - words of our own
"""Somebody new is told what is decided from now on."""
_AFTER: LiteralString = f"""
WITH RECURSIVE {_WRITERS}
SELECT ahead.*, coalesce(call.linkedid = '', false) AS excluded
FROM feed CROSS JOIN writers CROSS JOIN LATERAL (
    SELECT * FROM decision
    WHERE decision.writer = writers.writer AND position > coalesce((feed.positions ->> writers.writer)::bigint, 0)
    ORDER BY position LIMIT %(most)s
) AS ahead LEFT JOIN call ON call.id = ahead.call_id
WHERE feed.name = %(name)s
ORDER BY ahead.seq LIMIT %(most)s
"""  # noqa: S608 - words of our own
_HAD = """
UPDATE feed SET given_up = given_up + %s, positions = positions || (
    SELECT coalesce(jsonb_object_agg(key, greatest(value::bigint, (positions ->> key)::bigint)), '{}')
    FROM jsonb_each_text(%s::jsonb)
)
WHERE name = %s
"""
"""Never back: somebody may have had it pass over some meanwhile."""
_STANDING: LiteralString = f"""
{_ENDS}
SELECT feed.name, feed.given_up, coalesce(sum(waiting.decisions), 0)::bigint AS waiting, min(next.written_at) AS since
FROM feed LEFT JOIN ends ON true
CROSS JOIN LATERAL (
    SELECT greatest(ends.position - coalesce((feed.positions ->> ends.writer)::bigint, 0), 0) AS decisions
) AS waiting
LEFT JOIN decision next ON waiting.decisions > 0 AND next.writer = ends.writer
    AND next.position = coalesce((feed.positions ->> ends.writer)::bigint, 0) + 1
GROUP BY feed.name, feed.given_up ORDER BY feed.name
"""  # noqa: S608 - words of our own
_PASS_OVER: LiteralString = f"""
{_ENDS}
UPDATE feed SET positions = positions || (SELECT coalesce(jsonb_object_agg(writer, position), '{{}}') FROM ends)
WHERE name = %s RETURNING name
"""  # noqa: S608 - words of our own


_AGENT = "agent"
_OF_ACCOUNTS = frozenset(
    {
        Reason.ACCOUNT_ADDED,
        Reason.ACCOUNT_CHANGED,
        Reason.ACCOUNT_DISABLED,
        Reason.TOKEN_ISSUED,
        Reason.TOKEN_REVOKED,
    }
)
"""Whose facts name those who may ask: nobody outside needs to know who they are."""


class PostgresFeed:
    """Fulfils ``controller.runtime.feed.Feed``. No answer within ``timeout_s`` seconds counts as lost."""

    def __init__(self, url: str, name: str, *, timeout_s: float = 10.0) -> None:
        self._connection = OwnConnection(url, "recording-controller feed", timeout_s=timeout_s)
        self._name = name
        self._ours = False

    async def take(self) -> bool:
        """Take or keep the feed; False where another daemon has it. Raises ``DatabaseAway``.

        One that nobody has had before begins with what is decided from then on.
        """
        if self._ours and self._connection.there:
            return True
        self._ours = False
        if not self._connection.there:
            await self._connection.open()
        [row] = await self._connection.ask(_TRY, (self._name,))
        if row.taken:
            await self._connection.ask(_BEGIN, (self._name,))
            self._ours = True
        return self._ours

    async def after(self, most: int) -> Sequence[Told]:
        """The next decisions, as many at most. Raises ``DatabaseAway``."""
        return [_told(row) for row in await self._connection.ask(_AFTER, {"name": self._name, "most": most})]

    async def had(self, told: Sequence[Told], *, given_up: int = 0) -> None:
        """Go on after these. Raises ``DatabaseAway``."""
        positions = {one.writer: one.position for one in told}
        await self._connection.ask(_HAD, (given_up, json.dumps(positions), self._name))

    async def release(self) -> None:
        """Give the feed up."""
        self._ours = False
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a feed has come: decisions that it has not come to, since when the oldest of them, and those given up."""

    name: str
    waiting: int
    since: datetime | None
    given_up: int


async def standings(url: str) -> list[Standing]:
    """Every feed that there ever was, by name. Raises ``DatabaseError``."""
    rows = await _asked(url, _STANDING)
    return [Standing(name=row.name, waiting=row.waiting, since=row.since, given_up=row.given_up) for row in rows]


async def pass_over(url: str, name: str) -> bool:
    """Have a feed go on with what is decided from now on; False where there is no such feed. Raises ``DatabaseError``.

    Also while a daemon has it, which may still tell what it has read already.
    """
    return bool(await _asked(url, _PASS_OVER, (name,)))


async def _asked(url: str, question: LiteralString, arguments: tuple[object, ...] | None = None) -> list[Any]:
    connection = OwnConnection(url, "recording-controller command", timeout_s=COMMAND_S)
    await connection.open()
    try:
        return await connection.ask(question, arguments)
    finally:
        await connection.close()


def _told(row: Any) -> Told:  # noqa: ANN401 - a row of the statement above
    """A decision about a call that was excluded since names nobody any more; none names who uses this system."""
    return Told(
        token=Token(row.token),
        writer=row.writer,
        position=row.position,
        written_at=row.written_at,
        decision=StoredDecision(
            seq=row.seq,
            at=row.at,
            call_id=None if row.call_id is None else CallId(str(row.call_id)),
            pbx=row.pbx,
            linkedid=None if row.excluded else row.linkedid,
            kind=Kind(row.kind),
            verdict=Verdict(row.verdict),
            reason=row.reason,
            rule=None if row.excluded else row.rule,
            purpose=row.purpose,
            policy_version=row.policy_version,
            actor=_actor(row.actor, excluded=row.excluded),
            facts={} if row.excluded or row.reason in _OF_ACCOUNTS else row.facts,
        ),
    )


def _actor(actor: str, *, excluded: bool) -> str:
    """Who acted, as far as that is anybody's business outside: an extension, but of no account, token or user."""
    sort, _, _name = actor.partition(":")
    return actor if sort == _AGENT and not excluded else sort
