"""What came of a simulation: a row for each call and purpose, and the sums. No row holds a number or a name.

A call that the policy excludes has no row of its own: a list of them would track whom the exclusions protect.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from controller.domain.call import Call
from controller.domain.decision import Decision, Kind, Verdict
from controller.domain.replay import ELIGIBLE
from controller.simulation.conversations import Conversation
from controller.simulation.playing import Played

WAITS = "waits-for-trigger"
"""Instead of a reason, where an ``on-trigger`` purpose was never triggered."""
NO_AGENT = "no-agent"
"""Instead of a reason, where whoever answered is no agent of this policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one call came to for one purpose. ``at`` is when it was answered."""

    line: int
    call: str
    at: datetime
    direction: str
    queue: str
    route: str | None
    purpose: str | None
    recorded: bool
    reason: str
    stratum: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A stratum of a purpose; without a sample, the purpose. ``reasons`` counts the calls by why."""

    purpose: str | None
    stratum: str | None
    calls: int
    eligible: int
    recorded: int
    reasons: dict[str, int]


@dataclass(slots=True)
class Tally:
    """Adds up results."""

    reasons: dict[tuple[str | None, str | None], Counter[str]] = field(default_factory=dict)
    recorded: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """One more."""
        self.count(result.purpose, result.stratum, result.reason)
        self.recorded[result.purpose, result.stratum] += result.recorded

    def count(self, purpose: str | None, stratum: str | None, reason: str) -> None:
        """A call that came to nothing but a reason."""
        self.reasons.setdefault((purpose, stratum), Counter())[reason] += 1

    def sums(self) -> Iterator[Sum]:
        """By purpose and stratum; what concerns no purpose comes first."""
        for of in sorted(self.reasons, key=lambda of: tuple(name or "" for name in of)):
            reasons, recorded = self.reasons[of], self.recorded[of]
            yield Sum(
                purpose=of[0],
                stratum=of[1],
                calls=reasons.total(),
                eligible=max(recorded, sum(reasons[reason] for reason in ELIGIBLE)),
                recorded=recorded,
                reasons=dict(sorted(reasons.items())),
            )


def results(conversation: Conversation, played: Played) -> Iterator[Result]:
    """What a conversation came to, purpose by purpose; one row without a purpose where no route matches."""
    call = played.call
    decided = {d.purpose: d for d in played.decisions if d.kind is Kind.RECORD}
    purposes: list[str | None] = [track.purpose.name for track in call.tracks]
    for purpose in purposes or [None]:
        decision = decided.get(purpose)
        yield Result(
            line=conversation.line,
            call=conversation.call,
            at=conversation.answer,
            direction=call.direction.value,
            queue=call.queue,
            route=call.route.name if call.route else None,
            purpose=purpose,
            recorded=decision is not None and decision.verdict is Verdict.ALLOWED,
            reason=_reason(decision, call),
            stratum=_stratum(decision),
        )


def _reason(decision: Decision | None, call: Call) -> str:
    if decision is not None:
        return decision.reason.value
    if call.answered_at is not None:
        return WAITS
    refused = call.dialogue is not None and not call.dialogue.allowed
    return call.dialogue.answer.value if refused and call.dialogue and call.dialogue.answer else NO_AGENT


def _stratum(decision: Decision | None) -> str | None:
    stratum = decision.facts.get("stratum") if decision is not None else None
    return None if stratum is None else str(stratum)
