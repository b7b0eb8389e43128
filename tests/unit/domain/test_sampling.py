"""A sample that can be defended: bounds that hold for every history, marks that nobody foresees and anybody replays."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.policy import Sampling
from controller.domain.sampling import WINDOW, Draw, Stratum, decided, draw, marked_positions
from tests.unit.domain.stories import NOON, SAMPLING

KEY = b"an auditor has this key"
FIRST_POSSIBLE = 3
"""Of the first three calls one recorded would be more than 30 %."""
SAMPLINGS = st.sampled_from(
    [Sampling(rate=rate, block=block) for rate, block in ((0.25, 20), (0.2, 20), (0.3, 20), (0.25, 4), (0.3, 100))]
    + [Sampling(rate=0.05, minimum=0.05), Sampling(rate=0.1, minimum=0.1, maximum=0.1)]
)
HISTORIES = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=12).map(
    lambda runs: [eligible for eligible, length in runs for _ in range(length)]
)


def one(
    state: Stratum, *, eligible: bool = True, sampling: Sampling = SAMPLING, key: bytes = KEY
) -> tuple[Stratum, Draw]:
    """One more call of the same stratum."""
    return draw(state, sampling, key=key, purpose="quality", stratum="queue=support", eligible=eligible)


def play(history: list[bool], sampling: Sampling = SAMPLING, key: bytes = KEY) -> tuple[list[Draw], list[Stratum]]:
    """A history of calls, each eligible or not."""
    state, draws, states = Stratum(), [], []
    for eligible in history:
        state, outcome = one(state, eligible=eligible, sampling=sampling, key=key)
        draws.append(outcome)
        states.append(state)
    return draws, states


def chosen(draws: list[Draw]) -> list[int]:
    """The numbers of the chosen calls."""
    return [number for number, outcome in enumerate(draws) if outcome.chosen]


@settings(max_examples=25)
@given(SAMPLINGS, HISTORIES, st.binary(min_size=1, max_size=8))
def test_never_more_than_the_maximum(sampling: Sampling, history: list[bool], key: bytes) -> None:
    draws, _ = play(history, sampling, key)
    sums = [0]
    for outcome in draws:
        sums.append(sums[-1] + outcome.chosen)
    for answered in range(1, len(sums)):
        assert sums[answered] <= sampling.maximum * answered + 1e-9
        if answered >= WINDOW:
            assert sums[answered] - sums[answered - WINDOW] <= sampling.maximum * WINDOW + 1e-9


@settings(max_examples=25)
@given(SAMPLINGS, HISTORIES)
def test_only_eligible_calls_are_chosen_and_the_debt_is_bounded(sampling: Sampling, history: list[bool]) -> None:
    draws, states = play(history, sampling)
    assert all(eligible for eligible, outcome in zip(history, draws, strict=True) if outcome.chosen)
    for number, (outcome, state) in enumerate(zip(draws, states, strict=True)):
        assert 0 <= state.owed <= sampling.marks * WINDOW // sampling.block
        assert (outcome.block, outcome.position) == divmod(number, sampling.block)
        assert outcome.owed == state.owed
        assert state.answered == number + 1
        assert state.recent < 1 << WINDOW - 1


@settings(max_examples=12)
@given(st.sampled_from([(0.25, 20), (0.2, 20), (0.25, 4), (0.2, 5), (0.25, 100)]), st.binary(min_size=1, max_size=8))
def test_where_all_agree_every_hundred_hold_the_minimum(shape: tuple[float, int], key: bytes) -> None:
    sampling = Sampling(rate=shape[0], block=shape[1])
    numbers = Counter(number // WINDOW for number in chosen(play([True] * 500, sampling, key)[0]))
    assert all(sampling.minimum * WINDOW <= numbers[hundred] <= sampling.maximum * WINDOW for hundred in range(5))


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=8))
def test_the_first_calls_wait_until_one_of_them_is_not_too_many(key: bytes) -> None:
    assert min(chosen(play([True] * 60, key=key)[0])) >= FIRST_POSSIBLE


def test_marks_are_uniform_over_positions() -> None:
    blocks = 4000
    marks: Counter[int] = Counter()
    together: Counter[bool] = Counter()
    for block in range(blocks):
        positions = marked_positions(SAMPLING, key=KEY, purpose="quality", stratum="queue=support", block=block)
        assert len(positions) == SAMPLING.marks
        marks.update(positions)
        together[0 in positions and 1 in positions] += 1
    expected = blocks * SAMPLING.marks / SAMPLING.block
    chi_square = sum((marks[position] - expected) ** 2 / expected for position in range(SAMPLING.block))
    assert chi_square < 36.19  # 19 degrees of freedom, p = 0.01; without replacement it is smaller still
    assert 0.04 < together[True] / blocks < 0.066  # 5/20 * 4/19: neighbours know nothing of each other


def test_the_same_key_replays_the_same_choice() -> None:
    history = [number % 3 != 0 for number in range(300)]
    assert play(history) == play(history)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"key": b"another"}, id="another key"),
        pytest.param({"purpose": "evidence"}, id="another purpose"),
        pytest.param({"stratum": "queue=sales"}, id="another stratum"),
        pytest.param({"block": 100}, id="other blocks"),
    ],
)
def test_what_is_told_apart_is_marked_apart(other: dict[str, object]) -> None:
    where = {"key": KEY, "purpose": "quality", "stratum": "queue=support", "block": 0}

    def positions(**given: object) -> list[frozenset[int]]:
        named = {**where, **given}
        first = int(str(named.pop("block")))
        return [marked_positions(SAMPLING, block=first + n, **named) for n in range(20)]  # type: ignore[arg-type]

    assert positions() != positions(**other)


def test_names_cannot_be_shifted_into_one_another() -> None:
    one_way = marked_positions(SAMPLING, key=KEY, purpose="a", stratum="bc", block=0)
    assert one_way != marked_positions(SAMPLING, key=KEY, purpose="ab", stratum="c", block=0)


def test_a_mark_is_handed_over_to_the_next_call_that_may_be_recorded() -> None:
    marked = [one(Stratum(answered=number))[1].marked for number in range(WINDOW, 2 * WINDOW)]
    before_one_without = WINDOW + list(pairwise(marked)).index((True, False))
    state, outcome = one(Stratum(answered=before_one_without, recent=(1 << 25) - 1), eligible=False)
    assert (outcome.marked, outcome.chosen, outcome.owed) == (True, False, 1)
    _, outcome = one(state)
    assert (outcome.marked, outcome.chosen, outcome.owed) == (False, True, 0)


def test_what_was_refused_for_long_is_not_caught_up_at_once() -> None:
    draws, states = play([False] * 1000 + [True] * 600)
    assert states[999].owed == 25
    numbers = chosen(draws)
    assert sum(number < 1100 for number in numbers) == 30
    assert all(later - earlier < WINDOW for earlier, later in pairwise(numbers))
    assert states[-1].owed == 0


@pytest.mark.parametrize(
    ("state", "eligible", "reason"),
    [
        pytest.param(Stratum(answered=100, owed=9), True, Reason.SAMPLED, id="a mark that is owed is used"),
        pytest.param(Stratum(answered=0, owed=1), True, Reason.SAMPLING_CAP, id="not for the very first call"),
        pytest.param(
            Stratum(answered=100, owed=9, recent=(1 << 30) - 1), True, Reason.SAMPLING_CAP, id="nor beyond the maximum"
        ),
        pytest.param(
            Stratum(answered=100, owed=9, recent=(1 << 29) - 1), True, Reason.SAMPLED, id="but up to the maximum"
        ),
        pytest.param(Stratum(answered=100, owed=9), False, Reason.NOT_SAMPLED, id="not for a call that may not"),
    ],
)
def test_why_a_call_is_chosen_or_not(state: Stratum, *, eligible: bool, reason: Reason) -> None:
    assert one(state, eligible=eligible)[1].reason is reason


def test_a_call_without_a_mark_is_not_chosen() -> None:
    draws, _ = play([True] * 20)
    assert {d.reason for d in draws if not d.marked and not d.owed} >= {Reason.NOT_SAMPLED}


QUESTION = Decision(
    token=Token("a question"),
    at=NOON,
    call_id=None,
    pbx="main",
    linkedid="17.1",
    kind=Kind.RECORD,
    verdict=Verdict.ALLOWED,
    reason=Reason.EVERY_CALL,
    rule="routes.support",
    purpose="quality",
    policy_version="v1",
    actor="policy",
    facts={"queue": "support"},
)


@pytest.mark.parametrize(
    ("eligible", "taken", "verdict", "reason"),
    [
        pytest.param(True, True, Verdict.ALLOWED, Reason.SAMPLED, id="a chosen call is allowed"),
        pytest.param(True, False, Verdict.REFUSED, Reason.NOT_SAMPLED, id="one that was not is refused"),
        pytest.param(False, False, Verdict.REFUSED, Reason.OPTED_OUT, id="what was refused before stays refused"),
    ],
)
def test_the_decision_for_a_draw(*, eligible: bool, taken: bool, verdict: Verdict, reason: Reason) -> None:
    question = QUESTION if eligible else replace(QUESTION, verdict=Verdict.REFUSED, reason=Reason.OPTED_OUT)
    why = Reason.SAMPLED if taken else Reason.NOT_SAMPLED
    outcome = Draw(chosen=taken, reason=why, block=2, position=7, marked=True, owed=1)
    decision = decided(question, outcome, Sampling(rate=0.25, minimum=0.2), eligible=eligible)
    assert (decision.verdict, decision.reason) == (verdict, reason)
    assert decision.facts == {
        "queue": "support",
        "marked": True,
        "needed": False,
        "block": 2,
        "position": 7,
        "owed": 1,
        "rate": 0.25,
        "block_size": 20,
        "minimum": 0.2,
        "maximum": 0.3,
    }
