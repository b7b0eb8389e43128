"""The heart: ``advance(call, event)`` gives the call after the event, and what is to be done.

Each step takes the event in as a fact, then compares what each recording should be with what it is, and commands the
difference. So a fact that was missed is made good by the next event, whatever it is.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from controller.domain import asking, inheritance, permission, tracking, withdrawal
from controller.domain.call import OF_ITSELF, Call, Permission
from controller.domain.commands import URGENT, Command, Stop
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import (
    CallBegan,
    CallReplaced,
    CustomerLeft,
    DecisionCommitted,
    DecisionLost,
    DialplanMoved,
    DigitPressed,
    Discarded,
    Event,
    Held,
    Hindered,
    Inherited,
    NoticePlayed,
    ObjectionRaised,
    ObjectionsKnown,
    OfCall,
    OfRecording,
    PartiesChanged,
    PauseRequested,
    PbxStalled,
    PrivateRequested,
    PromptEnded,
    ProofExists,
    Quarantined,
    ResumeRequested,
    SnoopReady,
    StartRequested,
    StopRequested,
    TimerFired,
    Unheld,
)
from controller.domain.hindrance import Hindrance, Hindrances
from controller.domain.keying import press
from controller.domain.names import ChannelId, Token
from controller.domain.parties import STAFF, Party, Role
from controller.domain.recording import Phase
from controller.domain.should import forbidding
from controller.domain.suspension import Suspension, released, suspended
from controller.domain.turn import Turn

IN_CONTEXT = "context:"
"""How the origin of a pause begins that a place in the dialplan causes; the channel follows."""

ALONE_AFTER_S = 0.3
"""A customer whom nobody hears for longer than this is not in a conversation. A transfer takes a few milliseconds."""


def advance(call: Call, event: Event, *, late: timedelta = timedelta()) -> tuple[Call, tuple[Command, ...]]:
    """The call after this event, and the commands that follow from it, the urgent ones first.

    ``late`` is how long after it happened the event was read.
    """
    turn = Turn(call=call, at=event.at, late=late)
    if isinstance(event, OfRecording):
        _observe(turn, event)
    else:
        _absorb(turn, event)
    for track in turn.call.tracks:
        tracking.reconcile(turn, track)
    _tell_pauses(turn)
    return turn.call, tuple(sorted(turn.commands, key=lambda command: not isinstance(command, URGENT)))


def _observe(turn: Turn, event: OfRecording) -> None:
    """Tell the recording. A snoop channel that nobody waits for any more was overtaken by its own hang-up."""
    tracks = [t for t in turn.call.tracks if t.recording is not None and t.recording.name == event.recording]
    for track in tracks:
        tracking.observe(turn, track, event)
    if isinstance(event, SnoopReady) and not tracks:
        turn.do(Stop(recording=event.recording))


def _absorb(turn: Turn, event: OfCall) -> None:  # noqa: C901, PLR0912, PLR0915 - one arm for each event
    match event:
        case CallBegan():
            asking.begin(turn)
        case PromptEnded(heard=heard):
            asking.hear(turn, heard)
        case PartiesChanged():
            _parties(turn, event)
        case DigitPressed():
            _digit(turn, event)
        case DialplanMoved():
            _move(turn, event)
        case Held(channel=channel):
            _hold(turn, channel)
        case Unheld(channel=channel):
            _resume(turn, ResumeRequested(at=turn.at, cause=Reason.HOLD, origin=channel, actor=_who(turn, channel)))
        case CustomerLeft():
            _end(turn)
        case CallReplaced():
            _replace(turn)
        case Hindered(hindrances=hindrances):
            _hinder(turn, hindrances)
        case PbxStalled():
            for track in turn.call.tracks:
                tracking.stalled(turn, track)
        case Inherited():
            inheritance.take_over(turn, event)
        case PauseRequested():
            _pause(turn, event)
        case ResumeRequested():
            _resume(turn, event)
        case StartRequested(purpose=purpose, actor=actor):
            permission.trigger(turn, purpose, actor)
        case StopRequested():
            withdrawal.stop(turn, event)
        case ObjectionsKnown(scopes=scopes):
            asking.known(turn, scopes)
        case ObjectionRaised():
            asking.objected(turn, event)
        case PrivateRequested():
            withdrawal.private(turn, event)
        case ProofExists():
            withdrawal.proven(turn, event)
        case NoticePlayed(purpose=purpose, heard=heard):
            permission.told(turn, purpose, heard)
        case Discarded():
            withdrawal.discarded(turn, event)
        case Quarantined():
            withdrawal.quarantined(turn, event)
        case DecisionCommitted():
            permission.committed(turn, event)
        case DecisionLost():
            permission.lost(turn, event)
        case TimerFired(token=token):
            _time(turn, token)
        case _:
            assert_never(event)


def _parties(turn: Turn, event: PartiesChanged) -> None:
    """Who can hear the customer has changed.

    Nobody at all for a moment is a transfer; for longer, it is nobody, and at once where something else forbade
    recording: what has ended by somebody's leaving is no reason to go on.
    """
    forbidden = forbidding(turn.call) is not None
    objecting = _objects_now(turn.call.parties, event.parties)
    turn.change(parties=event.parties, released=OF_ITSELF)
    call = turn.call
    if event.parties:
        turn.change(alone=False, alone_timer=None)
    elif call.answered_at is not None and call.alone_timer is None and call.ended_at is None:
        turn.change(alone=forbidden, alone_timer=None if forbidden else turn.timer(ALONE_AFTER_S))
    if call.answered_at is None and call.staffed:
        permission.answer(turn)
    if objecting:
        withdrawal.objected(turn, actor="caller")
    _release(turn)


def _objects_now(before: tuple[Party, ...], after: tuple[Party, ...]) -> bool:
    """Whether the customer of another call, who was recorded with this one, has objected since."""
    agreed = {party.channel for party in before if party.role is Role.ASKED}
    return any(party.role is Role.OBJECTED and party.channel in agreed for party in after)


def _release(turn: Turn) -> None:
    """End the pauses whose cause has gone by itself: who held has left, who paid talks to the company again."""
    call = turn.call
    present = _present(call)
    for pause in call.suspensions:
        held = pause.cause is Reason.HOLD and pause.origin not in present
        channel = ChannelId(pause.origin.removeprefix(IN_CONTEXT))
        away = channel in call.departed or channel not in present | call.beyond
        paid = pause.origin.startswith(IN_CONTEXT) and away
        if held or (paid and call.staffed):
            _resume(turn, pause)


def _present(call: Call) -> frozenset[ChannelId]:
    """The channels of those who talk."""
    return frozenset(party.channel for party in call.parties) | {call.customer}


def _move(turn: Turn, event: DialplanMoved) -> None:
    """A payment begins with its dialplan context. Leaving it is not yet its end: that is the next conversation."""
    call, origin = turn.call, f"{IN_CONTEXT}{event.channel}"
    paused = any(pause.origin == origin for pause in call.suspensions)
    if call.policy.pauses.asks_for_card(event.context):
        turn.change(departed=call.departed - {event.channel})
        if not paused:
            turn.change(beyond=call.beyond | ({event.channel} - _present(call)))
            _pause(turn, PauseRequested(at=turn.at, cause=Reason.PAYMENT, origin=origin, actor="dialplan"))
    elif paused:
        turn.change(departed=call.departed | {event.channel})


def _hold(turn: Turn, channel: ChannelId) -> None:
    """What is said to somebody beside the customer is not for the recording, where the policy wants it so."""
    if turn.call.policy.pauses.hold:
        _pause(turn, PauseRequested(at=turn.at, cause=Reason.HOLD, origin=channel, actor=_who(turn, channel)))


def _who(turn: Turn, channel: ChannelId) -> str:
    """Who acts on this channel."""
    staff = next((p for p in turn.call.parties if p.channel == channel and p.role in STAFF), None)
    return f"agent:{staff.extension}" if staff else "caller"


def _digit(turn: Turn, event: DigitPressed) -> None:
    """A caller may object until an agent answers; an agent pauses and resumes; nobody else's keys mean anything."""
    call = turn.call
    if event.channel == call.customer:
        asking.pressed(turn, event.digit)
        return
    agent = next((p for p in call.parties if p.channel == event.channel and p.role in _KEY_HOLDERS), None)
    if agent is None:
        return
    before = dict(call.keyed)
    keyed, code = press(before.pop(event.channel, None), event.digit, event.at, call.policy.keys.codes)
    turn.change(keyed=(*before.items(), *([(event.channel, keyed)] if keyed else [])))
    if code is not None:
        _obey(turn, code, f"agent:{agent.extension}")


