"""What there is of a data subject that could be erased, and of each thing whether it may be.

Judges, and changes nothing: ``erasing`` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from controller.custody.custody import Custody
from controller.custody.subjects import THERE, Subject
from controller.db.holdings import Holding
from controller.domain import retention
from controller.domain.decision import Reason
from controller.domain.erasure import kept_because
from controller.domain.names import CallId
from controller.domain.records import CallRecord, RecordingRecord, RecordingState

_GOING = frozenset({RecordingState.STARTING, RecordingState.RECORDING, RecordingState.PAUSED})
_HAS_FILE = frozenset({RecordingState.ENDED, RecordingState.QUARANTINING, RecordingState.QUARANTINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A recording or a document of theirs that is there: in the object store, on its PBX, or both.

    ``kept`` is why it is not erased, ``due_at`` until when; ``going`` is a recording that has not ended.
    """

    name: str
    call: CallRecord
    purpose: str
    holding: Holding | None
    on_pbx: bool
    going: bool
    kept: Reason | None
    due_at: datetime | None


def things_of(custody: Custody, subject: Subject, at: datetime) -> Iterator[Thing]:
    """Every recording and document of theirs that is there, judged by the policy in force."""
    calls = {call.id: call for call in subject.calls}
    for one in subject.recordings:
        thing = _recording(custody, subject, one.recording, calls[one.recording.call_id])
        if thing.holding is not None or thing.on_pbx or thing.going:
            yield _judged(custody, subject, thing, at)
    for held in subject.holdings.values():
        if held.is_document and held.stored.state in THERE:
            yield _judged(custody, subject, _document(held, calls[held.call_id]), at)


def _recording(custody: Custody, subject: Subject, recording: RecordingRecord, call: CallRecord) -> Thing:
    known = subject.holdings.get(recording.name)  # destroyed or not
    stored = known if known is not None and known.stored.state in THERE else None
    maybe_on_pbx = known is None or (stored is not None and stored.stored.off_pbx_at is None)
    return Thing(
        name=recording.name,
        call=call,
        purpose=recording.purpose,
        holding=stored,
        on_pbx=recording.state in _HAS_FILE and maybe_on_pbx,
        going=recording.state in _GOING,
        kept=None,
        due_at=(stored.stored.due_at if stored else None) or _due(custody, subject, recording),
    )


def _document(held: Holding, call: CallRecord) -> Thing:
    return Thing(
        name=held.name,
        call=call,
        purpose=held.purpose,
        holding=held,
        on_pbx=False,
        going=False,
        kept=None,
        due_at=held.stored.due_at,
    )


def _due(custody: Custody, subject: Subject, recording: RecordingRecord) -> datetime | None:
    """When the time of a recording is over that has no date yet, by the policy in force."""
    purpose = custody.policy().purposes.get(recording.purpose)
    if purpose is None or recording.ended_at is None:
        return None
    return retention.due(purpose, recording.ended_at, outcome=_outcome(subject, recording.call_id))


def _judged(custody: Custody, subject: Subject, thing: Thing, at: datetime) -> Thing:
    kept = kept_because(
        custody.policy().purposes.get(thing.purpose),
        held=thing.call.id in subject.held,
        outcome=_outcome(subject, thing.call.id),
        due_at=thing.due_at,
        at=at,
    )
    return replace(thing, kept=kept)


def _outcome(subject: Subject, call_id: CallId) -> str | None:
    told = subject.outcomes.get(call_id)
    return told.outcome if told else None
