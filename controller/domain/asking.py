"""Asking the customer: from the first word to the conclusion, and an objection at any later moment.

What the dialogue is stands in ``consent``; this module begins it, speaks, and writes down what came of it.
"""

from dataclasses import replace

from controller.domain import consent, permission, withdrawal
from controller.domain.call import Track
from controller.domain.commands import Conclude, LookUpObjections, Play
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.events import ObjectionRaised
from controller.domain.names import Token
from controller.domain.policy import ConsentMode
from controller.domain.should import objection
from controller.domain.turn import Turn

LOOK_UP_WITHIN_S = 0.3
"""How long the dialogue waits to learn what the customer has objected to in earlier calls."""


def begin(turn: Turn) -> None:
    """Open a track for each purpose of the route, and the dialogue; without a route there is nothing to ask.

    One call too many is sent on, and forgotten.
    """
    _begin(turn)
    if turn.call.overloaded:
        turn.change(ended_at=turn.at)


def _begin(turn: Turn) -> None:
    call = turn.call
    if not call.asked:
        return
    if call.excluded is not None:
        turn.do(Conclude(channel=call.customer, verdict=Verdict.REFUSED, reason=call.excluded))
        permission.exclude(turn, call.excluded)
        return
    if call.route is None:
        turn.store_call()
        turn.do(Conclude(channel=call.customer, verdict=Verdict.REFUSED, reason=Reason.NO_MATCHING_ROUTE))
        return
    if call.overloaded:
        turn.store_call()
        turn.do(Conclude(channel=call.customer, verdict=Verdict.REFUSED, reason=Reason.OVERLOAD))
        turn.log(turn.decision(Kind.RECORD, Verdict.REFUSED, Reason.OVERLOAD, actor="daemon"))
        return
    purposes = call.policy.purposes_of(call.route)
    tracks = tuple(Track(purpose=purpose) for purpose in purposes)
    turn.change(tracks=tracks, dialogue=consent.begin(purposes[0].consent), looking_up=turn.token())
    _look_up(turn)


def _look_up(turn: Turn) -> None:
    """Find out what the customer has objected to before; the dialogue waits for it, but not for long."""
    call = turn.call
    refusable = any(track.purpose.may_be_refused for track in call.tracks)
    if call.customer_hash is None or not refusable:
        turn.change(objections=call.objected_before)
        _greet(turn)
        return
    turn.do(LookUpObjections(customer_hash=call.customer_hash))
    turn.change(looking_up=turn.timer(LOOK_UP_WITHIN_S))


def _greet(turn: Turn) -> None:
    """Say the first word, once: nothing to whoever has objected to everything before and is not to be asked again."""
    call = turn.call
    if call.looking_up is None or call.dialogue is None or call.ended_at is not None:
        return
    turn.change(looking_up=None)
    tells_why = call.dialogue.consent.mode is ConsentMode.REFUSAL_ENDS_CALL
    settled = not (call.policy.objections.ask_again or tells_why) and _objected_before(turn)
    _speak(turn, consent.objected(call.dialogue, Reason.OBJECTION_ON_FILE) if settled else call.dialogue)


def _objected_before(turn: Turn) -> bool:
    """Whether objections of earlier calls stand against every purpose of this one."""
    call = turn.call
    return all(objection(call, track.purpose) is Reason.OBJECTION_ON_FILE for track in call.tracks)


def hear(turn: Turn, heard: consent.Heard) -> None:
    """A prompt has ended: say the next one, or conclude."""
    dialogue = turn.call.dialogue
    if dialogue is not None and dialogue.step is not None and turn.call.looking_up is None:
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
    call, reason = turn.call, dialogue.answer or Reason.ANNOUNCEMENT_INCOMPLETE
    allowed = dialogue.allowed
    if allowed and _objected_before(turn):
        allowed, reason = False, Reason.OBJECTION_ON_FILE
    verdict = Verdict.ALLOWED if allowed else Verdict.REFUSED
    turn.do(
        Conclude(channel=call.customer, verdict=verdict, reason=reason, hang_up=consent.ends_call(dialogue, reason))
    )
    turn.store_call()
    facts = consent.facts_of(dialogue, call.language)
    turn.log(turn.decision(Kind.CONSENT, verdict, reason, actor="caller", facts=facts))
    if reason is Reason.OPTED_OUT:
        withdrawal.remember(turn)
    elif reason is Reason.AGREED:
        withdrawal.lift(turn)


def pressed(turn: Turn, digit: str) -> None:
    """The customer may still object by the key until somebody answers; later they tell whoever they talk to."""
    dialogue = turn.call.dialogue
    waiting = dialogue is not None and dialogue.step is None and turn.call.answered_at is None
    if dialogue is None or not waiting or dialogue.refused:
        return
    if dialogue.consent.mode is ConsentMode.NONE or digit != dialogue.consent.object_key:
        return
    turn.log(turn.decision(Kind.CONSENT, Verdict.REFUSED, Reason.OPTED_OUT, actor="caller", facts={"key": digit}))
    withdrawal.remember(turn)
    _refuse(turn)


def known(turn: Turn, scopes: frozenset[str]) -> None:
    """What the customer has objected to in earlier calls is known now."""
    turn.change(objections=scopes | turn.call.objected_before)
    _greet(turn)


def timed_out(turn: Turn, token: Token) -> None:
    """Nobody has said in time what the customer objected to before: the caller does not wait for that."""
    if turn.call.looking_up == token:
        _greet(turn)


def left(turn: Turn) -> None:
    """The customer has hung up: a dialogue that was under way is over, and was not whole."""
    dialogue = turn.call.dialogue
    if dialogue is not None and dialogue.step is not None:
        turn.change(looking_up=None)
        _speak(turn, replace(dialogue, step=None, answer=Reason.ANNOUNCEMENT_INCOMPLETE))


def objected(turn: Turn, event: ObjectionRaised) -> None:
    """The customer objects by telling somebody; where a law demands the recording, nobody can, and it is said so."""
    call = turn.call
    if call.tracks and not any(track.purpose.may_be_refused for track in call.tracks):
        turn.log(turn.decision(Kind.CONSENT, Verdict.ALLOWED, Reason.LEGAL_OBLIGATION, actor=event.actor))
        return
    turn.log(turn.decision(Kind.CONSENT, Verdict.REFUSED, Reason.OPTED_OUT, actor=event.actor))
    withdrawal.remember(turn)
    _refuse(turn)
    withdrawal.objected(turn, event.actor)


def _refuse(turn: Turn) -> None:
    """Whatever was answered before, the answer is no; a dialogue that is under way ends with it."""
    dialogue = turn.call.dialogue
    if dialogue is None:
        return
    under_way = dialogue.step is not None
    turn.change(dialogue=consent.objected(dialogue), looking_up=None)
    if under_way:
        turn.do(Conclude(channel=turn.call.customer, verdict=Verdict.REFUSED, reason=Reason.OPTED_OUT))
        turn.store_call()
