"""How the state of the samples is read under a lock and written back.

Every writer locks the strata of its batch in one order (bytes of purpose and stratum), so that no two wait for each
other.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import AsyncCursor

from controller.db.bounded import Driver
from controller.domain.sampling import WINDOW, Stratum

Key = tuple[str, str]
"""Purpose and stratum."""

_CREATE = f"""
INSERT INTO sampling_stratum (purpose, stratum, answered, owed, recent)
SELECT purpose, stratum, 0, 0, 0::bit({WINDOW - 1})
FROM json_to_recordset(%s::json) AS missing (purpose text, stratum text)
ORDER BY purpose COLLATE "C", stratum COLLATE "C"
ON CONFLICT DO NOTHING
"""  # noqa: S608 - the length of a column

_LOCK = """
SELECT purpose, stratum, answered, owed, recent::text FROM sampling_stratum
WHERE (purpose, stratum) IN (
    SELECT purpose, stratum FROM json_to_recordset(%s::json) AS wanted (purpose text, stratum text)
)
ORDER BY purpose COLLATE "C", stratum COLLATE "C"
FOR UPDATE
"""

_SAVE = f"""
UPDATE sampling_stratum AS known SET answered = now.answered, owed = now.owed, recent = now.recent
FROM json_to_recordset(%s::json) AS now (
    purpose text, stratum text, answered bigint, owed int, recent bit({WINDOW - 1})
)
WHERE (known.purpose, known.stratum) = (now.purpose, now.stratum)
"""  # noqa: S608 - the length of a column


async def locked(driver: Driver, keys: Iterable[Key]) -> dict[Key, Stratum]:
    """Lock the strata until the transaction ends, new ones too, and read them."""
    wanted = json.dumps([{"purpose": purpose, "stratum": stratum} for purpose, stratum in set(keys)])
    await driver.execute(_CREATE, (wanted,))
    return await _read(await driver.execute(_LOCK, (wanted,)))


async def save(driver: Driver, strata: Mapping[Key, Stratum]) -> None:
    """Write strata back that are locked."""
    rows = [
        {
            "purpose": purpose,
            "stratum": stratum,
            "answered": state.answered,
            "owed": state.owed,
            "recent": f"{state.recent:0{WINDOW - 1}b}",
        }
        for (purpose, stratum), state in strata.items()
    ]
    await driver.execute(_SAVE, (json.dumps(rows),))


async def _read(cursor: AsyncCursor[Any]) -> dict[Key, Stratum]:
    return {
        (purpose, stratum): Stratum(answered=answered, owed=owed, recent=int(recent, 2))
        for purpose, stratum, answered, owed, recent in await cursor.fetchall()
    }
