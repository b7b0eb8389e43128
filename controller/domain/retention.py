"""How long what is stored may be kept, and what is to become of it at a given time.

Owns the rules: GDPR art. 5(1)(e) (no longer than necessary), 17(3)(e) (legal claims), 18(2) (restriction); C. assur.
R. 112-7 (no contract); CNIL (documents of analysis, intermediate archive). Destroys nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.decision import Reason
from controller.domain.policy import Basis, Period, Purpose

CONTRACT = "contract"
"""The outcome of a call that a contract came of; any other, and none, is no contract."""
NO_CONTRACT = "none"
"""The outcome of a call of which it is known that no contract came."""
OUTCOMES = (CONTRACT, NO_CONTRACT)

_ARCHIVED = frozenset({Basis.CONTRACT, Basis.LEGAL_OBLIGATION})
"""What is kept to prove something, and not to work with."""


class Fate(StrEnum):
    """What is to become of something that is stored."""

    DESTROY = "destroy"
    KEEP = "keep"
    """It is due, and must not be destroyed now."""
    ARCHIVE = "archive"
    NOTHING = "nothing"


FINISH = "finish"
"""No fate: of something whose key is destroyed already, the objects are still to be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A fate and why; no reason where there is nothing to do."""

    fate: Fate
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a policy keeps the recordings of a purpose; ``without_contract`` where no contract came of the call."""

    retention: Period
    without_contract: Period | None

    def period(self, outcome: str | None) -> Period:
        """How long, by what came of the call; None where nobody knows."""
        if self.without_contract is None or outcome == CONTRACT:
            return self.retention
        return self.without_contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A recording, or a document about a call, as far as its retention depends on it.

    ``began`` is when its time began: the end of the recording, or the day on which the document was added; None where
    nobody knows. ``due_at`` is the date that was fixed when it was stored.
    """

    is_document: bool
    began: datetime | None
    due_at: datetime | None
    archived: bool
    held: bool
    restricted: bool
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Another date than the fixed one, by the policy in force."""

    due_at: datetime
    sooner: bool


NOTHING = Judgement(fate=Fate.NOTHING)


def terms_of(purpose: Purpose) -> Terms:
    """What the policy in force says of a purpose."""
    return Terms(retention=purpose.retention, without_contract=purpose.without_contract)


def period(purpose: Purpose, *, is_document: bool, outcome: str | None) -> Period | None:
    """How long something is kept; None for a document where the purpose keeps none."""
    if is_document:
        return purpose.analyses
    return terms_of(purpose).period(outcome)


def due(purpose: Purpose, began: datetime, *, is_document: bool = False, outcome: str | None = None) -> datetime | None:
    """When something is destroyed whose time begins then; None where the purpose does not say."""
    lasts = period(purpose, is_document=is_document, outcome=outcome)
    return lasts.after(began) if lasts else None


def is_archived(purpose: Purpose) -> bool:
    """Whether what is recorded for a purpose goes to the intermediate archive some day."""
    return purpose.basis in _ARCHIVED


def judge(kept: Kept, purpose: Purpose | None, *, at: datetime, archive_after: Period) -> Judgement:
    """What is to become of something at a time. ``purpose`` is None where the policy has it no more.

    The fixed date holds, whatever the policy says by now; the policy speaks only where none was fixed.
    """
    end = kept.due_at or _by_policy(kept, purpose)
    if end is not None and end <= at:
        return _at_its_end(kept, purpose, end)
    if purpose is None or kept.began is None or kept.archived or not is_archived(purpose):
        return NOTHING
    if archive_after.after(kept.began) > at:
        return NOTHING
    return Judgement(fate=Fate.ARCHIVE, reason=Reason.ARCHIVED)


def revision(kept: Kept, purpose: Purpose | None) -> Revision | None:
    """What the policy in force would change of a fixed date; None where it is the same, or the policy does not say."""
    by_policy = _by_policy(kept, purpose)
    if by_policy is None or by_policy == kept.due_at:
        return None
    return Revision(due_at=by_policy, sooner=kept.due_at is None or by_policy < kept.due_at)


def after_outcome(kept: Kept, purpose: Purpose | None, outcome: str) -> datetime | None:
    """The date that an outcome gives, None where it changes nothing. Only a contract lengthens."""
    if purpose is None or purpose.without_contract is None or kept.is_document or kept.began is None:
        return None
    told = due(purpose, kept.began, outcome=outcome)
    if told is None or told == kept.due_at:
        return None
    lengthens = kept.due_at is not None and told > kept.due_at
    return None if lengthens and outcome != CONTRACT else told


def _by_policy(kept: Kept, purpose: Purpose | None) -> datetime | None:
    if purpose is None or kept.began is None:
        return None
    return due(purpose, kept.began, is_document=kept.is_document, outcome=kept.outcome)


def _at_its_end(kept: Kept, purpose: Purpose | None, end: datetime) -> Judgement:
    if kept.held:
        return Judgement(fate=Fate.KEEP, reason=Reason.LEGAL_HOLD)
    if kept.restricted:
        return Judgement(fate=Fate.KEEP, reason=Reason.RESTRICTED)
    reason = Reason.NO_CONTRACT if _for_want_of_a_contract(kept, purpose, end) else Reason.RETENTION_OVER
    return Judgement(fate=Fate.DESTROY, reason=reason)


def _for_want_of_a_contract(kept: Kept, purpose: Purpose | None, end: datetime) -> bool:
    """Whether a contract would have had it kept for longer, and it was not the policy of another time that ended it."""
    if purpose is None or purpose.without_contract is None or kept.is_document or kept.began is None:
        return False
    return kept.outcome != CONTRACT and end <= purpose.without_contract.after(kept.began)
