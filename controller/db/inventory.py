"""What lies outside PostgreSQL (objects, files on PBXs, the file of erasures), held against its tables by itself.

The lists are put into temporary tables of one transaction, so that neither memory nor the event loop is in the way of a
daemon that pauses calls. Every function raises ``DatabaseAway``.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from enum import Enum
from itertools import islice

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from controller.db.failures import in_our_terms
from controller.db.queries import streamed
from controller.domain.differences import Difference, Found
from controller.threads import off_the_loop

_ROWS_AT_ONCE = 1000
_NUL = "\0"
_SET = {
    # An object store may take its time between two pieces of a list.
    "idle_in_transaction_session_timeout": "0",
    # Every row is wanted, of whole tables: what finds the first ones soonest would never find the last.
    "cursor_tuple_fraction": "1",
    "enable_nestloop": "off",
}


class Outside(Enum):
    """A list from outside, and its columns."""

    OBJECT = "found_object (name text, octets bigint)"
    FILE = "found_file (pbx text, name text)"
    PBX_AWAY = "pbx_away (pbx text)"
    ERASED = "erased_outside (what text)"
    CALL = "logged_call (call text)"

    @property
    def table(self) -> str:
        """The name of its table."""
        return self.value.partition(" ")[0]


_OURS = re.compile(r"rc-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-")
_FOREIGN = {Difference.OBJECT_UNKNOWN, Difference.DERIVED_ORPHAN, Difference.FILE_UNKNOWN}
_LIKE_A_NUMBER = re.compile(r"\+?\d(?:[ .-]?\d){5,}")

QUESTIONS: Mapping[Difference, str] = {
    Difference.ERASURE_NOT_IN_FILE: """
        SELECT e.what, e.reason FROM erasure e WHERE NOT EXISTS (SELECT FROM erased_outside x WHERE x.what = e.what)
    """,
    Difference.KEY_OF_ERASED: """
        SELECT DISTINCT s.recording, s.state FROM stored s JOIN erased_outside x ON x.what = s.recording
        WHERE s.sealed_key IS NOT NULL
    """,
    Difference.OBJECT_OF_ERASED: """
        WITH gone AS (
            SELECT recording, object FROM stored
            WHERE state = 'destroyed' OR recording IN (SELECT what FROM erased_outside)
        )
        SELECT g.recording, o.name FROM gone g JOIN found_object o ON o.name = g.object
        UNION SELECT g.recording, o.name FROM gone g JOIN found_object o ON split_part(o.name, '/', 2) = g.recording
        WHERE o.name LIKE 'derived/%'
    """,
    Difference.NUMBER_OF_ERASED: """
        SELECT DISTINCT c.id::text, '' FROM call c JOIN erased_outside x ON x.what = 'number:' || c.id::text
        WHERE c.customer_hash IS NOT NULL OR c.customer_sealed IS NOT NULL
    """,
    Difference.KEY_OF_DESTROYED: """
        SELECT recording, state FROM stored WHERE sealed_key IS NOT NULL AND state IN ('destroying', 'destroyed')
    """,
    Difference.KEY_MISSING: """
        SELECT recording, state FROM stored WHERE sealed_key IS NULL AND state IN ('taking', 'stored')
    """,
    Difference.OBJECT_MISSING: """
        SELECT s.recording, coalesce(s.object, '') FROM stored s LEFT JOIN found_object o ON o.name = s.object
        WHERE s.state = 'stored' AND o.name IS NULL
    """,
    Difference.OBJECT_EMPTY: """
        SELECT s.recording, s.object FROM stored s JOIN found_object o ON o.name = s.object
        WHERE s.state = 'stored' AND o.octets = 0
    """,
    Difference.OBJECT_UNKNOWN: """
        SELECT o.name, '' FROM found_object o LEFT JOIN stored s ON s.object = o.name
        WHERE s.recording IS NULL AND o.name NOT LIKE 'derived/%'
    """,
    Difference.DERIVED_ORPHAN: """
        SELECT o.name, '' FROM found_object o LEFT JOIN stored s ON s.recording = split_part(o.name, '/', 2)
        WHERE o.name LIKE 'derived/%' AND s.recording IS NULL
    """,
    Difference.STORED_UNKNOWN: """
        SELECT s.recording, s.state FROM stored s LEFT JOIN recording r ON r.name = s.recording
            LEFT JOIN document d ON d.id = s.recording
        WHERE r.name IS NULL AND d.id IS NULL
    """,
    Difference.DESTROYED_UNDECIDED: """
        SELECT s.recording, s.state FROM stored s WHERE s.state IN ('destroying', 'destroyed') AND NOT EXISTS (
            SELECT FROM decision d
            WHERE (d.kind, d.verdict) IN (('erase', 'applied'), ('retain', 'refused'))
                AND d.facts ->> 'recording' = s.recording
        )
    """,
    Difference.RECORDING_UNDECIDED: """
        SELECT r.name, r.state FROM recording r WHERE NOT EXISTS (
            SELECT FROM decision d WHERE d.call_id = r.call_id AND d.purpose = r.purpose
                AND d.kind = 'record' AND d.verdict = 'allowed'
        )
    """,
    Difference.RECORDING_LOST: """
        SELECT r.name, r.pbx FROM recording r LEFT JOIN stored s ON s.recording = r.name
            LEFT JOIN found_file f ON f.pbx = r.pbx AND regexp_replace(f.name, '-agent$', '-stereo') = r.name
        WHERE r.state = 'ended' AND r.started_at IS NOT NULL AND s.recording IS NULL AND f.name IS NULL
            AND r.pbx NOT IN (SELECT pbx FROM pbx_away)
    """,
    Difference.FILE_UNKNOWN: """
        SELECT f.name, f.pbx FROM found_file f LEFT JOIN recording r
            ON r.name = regexp_replace(f.name, '-agent$', '-stereo')
        WHERE r.name IS NULL AND f.name NOT LIKE 'rc-quarantine/%'
    """,
    Difference.FILE_LEFT: """
        SELECT f.name, f.pbx FROM found_file f
            JOIN recording r ON r.name = regexp_replace(
                regexp_replace(f.name, '^rc-quarantine/', ''), '-agent$', '-stereo'
            )
            LEFT JOIN stored s ON s.recording = r.name
        WHERE r.state = 'discarded' OR s.state IN ('stored', 'destroying', 'destroyed')
    """,
    Difference.PBX_AWAY: "SELECT pbx, '' FROM pbx_away",
    Difference.CALL_UNKNOWN: """
        SELECT DISTINCT l.call, '' FROM logged_call l LEFT JOIN call c ON c.linkedid = l.call WHERE c.id IS NULL
    """,
}
"""What each difference looks like, as rows of a name and a detail."""


class Inventory:
    """One transaction with the lists in it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, outside: Outside, rows: Iterable[tuple[object, ...]]) -> None:
        """Add to a list. ``rows`` is read in a thread; what it raises is raised here."""
        driver = (await self._connection.get_raw_connection()).driver_connection
        if driver is None:
            raise RuntimeError("a connection that is in use has a driver")
        iterator = iter(rows)
        async with driver.cursor() as cursor, cursor.copy(f"COPY {outside.table} FROM STDIN") as copy:
            while lines := await off_the_loop(_lines, iterator):
                await copy.write(lines)
        await self._connection.execute(text(f"ANALYZE {outside.table}"))

    async def found(self, difference: Difference) -> AsyncGenerator[Found, None]:
        """The differences of one kind, by name."""
        async with aclosing(streamed(self._connection, text(f"{QUESTIONS[difference]} ORDER BY 1, 2"))) as rows:
            async for what, detail in rows:
                shown = _shown(what) if difference in _FOREIGN else what
                yield Found(difference=difference, what=shown, detail=detail)


@asynccontextmanager
async def inventory(engine: AsyncEngine) -> AsyncIterator[Inventory]:
    """Empty lists; they are gone at the end, and nothing else has changed."""
    with in_our_terms():
        async with engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="READ COMMITTED")
            for name, value in _SET.items():
                await connection.execute(text(f"SET LOCAL {name} = {value}"))
            for outside in Outside:
                await connection.execute(text(f"CREATE TEMPORARY TABLE {outside.value} ON COMMIT DROP"))
            yield Inventory(connection)


def _shown(name: str) -> str:
    """A name that is none of ours may hold a telephone number."""
    return name if _OURS.search(name) else _LIKE_A_NUMBER.sub("…", name)


def _lines(rows: Iterator[tuple[object, ...]]) -> bytes:
    """The next rows, as COPY reads them; empty at the end."""
    return "".join("\t".join(map(_field, row)) + "\n" for row in islice(rows, _ROWS_AT_ONCE)).encode()


def _field(value: object) -> str:
    plain = str(value).replace(_NUL, "").replace("\\", "\\\\")
    return plain.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
