"""What anybody may ask of a call under way, by FastAGI, HTTP or MQTT.

One place, so that a pause means the same whoever asks for it: it is asked for, and then waited for until Asterisk has
confirmed it or the recording has been stopped.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import assert_never

from controller.domain.call import Call, Permission
from controller.domain.decision import Reason
from controller.domain.events import (
    Event,
    ObjectionRaised,
    PauseRequested,
    PrivateRequested,
    ProofExists,
    ResumeRequested,
    StartRequested,
    StopRequested,
)
from controller.domain.names import CallId, ChannelId
from controller.domain.recording import Phase
from controller.domain.tracking import CATCH_UP_S
from controller.runtime.clock import now
from controller.runtime.dispatcher import Dispatcher

SETTLED_WITHIN_S = 1.0
"""An unconfirmed pause becomes a stop after 0.1 s, so the answer is known long before this."""

CAUSES = {"payment": Reason.PAYMENT, "agent-request": Reason.AGENT_REQUEST}
"""The reasons for a pause that may be asked for."""


class CallState(StrEnum):
    """What a call's recordings are, in one word."""

    RECORDING = "recording"
    PAUSED = "paused"
    NOT_RECORDED = "not-recorded"
    UNSETTLED = "unsettled"


def state_of(call: Call | None, purposes: Collection[str] | None = None) -> CallState:
    """The one word for a call; ``unsettled`` while Asterisk has not answered.

    Of its recordings for these ``purposes`` only; None: of all. A pause belongs to the call, so ``paused`` is only one
    of which nothing is on its way into any file, for whatever purpose.
    """
    tracks = [t for t in call.tracks if purposes is None or t.purpose.name in purposes] if call is not None else []
    recordings = [t.recording for t in tracks if t.recording is not None]
    live = [r for r in recordings if r.phase is not Phase.LOST]
    if any(r.phase is Phase.RECORDING for r in live):
        return CallState.RECORDING
    if any(r.phase is not Phase.PAUSED for r in live):
        return CallState.UNSETTLED
    granted = any(track.permission is Permission.GRANTED for track in tracks)
    if call is not None and (live or (call.suspensions and granted)):
        return CallState.PAUSED if silent(call) else CallState.UNSETTLED
    return CallState.NOT_RECORDED


def silent(call: Call) -> bool:
    """Whether nothing of this call is on its way into any file, as Asterisk has confirmed."""
    return not call.capturing


class Verb(StrEnum):
    """What may be asked of a call under way."""

    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    """What the purpose is about begins now; where the customer is told again first, recording comes after that."""
    STOP = "stop"
    """The recordings end for the rest of the call, and are kept."""
    OBJECTION = "objection"
    """The customer objects: what exists is discarded."""
    PRIVATE = "private"
    """The call is the agent's own business: what exists is discarded, but for what a law demands."""
    PROOF = "proof"
    """There is other proof of what is recorded on trigger: it is discarded."""


def outcome_of(verb: Verb, call: Call | None, purposes: Collection[str] | None = None) -> CallState:
    """What is answered to who asked this, of the call as it is then, None where it is over.

    A pause is done once nothing is on its way into any file: what is recorded for others counts as well.
    """
    if verb is Verb.PAUSE and call is not None and not silent(call):
        return CallState.UNSETTLED
    return state_of(call, purposes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing asked, by whom.

    ``cause`` is for a pause and its end, and the same ``origin`` that paused resumes, from the same ``leg`` where it
    was a dialplan; ``purpose`` is for start, stop and proof, None for all.
    """

    verb: Verb
    actor: str
    origin: str
    cause: Reason = Reason.PAYMENT
    purpose: str | None = None
    leg: ChannelId | None = None


def tell(dispatcher: Dispatcher, call: CallId, request: Request) -> None:
    """Ask it, and wait for nothing."""
    dispatcher.tell(call, _event(request))


def tell_early(dispatcher: Dispatcher, leg: ChannelId, request: Request) -> None:
    """Ask it for a channel that is in no call yet: a pause holds for the call that it joins."""
    match _event(request):
        case PauseRequested() as pause:
            dispatcher.pause_early(leg, pause)
        case ResumeRequested(cause=cause):
            dispatcher.resume_early(leg, cause)
        case _:
            pass


async def act(dispatcher: Dispatcher, call: CallId, request: Request) -> CallState:
    """Ask it, and wait until it is done, or until it is clear that it is not yet; a pause until it is confirmed."""
    return outcome_of(request.verb, await carried_out(dispatcher, call, [request]))


async def carried_out(
    dispatcher: Dispatcher, call: CallId, asked: Sequence[Request], *, purposes: Collection[str] | None = None
) -> Call | None:
    """Ask all of it, of one verb, and wait once, as ``act`` does; the call as it is then, None where it is over.

    ``purposes`` are those whose recordings are waited for, but for a pause, which is of them all; None: all.
    """
    for request in asked:
        tell(dispatcher, call, request)
    match asked[0].verb:
        case Verb.PAUSE:
            until, within_s = silent, SETTLED_WITHIN_S
        case Verb.RESUME:
            until, within_s = _goes_on, CATCH_UP_S + SETTLED_WITHIN_S / 4
        case Verb.START:
            until, within_s = partial(_recording, purposes=purposes), SETTLED_WITHIN_S
        case _:
            until, within_s = partial(_settled, purposes=purposes), SETTLED_WITHIN_S
    return await dispatcher.changed(call, until, within_s=within_s)


def _event(request: Request) -> Event:  # noqa: PLR0911 - one event for each verb
    at, actor, cause, origin = now(), request.actor, request.cause, request.origin
    match request.verb:
        case Verb.PAUSE:
            return PauseRequested(at=at, cause=cause, origin=origin, actor=actor, leg=request.leg)
        case Verb.RESUME:
            return ResumeRequested(at=at, cause=cause, origin=origin, actor=actor, leg=request.leg)
        case Verb.START:
            return StartRequested(at=at, purpose=request.purpose, actor=actor)
        case Verb.STOP:
            return StopRequested(at=at, purpose=request.purpose, actor=actor)
        case Verb.OBJECTION:
            return ObjectionRaised(at=at, actor=actor)
        case Verb.PRIVATE:
            return PrivateRequested(at=at, actor=actor)
        case Verb.PROOF:
            return ProofExists(at=at, purpose=request.purpose, actor=actor)
        case _:
            assert_never(request.verb)


def _recording(call: Call, *, purposes: Collection[str] | None = None) -> bool:
    return state_of(call, purposes) is CallState.RECORDING


def _goes_on(call: Call) -> bool:
    return bool(call.suspensions) or _recording(call)


def _settled(call: Call, *, purposes: Collection[str] | None) -> bool:
    return state_of(call, purposes) is not CallState.UNSETTLED
