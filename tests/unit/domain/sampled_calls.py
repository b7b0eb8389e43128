"""The calls of one stratum, as a sample decides them, and what docs/explanation/sampling.md promises about them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from controller.domain.policy import Sampling
from controller.domain.sampling import WINDOW, Draw, Stratum, settle

STEP = 1e-9
"""Less than the smallest difference between two shares of a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answered call: whether its position is marked, and whether it could be recorded."""

    marked: bool
    eligible: bool


def settled(calls: Iterable[Answered], sampling: Sampling, state: Stratum | None = None) -> list[Draw]:
    """What comes of calls, one after the other."""
    draws, state = [], state or Stratum()
    for call in calls:
        state, outcome = settle(state, sampling, marked=call.marked, eligible=call.eligible)
        draws.append(outcome)
    return draws


def assert_never_above_the_maximum(chosen: Sequence[bool], maximum: float) -> None:
    """Neither all calls so far nor any 100 consecutive ones hold a greater share."""
    sums = [0, *accumulate(chosen)]
    for end in range(1, len(sums)):
        begin = max(0, end - WINDOW)
        assert sums[end] - sums[begin] <= maximum * (end - begin) + STEP, (begin, end)


def short_windows(chosen: Sequence[bool], minimum: float) -> Iterator[int]:
    """The ends (exclusive) of the windows of 100 that hold less than the minimum."""
    sums = [0, *accumulate(chosen)]
    for end in range(WINDOW, len(sums)):
        if sums[end] - sums[end - WINDOW] < minimum * WINDOW - STEP:
            yield end


def replaced(eligible: Sequence[bool], chosen: Sequence[bool], end: int) -> bool:
    """Whether enough callers could be recorded in the window of 100 that ends there.

    However many of its last calls one looks at: as many of them could be recorded as were recorded of as many calls
    just before the window. Calls before the first of the stratum count as recorded.
    """
    begin = end - WINDOW
    could = was = 0
    for n in range(1, WINDOW + 1):
        could += eligible[end - n]
        was += begin - n < 0 or chosen[begin - n]
        if could < was:
            return False
    return True


def assert_never_below_the_minimum_for_want_of_a_choice(
    eligible: Sequence[bool], chosen: Sequence[bool], minimum: float
) -> None:
    """A window of 100 with less than the minimum is one in which not enough callers could be recorded."""
    for end in short_windows(chosen, minimum):
        enough = sum(eligible[end - WINDOW : end]) >= minimum * WINDOW - STEP
        assert not (enough and replaced(eligible, chosen, end)), end
