"""What those who talk in a call are told of each of its recordings: one word, why, and since when.

What is told is what Asterisk has confirmed. What a recording should be stands in ``should``, and why it may or may not
be recorded was decided in ``permission``; here both are only read.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.call import Call, Permission, Track
from controller.domain.decision import Reason
from controller.domain.policy import Start
from controller.domain.recording import Phase, Recording
from controller.domain.should import Should, State, refusal, should_be


class PurposeState(StrEnum):
    """What the recording for one purpose is, as people are told."""

    WAITING = "waiting"
    """Nothing has begun yet; the reason is what it waits for."""
    TELLING = "telling"
    """The customer is being told that it begins."""
    RECORDING = "recording"
    PAUSED = "paused"
    NOT_RECORDED = "not-recorded"
    UNSETTLED = "unsettled"
    """Asterisk, or PostgreSQL, has not answered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One purpose of a call. ``reason`` is None where there is nothing to say, ``since`` where it is not known."""

    purpose: str
    state: PurposeState
    reason: Reason | None
    since: datetime | None = None


def shown(call: Call) -> tuple[Shown, ...]:
    """Each purpose of a call; of one that is excluded none, since nothing of it is anybody's business."""
    if call.excluded is not None:
        return ()
    return tuple(_shown(call, track) for track in call.tracks)


def _shown(call: Call, track: Track) -> Shown:
    should = should_be(call, track)
    if track.recording is not None:
        return _begun(track, track.recording, should)
    if call.ended_at is not None or track.withdrawn is not None:
        return _told(track, PurposeState.NOT_RECORDED, should.reason)
    if track.permission is Permission.OPEN:
        return _open(call, track)
    if track.permission is Permission.GRANTED:
        return _told(track, _WITHOUT_RECORDING[should.state], _why(track, should))
    return _told(track, _ON_ITS_WAY[track.permission], track.why)


_ON_ITS_WAY = {
    Permission.TELLING: PurposeState.TELLING,
    Permission.ASKED: PurposeState.UNSETTLED,
    Permission.REFUSED: PurposeState.NOT_RECORDED,
}
"""What it is, by whether it may be recorded."""
_WITHOUT_RECORDING = {
    State.OFF: PurposeState.NOT_RECORDED,
    State.PAUSED: PurposeState.PAUSED,
    State.RECORDING: PurposeState.UNSETTLED,
}
"""What it is, where it may be recorded and nothing has begun, by what it should be."""


def _begun(track: Track, recording: Recording, should: Should) -> Shown:
    match recording.phase:
        case Phase.RECORDING:
            return _told(track, PurposeState.RECORDING, track.why, since=recording.span_began)
        case Phase.PAUSED:
            reason = should.reason if should.state is State.PAUSED else recording.halted_for
            return _told(track, PurposeState.PAUSED, reason, since=recording.halted_at)
        case Phase.LOST:
            return _told(track, PurposeState.UNSETTLED, recording.halted_for)
        case _:
            return _told(track, PurposeState.UNSETTLED, _why(track, should))


def _open(call: Call, track: Track) -> Shown:
    """Nobody has asked yet; where the answer is known to be no, nobody waits for it."""
    asking = call.looking_up is not None or (call.dialogue is not None and call.dialogue.step is not None)
    refused = None if asking else refusal(call, track.purpose)
    if refused is not None:
        return _told(track, PurposeState.NOT_RECORDED, refused)
    on_trigger = track.purpose.start is Start.ON_TRIGGER
    return _told(track, PurposeState.WAITING, Reason.TRIGGER if on_trigger else Reason.NOBODY_CONNECTED)


def _why(track: Track, should: Should) -> Reason | None:
    """Why it is to be what it should be."""
    return track.why if should.state is State.RECORDING else should.reason


def _told(track: Track, state: PurposeState, reason: Reason | None, *, since: datetime | None = None) -> Shown:
    return Shown(purpose=track.purpose.name, state=state, reason=reason, since=since)