_KEY_HOLDERS = frozenset({Role.AGENT, Role.UNINFORMED})


def _obey(turn: Turn, code: str, actor: str) -> None:
    """An agent has dialled one of the codes."""
    keys = turn.call.policy.keys
    if code == keys.pause:
        _pause(turn, PauseRequested(at=turn.at, cause=Reason.PAYMENT, origin="agent", actor=actor))
    elif code == keys.resume:
        _resume(turn, ResumeRequested(at=turn.at, cause=Reason.PAYMENT, origin="agent", actor=actor))
    elif code == keys.objection:
        asking.objected(turn, ObjectionRaised(at=turn.at, actor=actor))
    elif code == keys.private:
        withdrawal.private(turn, PrivateRequested(at=turn.at, actor=actor))
    else:
        permission.trigger(turn, None, actor)


def _end(turn: Turn) -> None:
    if turn.call.ended_at is not None:
        return
    asking.left(turn)
    turn.change(ended_at=turn.at, parties=())
    turn.store_call()


def _replace(turn: Turn) -> None:
    """The channel goes on, and Asterisk would go on recording it."""
    for track in turn.call.tracks:
        if track.recording is not None and not track.recording.over:
            turn.do(Stop(recording=track.recording.name))
    _end(turn)


def _hinder(turn: Turn, hindrances: Hindrances) -> None:
    """Until somebody answers, the customer may object by a key: one that nobody hears is an objection all the same."""
    unheard = Hindrance.EVENTS_LOST in hindrances and turn.call.answered_at is None
    turn.change(hindrances=hindrances, unheard=turn.call.unheard or unheard)


