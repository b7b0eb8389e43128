"""The heart: ``advance(call, event)`` gives the call after the event, and what is to be done.

Each step takes the event in as a fact, then compares what each recording should be with what it is, and commands the
difference. So a fact that was missed is made good by the next event, whatever it is.
"""

from dataclasses import replace
from typing import assert_never

from controller.domain import consent, permission, tracking
from controller.domain.call import Call, Permission, Track
from controller.domain.commands import URGENT, Command, Conclude, Play
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import (
    CallBegan,
    CustomerLeft,
    DecisionCommitted,
    DecisionLost,
    DigitPressed,
    Event,
    OfCall,
    OfRecording,
    PartiesChanged,
    PauseRequested,
    PromptEnded,
    ResumeRequested,
    StartRequested,
    StopRequested,
    TimerFired,
)
from controller.domain.keying import press
from controller.domain.names import Token
from controller.domain.parties import Role
from controller.domain.policy import ConsentMode
from controller.domain.recording import Phase
from controller.domain.should import forbidding
from controller.domain.suspension import Suspension, released, suspended
from controller.domain.turn import Turn

ALONE_AFTER_S = 0.3
"""A customer whom nobody hears for longer than this is not in a conversation. A transfer takes a few milliseconds."""


def advance(call: Call, event: Event) -> tuple[Call, tuple[Command, ...]]:
    """The call after this event, and the commands that follow from it, the urgent ones first."""
    turn = Turn(call=call, at=event.at)
    if isinstance(event, OfRecording):
        for track in turn.call.tracks:
            if track.recording is not None and track.recording.name == event.recording:
                tracking.observe(turn, track, event)
    else:
        _absorb(turn, event)
    for track in turn.call.tracks:
        tracking.reconcile(turn, track)
    return turn.call, tuple(sorted(turn.commands, key=lambda command: not isinstance(command, URGENT)))


def _absorb(turn: Turn, event: OfCall) -> None:  # noqa: C901, PLR0912 - one arm for each event
    match event:
        case CallBegan():
            _begin(turn)
        case PromptEnded(heard=heard):
            _hear(turn, heard)
        case PartiesChanged():
            _parties(turn, event)
        case DigitPressed():
            _digit(turn, event)
        case CustomerLeft():
            _end(turn)
        case PauseRequested():
            _pause(turn, event)
        case ResumeRequested():
            _resume(turn, event)
        case StartRequested(purpose=purpose, actor=actor):
            permission.trigger(turn, purpose, actor)
        case StopRequested(purpose=purpose):
            permission.withdraw(turn, purpose)
        case DecisionCommitted():
            permission.committed(turn, event)
        case DecisionLost():
            permission.lost(turn, event)
        case TimerFired(token=token):
            _time(turn, token)
        case _:
            assert_never(event)


def _begin(turn: Turn) -> None:
    """Open a track for each purpose of the route, and the dialogue; without a route there is nothing to ask."""
    call = turn.call
    if not call.asked:
        return
    if call.route is None:
        turn.store_call()
        turn.do(Conclude(channel=call.customer, verdict=Verdict.REFUSED, reason=Reason.NO_MATCHING_ROUTE))
        return
    purposes = call.policy.purposes_of(call.route)
    turn.change(tracks=tuple(Track(purpose=purpose) for purpose in purposes))
    _speak(turn, consent.begin(purposes[0].consent))


def _hear(turn: Turn, heard: consent.Heard) -> None:
    dialogue = turn.call.dialogue
    if dialogue is not None and dialogue.step is not None:
        _speak(turn, consent.hear(dialogue, heard))


def _speak(turn: Turn, dialogue: consent.Dialogue) -> None:
    """Play the next prompt, or conclude."""
    turn.change(dialogue=dialogue)
    call = turn.call
    prompt = consent.prompt_of(dialogue, call.policy, call.language)
    if prompt is None:
        _conclude(turn, dialogue)
        return
    keys, patience = consent.keys_of(dialogue), consent.patience_of(dialogue)
    turn.do(Play(channel=call.customer, prompt=prompt, keys=keys, patience_ms=patience))


def _conclude(turn: Turn, dialogue: consent.Dialogue) -> None:
    reason = dialogue.answer or Reason.ANNOUNCEMENT_INCOMPLETE
    verdict = Verdict.ALLOWED if dialogue.allowed else Verdict.REFUSED
    turn.do(Conclude(channel=turn.call.customer, verdict=verdict, reason=reason))
    turn.store_call()
    turn.log(turn.decision(Kind.CONSENT, verdict, reason, actor="caller", facts=consent.facts_of(dialogue)))


