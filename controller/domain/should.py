"""What each recording of a call SHOULD be, from all the facts known: the law in one place."""

from dataclasses import dataclass
from enum import StrEnum

from controller.domain.call import Call, Permission, Track
from controller.domain.decision import Reason
from controller.domain.parties import Role


class State(StrEnum):
    """What a recording should be."""

    OFF = "off"
    PAUSED = "paused"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class Should:
    """What it should be, why, and on whose account."""

    state: State
    reason: Reason
    actor: str = "policy"


def should_be(call: Call, track: Track) -> Should:
    """What this recording should be now."""
    if call.ended_at is not None:
        return Should(state=State.OFF, reason=Reason.CALL_ENDED)
    if track.permission is not Permission.GRANTED:
        return Should(state=State.OFF, reason=Reason.AGENT_REQUEST)
    return forbidding(call) or Should(state=State.RECORDING, reason=Reason.NOTHING_FORBIDS)


def forbidding(call: Call) -> Should | None:
    """Why nothing of this call may be recorded just now; None where nothing forbids it.

    A representative on mandate is never recorded (CNIL), nor is anybody who was not told and asked (GDPR art. 13),
    nor a customer who talks to nobody.
    """
    for suspension in call.suspensions:
        return Should(state=State.PAUSED, reason=suspension.cause, actor=suspension.actor)
    if call.has(Role.REPRESENTATIVE):
        return Should(state=State.PAUSED, reason=Reason.REPRESENTATIVE)
    if call.has(Role.EXTERNAL):
        return Should(state=State.PAUSED, reason=Reason.EXTERNAL_PARTY)
    if call.alone:
        return Should(state=State.PAUSED, reason=Reason.NOBODY_CONNECTED)
    return None


def refusal(call: Call) -> Reason | None:
    """Why this call may not be recorded at all, as far as the parties are concerned; None where it may."""
    if call.dialogue is None:
        return Reason.NOT_ASKED
    if call.dialogue.allowed:
        return None
    return call.dialogue.answer or Reason.ANNOUNCEMENT_INCOMPLETE
