"""Stored draws, told in plain words and drawn again: the right key agrees, and nothing else does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.policy import Sampling
from controller.domain.replay import Account, Drawn, Replay, account, drawn, stratum_before
from controller.domain.sampling import WINDOW, Stratum, decided, draw
from tests.unit.domain.stories import NOON

KEY, OTHER = b"the key", b"another key"
QUARTER = Sampling(rate=0.25)


def stored(eligible: list[bool], sampling: Sampling = QUARTER) -> tuple[list[Drawn], list[Stratum]]:
    """The draws of a stratum as their decisions tell them, the newest first; and the stratum before each, likewise."""
    told, states = [], [Stratum()]
    for one in eligible:
        state, outcome = draw(states[-1], sampling, key=KEY, purpose="quality", stratum="queue=support", eligible=one)
        question = Decision(
            token=Token("question"),
            at=NOON,
            call_id=None,
            pbx="main",
            linkedid=None,
            kind=Kind.RECORD,
            verdict=Verdict.ALLOWED if one else Verdict.REFUSED,
            reason=Reason.EVERY_CALL if one else Reason.OPTED_OUT,
            rule=None,
            purpose="quality",
            policy_version="v1",
            actor="policy",
            facts={"stratum": "queue=support"},
        )
        decision = decided(question, outcome, sampling, eligible=one)
        told.append(drawn(purpose="quality", reason=decision.reason, facts=decision.facts))
        states.append(state)
    return told[::-1], states[-2::-1]


def tell(calls: list[Drawn], key: bytes | None = KEY) -> Account:
    """Of the newest of these calls."""
    return account(calls[0], calls[1:WINDOW], key=key)


@given(st.lists(st.booleans(), min_size=1, max_size=250), st.sampled_from([QUARTER, Sampling(rate=0.2, block=5)]))
def test_what_was_stored_is_drawn_again_as_it_was(eligible: list[bool], sampling: Sampling) -> None:
    calls, states = stored(eligible, sampling)
    told = tell(calls)
    assert told.replay is Replay.SAME
    assert told.before == states[0]
    assert calls[0].answered == len(eligible) - 1


def test_another_key_is_found_out_within_a_block() -> None:
    calls, _ = stored([True] * 140)
    replays = [tell(calls[age:], key=OTHER).replay for age in range(20)]
    assert Replay.DIFFERENT in replays


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("marked", None, id="whether it was marked"),
        pytest.param("needed", None, id="whether it was needed"),
        pytest.param("chosen", None, id="whether it was chosen"),
        pytest.param("owed", 7, id="how many marks wait"),
    ],
)
def test_a_decision_that_says_otherwise_is_found_out(name: str, value: int | None) -> None:
    calls, _ = stored([True] * 120)
    outcome = calls[0].outcome
    changed = {name: not getattr(outcome, name) if value is None else value}
    told = tell([replace(calls[0], outcome=replace(outcome, **changed)), *calls[1:]])  # type: ignore[arg-type]
    assert told.replay is Replay.DIFFERENT
    assert f"{name} {getattr(outcome, name)} instead of {changed[name]}" in told.why[-1]


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param(slice(1, 2), id="the one just before"),
        pytest.param(slice(50, 51), id="one in the middle"),
        pytest.param(slice(90, None), id="the oldest ones"),
    ],
)
def test_with_calls_missing_before_it_nothing_is_claimed(gap: slice) -> None:
    calls, _ = stored([True] * 120)
    del calls[gap]
    told = tell(calls)
    assert (told.replay, told.again, told.before) == (Replay.INCOMPLETE, None, None)
    assert "not all there" in told.why[-1]


def test_without_a_key_it_is_told_and_not_drawn_again() -> None:
    calls, states = stored([True] * 30)
    told = tell(calls, key=None)
    assert (told.replay, told.before) == (Replay.NO_KEY, states[0])
    assert "no sampling key" in told.why[-1]


def test_the_first_call_of_a_stratum_has_nothing_before_it() -> None:
    calls, _ = stored([True])
    assert stratum_before(calls[0], []) == Stratum()


def cause(call: Drawn) -> str:
    """The sentence that says why."""
    return account(call, [], key=None).why[-3]


CALL = stored([True] * 10)[0][0]
COULD_NOT = "Whatever the sample, it could not be recorded: opted-out."
PLAIN = replace(CALL.outcome, marked=False, needed=False, chosen=True, owed=0)


@pytest.mark.parametrize(
    ("reason", "marked", "needed", "sentence"),
    [
        (Reason.SAMPLED, True, False, "It was chosen because its position is marked."),
        (Reason.SAMPLED, False, True, "It was chosen because 100 calls would have held less than 20% without it."),
        (Reason.SAMPLED, False, False, "It was chosen because a mark waited that an earlier call could not use."),
        (
            Reason.SAMPLING_CAP,
            True,
            False,
            "It was not chosen, although its position is marked: one more would have brought the share above 30%.",
        ),
        (
            Reason.NOT_SAMPLED,
            False,
            False,
            "It was not chosen: its position is not marked, no mark waited, and the minimum did not need it.",
        ),
        (
            Reason.OPTED_OUT,
            True,
            False,
            f"{COULD_NOT} Its position is marked: the mark goes to the next call that can be.",
        ),
        (Reason.OPTED_OUT, False, False, COULD_NOT),
    ],
)
def test_the_cause_is_told_in_plain_words(reason: Reason, *, marked: bool, needed: bool, sentence: str) -> None:
    assert cause(replace(CALL, reason=reason, outcome=replace(PLAIN, marked=marked, needed=needed))) == sentence


def test_the_whole_account_reads_as_a_story() -> None:
    calls, _ = stored([True, False] * 15)
    assert tell(calls).why == (
        "It was answered call 30 of its stratum, queue=support: position 9 of block 1, both counted from 0.",
        "Of the 29 calls before it 5 were chosen, and no marks waited.",
        COULD_NOT,
        "After it, no marks wait.",
        "Drawn again with the key, it comes out the same.",
    )
