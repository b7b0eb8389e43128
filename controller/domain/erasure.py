"""What may be erased because its data subject asks for it, and what must be kept all the same (GDPR art. 17).

Owns the rule only; ``controller.custody.erasing`` destroys.
"""

from datetime import datetime

from controller.domain.decision import Reason
from controller.domain.policy import Basis, Purpose
from controller.domain.retention import NO_CONTRACT


def kept_because(
    purpose: Purpose | None, *, held: bool, outcome: str | None, due_at: datetime | None, at: datetime
) -> Reason | None:
    """Why something is not erased on request; None where it is.

    A legal hold stands above all (art. 17(3)(e)). Until its time is over, so do a legal obligation to keep it
    (art. 17(3)(b)) and a contract that it proves (art. 17(3)(e)): where none came of the call, it proves none.
    ``purpose`` is None where the policy has it no more: then nobody knows what it is kept for, and what is destroyed
    does not come back. ``due_at`` None: not over.
    """
    if held:
        return Reason.LEGAL_HOLD
    if due_at is not None and due_at <= at:
        return None
    if purpose is None:
        return Reason.PURPOSE_UNKNOWN
    if purpose.basis is Basis.LEGAL_OBLIGATION:
        return Reason.LEGAL_OBLIGATION
    if purpose.basis is Basis.CONTRACT and outcome != NO_CONTRACT:
        return Reason.EVIDENCE
    return None
