"""Whether all that is kept fits together: rows, keys, objects, and what the file of erasures says is gone.

For after a restore, and at any other time. Nothing is changed here.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

from controller.custody.custody import Custody
from controller.custody.erasures import BrokenLine
from controller.db.inventory import Inventory, Outside, inventory
from controller.db.wrapping import Wrapped, wrapped
from controller.domain.differences import Difference, Found
from controller.errors import ObjectGone, SealBroken
from controller.store.vault import Content
from controller.threads import off_the_loop

STORE = (
    Difference.ERASURE_NOT_IN_FILE,
    Difference.KEY_OF_ERASED,
    Difference.OBJECT_OF_ERASED,
    Difference.NUMBER_OF_ERASED,
    Difference.KEY_OF_DESTROYED,
    Difference.KEY_MISSING,
    Difference.OBJECT_MISSING,
    Difference.OBJECT_EMPTY,
    Difference.OBJECT_UNKNOWN,
    Difference.DERIVED_ORPHAN,
    Difference.STORED_UNKNOWN,
    Difference.DESTROYED_UNDECIDED,
)
"""What rows, objects and the file of erasures can say against one another."""


async def check(custody: Custody, *, deep: bool) -> AsyncGenerator[Found, None]:
    """Every difference between rows, keys, objects and erasures; ``deep`` opens every object and measures it.

    Raises ``DatabaseAway``, ``StoreAway``, ``ErasureNotKept``.
    """
    async with stock(custody) as (lists, broken):
        for line in broken:
            yield line
        for difference in STORE:
            async with aclosing(lists.found(difference)) as found:
                async for one in found:
                    yield one
    async with aclosing(_keys(custody, deep=deep)) as faults:
        async for fault in faults:
            yield fault


@asynccontextmanager
async def stock(custody: Custody) -> AsyncIterator[tuple[Inventory, list[Found]]]:
    """The objects and the file of erasures beside the tables, and the lines of that file which are broken.

    Objects are listed before a row is read: whatever is in the store by then has its row already.
    """
    broken: list[Found] = []
    async with inventory(custody.engine) as lists:
        await lists.add(Outside.OBJECT, custody.vault.objects.sizes())
        await lists.add(Outside.ERASED, _erased(custody, broken))
        yield lists, broken


def _erased(custody: Custody, broken: list[Found]) -> Iterator[tuple[str]]:
    file = custody.erasures.path.name
    for line in custody.erasures.lines():
        if isinstance(line, BrokenLine):
            broken.append(Found(difference=Difference.ERASURES_BROKEN, what=f"{file}:{line.line}", detail=line.why))
        else:
            yield (line.what,)


async def _keys(custody: Custody, *, deep: bool) -> AsyncGenerator[Found, None]:
    async with aclosing(wrapped(custody.engine)) as keys:
        async for one in keys:
            fault = await off_the_loop(_fault, custody, one, deep=deep)
            if fault is not None:
                yield fault


def _fault(custody: Custody, one: Wrapped, *, deep: bool) -> Found | None:
    try:
        key = custody.vault.masters.unwrap(one.key)
    except SealBroken as error:
        return Found(difference=Difference.KEY_UNOPENED, what=one.recording, detail=str(error))
    if not deep or one.object is None or one.sha256 is None or one.octets is None:
        return None
    try:
        content = custody.vault.content(one.object, key)
    except ObjectGone:  # said already, from the list
        return None
    except SealBroken as error:
        return Found(difference=Difference.OBJECT_CHANGED, what=one.recording, detail=str(error))
    if content == Content(sha256=one.sha256, octets=one.octets):
        return None
    return Found(difference=Difference.OBJECT_CHANGED, what=one.recording, detail="is not what was sealed")
