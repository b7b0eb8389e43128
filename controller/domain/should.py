"""What each recording of a call SHOULD be, from all the facts known: the law in one place."""

from dataclasses import dataclass
from enum import StrEnum

from controller.domain.call import Call, Permission, Track
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrance
from controller.domain.parties import Role
from controller.domain.policy import OnDatabaseLoss, Purpose
from controller.domain.records import EVERY_PURPOSE


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
    if track.withdrawn is not None:
        return Should(state=State.OFF, reason=track.withdrawn.reason, actor=track.withdrawn.actor)
    if track.permission is not Permission.GRANTED:
        return Should(state=State.OFF, reason=Reason.RECORDING_FAILED, actor="daemon")
    if track.recording is None and _without_room(call):
        return Should(state=State.OFF, reason=Reason.STORAGE_FULL, actor="daemon")
    return _ending(call) or forbidding(call) or Should(state=State.RECORDING, reason=Reason.NOTHING_FORBIDS)


_PAUSED_BY = (
    (Role.REPRESENTATIVE, Reason.REPRESENTATIVE),
    (Role.PRIVATE, Reason.PRIVATE_CALL),
    (Role.PAYMENT, Reason.PAYMENT),
    (Role.OBJECTED, Reason.OPTED_OUT),
    (Role.UNINFORMED, Reason.AGENT_NOT_INFORMED),
    (Role.EXTERNAL, Reason.EXTERNAL_PARTY),
)
"""Who, by taking part, keeps everybody from being recorded, and the reason for it."""


def _ending(call: Call) -> Should | None:
    """Why this daemon ends what it records; None where nothing makes it."""
    if Hindrance.LEAVING in call.hindrances:
        return Should(state=State.OFF, reason=Reason.CONTROLLER_STOPPED, actor="daemon")
    if Hindrance.DATABASE_AWAY in call.hindrances and call.policy.on_database_loss is OnDatabaseLoss.STOP:
        return Should(state=State.OFF, reason=Reason.DATABASE_AWAY, actor="daemon")
    return None


_PAUSED_WITHOUT_US = (
    (Hindrance.HANDING_OVER, Reason.HANDED_OVER),
    (Hindrance.EVENTS_LOST, Reason.EVENTS_LOST),
)
"""What keeps this daemon from watching, so that nothing is recorded meanwhile."""


def forbidding(call: Call) -> Should | None:
    """Why nothing of this call may be recorded just now; None where nothing forbids it.

    A representative on mandate is never recorded (CNIL), nor is anybody who was not told and asked (GDPR art. 13),
    nor a customer who talks to nobody of the company.
    """
    for suspension in call.suspensions:
        return Should(state=State.PAUSED, reason=suspension.cause, actor=suspension.actor)
    for role, reason in _PAUSED_BY:
        if call.has(role):
            return Should(state=State.PAUSED, reason=reason)
    if call.alone or (call.parties and not call.staffed):
        return Should(state=State.PAUSED, reason=Reason.NOBODY_CONNECTED)
    for hindrance, reason in _PAUSED_WITHOUT_US:
        if hindrance in call.hindrances:
            return Should(state=State.PAUSED, reason=reason, actor="daemon")
    return None


def refusal(call: Call, purpose: Purpose) -> Reason | None:
    """Why this call may not be recorded for this purpose at all, as far as the parties and what is to hand allow."""
    dialogue = call.dialogue
    if dialogue is None:
        return Reason.NOT_ASKED
    if not dialogue.allowed:
        return dialogue.answer or Reason.ANNOUNCEMENT_INCOMPLETE
    if call.has(Role.UNINFORMED):
        return Reason.AGENT_NOT_INFORMED
    if call.unheard and purpose.may_be_refused:
        return Reason.EVENTS_LOST
    return objection(call, purpose) or _without_room(call)


def _without_room(call: Call) -> Reason | None:
    """Nothing begins that could not be kept; what has begun goes on, since it is of a call that has been asked."""
    return Reason.STORAGE_FULL if Hindrance.STORAGE_FULL in call.hindrances else None


def objection(call: Call, purpose: Purpose) -> Reason | None:
    """Whether an objection of an earlier call stands against this purpose; who agrees by key has lifted it."""
    agreed = call.dialogue is not None and call.dialogue.answer is Reason.AGREED
    if agreed or not purpose.may_be_refused:
        return None
    if call.objections is None:
        return Reason.OBJECTIONS_UNKNOWN
    return Reason.OBJECTION_ON_FILE if call.objections & {purpose.name, EVERY_PURPOSE} else None
