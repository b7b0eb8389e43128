"""Puts a file of the PBX, sealed, into the object store, and looks at what lies there.

Owns what is put under which key. Whether it is to be put, and what is written of it, is ``ingest``'s business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyrage.x25519 import Identity

from controller.audio.stereo import StereoWav
from controller.custody.bridge import in_thread
from controller.custody.custody import Custody
from controller.custody.files import PbxFiles, opened
from controller.custody.mending import Mended
from controller.db.holdings import Holding
from controller.domain.names import RecordingName
from controller.domain.records import StoredRecord, StoredState
from controller.errors import ObjectGone, SealBroken
from controller.runtime.clock import now
from controller.store.keys import new_key
from controller.store.vault import Content
from controller.threads import off_the_loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What an object holds. ``partial`` is None where only the object is left to tell."""

    content: Content
    partial: bool | None


async def put(custody: Custody, files: PbxFiles, found: Holding) -> Put:
    """Seal the file of a recording into its object, and read it back; of two sides one file is made.

    Raises ``PbxError``, ``StoreError``.
    """
    async with opened(files, RecordingName(found.name)) as sides:
        key, octets = await _key(custody, found), [side.octets for side in sides]

        def sealed(pieces: Sequence[Iterator[bytes]]) -> Put:
            whole = StereoWav(*pieces, octets=octets) if len(sides) > 1 else Mended(pieces[0], octets[0])
            content = custody.vault.put(object_of(found), whole, key)
            return Put(content=content, partial=whole.partial)

        return await in_thread(sealed, [side.pieces for side in sides])


async def content_of(custody: Custody, found: Holding) -> Content | None:
    """What is whole in the store: an object is there whole or not at all. Raises ``StoreAway``.

    Where no master key opens its key, nobody knows: raises ``SealBroken``, ``ObjectGone`` where the key is destroyed.
    """
    key = custody.vault.key(found.stored)

    def look() -> Content | None:
        try:
            return custody.vault.content(object_of(found), key)
        except (ObjectGone, SealBroken):
            return None

    return await off_the_loop(look)


def object_name(purpose: str, began_at: datetime, recording: str) -> str:
    """Where a recording lies: ``<purpose>/<yyyy>/<mm>/<dd>/<recording>.age``, the day in UTC."""
    return f"{purpose}/{began_at.astimezone(UTC):%Y/%m/%d}/{recording}.age"


def object_of(found: Holding) -> str:
    """Where this one lies."""
    return found.stored.object or object_name(found.purpose, found.started_at or now(), found.name)


async def _key(custody: Custody, found: Holding) -> Identity:
    """The key that is written; where no master key opens that any more, and nothing is stored by it, a new one."""
    try:
        return custody.vault.key(found.stored)
    except SealBroken:
        if found.stored.state is not StoredState.TAKING:
            raise
    key = new_key()
    wrapped = custody.vault.masters.wrap(key)
    taking = StoredRecord(
        recording=found.name, state=StoredState.TAKING, sealed_key=wrapped.sealed, master=wrapped.master
    )
    await custody.write([taking])
    return key
