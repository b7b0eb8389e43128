"""A draw that was stored, told in plain words and drawn again with the key.

Reads facts that ``sampling.decided`` has written; what they mean is said in docs/explanation/sampling.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from controller.domain.decision import Fact, Reason
from controller.domain.policy import Sampling
from controller.domain.sampling import WINDOW, Draw, Stratum, draw

ELIGIBLE = frozenset({Reason.SAMPLED, Reason.NOT_SAMPLED, Reason.SAMPLING_CAP})
"""The reasons for calls that everything but the sample allowed."""


class Replay(StrEnum):
    """What came of drawing again: ``incomplete`` where the calls before it are not all known."""

    SAME = "same"
    DIFFERENT = "different"
    INCOMPLETE = "incomplete"
    NO_KEY = "no-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One draw as its decision tells it. ``reason`` is the decision's, whatever the sample had to do with it."""

    purpose: str
    stratum: str
    reason: Reason
    sampling: Sampling
    outcome: Draw

    @property
    def eligible(self) -> bool:
        """Whether everything but the sample allowed this call."""
        return self.reason in ELIGIBLE

    @property
    def answered(self) -> int:
        """How many answered calls of its stratum came before it."""
        return self.outcome.block * self.sampling.block + self.outcome.position


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A draw with what led to it: ``before`` is its stratum just before (None: not known), ``again`` the replay."""

    drawn: Drawn
    before: Stratum | None
    again: Draw | None
    replay: Replay

    @property
    def why(self) -> tuple[str, ...]:
        """Sentences that say why the call was chosen or not."""
        return tuple(_sentences(self))


def drawn(*, purpose: str, reason: Reason, facts: Mapping[str, Fact]) -> Drawn:
    """The draw in a decision's facts."""

    def number(name: str) -> float:
        return float(facts[name] or 0)

    sampling = Sampling(
        rate=number("rate"),
        block=int(number("block_size")),
        minimum=number("minimum"),
        maximum=number("maximum"),
    )
    outcome = Draw(
        chosen=reason is Reason.SAMPLED,
        reason=reason if reason in ELIGIBLE else Reason.NOT_SAMPLED,
        block=int(number("block")),
        position=int(number("position")),
        marked=bool(facts["marked"]),
        owed=int(number("owed")),
        needed=bool(facts["needed"]),
    )
    return Drawn(purpose=purpose, stratum=str(facts["stratum"]), reason=reason, sampling=sampling, outcome=outcome)


def account(call: Drawn, earlier: Sequence[Drawn], *, key: bytes | None) -> Account:
    """Tell of a call; ``earlier`` are the draws of its stratum just before it, the newest first."""
    before = stratum_before(call, earlier)
    if key is None:
        return Account(drawn=call, before=before, again=None, replay=Replay.NO_KEY)
    if before is None:
        return Account(drawn=call, before=None, again=None, replay=Replay.INCOMPLETE)
    _, again = draw(before, call.sampling, key=key, purpose=call.purpose, stratum=call.stratum, eligible=call.eligible)
    told = again if call.eligible else replace(again, reason=call.outcome.reason)
    return Account(
        drawn=call, before=before, again=again, replay=Replay.SAME if told == call.outcome else Replay.DIFFERENT
    )


def stratum_before(call: Drawn, earlier: Sequence[Drawn]) -> Stratum | None:
    """The stratum just before a call; None where its calls before that are not all there, one after the other."""
    wanted = min(call.answered, WINDOW - 1)
    window = earlier[:wanted]
    if [one.answered for one in window] != list(range(call.answered - 1, call.answered - 1 - wanted, -1)):
        return None
    recent = sum(one.outcome.chosen << age for age, one in enumerate(window))
    return Stratum(answered=call.answered, owed=window[0].outcome.owed if window else 0, recent=recent)


def _sentences(told: Account) -> Iterator[str]:
    call, outcome = told.drawn, told.drawn.outcome
    yield (
        f"It was answered call {call.answered + 1} of its stratum, {call.stratum}: position {outcome.position} of"
        f" block {outcome.block}, both counted from 0."
    )
    if told.before is not None:
        count, of = told.before.recent.bit_count(), min(call.answered, WINDOW - 1)
        yield f"Of the {of} calls before it {count} were chosen, and {_marks(told.before.owed)} waited."
    yield _cause(call)
    yield f"After it, {_marks(outcome.owed)} wait{'s' if outcome.owed == 1 else ''}."
    yield _replayed(told)


def _cause(call: Drawn) -> str:
    """Why it was chosen or not."""
    outcome, limit = call.outcome, f"{call.sampling.maximum:.0%}"
    if not call.eligible:
        handed = " Its position is marked: the mark goes to the next call that can be." if outcome.marked else ""
        return f"Whatever the sample, it could not be recorded: {call.reason}.{handed}"
    due = _due(outcome, call.sampling)
    if call.reason is Reason.SAMPLED:
        return f"It was chosen because {due}."
    if call.reason is Reason.SAMPLING_CAP:
        return f"It was not chosen, although {due}: one more would have brought the share above {limit}."
    return "It was not chosen: its position is not marked, no mark waited, and the minimum did not need it."


def _due(outcome: Draw, sampling: Sampling) -> str:
    if outcome.marked:
        return "its position is marked"
    if outcome.needed:
        return f"100 calls would have held less than {sampling.minimum:.0%} without it"
    return "a mark waited that an earlier call could not use"


def _replayed(told: Account) -> str:
    match told.replay:
        case Replay.SAME:
            return "Drawn again with the key, it comes out the same."
        case Replay.NO_KEY:
            return "It was not drawn again: there is no sampling key here."
        case Replay.INCOMPLETE:
            return "It cannot be drawn again: the decisions about the calls before it are not all there."
        case Replay.DIFFERENT:
            return f"DRAWN AGAIN WITH THE KEY, IT COMES OUT OTHERWISE: {_otherwise(told)}."
        case _:
            assert_never(told.replay)


def _otherwise(told: Account) -> str:
    """What the replay finds, beside what was stored."""
    stored, again = told.drawn.outcome, told.again
    names = ("marked", "needed", "chosen", "owed")
    return ", ".join(
        f"{name} {getattr(again, name)} instead of {getattr(stored, name)}"
        for name in names
        if getattr(again, name) != getattr(stored, name)
    )


def _marks(number: int) -> str:
    return f"{number or 'no'} mark{'' if number == 1 else 's'}"
