"""What is kept of a recording: its snapshots, its stretches, and the facts of the decisions about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from controller.domain.call import Track
from controller.domain.commands import Store
from controller.domain.decision import Fact, Reason
from controller.domain.recording import BEGUN, Phase, Recording
from controller.domain.records import RecordingRecord, RecordingState, SpanKind, SpanRecord
from controller.domain.turn import Turn


def store(turn: Turn, track: Track, recording: Recording, state: RecordingState) -> RecordingRecord:
    """Keep the recording as it is now; the snapshot."""
    final = state in {RecordingState.ENDED, RecordingState.FAILED}
    record = RecordingRecord(
        name=recording.name,
        call_id=turn.call.id,
        pbx=turn.call.pbx,
        purpose=track.purpose.name,
        state=state,
        started_at=recording.started_at,
        ended_at=(recording.halted_at or turn.at) if final else None,
        milliseconds=_milliseconds(recording) if final else None,
        quarantined_from=recording.tainted_from,
    )
    turn.do(Store(record=record))
    return record


def end_span(turn: Turn, track: Track, recording: Recording) -> Recording:
    """Keep the stretch that ends now: what it was, the track still says. Returns ``recording`` with its time added."""
    before = track.recording
    if before is None or before.span_began is None or before.phase not in BEGUN:
        return recording
    paused = before.phase in {Phase.PAUSED, Phase.RESUMING}
    reason = (before.halted_for if paused else None) or Reason.NOTHING_FORBIDS
    span = SpanRecord(
        recording=before.name,
        kind=SpanKind.PAUSED if paused else SpanKind.RECORDED,
        reason=reason.value,
        begin=before.span_began,
        end=max(turn.at, before.span_began),  # a clock that was set back makes no time run backwards
    )
    turn.do(Store(record=span))
    lasted = timedelta() if paused else span.end - span.begin
    total = None if recording.recorded is None else recording.recorded + lasted
    return replace(recording, span_began=None, recorded=total)


def names(track: Track) -> Mapping[str, Fact]:
    """Which recording a decision is about."""
    return {"recording": track.recording.name if track.recording else None}


def facts_of_pause(track: Track, triggered_at: datetime, confirmed_at: datetime) -> Mapping[str, Fact]:
    """When it was asked for, and how many milliseconds its confirmation took."""
    took = round((confirmed_at - triggered_at).total_seconds() * 1000, 3)
    return {**names(track), "triggered_at": _iso(triggered_at), "confirmed_after_ms": took}


def facts_of_stop(track: Track, recording: Recording) -> Mapping[str, Fact]:
    """How many milliseconds of audio there are, and from when on nobody may listen."""
    tainted = _iso(recording.tainted_from) if recording.tainted_from else None
    return {**names(track), "milliseconds": _milliseconds(recording), "quarantined_from": tainted}


def _milliseconds(recording: Recording) -> int | None:
    known = recording.recorded if recording.started_at else None
    return None if known is None else round(known.total_seconds() * 1000)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
