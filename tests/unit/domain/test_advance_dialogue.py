"""Whole calls, told as stories: from the first word to the answer."""

import pytest

from controller.domain import events
from controller.domain.commands import Conclude, Play, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Consent, Start
from tests.unit.domain.stories import OPT_IN, OPT_OUT, SILENT, TOLD_ONLY, Story, policy, purpose, told

EVIDENCE = purpose("evidence", start=Start.ON_TRIGGER)


def test_a_caller_who_listens_is_told_and_goes_on() -> None:
    story = Story()
    play = story.only(Play)
    assert (play.prompt.name, play.keys, play.channel) == ("told", "1*", "customer")
    story.caller_listens()
    concluded = Conclude(channel=story.call.customer, verdict=Verdict.ALLOWED, reason=Reason.ANNOUNCED)
    assert story.only(Conclude) == concluded
    assert (story.last.kind, story.last.actor) == (Kind.CONSENT, "caller")
    assert story.last.facts["1.played_ms"] == 4000


def test_a_caller_who_wants_to_know_more_is_asked_again() -> None:
    story = Story(purpose(consent=OPT_IN))
    story.caller_answers("*")
    assert story.only(Play).prompt.name == "details"
    story.caller_listens()
    assert (story.only(Play).prompt.name, story.only(Play).keys) == ("choice", "1*2")
    story.caller_answers("2")
    assert story.only(Conclude).reason is Reason.AGREED


def test_a_caller_who_presses_the_key_is_not_recorded_by_anybody() -> None:
    story = Story(purpose(), EVIDENCE)
    story.caller_answers("1")
    assert story.only(Conclude).verdict == "refused"
    story.agent_answers()
    story.is_triggered()
    assert story.did == []


def test_a_caller_who_hangs_up_amid_the_announcement_was_not_told() -> None:
    story = Story()
    story.passes(900)
    story.customer_leaves()
    assert story.only(Conclude).reason is Reason.ANNOUNCEMENT_INCOMPLETE
    assert story.call.over
    story.happens(events.CustomerLeft(at=story.now))
    assert story.commands == ()


def test_a_prompt_that_ends_after_all_was_said_changes_nothing() -> None:
    story = Story()
    play = story.commands
    story.caller_listens()
    story.commands = play
    story.caller_answers("1")
    assert story.commands == ()


def test_where_nothing_is_to_be_said_nothing_is_said() -> None:
    story = Story(purpose(consent=SILENT))
    assert (story.did, story.only(Conclude).reason) == (["Conclude"], Reason.NOT_ASKED)


def test_a_call_without_a_route_is_let_through_at_once() -> None:
    story = Story(rules=policy(routes=()))
    assert (story.only(Conclude).verdict, story.only(Conclude).reason) == ("refused", Reason.NO_MATCHING_ROUTE)
    assert story.every(Store) != []
    story.happens(events.PromptEnded(at=story.now, heard=told()))
    story.customer_presses("1")
    assert story.commands == ()


def test_a_call_that_nobody_asked_is_only_watched() -> None:
    story = Story(asked=False)
    assert story.commands == ()
    story.agent_answers()
    assert story.last.reason is Reason.NOT_ASKED
    story.customer_leaves()
    assert story.call.over


@pytest.mark.parametrize(
    ("consent", "key", "reason"),
    [
        pytest.param(OPT_OUT, "1", "opted-out", id="the objection's key is heard while waiting for an agent"),
        pytest.param(OPT_OUT, "2", "announced", id="another key is not"),
        pytest.param(OPT_OUT, "*", "announced", id="nor is the information's"),
        pytest.param(TOLD_ONLY, "1", "announced", id="where nobody may object no key objects"),
    ],
)
def test_a_caller_presses_a_key_after_the_announcement(consent: Consent, key: str, reason: str) -> None:
    story = Story(purpose(consent=consent))
    story.caller_listens()
    story.customer_presses(key)
    assert story.call.dialogue is not None
    assert story.call.dialogue.answer == reason
    assert [d.reason.value for d in story.decisions].count("opted-out") == (reason == "opted-out")


def test_an_objection_is_written_down_once() -> None:
    story = Story()
    story.caller_listens()
    story.customer_presses("11")
    assert [d.reason for d in story.decisions] == [Reason.ANNOUNCED, Reason.OPTED_OUT]
    story.agent_answers()
    assert (story.did, story.last.reason) == ([], Reason.OPTED_OUT)


def test_a_callers_keys_in_mid_call_mean_nothing() -> None:
    story = Story()
    story.is_recorded()
    call = story.call
    story.customer_presses("*7*814970")
    assert (story.call, story.did) == (call, [])
