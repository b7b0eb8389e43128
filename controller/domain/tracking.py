"""The life of one recording: what each event makes of it, and what brings it to what it should be."""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from controller.domain import keeping, withdrawal
from controller.domain.call import OF_ITSELF, Permission, Ticket, Track, Withdrawal
from controller.domain.commands import Alert, Commit, Pause, Resume, Snoop, StartRecording, Stop
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import (
    OfRecording,
    PauseConfirmed,
    PauseUnconfirmed,
    RecordingEnded,
    RecordingFailed,
    RecordingStarted,
    ResumeConfirmed,
    ResumeUnconfirmed,
    SnoopGone,
    SnoopReady,
)
from controller.domain.names import RecordingName
from controller.domain.policy import Channels
from controller.domain.recording import BEGUN, Phase, Recording
from controller.domain.records import RecordingState
from controller.domain.should import Should, State, should_be
from controller.domain.sides import in_stereo
from controller.domain.turn import Turn

UNCONFIRMED_AFTER_S = 0.1
"""A pause that Asterisk has not confirmed within this time becomes a stop."""

CATCH_UP_S = 0.3
"""How long after its end a pause goes on: what a snoop channel gives may be so much older than what is said.

That is how long the PBX may stand still without anybody's noticing. After a longer standstill another recording begins.
"""

LATE = timedelta(seconds=0.25)
"""A pause that is read so long after it was triggered counts as one that nobody confirmed."""

START_WITHIN_S = 5.0
"""A recording that has not started within this time is given up."""

SETTLE_S = 1.0
"""How long to wait for the rest of the story when a recording ended, before acting on what is known."""

MOST_FAILURES = 3
"""A purpose whose recordings have failed this often is not recorded in this call any more."""


_ALLOWED_UNTIL_THE_END = frozenset(
    {
        Reason.CALL_ENDED,
        Reason.CONTROLLER_LOST,
        Reason.CONTROLLER_STOPPED,
        Reason.DATABASE_AWAY,
        Reason.PBX_STALLED,
        Reason.RECORDING_FAILED,
    }
)
"""Why a recording may end although nothing of the call forbids it: a little more of it does no harm."""


_BEHIND = Should(state=State.OFF, reason=Reason.PBX_STALLED, actor="daemon")


def observe(turn: Turn, track: Track, event: OfRecording) -> None:  # noqa: C901, PLR0912 - one arm for each event
    """Take in what happened to the recording of this track."""
    recording = track.recording
    if recording is None:
        return
    phase = recording.phase
    match event:
        case SnoopReady():
            if phase is Phase.SNOOPING:
                _put(turn, track, recording, phase=Phase.READY)
        case SnoopGone():
            _snoop_gone(turn, track, recording)
        case RecordingStarted():
            _started(turn, track, recording)
        case RecordingFailed():
            if phase is not Phase.STOPPING:
                stop(turn, track, recording, Should(state=State.OFF, reason=Reason.RECORDING_FAILED))
        case RecordingEnded():
            _ended(turn, track, recording)
        case PauseConfirmed():
            if phase is Phase.PAUSING:
                _paused(turn, track, recording)
        case PauseUnconfirmed():
            if phase is Phase.PAUSING:
                _unconfirmed(turn, track, recording)
            elif phase is Phase.PAUSED:  # it was, and is not any more: nobody here has done that
                _unconfirmed(turn, track, replace(recording, tainted_from=recording.span_began))
        case ResumeConfirmed():
            if phase is Phase.RESUMING:
                _resumed(turn, track, recording)
        case ResumeUnconfirmed():
            if phase is Phase.RESUMING:
                _unconfirmed(turn, track, recording)
        case _:
            assert_never(event)


def deadline(turn: Turn, track: Track) -> None:
    """The time that this track's recording waited for has come."""
    recording = track.recording
    if recording is None:
        return
    match recording.phase:
        case Phase.PAUSING | Phase.RESUMING:
            _unconfirmed(turn, track, recording)
        case Phase.LOST:
            finish(turn, track, recording)
        case Phase.STOPPING if recording.snoop_gone:
            finish(turn, track, recording)
        case Phase.STOPPING:
            _stop_again(turn, track, recording)
        case Phase.SNOOPING | Phase.READY | Phase.STARTING:
            stop(turn, track, recording, Should(state=State.OFF, reason=Reason.RECORDING_FAILED))
        case Phase.PAUSED:
            _long_pause(turn, track, recording)
        case Phase.RECORDING:
            pass
        case _:
            assert_never(recording.phase)


