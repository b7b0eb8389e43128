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
    """A call as it is known now. The customer's number is only here as a keyed hash (GDPR art. 25)."""

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


Record = CallRecord | RecordingRecord | SpanRecord | ObjectionRecord | NoticeRecord | LiveCallRecord
