"""Decisions on pages: each in plain words, in both languages, whatever was decided."""

import pytest

from controller.domain.decision import Kind, Reason, StoredDecision, Verdict
from controller.web.pages.decisions import actor, reason, told
from controller.web.pages.languages import LANGUAGES, words
from tests.unit.domain.stories import NOON


def decided(kind: str = "record", verdict: str = "allowed", why: str = "sampled", by: str = "policy") -> StoredDecision:
    return StoredDecision(
        seq=1,
        at=NOON,
        call_id=None,
        pbx="main",
        linkedid=None,
        kind=Kind(kind),
        verdict=Verdict(verdict),
        reason=why,
        rule=None,
        purpose="quality",
        policy_version="v1",
        actor=by,
        facts={"queue": "support", "agent": None},
    )


@pytest.mark.parametrize(("constants", "beginning"), [(Kind, "kind"), (Verdict, "verdict"), (Reason, "reason")])
def test_every_constant_has_words_and_no_word_is_left_over(
    constants: type[Kind] | type[Verdict] | type[Reason], beginning: str
) -> None:
    said = {name for name in words() if name.startswith(f"decisions.{beginning}-")}
    assert said == {f"decisions.{beginning}-{constant}" for constant in constants}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_was_decided_is_a_sentence(language: str) -> None:
    for kind in Kind:
        for verdict in Verdict:
            [one] = told(language, [decided(kind, verdict)])
            assert one.sentence.endswith(".")
            assert f"{kind}-{verdict}" not in one.sentence


def test_a_decision_is_told_of_the_customer_in_the_third_person() -> None:
    [one] = told("en", [decided("record", "refused", "objection-on-file", "caller")])
    assert one.sentence == "The call is not recorded: the customer had objected before."
    assert (one.actor, one.tone, one.facts) == ("the customer", "bad", [("agent", None), ("queue", "support")])
    [one] = told("fr", [decided("pause", "applied", "payment", "agent:201")])
    assert one.sentence == "L\u2019enregistrement a été mis en pause\u00a0: des données de carte sont communiquées."
    assert (one.actor, one.tone) == ("agent 201", "warn")
    assert not any(" you" in f" {text['en']}".casefold() for name, text in words().items() if "decisions." in name)


def test_what_another_version_wrote_stands_as_it_is() -> None:
    assert reason("en", "moon-phase") == "moon-phase"
    assert actor("en", "astrologer") == "astrologer"
    [one] = told("en", [decided(why="moon-phase")])
    assert one.sentence == "The call may be recorded: moon-phase."


@pytest.mark.parametrize(
    ("constant", "person"),
    [("account:alice", "alice"), ("token:crm", "program crm"), ("daemon", "this program"), ("dialplan", "the PBX")],
)
def test_who_did_it_is_said_as_people_say_it(constant: str, person: str) -> None:
    assert actor("en", constant) == person
