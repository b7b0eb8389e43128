"""What anybody may ask of a call under way, by FastAGI or HTTP: pause, resume, start, stop.

One place, so that a pause means the same whoever asks for it: it is asked for, and then waited for until Asterisk has
confirmed it or the recording has been stopped.
"""

from enum import StrEnum

from controller.domain.call import Call, Permission
from controller.domain.decision import Reason
from controller.domain.events import PauseRequested, ResumeRequested, StartRequested, StopRequested
from controller.domain.names import CallId
from controller.domain.recording import Phase
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


def state_of(call: Call | None) -> CallState:
    """The one word for a call; ``unsettled`` while Asterisk has not answered."""
    recordings = [t.recording for t in call.tracks if t.recording is not None] if call is not None else []
    live = [r for r in recordings if r.phase is not Phase.LOST]
    if any(r.phase is Phase.RECORDING for r in live):
        return CallState.RECORDING
    if any(r.phase is not Phase.PAUSED for r in live):
        return CallState.UNSETTLED
    if live or (call is not None and call.suspensions and _granted(call)):
        return CallState.PAUSED
    return CallState.NOT_RECORDED


def silent(call: Call) -> bool:
    """Whether nothing of this call is on its way into any file, as Asterisk has confirmed."""
    return not call.capturing


async def pause(dispatcher: Dispatcher, call: CallId, *, cause: Reason, origin: str, actor: str) -> CallState:
    """Pause every recording of a call, now and later. Returns when that is confirmed, or the recording stopped."""
    dispatcher.tell(call, PauseRequested(at=now(), cause=cause, origin=origin, actor=actor))
    return state_of(await dispatcher.changed(call, silent, within_s=SETTLED_WITHIN_S))


async def resume(dispatcher: Dispatcher, call: CallId, *, cause: Reason, origin: str, actor: str) -> CallState:
    """End one reason for the pause. Returns when it records again, or when it is clear that it does not yet."""
    dispatcher.tell(call, ResumeRequested(at=now(), cause=cause, origin=origin, actor=actor))
    after = await dispatcher.changed(
        call, lambda c: bool(c.suspensions) or state_of(c) is CallState.RECORDING, within_s=SETTLED_WITHIN_S / 4
    )
    return state_of(after)


def start(dispatcher: Dispatcher, call: CallId, *, purpose: str | None, actor: str) -> None:
    """Say that what the purpose is about begins now."""
    dispatcher.tell(call, StartRequested(at=now(), purpose=purpose, actor=actor))


def stop(dispatcher: Dispatcher, call: CallId, *, purpose: str | None, actor: str) -> None:
    """End the recordings for this purpose, or all, for the rest of the call."""
    dispatcher.tell(call, StopRequested(at=now(), purpose=purpose, actor=actor))


def _granted(call: Call) -> bool:
    return any(track.permission is Permission.GRANTED for track in call.tracks)
