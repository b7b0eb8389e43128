"""Objections: of earlier calls, in the dialogue, and in the middle of the call."""

from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.asking import LOOK_UP_WITHIN_S
from controller.domain.commands import Conclude, Discard, LookUpObjections, Play, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.parties import Role
from controller.domain.policy import Basis, ConsentMode, Objections, ObjectionScope, Period, Start
from controller.domain.records import ObjectionRecord, RecordingRecord, RecordingState
from tests.unit.domain.stories import CUSTOMER, OPT_IN, OPT_OUT, TOLD_ONLY, Story, agent, outsider, policy, purpose

EVIDENCE = purpose("evidence", start=Start.ON_TRIGGER)
QUALITY_ON_FILE = frozenset({"quality"})
NOT_AGAIN = policy(objections=Objections(ask_again=False))


def objections(story: Story) -> list[ObjectionRecord]:
    """Those that were written down."""
    return [record for record in story.stored if isinstance(record, ObjectionRecord)]


def states(story: Story) -> list[str]:
    """What became of recordings, in the order of writing."""
    return [record.state.value for record in story.stored if isinstance(record, RecordingRecord)]


def test_the_first_word_waits_for_what_is_on_file() -> None:
    story = Story(on_file=None)
    assert story.did == ["LookUpObjections"]
    assert story.only(LookUpObjections).customer_hash == b"hash"
    story.register_answers()
    assert story.did == ["Play"]


def test_but_not_for_long_and_then_nothing_is_recorded() -> None:
    story = Story(on_file=None)
    story.timer_fires(LOOK_UP_WITHIN_S)
    assert story.did == ["Play"]
    story.caller_listens()
    story.agent_answers()
    assert (story.last.verdict, story.last.reason) == (Verdict.REFUSED, Reason.OBJECTIONS_UNKNOWN)


def test_an_answer_that_comes_late_still_counts() -> None:
    story = Story(on_file=None)
    story.timer_fires(LOOK_UP_WITHIN_S)
    played = story.commands
    story.register_answers()
    assert story.did == []
    story.commands = played
    story.caller_listens()
    story.agent_answers()
    assert story.did == ["Commit"]


def test_who_withholds_their_number_has_nothing_on_file() -> None:
    assert Story(number=False).did == ["Play"]


def test_where_a_law_demands_the_recording_nothing_is_looked_up() -> None:
    assert Story(purpose(basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY), on_file=None).did == ["Play"]


def test_who_objected_before_is_asked_again_and_not_recorded() -> None:
    story = Story(on_file=QUALITY_ON_FILE)
    story.caller_listens()
    assert story.only(Conclude).verdict is Verdict.REFUSED
    assert story.last.reason is Reason.OBJECTION_ON_FILE
    story.agent_answers()
    assert (story.last.kind, story.last.reason) == (Kind.RECORD, Reason.OBJECTION_ON_FILE)


def test_or_is_not_even_asked_where_the_policy_wants_that() -> None:
    story = Story(rules=NOT_AGAIN, on_file=QUALITY_ON_FILE)
    assert story.every(Play) == []
    assert story.only(Conclude).reason is Reason.OBJECTION_ON_FILE
    story.agent_answers()
    assert story.did == []


def test_an_objection_to_one_purpose_leaves_the_other() -> None:
    story = Story(purpose(), EVIDENCE, on_file=QUALITY_ON_FILE)
    story.caller_listens()
    assert story.only(Conclude).verdict is Verdict.ALLOWED
    story.agent_answers()
    assert story.last.reason is Reason.OBJECTION_ON_FILE
    story.is_triggered()
    assert story.did == ["Commit"]


def test_who_agrees_by_key_lifts_what_is_on_file() -> None:
    story = Story(purpose(consent=OPT_IN), on_file=QUALITY_ON_FILE)
    story.caller_answers("*")
    story.caller_listens()
    story.caller_answers("2")
    assert [(o.scope, o.until) for o in objections(story)] == [("quality", story.now)]
    story.agent_answers()
    assert story.did == ["Commit"]


def test_who_agrees_to_one_purpose_still_objects_to_every_other() -> None:
    story = Story(purpose(consent=OPT_IN), on_file=frozenset({"*"}))
    story.caller_answers("*")
    story.caller_listens()
    story.caller_answers("2")
    assert objections(story) == []
    story.agent_answers()
    assert story.did == ["Commit"]


