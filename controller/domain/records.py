"""What is stored of calls and recordings beside the decisions: snapshots, each overwriting the one before.

Pure data; ``controller.db`` stores it, nothing here decides anything.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call as it is known now.

    The customer's number is only here as a keyed hash, and sealed for those who may see it (GDPR art. 25).
    """

    id: CallId
    pbx: str
    linkedid: str
    direction: Direction
    queue: str
    language: str
    route: str | None
    agent: str | None
    customer_hash: bytes | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    customer_sealed: bytes | None = None


class RecordingState(StrEnum):
    """``ended`` has a file, ``failed`` never had one.

    ``quarantining`` waits for its file to be moved where nobody listens, ``discarding`` for it to be deleted.
    """

    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"
    QUARANTINING = "quarantining"
    QUARANTINED = "quarantined"
    DISCARDING = "discarding"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRecord:
    """A recording as it is known now: one file, for one purpose of one call.

    ``milliseconds`` is the length of the audio by our own clock, to about a frame. What was recorded from
    ``quarantined_from`` on may hold what had to be paused: no role may listen to it.
    """

    name: RecordingName
    call_id: CallId
    pbx: str
    purpose: str
    state: RecordingState
    started_at: datetime | None
    ended_at: datetime | None
    milliseconds: int | None
    quarantined_from: datetime | None


class SpanKind(StrEnum):
    """What a stretch of a recording's time is."""

    RECORDED = "recorded"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """A finished stretch of a recording's time, and why it began."""

    recording: RecordingName
    kind: SpanKind
    reason: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRecord:
    """Somebody objects (GDPR art. 21). ``scope`` is the name of a purpose, or ``EVERY_PURPOSE``; ends at ``until``."""

    customer_hash: bytes
    scope: str
    at: datetime
    until: datetime


EVERY_PURPOSE = "*"
"""The scope of an objection to every purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecord:
    """An agent was informed that they may be recorded, by this version of the notice (GDPR art. 13, CNIL).

    ``agent`` is the extension, ``informed_at`` the day; None where it turned out that they were not.
    """

    agent: str
    version: str
    informed_at: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCallRecord:
    """A call under way, as the next daemon would go on with it: ``state`` is opaque here, None once it is over."""

    call_id: CallId
    pbx: str
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """The key of something stored, that only a master key opens. ``master`` is the public half of the one that does."""

    sealed: bytes
    master: str


class StoredState(StrEnum):
    """``taking`` is on its way from the PBX, ``destroying`` on its way out: its key is gone already."""

    TAKING = "taking"
    STORED = "stored"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class Tier(StrEnum):
    """``archive`` is the intermediate archive: out of reach of daily work, for few people, who give a reason."""

    ACTIVE = "active"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """What is known of a recording, or of a document about a call, in the object store.

    A change: what is None stays as it was. ``recording`` is the name of the recording, or of the document (see
    ``DocumentRecord``). ``sealed_key`` is its key, wrapped by ``master``; it is gone from ``destroying`` on.
    ``sha256`` and ``octets`` are of what is sealed: the WAV as the PBX wrote it, or as it was repaired (``partial``).
    ``off_pbx_at`` is when the PBX's own file was found to be gone.
    """

    recording: str
    state: StoredState
    object: str | None = None
    sealed_key: bytes | None = None
    master: str | None = None
    sha256: bytes | None = None
    octets: int | None = None
    partial: bool | None = None
    tier: Tier | None = None
    taken_at: datetime | None = None
    stored_at: datetime | None = None
    off_pbx_at: datetime | None = None
    due_at: datetime | None = None
    destroyed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A document made from a recording: an evaluation, notes (CNIL: documents of analysis). A change, as above.

    Its content is in the object store; ``StoredRecord.recording`` is its ``id`` there.
    """

    id: str
    call_id: CallId
    purpose: str
    kind: str
    media_type: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRecord:
    """Nothing of a call is destroyed while a legal hold stands: until ``until``, or until it is lifted. A change."""

    id: str
    call_id: CallId
    why: str
    placed_by: str
    placed_at: datetime
    until: datetime | None = None
    lifted_at: datetime | None = None
    lifted_why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """What came of a call, for retention by outcome: ``contract``, or ``none``. The last one wins."""

    call_id: CallId
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionRecord:
    """What is stored of a customer is only stored (GDPR art. 18): until ``lifted_at``. A change."""

    customer_hash: bytes
    at: datetime
    lifted_at: datetime | None = None


ERASED_NUMBER = "number:"
"""What begins so in the list of erasures names a call, whose customer's number was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRecord:
    """Something was destroyed, so that it is destroyed again where an old backup brings it back. Written once."""

    what: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """Somebody had something of a recording or of a customer. Written once, and kept for a time of its own.

    ``action`` is what they did (``listen``, ``export``), ``what`` the name of the recording, the document or the
    call, ``why`` the reason that they gave.
    """

    id: str
    at: datetime
    who: str
    action: str
    what: str
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CondemnedRecord:
    """The file of a finished recording that may still be on its PBX is to be deleted there (``discarding``)."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class RectifiedRecord:
    """What was wrong about a call that is over (GDPR art. 16). A change, as above."""

    call_id: CallId
    queue: str | None = None
    agent: str | None = None
    customer_hash: bytes | None = None
    customer_sealed: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenRecord:
    """Whose call this was is not known any more: nothing remains of it that they could ask for."""

    call_id: CallId


LifeRecord = (
    StoredRecord
    | DocumentRecord
    | HoldRecord
    | OutcomeRecord
    | RestrictionRecord
    | ErasureRecord
    | AccessRecord
    | CondemnedRecord
    | RectifiedRecord
    | ForgottenRecord
)
"""What is kept of recordings once their calls are over."""

Record = CallRecord | RecordingRecord | SpanRecord | ObjectionRecord | NoticeRecord | LiveCallRecord | LifeRecord
