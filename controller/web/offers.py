"""What who asks may ask of a call just now: what makes sense as it stands, and is theirs to ask."""

from collections.abc import Collection, Iterator
from typing import Final

from controller.domain.access import grant
from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.policy import Basis, Start
from controller.domain.principal import Principal
from controller.domain.showing import PurposeState, Shown, shown
from controller.runtime.authority import ACTIONS, is_there
from controller.runtime.requests import CAUSES, Verb

ORIGIN: Final = "agent"
"""Whose a pause over HTTP counts as, so that the agent's keys end it, and it ends theirs."""

Offer = dict[str, str]
"""A verb, with the purpose or the reason that is to be sent with it."""


def offered(call: Call, principal: Principal) -> list[Offer]:
    """All of it, in an order that stays. Of a call that is excluded, or over, there is nothing to ask."""
    if call.excluded is not None or call.ended_at is not None:
        return []
    return [offer for verb, offer in _sensible(call) if _theirs(call, principal, verb, offer.get("purpose"))]


def _theirs(call: Call, principal: Principal, verb: Verb, purpose: str | None) -> bool:
    granted = grant(principal, ACTIONS[verb])
    if granted is None or not is_there(granted, verb, call):
        return False
    return purpose is None or purpose in granted.purposes_of(call)


def _sensible(call: Call) -> Iterator[tuple[Verb, Offer]]:
    """What would make a difference, whoever asks."""
    told = shown(call)
    paused_for = {suspension.cause for suspension in call.suspensions if suspension.origin == ORIGIN}
    if any(one.state is not PurposeState.NOT_RECORDED for one in told):
        yield from _of_pauses(paused_for)
    yield from _by_purpose(call, told)
    refused = call.dialogue is None or call.dialogue.refused
    if not refused and any(track.purpose.may_be_refused for track in call.tracks):
        yield Verb.OBJECTION, _offer(Verb.OBJECTION)
    if not call.tracks or any(
        track.purpose.basis is not Basis.LEGAL_OBLIGATION
        and (track.withdrawn is None or track.withdrawn.reason is not Reason.PRIVATE_CALL)
        for track in call.tracks
    ):
        yield Verb.PRIVATE, _offer(Verb.PRIVATE)


def _of_pauses(paused_for: Collection[Reason]) -> Iterator[tuple[Verb, Offer]]:
    if Reason.PAYMENT not in paused_for:
        yield Verb.PAUSE, _offer(Verb.PAUSE, reason="payment")
    for word, cause in CAUSES.items():
        if cause in paused_for:
            yield Verb.RESUME, _offer(Verb.RESUME, reason=word)


def _by_purpose(call: Call, told: tuple[Shown, ...]) -> Iterator[tuple[Verb, Offer]]:
    for track, one in zip(call.tracks, told, strict=True):
        name, on_trigger = track.purpose.name, track.purpose.start is Start.ON_TRIGGER
        if on_trigger and one.state is PurposeState.WAITING and call.answered_at is not None:
            yield Verb.START, _offer(Verb.START, purpose=name)
        if one.state not in {PurposeState.NOT_RECORDED, PurposeState.WAITING}:
            yield Verb.STOP, _offer(Verb.STOP, purpose=name)
        discarded = track.withdrawn is not None and track.withdrawn.discard
        if on_trigger and (track.recording is not None or track.kept) and not discarded:
            yield Verb.PROOF, _offer(Verb.PROOF, purpose=name)


def _offer(verb: Verb, **detail: str) -> Offer:
    return {"verb": verb.value, **detail}
