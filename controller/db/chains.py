"""The chains of decisions and their checkpoints, as PostgreSQL has them.

Everything here raises ``DatabaseAway``.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row
from sqlalchemy import Row, Select, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audit.checkpoints import Checkpoint
from controller.audit.verify import Decided
from controller.db.failures import FAILURES, in_our_terms, translated
from controller.db.tables import checkpoint, decision
from controller.domain.chain import Link

_ROWS = sql.SQL("""
COPY (
    SELECT writer, position, encode(hash, 'hex'), seq, token, (extract(epoch FROM at) * 1000000)::bigint, call_id, pbx,
        linkedid, kind, verdict, reason, rule, purpose, policy_version, actor, facts::text
    FROM decision ORDER BY writer, position
) TO STDOUT
""")
_POINTS = "SELECT writer, position, hash, at, key_id, signature FROM checkpoint ORDER BY writer, position"


class PostgresChains:
    """Fulfils ``controller.runtime.notary.Chains``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def head(self, writer: str) -> Link | None:
        """The newest link of a chain; None where there is none."""
        chosen = select(decision.c.position, decision.c.hash).where(decision.c.writer == writer)
        row = await self._first(chosen.order_by(decision.c.position.desc()).limit(1))
        return Link(position=row.position, hash=row.hash) if row else None

    async def link_at(self, writer: str, position: int) -> Link | None:
        """The link of a chain at a position; None where there is none."""
        here = (decision.c.writer == writer, decision.c.position == position)
        row = await self._first(select(decision.c.position, decision.c.hash).where(*here))
        return Link(position=row.position, hash=row.hash) if row else None

    async def last_checkpoint(self, writer: str) -> Checkpoint | None:
        """The newest checkpoint of a chain."""
        chosen = select(checkpoint).where(checkpoint.c.writer == writer)
        row = await self._first(chosen.order_by(checkpoint.c.position.desc()).limit(1))
        return _checkpoint(row) if row else None

    async def keep(self, point: Checkpoint) -> None:
        """Add a checkpoint. Raises ``DatabaseTaken`` where there is one of this position."""
        with in_our_terms():
            async with self._engine.begin() as connection:
                await connection.execute(
                    insert(checkpoint).values(
                        at=point.at,
                        writer=point.writer,
                        position=point.position,
                        hash=point.hash,
                        key_id=point.key_id,
                        signature=point.signature,
                    )
                )

    async def _first(self, statement: Select[Any]) -> Row[Any] | None:
        with in_our_terms():
            async with self._engine.connect() as connection:
                found: Row[Any] | None = (await connection.execute(statement)).first()
                return found


@contextmanager
def everything(url: str) -> Iterator[tuple[Iterator[Decided], list[Checkpoint]]]:
    """All rows by writer and position, one after the other, and all checkpoints, of one moment. Blocking."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute("SET LOCAL TIME ZONE 'UTC'")
            points = connection.cursor(row_factory=namedtuple_row).execute(_POINTS).fetchall()
            with connection.cursor().copy(_ROWS) as copy:
                yield map(_row, copy.rows()), [_checkpoint(point) for point in points]
    except FAILURES as error:
        raise translated(error) from error


def _row(columns: tuple[Any, ...]) -> Decided:
    writer, position, digest, seq, token, at, *words, facts = columns
    return Decided(
        writer=writer,
        position=int(position),
        hash=bytes.fromhex(digest),
        seq=int(seq),
        content=(token, int(at), *words, json.loads(facts)),
    )


def _checkpoint(row: Any) -> Checkpoint:  # noqa: ANN401 - a row of the table, whichever library has read it
    return Checkpoint(
        writer=row.writer,
        position=row.position,
        hash=bytes(row.hash),
        at=row.at,
        key_id=row.key_id,
        signature=bytes(row.signature),
    )
