"""What the other party is told and asked, and what their answer means."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.consent import (
    LATE_KEY_MS,
    MOST_PROMPTS,
    PATIENCE_MS,
    TOLERANCE_MS,
    Dialogue,
    Heard,
    Outcome,
    begin,
    ends_call,
    facts_of,
    hear,
    keys_of,
    objected,
    patience_of,
    prompt_of,
)
from controller.domain.decision import Reason
from controller.domain.policy import Consent, ConsentMode
from tests.unit.domain.stories import OPT_IN, OPT_OUT, SILENT, TOLD_ONLY, policy, prompt

WHOLE = 4000


def heard(what: str) -> Heard:
    """``whole``, ``1`` (a key), ``1@3990`` (a key late), ``hung-up@900``, ``failed``, ``played@3959``."""
    how, _, at = what.partition("@")
    if how in {"whole", "played"}:
        return Heard(prompt=prompt(), outcome=Outcome.PLAYED, milliseconds=int(at or WHOLE))
    if how in {"hung-up", "failed"}:
        return Heard(prompt=prompt(), outcome=Outcome(how), milliseconds=int(at or 0))
    return Heard(prompt=prompt(), outcome=Outcome.KEY_PRESSED, milliseconds=int(at or 1500), key=how)


def after(consent: Consent, *answers: str) -> Dialogue:
    """The dialogue after these answers, one for each prompt."""
    dialogue = begin(consent)
    for answer in answers:
        dialogue = hear(dialogue, heard(answer))
    return dialogue


@pytest.mark.parametrize(
    ("consent", "answers", "means"),
    [
        pytest.param(OPT_OUT, ["whole"], "announced", id="who is told and says nothing may be recorded"),
        pytest.param(OPT_OUT, ["played@3960"], "announced", id="two frames short is whole"),
        pytest.param(OPT_OUT, ["played@3959"], "announcement-incomplete", id="any shorter is not"),
        pytest.param(OPT_OUT, ["1"], "opted-out", id="who presses the key objects"),
        pytest.param(OPT_OUT, ["1@3999"], "opted-out", id="at the very end too"),
        pytest.param(OPT_OUT, ["hung-up@900"], "announcement-incomplete", id="who hangs up was not told"),
        pytest.param(OPT_OUT, ["hung-up@4000"], "announcement-incomplete", id="even at the last moment"),
        pytest.param(OPT_OUT, ["failed"], "announcement-incomplete", id="what was not played was not heard"),
        pytest.param(OPT_OUT, ["9"], "announcement-incomplete", id="a key that means nothing cuts it short"),
        pytest.param(OPT_OUT, ["*"], "information", id="star gives the full information"),
        pytest.param(OPT_OUT, ["*", "whole"], "choice", id="after which the choice is asked again"),
        pytest.param(OPT_OUT, ["*", "whole", "whole"], "announced", id="silence then is no objection"),
        pytest.param(OPT_OUT, ["*", "1"], "opted-out", id="an objection amid the information counts"),
        pytest.param(OPT_OUT, ["*", "whole", "1"], "opted-out", id="and so does one to the choice"),
        pytest.param(OPT_OUT, ["*", "played@10"], "announcement-incomplete", id="half the information is none"),
        pytest.param(OPT_OUT, ["*", "whole", "*"], "information", id="it may be heard again"),
        pytest.param(OPT_OUT, ["*"] * 6, "information", id="six times is patience"),
        pytest.param(OPT_OUT, ["*"] * 7, "announcement-incomplete", id="seven times is the end of it"),
        pytest.param(OPT_OUT, ["*"] * 6 + ["1"], "opted-out", id="but an answer at last counts"),
        pytest.param(OPT_IN, ["whole"], "choice", id="opt-in asks once it has told"),
        pytest.param(OPT_IN, ["whole", "whole"], "not-agreed", id="where silence is no"),
        pytest.param(OPT_IN, ["whole", "2"], "agreed", id="and the key is yes"),
        pytest.param(OPT_IN, ["whole", "1"], "opted-out", id="or the other key is no"),
        pytest.param(OPT_IN, ["1"], "opted-out", id="who refuses at once need not hear more"),
        pytest.param(OPT_IN, ["*", "whole", "2"], "agreed", id="agreeing after the information"),
        pytest.param(OPT_IN, ["whole", "hung-up@9"], "announcement-incomplete", id="hanging up is not agreeing"),
        pytest.param(TOLD_ONLY, ["whole"], "announced", id="who is only told was told"),
        pytest.param(SILENT, [], "not-asked", id="without an announcement nobody is asked"),
    ],
)
def test_what_an_answer_means(consent: Consent, answers: list[str], means: str) -> None:
    dialogue = after(consent, *answers)
    assert means == (dialogue.answer or dialogue.step)
    assert dialogue.allowed is (means in {"announced", "agreed", "not-asked"})
    assert len(dialogue.heard) == len(answers)


@pytest.mark.parametrize(
    ("consent", "answers", "name"),
    [
        pytest.param(OPT_OUT, [], "told", id="first the announcement"),
        pytest.param(OPT_OUT, ["*"], "details", id="then the information"),
        pytest.param(OPT_OUT, ["*", "whole"], "choice", id="then the choice"),
        pytest.param(OPT_OUT, ["whole"], None, id="then nothing"),
        pytest.param(SILENT, [], None, id="and where nothing is said nothing at all"),
    ],
)
def test_what_is_played(consent: Consent, answers: list[str], name: str | None) -> None:
    played = prompt_of(after(consent, *answers), policy(), "fr")
    assert (played.name if played else None) == name
    assert played is None or played.language == "fr"


@pytest.mark.parametrize(
    ("consent", "answers", "keys"),
    [
        pytest.param(OPT_OUT, [], "1*", id="objection and information"),
        pytest.param(replace(OPT_OUT, information_key=None), [], "1", id="the objection alone"),
        pytest.param(OPT_IN, [], "1*", id="nobody agrees before having heard"),
        pytest.param(OPT_IN, ["whole"], "1*2", id="agreement at the choice"),
        pytest.param(TOLD_ONLY, [], "", id="where nothing is asked no key means anything"),
    ],
)
def test_which_keys_mean_something(consent: Consent, answers: list[str], keys: str) -> None:
    assert keys_of(after(consent, *answers)) == keys


@pytest.mark.parametrize(
    ("consent", "answers", "patience"),
    [
        pytest.param(OPT_IN, ["whole"], PATIENCE_MS, id="where silence is no there is time to answer"),
        pytest.param(OPT_IN, [], LATE_KEY_MS, id="only a moment while telling"),
        pytest.param(OPT_OUT, ["*", "whole"], LATE_KEY_MS, id="or where silence is consent"),
        pytest.param(TOLD_ONLY, [], 0, id="none where no key means anything"),
    ],
)
def test_how_long_an_answer_is_waited_for(consent: Consent, answers: list[str], patience: int) -> None:
    assert patience_of(after(consent, *answers)) == patience


def test_a_dialogue_that_is_over_hears_nothing_more() -> None:
    over = after(OPT_OUT, "whole")
    assert hear(over, heard("1")) == over


def test_an_objection_afterwards_counts() -> None:
    dialogue = objected(after(OPT_OUT, "whole"))
    assert (dialogue.answer, dialogue.allowed) == (Reason.OPTED_OUT, False)


def test_what_was_heard_is_told_prompt_by_prompt() -> None:
    assert facts_of(after(OPT_IN, "whole", "2@700"), "en_GB") == {
        "mode": "opt-in",
        "1.step": "announcement",
        "1.prompt": "told",
        "1.digest": "told-sha",
        "1.language": "en",
        "1.played_ms": 4000,
        "1.length_ms": 4000,
        "1.outcome": "played",
        "1.key": None,
        "2.step": "choice",
        "2.prompt": "told",
        "2.digest": "told-sha",
        "2.language": "en",
        "2.played_ms": 700,
        "2.length_ms": 4000,
        "2.outcome": "key-pressed",
        "2.key": "2",
    }


def test_a_prompt_in_another_language_than_the_calls_says_so() -> None:
    facts = facts_of(after(OPT_OUT, "whole"), "de")
    assert (facts["1.language"], facts["1.instead_of_language"]) == ("en", "de")


@pytest.mark.parametrize(
    ("mode", "answer", "ends"),
    [
        pytest.param(ConsentMode.REFUSAL_ENDS_CALL, "1", True, id="a refusal ends the call"),
        pytest.param(ConsentMode.REFUSAL_ENDS_CALL, "whole", False, id="silence does not"),
        pytest.param(ConsentMode.REFUSAL_ENDS_CALL, "failed", False, id="nor what could not be played"),
        pytest.param(ConsentMode.OPT_OUT, "1", False, id="elsewhere a refusal only keeps from recording"),
    ],
)
def test_whether_what_was_answered_ends_the_call(mode: ConsentMode, answer: str, *, ends: bool) -> None:
    dialogue = after(replace(OPT_OUT, mode=mode), answer)
    assert dialogue.answer is not None
    assert ends_call(dialogue, dialogue.answer) is ends


ANSWERS = st.lists(st.sampled_from(["whole", "1", "2", "*", "9", "played@3000", "hung-up@10", "failed"]), max_size=12)


@given(st.sampled_from([OPT_OUT, OPT_IN]), ANSWERS)
def test_every_dialogue_ends(consent: Consent, answers: list[str]) -> None:
    dialogue = after(consent, *answers)
    assert (dialogue.step is None) is (dialogue.answer is not None)
    assert len(dialogue.heard) <= MOST_PROMPTS
    assert dialogue.step is None or len(answers) < MOST_PROMPTS


@given(ANSWERS)
def test_opt_in_allows_only_by_the_key(answers: list[str]) -> None:
    dialogue = after(OPT_IN, *answers)
    assert not dialogue.allowed or dialogue.heard[-1][1].key == OPT_IN.agree_key


@given(ANSWERS)
def test_opt_out_allows_only_who_heard_the_last_prompt_whole(answers: list[str]) -> None:
    dialogue = after(OPT_OUT, *answers)
    assert not dialogue.allowed or dialogue.heard[-1][1].milliseconds >= WHOLE - TOLERANCE_MS