def _pause(turn: Turn, event: PauseRequested) -> None:
    """Acts by way of what should be; what is being recorded says so once its pause is confirmed."""
    new = Suspension(cause=event.cause, origin=event.origin, actor=event.actor, leg=event.leg)
    turn.change(suspensions=suspended(turn.call.suspensions, new))
    if not _under_way(turn.call) and turn.call.excluded is None:
        turn.change(untold=suspended(turn.call.untold, new))


def _tell_pauses(turn: Turn) -> None:
    """Log the pauses that no recording tells, as soon as no audio is on its way into a file: not before it is true."""
    if not turn.call.untold or turn.call.capturing:
        return
    for pause in turn.call.untold:
        turn.log(turn.decision(Kind.PAUSE, Verdict.APPLIED, pause.cause, actor=pause.actor))
    turn.change(untold=())


def _resume(turn: Turn, over: ResumeRequested | Suspension) -> None:
    call = turn.call
    pause = Suspension(cause=over.cause, origin=over.origin, actor=over.actor, leg=over.leg)
    left = released(call.suspensions, pause)
    if len(left) == len(call.suspensions):
        return
    reason = Reason.PAYMENT_OVER if over.cause is Reason.PAYMENT else Reason.NOTHING_FORBIDS
    untold = tuple(pause for pause in call.untold if pause in left)
    turn.change(suspensions=left, untold=untold, released=(reason, over.actor))
    if turn.call.excluded is None and (forbidding(turn.call) or not _granted(turn.call)):
        turn.log(turn.decision(Kind.RESUME, Verdict.APPLIED, reason, actor=over.actor))


def _under_way(call: Call) -> bool:
    """Whether a pause would still have something to pause, and so be logged for it."""
    return any(t.recording is not None and t.recording.phase is Phase.RECORDING for t in call.tracks)


def _granted(call: Call) -> bool:
    """Whether a resume would start something again, and so be logged for it."""
    return any(t.permission is Permission.GRANTED for t in call.tracks)


def _time(turn: Turn, token: Token) -> None:
    if turn.call.alone_timer == token:
        turn.change(alone=True, alone_timer=None)
    asking.timed_out(turn, token)
    for track in turn.call.tracks:
        if track.ticket is not None and track.ticket.waits_for == token:
            turn.put(replace(track, ticket=replace(track.ticket, waits_for=None)))
        elif track.ticket is not None and track.ticket.token == token and not track.ticket.held:
            turn.put(replace(track, ticket=None))
        elif track.recording is not None and track.recording.deadline == token:
            tracking.deadline(turn, track)