def test_who_agrees_and_never_objected_lifts_nothing() -> None:
    story = Story(purpose(consent=OPT_IN))
    story.caller_answers("*")
    story.caller_listens()
    story.caller_answers("2")
    assert objections(story) == []


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        pytest.param(ObjectionScope.PURPOSE, ["quality", "evidence"], id="for the purposes of the call"),
        pytest.param(ObjectionScope.EVERYTHING, ["*"], id="or for every purpose"),
    ],
)
def test_an_objection_is_remembered_for_as_long_as_the_policy_says(scope: ObjectionScope, kept: list[str]) -> None:
    rules = policy(purpose(), EVIDENCE, objections=Objections(remember=Period(months=3), scope=scope))
    story = Story(rules=rules)
    story.caller_answers("1")
    assert [o.scope for o in objections(story)] == kept
    assert {o.until.date().isoformat() for o in objections(story)} == {"2026-06-02"}


def test_a_withheld_number_cannot_be_remembered() -> None:
    story = Story(number=False)
    story.caller_answers("1")
    assert objections(story) == []


def test_a_key_after_the_announcement_is_an_objection_too() -> None:
    story = Story()
    story.caller_listens()
    story.customer_presses("1")
    assert [o.scope for o in objections(story)] == ["quality"]


def test_a_key_after_an_announcement_that_was_cut_short_is_one_for_the_next_calls() -> None:
    story = Story()
    story.caller_answers("7")
    story.customer_presses("1")
    assert (story.last.reason, [o.scope for o in objections(story)]) == (Reason.OPTED_OUT, ["quality"])


ENDING = purpose(consent=replace(OPT_OUT, mode=ConsentMode.REFUSAL_ENDS_CALL))


def test_a_refusal_that_ends_the_call_says_so_to_the_dialplan_and_stands_for_that_call() -> None:
    story = Story(ENDING)
    story.caller_answers("1")
    assert story.only(Conclude).hang_up
    assert objections(story) == []


def test_where_a_refusal_ends_the_call_so_does_one_on_file_once_it_is_said_why() -> None:
    story = Story(rules=policy(ENDING, objections=Objections(ask_again=False)), on_file=QUALITY_ON_FILE)
    assert story.did == ["Play"]
    story.caller_listens()
    assert (story.only(Conclude).reason, story.only(Conclude).hang_up) == (Reason.OBJECTION_ON_FILE, True)


def test_an_objection_in_mid_call_stops_and_discards_what_exists() -> None:
    story = Story()
    story.is_recorded()
    name = story.recording.name
    story.customer_objects("agent:201")
    assert story.did == ["Stop"]
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.CONSENT, Reason.OPTED_OUT, "agent:201")
    story.pbx_says(events.RecordingEnded, name)
    assert story.only(Discard).recording == name
    assert (story.last.kind, story.last.reason) == (Kind.STOP, Reason.OPTED_OUT)
    story.file_is_gone(name)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.DISCARD, Reason.OPTED_OUT, "agent:201")
    assert states(story)[-3:] == ["ended", "discarding", "discarded"]


def test_what_is_to_be_discarded_is_so_before_it_has_ended() -> None:
    """A daemon that is killed in between leaves word of it."""
    story = Story()
    story.is_recorded()
    began = story.recording.started_at
    story.customer_objects()
    condemned = next(c.record for c in story.every(Store) if isinstance(c.record, RecordingRecord))
    assert (condemned.state, condemned.quarantined_from) == (RecordingState.DISCARDING, began)


def test_what_is_discarded_already_is_not_written_down_once_more() -> None:
    story = Story()
    story.is_recorded()
    story.customer_objects()
    story.customer_objects()
    assert not any(isinstance(c.record, RecordingRecord) for c in story.every(Store))


def test_a_file_of_which_asterisk_never_told_is_discarded_too() -> None:
    """As when the events of the PBX were lost just when it began to record."""
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    story.pbx_says(events.SnoopReady)
    name = story.recording.name
    story.customer_objects()
    story.pbx_says(events.SnoopGone, name)
    assert story.only(Discard).recording == name


def test_nobody_may_hear_what_waits_to_be_discarded() -> None:
    story = Story()
    story.is_recorded()
    name = story.recording.name
    story.customer_objects()
    story.pbx_says(events.RecordingEnded, name)
    waiting = next(r for r in story.stored if isinstance(r, RecordingRecord) and r.state is RecordingState.DISCARDING)
    assert waiting.quarantined_from == waiting.started_at


