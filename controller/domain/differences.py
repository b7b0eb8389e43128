"""How decisions, rows, objects, keys and files can contradict one another: one name for each way."""

from dataclasses import dataclass
from enum import StrEnum


class Difference(StrEnum):
    """What does not fit together. ``docs/reference/differences.md`` says what to do about each."""

    CHAIN_BROKEN = "chain-broken"
    """A chain of decisions is not as it was written, or not as long as it was signed."""
    ERASURES_BROKEN = "erasures-broken"
    """A line of the file of erasures is not as it was written."""
    ERASURE_NOT_IN_FILE = "erasure-not-in-file"
    """The database names an erasure that the file of erasures does not."""
    KEY_OF_ERASED = "key-of-erased"
    """What was erased has its key again."""
    OBJECT_OF_ERASED = "object-of-erased"
    """What was erased or destroyed has its object, or something made from it, in the store still or again."""
    NUMBER_OF_ERASED = "number-of-erased"
    """A call has its customer's number again, which was erased."""
    KEY_OF_DESTROYED = "key-of-destroyed"
    """A row says that its key is destroyed, and has it."""
    KEY_MISSING = "key-missing"
    """A row says that something is stored, and has no key to open it."""
    KEY_UNOPENED = "key-unopened"
    """No master key opens a wrapped key."""
    OBJECT_MISSING = "object-missing"
    """A row says that something is stored, and its object is not in the store."""
    OBJECT_EMPTY = "object-empty"
    """An object has no content, not even what sealing adds."""
    OBJECT_CHANGED = "object-changed"
    """An object does not open with its key, or is not what was sealed."""
    OBJECT_UNKNOWN = "object-unknown"
    """No row knows an object."""
    DERIVED_ORPHAN = "derived-orphan"
    """Something is in the store that was made from a recording which is not."""
    STORED_UNKNOWN = "stored-unknown"
    """Something is stored that belongs to no recording and to no document."""
    DESTROYED_UNDECIDED = "destroyed-undecided"
    """Something was destroyed, and no decision says so."""
    RECORDING_UNDECIDED = "recording-undecided"
    """A recording was made, and no decision allows it."""
    RECORDING_LOST = "recording-lost"
    """A recording has ended and is neither stored nor on its PBX."""
    FILE_UNKNOWN = "file-unknown"
    """No recording knows a file among those of the PBX."""
    FILE_LEFT = "file-left"
    """The PBX has the file still, of a recording that is stored, destroyed or discarded."""
    PBX_AWAY = "pbx-away"
    """A PBX did not say which files it has, so these were not compared."""
    CALL_UNKNOWN = "call-unknown"
    """The PBX's call log has an answered call that no decision was asked about."""


COUNTED_ONLY = frozenset({Difference.CALL_UNKNOWN})
"""What may well be: a call of its own that never came to us, or one that was excluded and names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One difference: ``what`` names the recording, object, file or call, ``detail`` more of it; no number."""

    difference: Difference
    what: str
    detail: str = ""
