"""Why this daemon cannot answer for any recording just now, whatever becomes of the call itself."""

from enum import StrEnum


class Hindrance(StrEnum):
    """What stands between this daemon and its duty. Each holds for all calls of a PBX at once."""

    DATABASE_AWAY = "database-away"
    """Decisions cannot be made durable where others can read them."""
    EVENTS_LOST = "events-lost"
    """The events of the PBX are not heard: whoever asks for a pause by key is not either."""
    HANDING_OVER = "handing-over"
    """This daemon ends, and the next one goes on with the recordings."""
    LEAVING = "leaving"
    """This daemon ends, and so do the recordings."""
    STORAGE_FULL = "storage-full"
    """What is recorded has no room where it is to be kept: nothing new begins, what is being recorded goes on."""


Hindrances = frozenset[Hindrance]
NOTHING_HINDERS: Hindrances = frozenset()