def test_every_file_of_the_call_goes() -> None:
    """Also one that ended earlier in the call, here because its pause was not confirmed."""
    story = Story()
    story.is_paused()
    story.agent_presses("*8")
    story.ledger_commits()
    first = story.recording.name
    story.pbx_says(events.ResumeUnconfirmed)
    story.pbx_says(events.RecordingEnded)
    story.ledger_commits()
    story.pbx_says(events.SnoopReady)
    story.pbx_says(events.RecordingStarted)
    second = story.recording.name
    story.customer_objects()
    assert story.only(Discard).recording == first
    story.pbx_says(events.RecordingEnded, second)
    assert story.only(Discard).recording == second
    story.file_is_gone(second)
    story.customer_leaves()
    assert not story.call.over
    story.file_is_gone(first)
    assert story.call.over


def test_a_file_that_is_gone_is_gone_once() -> None:
    story = Story()
    story.is_recorded()
    name = story.recording.name
    story.customer_objects()
    story.pbx_says(events.RecordingEnded, name)
    story.file_is_gone(name)
    story.file_is_gone(name)
    assert story.commands == ()


def test_a_recording_that_never_began_leaves_nothing_to_discard() -> None:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    name = story.recording.name
    story.customer_objects()
    story.pbx_says(events.SnoopGone, name)
    assert story.every(Discard) == []
    assert story.call.tracks[0].discarding == ()


def test_who_objects_in_a_conference_takes_back_what_the_other_customers_recording_has_of_them() -> None:
    story = Story()
    story.is_recorded()
    other = replace(outsider("other"), role=Role.ASKED)
    story.joins(other)
    assert story.did == []
    story.hears_customer(agent(), replace(other, role=Role.OBJECTED))
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded)
    assert len(story.every(Discard)) == 1
    assert objections(story) == []


def test_who_had_objected_before_they_joined_a_conference_pauses_it() -> None:
    story = Story()
    story.is_recorded()
    story.joins(replace(outsider("other"), role=Role.OBJECTED))
    assert story.did == ["Pause"]


def test_an_objection_before_the_answer_keeps_from_asking_at_all() -> None:
    story = Story()
    story.caller_listens()
    story.customer_objects()
    assert (story.last.kind, story.last.reason) == (Kind.STOP, Reason.OPTED_OUT)
    story.agent_answers()
    assert story.did == []


def test_an_objection_amid_the_dialogue_ends_it() -> None:
    story = Story()
    story.customer_objects("dialplan")
    assert story.only(Conclude).reason is Reason.OPTED_OUT


def test_in_a_call_that_nobody_asked_an_objection_is_written_down() -> None:
    story = Story(asked=False)
    story.agent_answers()
    story.customer_objects("agent:201")
    assert (story.last.kind, story.last.reason) == (Kind.CONSENT, Reason.OPTED_OUT)


def test_who_agreed_by_key_may_withdraw_in_mid_call() -> None:
    """As easily as it was given (GDPR art. 7(3)): whatever was recorded until then goes too."""
    story = Story(purpose(consent=OPT_IN))
    story.caller_listens()
    story.caller_answers("2")
    story.agent_answers()
    story.ledger_commits()
    story.pbx_says(events.SnoopReady)
    story.pbx_says(events.RecordingStarted)
    story.customer_objects("agent:201")
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded)
    assert len(story.every(Discard)) == 1


def test_where_a_law_demands_it_the_recording_goes_on_and_it_is_said_so() -> None:
    story = Story(purpose(basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY))
    story.is_recorded()
    story.customer_objects("agent:201")
    assert story.did == []
    assert (story.last.kind, story.last.verdict, story.last.reason) == (
        Kind.CONSENT,
        Verdict.ALLOWED,
        Reason.LEGAL_OBLIGATION,
    )


def test_an_agent_dials_the_objection_of_the_customer() -> None:
    story = Story()
    story.is_recorded()
    story.agent_presses("*9")
    assert story.did == ["Stop"]
    assert story.decisions[-1].actor == "agent:201"


def test_the_customer_dialling_the_agents_code_objects_to_nothing() -> None:
    story = Story()
    story.is_recorded()
    story.presses(CUSTOMER, "*9")
    assert story.did == []