def _parties(turn: Turn, event: PartiesChanged) -> None:
    """Who can hear the customer has changed. Nobody at all for a moment is a transfer; for longer, it is nobody."""
    turn.change(parties=event.parties)
    call = turn.call
    if event.parties:
        turn.change(alone=False, alone_timer=None)
    elif call.answered_at is not None and call.alone_timer is None and call.ended_at is None:
        turn.change(alone_timer=turn.timer(ALONE_AFTER_S))
    if call.answered_at is None and (call.has(Role.AGENT) or call.has(Role.REPRESENTATIVE)):
        permission.answer(turn)


def _digit(turn: Turn, event: DigitPressed) -> None:
    """A caller may object until an agent answers; an agent pauses and resumes; nobody else's keys mean anything."""
    call = turn.call
    if event.channel == call.customer:
        _object(turn, event.digit)
        return
    agent = next((p for p in call.parties if p.channel == event.channel and p.role is Role.AGENT), None)
    if agent is None:
        return
    codes = (call.policy.keys.pause, call.policy.keys.resume)
    before = dict(call.keyed)
    keyed, code = press(before.pop(event.channel, None), event.digit, event.at, codes)
    turn.change(keyed=(*before.items(), *([(event.channel, keyed)] if keyed else [])))
    actor = f"agent:{agent.extension}"
    if code == call.policy.keys.pause:
        _pause(turn, PauseRequested(at=event.at, cause=Reason.PAYMENT, origin="agent", actor=actor))
    elif code == call.policy.keys.resume:
        _resume(turn, ResumeRequested(at=event.at, cause=Reason.PAYMENT, origin="agent", actor=actor))


def _object(turn: Turn, digit: str) -> None:
    dialogue = turn.call.dialogue
    waiting = dialogue is not None and dialogue.step is None and turn.call.answered_at is None
    if dialogue is None or not waiting or not dialogue.allowed:
        return
    if dialogue.consent.mode is ConsentMode.NONE or digit != dialogue.consent.object_key:
        return
    turn.change(dialogue=consent.objected(dialogue))
    turn.log(turn.decision(Kind.CONSENT, Verdict.REFUSED, Reason.OPTED_OUT, actor="caller", facts={"key": digit}))


def _end(turn: Turn) -> None:
    if turn.call.ended_at is not None:
        return
    dialogue = turn.call.dialogue
    if dialogue is not None and dialogue.step is not None:
        _speak(turn, replace(dialogue, step=None, answer=Reason.ANNOUNCEMENT_INCOMPLETE))
    turn.change(ended_at=turn.at, parties=())
    turn.store_call()


def _pause(turn: Turn, event: PauseRequested) -> None:
    """Acts by way of what should be; where nothing is being recorded, only the log shows it."""
    new = Suspension(cause=event.cause, origin=event.origin, actor=event.actor)
    turn.change(suspensions=suspended(turn.call.suspensions, new))
    if not _under_way(turn.call):
        turn.log(turn.decision(Kind.PAUSE, Verdict.APPLIED, event.cause, actor=event.actor))


def _resume(turn: Turn, event: ResumeRequested) -> None:
    call = turn.call
    left = released(call.suspensions, cause=event.cause, origin=event.origin)
    if len(left) == len(call.suspensions):
        return
    reason = Reason.PAYMENT_OVER if event.cause is Reason.PAYMENT else Reason.NOTHING_FORBIDS
    turn.change(suspensions=left, released=(reason, event.actor))
    if forbidding(turn.call) or not _granted(turn.call):
        turn.log(turn.decision(Kind.RESUME, Verdict.APPLIED, reason, actor=event.actor))


def _under_way(call: Call) -> bool:
    """Whether a pause would still have something to pause, and so be logged for it."""
    return any(t.recording is not None and t.recording.phase is Phase.RECORDING for t in call.tracks)


def _granted(call: Call) -> bool:
    """Whether a resume would start something again, and so be logged for it."""
    return any(t.permission is Permission.GRANTED for t in call.tracks)


def _time(turn: Turn, token: Token) -> None:
    if turn.call.alone_timer == token:
        turn.change(alone=True, alone_timer=None)
    for track in turn.call.tracks:
        if track.ticket is not None and track.ticket.token == token and not track.ticket.held:
            turn.put(replace(track, ticket=None))
        elif track.recording is not None and track.recording.deadline == token:
            tracking.deadline(turn, track)
