"""What docs/explanation/sampling.md promises, over random histories, and for whatever marks a key may give."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.policy import Sampling
from controller.domain.sampling import WINDOW, Stratum, draw, marked_positions
from tests.unit.domain.sampled_calls import (
    Answered,
    assert_never_above_the_maximum,
    assert_never_below_the_minimum_for_want_of_a_choice,
    settled,
    short_windows,
)

QUARTER = Sampling(rate=0.25)
NARROW = [
    Sampling(rate=0.25, minimum=0.25, maximum=0.25),
    Sampling(rate=0.3, minimum=0.3),
    Sampling(rate=0.2),
    Sampling(rate=0.1, minimum=0.1, maximum=0.1),
]
"""Where the minimum or the maximum leaves no room beside the rate."""


@st.composite
def samplings(draw_: st.DrawFn) -> Sampling:
    """What the configuration allows: whole marks in a block, the minimum up to the rate, the rate up to the maximum."""
    block = draw_(st.integers(1, 100))
    rate = draw_(st.integers(1, block)) / block
    minimum = draw_(st.integers(0, int(rate * 100))) / 100
    maximum = draw_(st.integers(min(100, int(rate * 100) + 1), 100)) / 100
    return Sampling(rate=rate, block=block, minimum=minimum, maximum=maximum)


SAMPLINGS = st.one_of(st.just(QUARTER), st.sampled_from(NARROW), samplings())


@st.composite
def marks(draw_: st.DrawFn, sampling: Sampling, calls: int) -> list[bool]:
    """What some key marks: any positions of each block, and often those that lie worst, at one end of it."""
    marked: list[bool] = []
    while len(marked) < calls:
        first = draw_(st.sampled_from([0, sampling.block - sampling.marks, None]))
        chance = Random(draw_(st.integers(0, 2**32)))
        positions = chance.sample(range(sampling.block), sampling.marks)
        if first is not None:
            positions = list(range(first, first + sampling.marks))
        marked += [position in positions for position in range(sampling.block)]
    return marked[:calls]


RUNS = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.6, 0.8, 0.95, 1.0]), st.integers(1, 130)), max_size=6)
"""Stretches of calls, each with its share of callers who could be recorded: whole days of refusals among them."""


@st.composite
def histories(draw_: st.DrawFn, sampling: Sampling, *, ending: Sequence[bool] = ()) -> list[Answered]:
    """Calls of a stratum from its first one on; the last of them as given."""
    chance = Random(draw_(st.integers(0, 2**32)))
    eligible = [chance.random() < share for share, length in draw_(RUNS) for _ in range(length)]
    eligible += ending
    marked = draw_(marks(sampling, len(eligible)))
    return [Answered(marked=m, eligible=e) for m, e in zip(marked, eligible, strict=True)]


@given(st.data(), SAMPLINGS)
def test_any_hundred_calls_keep_the_maximum_and_the_minimum_where_enough_could_be_recorded(
    data: st.DataObject, sampling: Sampling
) -> None:
    calls = data.draw(histories(sampling))
    chosen = [outcome.chosen for outcome in settled(calls, sampling)]
    eligible = [call.eligible for call in calls]
    assert all(e for c, e in zip(chosen, eligible, strict=True) if c)
    assert_never_above_the_maximum(chosen, sampling.maximum)
    assert_never_below_the_minimum_for_want_of_a_choice(eligible, chosen, sampling.minimum)


@given(st.data(), SAMPLINGS)
def test_a_hundred_calls_that_could_all_be_recorded_hold_the_minimum_whatever_came_before(
    data: st.DataObject, sampling: Sampling
) -> None:
    calls = data.draw(histories(sampling, ending=[True] * WINDOW))
    last = [outcome.chosen for outcome in settled(calls, sampling)][-WINDOW:]
    assert list(short_windows(last, sampling.minimum)) == []


@given(st.data(), st.sets(st.integers(0, WINDOW - 1), max_size=5))
def test_at_a_quarter_five_calls_of_a_hundred_may_be_missing(data: st.DataObject, missing: set[int]) -> None:
    calls = data.draw(histories(QUARTER, ending=[number not in missing for number in range(WINDOW)]))
    last = [outcome.chosen for outcome in settled(calls, QUARTER)][-WINDOW:]
    assert 20 <= sum(last) <= 30


@given(st.data(), st.lists(st.permutations([True] * 7 + [False] * 3), min_size=10, max_size=10))
def test_at_a_quarter_three_of_any_ten_calls_may_be_missing(data: st.DataObject, tens: list[list[bool]]) -> None:
    ending = [eligible for ten in tens for eligible in ten]
    for begin in range(WINDOW - 9):
        if sum(ending[begin : begin + 10]) < 7:
            ending[begin : begin + 10] = [True] * 10
    calls = data.draw(histories(QUARTER, ending=ending))
    last = [outcome.chosen for outcome in settled(calls, QUARTER)][-WINDOW:]
    assert 20 <= sum(last) <= 30


def test_at_a_quarter_six_of_ten_callers_are_enough_where_they_are_mixed() -> None:
    """Not a promise but a measure: refusals as they really come, at random, over 20,000 calls and a real key."""
    chance, state, chosen = Random(5), Stratum(), []
    for _ in range(20_000):
        eligible = chance.random() < 0.6
        state, outcome = draw(state, QUARTER, key=b"a key", purpose="quality", stratum="", eligible=eligible)
        chosen.append(outcome.chosen)
    assert list(short_windows(chosen, 0.2)) == []
    assert sum(chosen) / len(chosen) == pytest.approx(0.25, abs=0.001)


@given(st.data(), SAMPLINGS, st.lists(st.integers(0, 2), max_size=300))
def test_strata_do_not_touch_each_other(data: st.DataObject, sampling: Sampling, order: list[int]) -> None:
    """Mixed in any order, the calls of each stratum come out as if they had been alone."""
    key = data.draw(st.binary(min_size=1, max_size=8))
    chance = Random(data.draw(st.integers(0, 2**32)))
    calls = [(f"agent={number}", chance.random() < 0.8) for number in order]
    states: dict[str, Stratum] = {}
    mixed: dict[str, list[bool]] = {}
    for stratum, eligible in calls:
        state = states.get(stratum, Stratum())
        states[stratum], outcome = draw(state, sampling, key=key, purpose="quality", stratum=stratum, eligible=eligible)
        mixed.setdefault(stratum, []).append(outcome.chosen)
    for stratum, together in mixed.items():
        state, alone = Stratum(), []
        for eligible in (eligible for of, eligible in calls if of == stratum):
            state, outcome = draw(state, sampling, key=key, purpose="quality", stratum=stratum, eligible=eligible)
            alone.append(outcome.chosen)
        assert together == alone


def test_a_call_is_needed_only_where_the_marks_do_not_reach_the_minimum() -> None:
    """At a quarter, blocks of 20 hold the minimum by themselves; at 20 % a window across two borders may not."""
    key = {"key": b"a key", "purpose": "quality", "stratum": ""}
    needed: Counter[float] = Counter()
    for sampling in (QUARTER, Sampling(rate=0.2)):
        state = Stratum()
        for _ in range(3000):
            state, outcome = draw(state, sampling, eligible=True, **key)  # type: ignore[arg-type]
            needed[sampling.rate] += outcome.needed
    assert needed[0.25] == 0
    assert 0 < needed[0.2] < 0.03 * 3000


def shared(one: list[frozenset[int]], other: list[frozenset[int]]) -> float:
    """How many marks two lists of blocks have in common, in standard deviations from what chance gives."""
    size, marked, blocks = QUARTER.block, QUARTER.marks, len(one)
    mean = marked * marked / size
    variance = mean * (1 - marked / size) * (size - marked) / (size - 1)
    found = sum(len(a & b) for a, b in zip(one, other, strict=True))
    return float((found - blocks * mean) / (blocks * variance) ** 0.5)


def blocks_of(key: bytes, stratum: str = "agent=201", blocks: int = 1000) -> list[frozenset[int]]:
    return [
        marked_positions(QUARTER, key=key, purpose="quality", stratum=stratum, block=block) for block in range(blocks)
    ]


@pytest.mark.parametrize(
    "guess",
    [
        pytest.param(blocks_of(b"\x00" * 32), id="with a key of zeros"),
        pytest.param(blocks_of(b"\x01" + b"\xa5" * 31), id="with all but one byte of the key"),
        pytest.param(blocks_of(b"\xa5" * 31 + b"\xa4"), id="with all but one bit of the key"),
        pytest.param(blocks_of(b"\xa5" * 32, stratum="agent=202"), id="from the marks of another stratum"),
        pytest.param([frozenset(range(5))] * 1000, id="by always saying the first five"),
    ],
)
def test_nobody_foresees_a_position_without_the_key(guess: list[frozenset[int]]) -> None:
    """A guess hits as often as chance: within four standard deviations, over a thousand blocks."""
    assert abs(shared(blocks_of(b"\xa5" * 32), guess)) < 4


def test_the_blocks_so_far_do_not_tell_the_next_one() -> None:
    blocks = blocks_of(b"\xa5" * 32)
    assert abs(shared(blocks[1:], blocks[:-1])) < 4
    often = Counter[int]()
    seen: list[frozenset[int]] = []
    for block in blocks:
        seen.append(frozenset(position for position, _ in often.most_common(5)) or frozenset(range(5)))
        often.update(block)
    assert abs(shared(blocks, seen)) < 4


def test_a_guess_with_the_key_is_always_right() -> None:
    """The measure does tell: who has the key foresees every position."""
    assert shared(blocks_of(b"\xa5" * 32), blocks_of(b"\xa5" * 32)) > 100


def test_a_sample_is_no_rhythm() -> None:
    """The distances from one chosen call to the next are of many lengths."""
    state, chosen = Stratum(), []
    for number in range(2000):
        state, outcome = draw(state, QUARTER, key=b"a key", purpose="quality", stratum="", eligible=True)
        chosen += [number] if outcome.chosen else []
    distances = Counter(later - earlier for earlier, later in pairwise(chosen))
    assert len(distances) > 12
    assert max(distances.values()) < 0.35 * len(chosen)


@settings(max_examples=30)
@given(st.data(), SAMPLINGS)
def test_the_same_key_replays_the_same_choice_from_any_call_on(data: st.DataObject, sampling: Sampling) -> None:
    key = data.draw(st.binary(min_size=1, max_size=32))
    chance = Random(data.draw(st.integers(0, 2**32)))
    eligible = [chance.random() < 0.7 for _ in range(150)]
    states, draws = [Stratum()], []
    for one in eligible:
        state, outcome = draw(states[-1], sampling, key=key, purpose="quality", stratum="", eligible=one)
        states.append(state)
        draws.append(outcome)
    begin = data.draw(st.integers(0, len(eligible) - 1))
    state = states[begin]
    for one, before in zip(eligible[begin:], draws[begin:], strict=True):
        state, again = draw(state, sampling, key=key, purpose="quality", stratum="", eligible=one)
        assert again == before
