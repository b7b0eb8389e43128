"""A call whose daemon is no more: what the next one goes on with, and what it gives up.

Recording goes on only where what Asterisk does is what was last decided. Where the two differ nobody knows why, so it
ends for the rest of the call; what may have been recorded against a decision is kept from every ear.
"""

from dataclasses import replace

from controller.domain import tracking
from controller.domain.call import OF_ITSELF, Call, Permission, Track, Withdrawal
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import Inherited
from controller.domain.hindrance import Hindrance
from controller.domain.recording import Phase, Recording
from controller.domain.should import Should, State
from controller.domain.turn import Turn

_HALTED = frozenset({Phase.PAUSING, Phase.PAUSED})
_LOST = Should(state=State.OFF, reason=Reason.CONTROLLER_LOST, actor="daemon")


def worth_keeping(call: Call) -> bool:
    """Whether the next daemon has anything to do with this call."""
    told = call.dialogue is not None and call.dialogue.step is None
    if call.over or call.excluded is not None or not told or Hindrance.LEAVING in call.hindrances:
        return False
    return any(
        track.permission is not Permission.REFUSED or track.recording or track.quarantining or track.discarding
        for track in call.tracks
    )


def essence(call: Call) -> object:
    """What of a call the next daemon must know; where two are equal, it need not be told again."""
    recordings = tuple(
        (t.recording.phase, t.recording.tainted_from, t.recording.behind) if t.recording else None for t in call.tracks
    )
    tracks = tuple((t.permission, t.withdrawn, t.serial, t.kept, t.quarantining, t.discarding) for t in call.tracks)
    return (call.dialogue, call.objections, call.answered_at, call.unheard, call.suspensions, recordings, tracks)


def take_over(turn: Turn, event: Inherited) -> None:
    """Compare each recording with what Asterisk says of it. Who takes part, and what hinders, is told after this."""
    turn.change(
        keeper=event.keeper,  # what the daemon before used after it was last heard of is not used again
        looking_up=None,
        parties=(),
        alone=False,
        alone_timer=None,
        keyed=(),
        released=OF_ITSELF,
    )
    for track in turn.call.tracks:
        # What is to be moved or deleted is dealt with for all calls, taken over or not.
        kept = (*track.kept, *track.quarantining)
        _take_over(turn, replace(track, ticket=None, kept=kept, quarantining=(), discarding=()), event)


def _take_over(turn: Turn, track: Track, event: Inherited) -> None:
    turn.put(track)
    recording = track.recording
    if recording is None:
        _without_recording(turn, track)
    elif recording.name in event.paused:
        _paused(turn, track, recording)
    elif recording.name in event.recording:
        _recording(turn, track, recording, whole=recording.name not in event.torn)
    else:
        _gone(turn, track, recording)


def _without_recording(turn: Turn, track: Track) -> None:
    """Whether it may be recorded was being asked when nobody was left to hear the answer: then it is no."""
    if track.permission is Permission.TELLING:
        turn.put(replace(track, permission=Permission.OPEN))
    elif track.permission is Permission.ASKED:
        turn.put(_refused(track))
        purpose = track.purpose.name
        turn.log(turn.decision(Kind.STOP, Verdict.APPLIED, _LOST.reason, purpose=purpose, actor=_LOST.actor))


def _paused(turn: Turn, track: Track, recording: Recording) -> None:
    if recording.phase not in _HALTED | {Phase.RESUMING}:
        _give_up(turn, track, recording)
        return
    alert = turn.timer(turn.call.policy.pauses.alert_s)
    turn.put(replace(track, recording=replace(recording, phase=Phase.PAUSED, deadline=alert, alerted=False)))


def _recording(turn: Turn, track: Track, recording: Recording, *, whole: bool) -> None:
    if whole and recording.phase in {Phase.RECORDING, Phase.RESUMING}:
        turn.put(replace(track, recording=replace(recording, phase=Phase.RECORDING, deadline=None)))
    elif recording.phase in _HALTED:
        _give_up(turn, track, replace(recording, tainted_from=recording.halted_at))
    else:
        _give_up(turn, track, recording)


def _give_up(turn: Turn, track: Track, recording: Recording) -> None:
    tracking.stop(turn, _refused(track), recording, _LOST)


def _gone(turn: Turn, track: Track, recording: Recording) -> None:
    """It has ended unseen, and nobody knows how long it is, nor whether a pause that was asked for has come through."""
    tainted = recording.halted_at if recording.phase is Phase.PAUSING else recording.tainted_from
    ended = replace(recording, snoop_gone=True, recorded=None, tainted_from=tainted)
    if recording.phase is not Phase.STOPPING:
        ended = replace(ended, halted_for=_LOST.reason, halted_by=_LOST.actor)
    tracking.finish(turn, _refused(track), ended)


def _refused(track: Track) -> Track:
    withdrawn = track.withdrawn or Withdrawal(reason=_LOST.reason, actor=_LOST.actor)
    return replace(track, permission=Permission.REFUSED, asked=None, withdrawn=withdrawn)
