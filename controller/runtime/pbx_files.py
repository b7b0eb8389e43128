"""Files of recordings on a PBX: both sides of one, where they are heard and where nobody listens.

Each function can be called again: what was done before is no error. Raises ``PbxError``.
"""

from contextlib import suppress

from controller.ari.client import Ari
from controller.domain.names import RecordingName
from controller.domain.sides import sides_of
from controller.errors import Gone, NotNow

QUARANTINE = "rc-quarantine"
"""The folder, among Asterisk's recordings, of files that nobody may listen to."""


def hidden(file: str) -> str:
    """What a file is called where nobody listens to it."""
    return f"{QUARANTINE}/{file}"


async def copy_to_quarantine(ari: Ari, file: str) -> None:
    """Have a file there, too."""
    with suppress(Gone, NotNow):  # NotNow: it was copied before, and perhaps not deleted
        await ari.copy_stored_recording(file, hidden(file))


async def remove(ari: Ari, file: str) -> None:
    """Delete one file."""
    with suppress(Gone):
        await ari.delete_stored_recording(file)


async def quarantine(ari: Ari, recording: RecordingName) -> None:
    """Move a recording to where nobody listens."""
    for side in sides_of(recording):
        await copy_to_quarantine(ari, side)
        await remove(ari, side)


async def delete(ari: Ari, recording: RecordingName) -> None:
    """Delete a recording, wherever it is."""
    for side in sides_of(recording):
        for file in (side, hidden(side)):
            await remove(ari, file)