def stalled(turn: Turn, track: Track) -> None:
    """The PBX stood still, so its snoop channel may be behind the call for as long as it exists.

    Going on after a pause, such a recording would begin with the end of what had to be left out. One that may be going
    on just now has perhaps done so.
    """
    recording = track.recording
    if recording is None or recording.over:
        return
    behind = replace(recording, behind=True)
    if recording.phase is Phase.RESUMING:
        stop(turn, track, replace(behind, tainted_from=recording.halted_at), _BEHIND)
    else:
        turn.put(replace(track, recording=behind))


def _stop_again(turn: Turn, track: Track, recording: Recording) -> None:
    """Nobody knows whether the stop was heard: what came since it was triggered must not be, if it was forbidden."""
    turn.do(Stop(recording=recording.name))
    since = None if recording.halted_for in _ALLOWED_UNTIL_THE_END else recording.halted_at
    tainted = recording.tainted_from or since
    _put(turn, track, recording, tainted_from=tainted, deadline=turn.timer(SETTLE_S))


def _long_pause(turn: Turn, track: Track, recording: Recording) -> None:
    """A pause that lasts raises an alert, then ends the recording: none ends by itself (PCI DSS, guidance)."""
    pauses = turn.call.policy.pauses
    if not recording.alerted:
        turn.do(Alert(reason=Reason.PAUSE_TOO_LONG))
        _put(turn, track, recording, alerted=True, deadline=turn.timer(max(pauses.most_s - pauses.alert_s, 0)))
        return
    withdrawn = track.withdrawn or Withdrawal(reason=Reason.PAUSE_TOO_LONG, actor="policy")
    turn.put(replace(track, permission=Permission.REFUSED, withdrawn=withdrawn))


def reconcile(turn: Turn, track: Track) -> None:
    """Command the difference between what this recording is and what it should be."""
    should = should_be(turn.call, track)
    if should.state is State.RECORDING:
        _toward_recording(turn, track)
        return
    if track.ticket is not None:
        track = replace(track, ticket=None)
        turn.put(track)
    if track.recording is None:
        return
    if should.state is State.PAUSED:
        _toward_pause(turn, track, track.recording, should)
    else:
        _toward_off(turn, track, track.recording, should)


def _toward_recording(turn: Turn, track: Track) -> None:
    recording, ticket = track.recording, track.ticket
    if recording is not None and recording.phase is Phase.READY:
        turn.do(StartRecording(recording=recording.name))
        _put(turn, track, recording, phase=Phase.STARTING, asked=True)
        return
    if recording is not None and recording.phase is not Phase.PAUSED:
        return
    if recording is not None and recording.behind:  # the next one goes on for it
        stop(turn, track, recording, _BEHIND)
        return
    if ticket is None:
        _ask_to_resume(turn, track)
    elif ticket.held and ticket.waits_for is None:
        turn.change(released=OF_ITSELF)
        _use_ticket(turn, replace(track, ticket=None), recording)


def _use_ticket(turn: Turn, track: Track, recording: Recording | None) -> None:
    if recording is None:
        _snoop(turn, replace(track, serial=track.serial + 1))
    else:
        turn.do(Resume(recording=recording.name))
        _put(turn, track, recording, phase=Phase.RESUMING, deadline=None)


def _ask_to_resume(turn: Turn, track: Track) -> None:
    reason, actor = turn.call.released
    decision = turn.decision(
        Kind.RESUME, Verdict.ALLOWED, reason, purpose=track.purpose.name, actor=actor, facts=keeping.names(track)
    )
    turn.do(Commit(token=decision.token, decision=decision))
    waits_for = turn.timer(CATCH_UP_S) if track.recording is not None else None
    turn.put(replace(track, ticket=Ticket(token=decision.token, held=False, waits_for=waits_for)))


