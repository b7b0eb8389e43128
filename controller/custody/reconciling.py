"""Holds decisions, recordings, rows, objects and the PBXs' files against one another; every day, and when asked.

Every difference is named, none is repaired. What is on its way from one place to another looks like a difference for a
moment: so what is found once is looked for again, and counts if it is still there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Never

import structlog

from controller.custody.custody import Custody
from controller.custody.restoring import STORE, stock
from controller.db.inventory import Inventory, Outside
from controller.domain.differences import COUNTED_ONLY, Difference, Found
from controller.errors import PbxError, RecordingControllerError
from controller.runtime import metrics

FIRST_AFTER_S = 900.0
EVERY_S = 86_400.0
AGAIN_AFTER_S = 5.0
"""By then a recording that was on its way has arrived."""

CALLS = (
    Difference.RECORDING_UNDECIDED,
    Difference.RECORDING_LOST,
    Difference.FILE_UNKNOWN,
    Difference.FILE_LEFT,
    Difference.PBX_AWAY,
    Difference.CALL_UNKNOWN,
)
"""What is looked for beside what a check of the store looks for."""

Files = Callable[[], Awaitable[Sequence[str]]]
"""Gives the names of the recordings whose file is on a PBX. Raises ``PbxError``."""

_log = structlog.get_logger(__name__)


class Reconciling:
    """``pbxs`` gives the files of each PBX by its name; ``calls`` are unique ids of answered calls in a call log."""

    def __init__(
        self,
        custody: Custody,
        pbxs: Mapping[str, Files],
        *,
        calls: Callable[[], Iterable[str]] = tuple,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        self._custody = custody
        self._pbxs = pbxs
        self._calls = calls
        self._again_after_s = again_after_s

    async def differences(self) -> list[Found]:
        """Every difference that stands. Raises ``DatabaseAway``, ``StoreAway``, ``ErasureNotKept``."""
        found = await self._look()
        if not found:
            return []
        await asyncio.sleep(self._again_after_s)
        again = set(await self._look())
        return [one for one in found if one in again]

    async def run(self, *, first_after_s: float = FIRST_AFTER_S, every_s: float = EVERY_S) -> Never:
        """Once a day, until cancelled: log how many there are of each kind, and count them."""
        await asyncio.sleep(first_after_s)
        while True:
            try:
                told(await self.differences())
            except RecordingControllerError as error:
                _log.warning("reconciling.not_done", reason=type(error).__name__)
            await asyncio.sleep(every_s)

    async def _look(self) -> list[Found]:
        """Files are listed before rows are read, as objects are."""
        files = {pbx: await _listed(ask) for pbx, ask in self._pbxs.items()}
        async with stock(self._custody) as (lists, broken):
            await lists.add(Outside.FILE, ((pbx, name) for pbx, names in files.items() for name in names or ()))
            await lists.add(Outside.PBX_AWAY, ((pbx,) for pbx, names in files.items() if names is None))
            await lists.add(Outside.CALL, ((call,) for call in self._calls()))
            return broken + [one async for one in _each(lists)]


def told(differences: Sequence[Found]) -> None:
    """Log and count them, by kind."""
    counts = Counter(one.difference for one in differences)
    for kind in Difference:
        metrics.DIFFERENCES.labels(kind.value).set(counts[kind])
        if counts[kind]:
            _log.error("reconciling.difference", kind=kind.value, count=counts[kind])
    _log.info("reconciling.done", differences=counts.total())


def contradicting(differences: Iterable[Found]) -> bool:
    """Whether any of them is more than worth counting."""
    return any(one.difference not in COUNTED_ONLY for one in differences)


async def _listed(ask: Files) -> Sequence[str] | None:
    try:
        return await ask()
    except PbxError:
        return None


async def _each(lists: Inventory) -> AsyncIterator[Found]:
    for difference in (*STORE, *CALLS):
        async with aclosing(lists.found(difference)) as found:
            async for one in found:
                yield one
