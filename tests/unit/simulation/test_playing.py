"""Conversations played through the core: what would have been recorded, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.policy import Basis, ConsentMode, Exclusions, Policy, Route, Sampling, Start
from controller.simulation.conversations import Conversation, conversations
from controller.simulation.playing import Company, Manners
from controller.simulation.results import NO_AGENT, WAITS, Result, Tally, results
from tests.unit.domain.sampled_calls import assert_never_above_the_maximum, short_windows
from tests.unit.domain.stories import OPT_IN, OPT_OUT, TOLD_ONLY, policy, purpose
from tests.unit.simulation.test_conversations import FRANCE, LEG, NINE

LEGAL = purpose("law", basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY)
QUALITY = purpose(sampling=Sampling(rate=0.25))


def log(number: int, rules: Policy, *, customers: int = 1000) -> list[Conversation]:
    """So many calls of as many customers, a minute apart."""
    legs = [
        replace(
            LEG,
            line=n + 1,
            call=f"{n}.1",
            source=f"063998{n % customers:04d}",
            start=NINE + timedelta(minutes=n),
            answer=NINE + timedelta(minutes=n, seconds=9),
            end=NINE + timedelta(minutes=n, seconds=50),
        )
        for n in range(number)
    ]
    return [one for one in conversations(legs, rules, FRANCE) if isinstance(one, Conversation)]


def played(rules: Policy, calls: Iterable[Conversation], **manners: float) -> list[Result]:
    company = Company(policy=rules, manners=Manners(**manners))  # type: ignore[arg-type]
    return [result for one in calls for result in results(one, company.play(one))]


def why(rules: Policy, **manners: float) -> str:
    """Of one call."""
    [result] = played(rules, log(1, rules), **manners)
    return f"{'recorded' if result.recorded else 'not recorded'}: {result.reason}"


@pytest.mark.parametrize(
    ("rules", "manners", "expected"),
    [
        pytest.param(policy(LEGAL), {}, "recorded: legal-obligation", id="a law demands it"),
        pytest.param(policy(LEGAL), {"objecting": 1}, "recorded: legal-obligation", id="and nobody can object"),
        pytest.param(policy(), {}, "recorded: every-call", id="whoever does not object"),
        pytest.param(policy(), {"objecting": 1}, "not recorded: opted-out", id="whoever objects"),
        pytest.param(policy(purpose(consent=OPT_IN)), {}, "recorded: every-call", id="whoever agrees by key"),
        pytest.param(policy(purpose(consent=OPT_IN)), {"agreeing": 0}, "not recorded: not-agreed", id="or does not"),
        pytest.param(
            policy(purpose(consent=replace(OPT_OUT, mode=ConsentMode.REFUSAL_ENDS_CALL))),
            {"objecting": 1},
            "not recorded: opted-out",
            id="a refusal that ends the call",
        ),
        pytest.param(policy(purpose(start=Start.ON_TRIGGER)), {}, f"not recorded: {WAITS}", id="nothing is concluded"),
        pytest.param(
            policy(purpose(start=Start.ON_TRIGGER)), {"triggering": 1}, "recorded: trigger", id="something is"
        ),
        pytest.param(
            policy(replace(purpose(start=Start.ON_TRIGGER), notice="told")),
            {"triggering": 1},
            "recorded: trigger",
            id="something is, and the customer is told again",
        ),
        pytest.param(policy(routes=()), {}, "not recorded: no-matching-route", id="no route"),
        pytest.param(replace(policy(), agents=("PJSIP/9*",)), {}, f"not recorded: {NO_AGENT}", id="no agent answered"),
    ],
)
def test_what_a_call_comes_to(rules: Policy, manners: dict[str, float], expected: str) -> None:
    assert why(rules, **manners) == expected


@pytest.mark.parametrize(
    "exclusions",
    [
        pytest.param(Exclusions(queues=("support",)), id="its queue"),
        pytest.param(Exclusions(representatives=("PJSIP/201",)), id="a representative answers"),
    ],
)
def test_an_excluded_call_says_so_and_nothing_else(exclusions: Exclusions) -> None:
    rules = replace(policy(), exclusions=exclusions)
    [one] = log(1, rules)
    assert Company(policy=rules, manners=Manners()).play(one).call.excluded is not None


def test_the_sample_keeps_its_promises_over_a_log() -> None:
    rules = policy(QUALITY)
    chosen = [result.recorded for result in played(rules, log(600, rules), objecting=0.1)]
    assert_never_above_the_maximum(chosen, 0.3)
    assert list(short_windows(chosen, 0.2)) == []


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    rules = policy(QUALITY)
    calls = log(200, rules)
    assert played(rules, calls, objecting=0.2, seed=1) == played(rules, calls, objecting=0.2, seed=1)
    assert played(rules, calls, objecting=0.2, seed=1) != played(rules, calls, objecting=0.2, seed=2)


def test_about_the_share_that_is_asked_for_objects() -> None:
    rules = policy()
    reasons = Counter(result.reason for result in played(rules, log(1000, rules), objecting=0.2))
    assert 160 < reasons["opted-out"] < 240


def test_an_objection_is_remembered_for_the_next_call_of_the_same_customer() -> None:
    rules = policy()
    calls = log(300, rules, customers=20)
    reasons = Counter(result.reason for result in played(rules, calls, objecting=0.02))
    assert reasons["objection-on-file"] > reasons["opted-out"] > 0


def test_a_call_with_two_purposes_has_a_result_for_each() -> None:
    rules = policy(QUALITY, LEGAL, routes=(Route(name="both", purposes=("quality", "law")),))
    assert [result.purpose for result in played(rules, log(1, rules))] == ["quality", "law"]


def test_sums_are_by_purpose_and_stratum() -> None:
    rules, tally = policy(QUALITY), Tally()
    for result in played(rules, log(100, rules), objecting=0.1):
        tally.add(result)
    tally.count(None, None, "unanswered")
    nothing, quality = tally.sums()
    assert (nothing.purpose, nothing.calls, nothing.recorded, nothing.reasons) == (None, 1, 0, {"unanswered": 1})
    assert (quality.stratum, quality.calls) == ("queue=support,agent=201", 100)
    assert quality.eligible == 100 - quality.reasons["opted-out"]
    assert quality.recorded == quality.reasons["sampled"]