def _snoop(turn: Turn, track: Track) -> None:
    name = RecordingName(f"rc-{turn.call.id}-{track.purpose.name}-{track.serial}")
    if track.purpose.channels is Channels.STEREO:
        name = in_stereo(name)
    recording = Recording(name=name, deadline=turn.timer(START_WITHIN_S))
    turn.do(Snoop(recording=name, channel=turn.call.customer))
    keeping.store(turn, track, recording, RecordingState.STARTING)
    turn.put(replace(track, recording=recording))


def _toward_pause(turn: Turn, track: Track, recording: Recording, should: Should) -> None:
    match recording.phase:
        case Phase.SNOOPING | Phase.READY | Phase.STARTING:
            stop(turn, track, recording, should)
        case Phase.RECORDING | Phase.RESUMING if turn.late > LATE:
            _unconfirmed(turn, track, replace(recording, tainted_from=turn.at - turn.late))
        case Phase.RECORDING:
            turn.do(Pause(recording=recording.name))
            _halt(turn, track, recording, should, phase=Phase.PAUSING)
        case Phase.RESUMING if recording.deadline is None:
            _halt(turn, track, recording, should, phase=Phase.RESUMING)
        case _:
            pass


def _toward_off(turn: Turn, track: Track, recording: Recording, should: Should) -> None:
    if recording.phase is Phase.LOST:
        if should.reason is Reason.CALL_ENDED:
            finish(turn, track, replace(recording, halted_for=should.reason, halted_by=should.actor))
    elif recording.phase is not Phase.STOPPING:
        stop(turn, track, recording, should)


def _halt(turn: Turn, track: Track, recording: Recording, should: Should, *, phase: Phase) -> None:
    recording = replace(
        recording,
        phase=phase,
        halted_for=should.reason,
        halted_by=should.actor,
        halted_at=turn.at,
        deadline=turn.timer(UNCONFIRMED_AFTER_S),
    )
    turn.put(replace(track, recording=recording))


def stop(turn: Turn, track: Track, recording: Recording, should: Should) -> None:
    """End a recording: hang up the snoop channel; where the customer has hung up, Asterisk does so itself.

    What came since the trigger of a pause that was not confirmed until now must not be heard. That is said at once: a
    daemon that dies before the recording has ended must not leave it to be heard either.
    """
    if should.reason is not Reason.CALL_ENDED:
        turn.do(Stop(recording=recording.name))
    unconfirmed = recording.phase in {Phase.PAUSING, Phase.RESUMING} and recording.deadline is not None
    recording = replace(
        recording,
        phase=Phase.STOPPING,
        tainted_from=recording.halted_at if unconfirmed else recording.tainted_from,
        halted_for=should.reason,
        halted_by=should.actor,
        halted_at=turn.at,
        deadline=turn.timer(SETTLE_S),
    )
    if recording.tainted_from is not None:
        keeping.store(turn, track, recording, RecordingState.QUARANTINING)
    turn.put(replace(track, recording=keeping.end_span(turn, track, recording)))


def _unconfirmed(turn: Turn, track: Track, recording: Recording) -> None:
    """Nobody knows whether it records: that is off."""
    stop(turn, track, recording, Should(state=State.OFF, reason=Reason.PAUSE_UNCONFIRMED, actor="daemon"))
    turn.do(Alert(reason=Reason.PAUSE_UNCONFIRMED))


def _started(turn: Turn, track: Track, recording: Recording) -> None:
    if recording.phase is Phase.STOPPING:  # stopped while it was starting: there is a file nevertheless
        _put(turn, track, recording, started_at=turn.at)
    if recording.phase is not Phase.STARTING:
        return
    recording = replace(recording, phase=Phase.RECORDING, started_at=turn.at, span_began=turn.at, deadline=None)
    keeping.store(turn, track, recording, RecordingState.RECORDING)
    turn.put(replace(track, recording=recording))


def _paused(turn: Turn, track: Track, recording: Recording) -> None:
    halted_at = recording.halted_at or turn.at
    reason = recording.halted_for or Reason.AGENT_REQUEST
    facts = keeping.facts_of_pause(track, halted_at, turn.at)
    alert = turn.timer(turn.call.policy.pauses.alert_s)
    recording = replace(
        keeping.end_span(turn, track, recording), phase=Phase.PAUSED, span_began=turn.at, deadline=alert
    )
    recording = replace(recording, alerted=False)
    keeping.store(turn, track, recording, RecordingState.PAUSED)
    turn.log(
        turn.decision(
            Kind.PAUSE,
            Verdict.APPLIED,
            reason,
            purpose=track.purpose.name,
            actor=recording.halted_by,
            facts=facts,
        )
    )
    turn.put(replace(track, recording=recording))


