"""Which answered calls of a stratum are recorded: a sample that can be defended.

Of every block of answered calls some positions are marked, chosen by a keyed hash of purpose, stratum and block
number: agents cannot foresee them, an auditor with the key can replay them. A marked call that may not be recorded
hands its mark to the next one that may. A mark waits as long as its use would push the share of recorded calls over
the maximum, of all calls so far and of any window of 100; a call without one is needed where the window that ends with
it would else hold less than the minimum (20 to 30 % is the usual share; CNIL: never systematic).
docs/explanation/sampling.md says what follows from it.

Owns the arithmetic only: the state of a stratum is stored by ``controller.db``.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import digest

from controller.domain.decision import Decision, Reason, Verdict
from controller.domain.policy import Sampling

WINDOW = 100
"""Calls over which the minimum and the maximum hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """What is remembered of a stratum between two calls.

    ``answered`` counts its answered calls, ``owed`` the marks that were handed over, ``recent`` has a bit for each of
    its last calls (the newest is the lowest bit; 1 is recorded), at most ``WINDOW - 1`` of them.
    """

    answered: int = 0
    owed: int = 0
    recent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The outcome for one call, with what is needed to replay it. Blocks and positions count from 0.

    ``needed`` is whether the minimum asked for this call, marked or not; ``owed`` are the marks that wait after it.
    """

    chosen: bool
    reason: Reason
    block: int
    position: int
    marked: bool
    owed: int
    needed: bool = False


def marked_positions(sampling: Sampling, *, key: bytes, purpose: str, stratum: str, block: int) -> frozenset[int]:
    """The marked positions of a block: those whose keyed hash is lowest."""

    def rank(position: int) -> bytes:
        return digest(key, f"{purpose}\x1f{stratum}\x1f{block}\x1f{position}".encode(), sha256)

    return frozenset(sorted(range(sampling.block), key=rank)[: sampling.marks])


def draw(
    state: Stratum, sampling: Sampling, *, key: bytes, purpose: str, stratum: str, eligible: bool
) -> tuple[Stratum, Draw]:
    """Count one more answered call, and say whether it is recorded.

    ``eligible`` is whether everything but the sample allows it. Returns the stratum after the call, and the draw.
    """
    block, position = divmod(state.answered, sampling.block)
    marks = marked_positions(sampling, key=key, purpose=purpose, stratum=stratum, block=block)
    return settle(state, sampling, marked=position in marks, eligible=eligible)


def settle(state: Stratum, sampling: Sampling, *, marked: bool, eligible: bool) -> tuple[Stratum, Draw]:
    """What a draw comes to, whatever the key has marked: the minimum and the maximum hold for any marks."""
    block, position = divmod(state.answered, sampling.block)
    due = state.owed + marked
    needed = _short_without(state, sampling)
    wanted = due > 0 or needed
    capped = _share_with_one_more(state) > sampling.maximum
    chosen = eligible and wanted and not capped
    after = Stratum(
        answered=state.answered + 1,
        owed=min(max(due - chosen, 0), _most_owed(sampling)),
        recent=(state.recent << 1 | chosen) & (1 << WINDOW - 1) - 1,
    )
    outcome = Draw(
        chosen=chosen,
        reason=_reason(chosen=chosen, held_back=wanted and capped),
        block=block,
        position=position,
        marked=marked,
        owed=after.owed,
        needed=needed,
    )
    return after, outcome


def decided(question: Decision, outcome: Draw, sampling: Sampling, *, eligible: bool) -> Decision:
    """The decision for a draw: what the draw says where the call was eligible, else the question's own refusal.

    Its facts are all that a replay needs but the key, the limits that held then among them.
    """
    facts = {
        **question.facts,
        "marked": outcome.marked,
        "needed": outcome.needed,
        "block": outcome.block,
        "position": outcome.position,
        "owed": outcome.owed,
        "rate": sampling.rate,
        "block_size": sampling.block,
        "minimum": sampling.minimum,
        "maximum": sampling.maximum,
    }
    if not eligible:
        return replace(question, facts=facts)
    verdict = Verdict.ALLOWED if outcome.chosen else Verdict.REFUSED
    return replace(question, verdict=verdict, reason=outcome.reason, facts=facts)


def _share_with_one_more(state: Stratum) -> float:
    return (state.recent.bit_count() + 1) / min(state.answered + 1, WINDOW)


def _short_without(state: Stratum, sampling: Sampling) -> bool:
    """Whether a window of 100 would end below the minimum if this call, too, were not recorded.

    The calls that are still to come of the very first window may all be recorded.
    """
    to_come = max(WINDOW - 1 - state.answered, 0)
    return (state.recent.bit_count() + to_come) / WINDOW < sampling.minimum


def _most_owed(sampling: Sampling) -> int:
    """A window's worth of marks: what was refused longer ago is not caught up."""
    return sampling.marks * WINDOW // sampling.block


def _reason(*, chosen: bool, held_back: bool) -> Reason:
    if chosen:
        return Reason.SAMPLED
    return Reason.SAMPLING_CAP if held_back else Reason.NOT_SAMPLED