def _resumed(turn: Turn, track: Track, recording: Recording) -> None:
    """It records again. A pause that had to wait for that counts, and has its deadline, from its own trigger.

    It is carried out even where its cause is over by now: it was decided, and ends by a decision.
    """
    recording = replace(keeping.end_span(turn, track, recording), span_began=turn.at)
    if recording.deadline is not None:
        turn.do(Pause(recording=recording.name))
        recording = replace(recording, phase=Phase.PAUSING)
    else:
        recording = replace(recording, phase=Phase.RECORDING, deadline=None)
    keeping.store(turn, track, recording, RecordingState.RECORDING)
    turn.put(replace(track, recording=recording))


def _ended(turn: Turn, track: Track, recording: Recording) -> None:
    if recording.phase in {Phase.STOPPING, Phase.LOST}:
        if recording.phase is Phase.STOPPING:
            finish(turn, track, _overrun(turn, track, recording))
        else:
            turn.put(replace(track, recording=recording))
    else:
        _lose(turn, track, recording)


def _overrun(turn: Turn, track: Track, recording: Recording) -> Recording:
    """One that was stopped while it was starting, and has recorded for a while all the same: nobody may hear that."""
    halted_at = recording.halted_at or turn.at
    never_began = recording.started_at is None or recording.started_at >= halted_at
    harmless = recording.halted_for in _ALLOWED_UNTIL_THE_END
    if harmless or not recording.asked or not never_began or recording.tainted_from is not None:
        return recording
    if turn.at - halted_at <= timedelta(seconds=UNCONFIRMED_AFTER_S):
        return recording
    tainted = replace(recording, tainted_from=halted_at)
    keeping.store(turn, track, tainted, RecordingState.QUARANTINING)
    return tainted


def _snoop_gone(turn: Turn, track: Track, recording: Recording) -> None:
    if recording.phase in BEGUN:
        _lose(turn, track, replace(recording, snoop_gone=True))
    elif recording.started_at is not None:
        _put(turn, track, recording, snoop_gone=True)
    else:
        finish(turn, track, replace(recording, halted_for=recording.halted_for or Reason.RECORDING_FAILED))


def _lose(turn: Turn, track: Track, recording: Recording) -> None:
    """It ended though it should not: perhaps the call ends too, and the news of that is on its way."""
    recording = replace(
        keeping.end_span(turn, track, recording),
        phase=Phase.LOST,
        halted_for=Reason.RECORDING_FAILED,
        halted_by="daemon",
        halted_at=turn.at,
        deadline=turn.timer(SETTLE_S),
    )
    turn.put(replace(track, recording=recording))


def finish(turn: Turn, track: Track, recording: Recording) -> None:
    """It has ended: keep what is known of it, and say why."""
    if recording.phase is Phase.LOST and not recording.snoop_gone:
        turn.do(Stop(recording=recording.name))
    begun = recording.started_at is not None
    record = keeping.store(turn, track, recording, RecordingState.ENDED if begun else RecordingState.FAILED)
    turn.log(
        turn.decision(
            Kind.STOP,
            Verdict.APPLIED,
            recording.halted_for or Reason.RECORDING_FAILED,
            purpose=track.purpose.name,
            actor=recording.halted_by,
            facts=keeping.facts_of_stop(track, recording),
        )
    )
    track = withdrawal.finished(turn, replace(track, recording=None), record if recording.asked else None)
    turn.put(_after_failure(turn, track) if recording.failed else track)


def _after_failure(turn: Turn, track: Track) -> Track:
    failures = track.failures + 1
    if failures >= MOST_FAILURES:
        return replace(track, failures=failures, permission=Permission.REFUSED, why=Reason.RECORDING_FAILED)
    return replace(track, failures=failures, ticket=Ticket(token=turn.timer(SETTLE_S), held=False))


def _put(turn: Turn, track: Track, recording: Recording, **changes: object) -> None:
    turn.put(replace(track, recording=replace(recording, **changes)))  # type: ignore[arg-type]
