"""What is stopped, private, or proven otherwise: what becomes of what was recorded."""

from controller.domain import events
from controller.domain.commands import Alert, Discard, Quarantine, Store
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.names import RecordingName
from controller.domain.policy import Basis, Start
from controller.domain.records import CallRecord, ObjectionRecord, RecordingRecord
from tests.unit.domain.stories import TOLD_ONLY, Story, purpose

EVIDENCE = purpose("evidence", start=Start.ON_TRIGGER)
DUTY = purpose("duty", basis=Basis.LEGAL_OBLIGATION)


def test_what_is_stopped_is_kept() -> None:
    story = Story()
    story.is_recorded()
    story.is_stopped()
    story.pbx_says(events.RecordingEnded)
    assert story.every(Discard) == []
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.STOP, Reason.AGENT_REQUEST, "agent:201")


def test_an_objection_after_a_stop_takes_back_what_was_kept() -> None:
    story = Story()
    story.is_recorded()
    name = story.recording.name
    story.is_stopped()
    story.pbx_says(events.RecordingEnded)
    story.customer_objects()
    assert story.only(Discard).recording == name


def test_a_stop_after_an_objection_saves_nothing() -> None:
    story = Story()
    story.is_recorded()
    story.customer_objects()
    story.is_stopped()
    story.pbx_says(events.RecordingEnded)
    assert len(story.every(Discard)) == 1


def test_a_private_call_leaves_nothing_that_names_anybody() -> None:
    story = Story()
    story.is_recorded()
    name = story.recording.name
    story.agent_presses("*6")
    assert story.did == ["Stop"]
    assert (story.last.kind, story.last.reason, story.last.linkedid) == (Kind.RECORD, Reason.PRIVATE_CALL, None)
    row = next(c.record for c in story.every(Store) if isinstance(c.record, CallRecord))
    assert (row.linkedid, row.agent, row.customer_hash, row.customer_sealed) == ("", None, None, None)
    story.pbx_says(events.RecordingEnded, name)
    story.file_is_gone(name)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.DISCARD, Reason.PRIVATE_CALL, "agent")


def test_what_has_not_begun_in_a_private_call_is_written_off_without_a_name() -> None:
    """Here evidence that still waits for its trigger."""
    story = Story(purpose(), EVIDENCE)
    story.is_recorded()
    before = len(story.decisions)
    story.agent_presses("*6")
    assert [(d.kind, d.linkedid, d.rule) for d in story.decisions[before:]] == [(Kind.RECORD, None, None)]


def test_an_objection_in_a_private_call_is_not_kept_for_the_next_ones() -> None:
    """What would be kept is the hash of whoever is on the other side."""
    story = Story()
    story.is_recorded()
    story.is_private()
    story.customer_objects()
    assert not any(isinstance(record, ObjectionRecord) for record in story.stored)


def test_a_call_is_made_private_once() -> None:
    story = Story()
    story.is_recorded()
    story.is_private()
    story.is_private()
    assert story.commands == ()


def test_what_a_law_demands_goes_on_in_a_call_that_an_agent_calls_private() -> None:
    story = Story(DUTY)
    story.is_recorded()
    story.is_private()
    assert story.did == []
    assert story.call.excluded is None


def test_other_proof_takes_back_the_evidence_and_nothing_else() -> None:
    story = Story(purpose(), EVIDENCE)
    story.is_recorded()
    story.is_triggered()
    story.ledger_commits()
    evidence = next(t.recording.name for t in story.call.tracks if t.recording and t.purpose.name == "evidence")
    story.pbx_says(events.SnoopReady, evidence)
    story.pbx_says(events.RecordingStarted, evidence)
    story.is_proven_otherwise()
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded, evidence)
    assert story.only(Discard).recording == evidence
    story.file_is_gone(evidence)
    assert (story.last.kind, story.last.reason) == (Kind.DISCARD, Reason.OTHER_PROOF)


def test_other_proof_for_another_purpose_changes_nothing() -> None:
    story = Story(purpose(), EVIDENCE)
    story.is_recorded()
    story.is_proven_otherwise("quality")
    assert story.commands == ()


def test_the_customer_is_told_again_before_evidence_begins() -> None:
    story = Story(purpose("evidence", start=Start.ON_TRIGGER, notice="begins"))
    story.caller_listens()
    story.agent_answers()
    story.agent_presses("*5")
    assert story.did == ["TellAgain"]
    story.notice_is_played()
    assert story.did == ["Commit"]
    assert (story.last.reason, story.last.actor) == (Reason.TRIGGER, "agent:201")
    assert (story.last.facts["notice.prompt"], story.last.facts["notice.played_ms"]) == ("begins", 4000)


def test_who_was_not_told_again_is_not_recorded_and_may_be_told_once_more() -> None:
    story = Story(purpose("evidence", start=Start.ON_TRIGGER, notice="begins"))
    story.caller_listens()
    story.agent_answers()
    story.is_triggered()
    story.notice_is_played(whole=False)
    assert story.did == []
    assert (story.last.verdict, story.last.reason) == (Verdict.REFUSED, Reason.ANNOUNCEMENT_INCOMPLETE)
    story.is_triggered()
    assert story.did == ["TellAgain"]


def test_a_notice_that_was_overtaken_by_a_stop_starts_nothing() -> None:
    story = Story(purpose("evidence", start=Start.ON_TRIGGER, notice="begins"))
    story.caller_listens()
    story.agent_answers()
    story.is_triggered()
    telling = story.commands
    story.is_stopped()
    story.commands = telling
    story.notice_is_played()
    assert story.commands == ()


def test_who_has_objected_is_not_told_that_a_recording_begins() -> None:
    story = Story(purpose("evidence", start=Start.ON_TRIGGER, notice="begins"), on_file=frozenset({"evidence"}))
    story.caller_listens()
    story.agent_answers()
    story.is_triggered()
    assert story.did == []
    assert story.last.reason is Reason.OBJECTION_ON_FILE


def test_a_duty_that_only_tells_is_no_objection() -> None:
    story = Story(purpose(basis=Basis.LEGAL_OBLIGATION, consent=TOLD_ONLY))
    story.is_recorded()
    assert story.phase == "recording"


def unconfirmed(story: Story) -> RecordingName:
    """A recording whose pause Asterisk has refused, and that has ended; its name."""
    story.is_recorded()
    name = story.recording.name
    story.passes(2000)
    story.pauses()
    story.pbx_says(events.PauseUnconfirmed)
    assert story.only(Alert).reason is Reason.PAUSE_UNCONFIRMED
    story.pbx_says(events.RecordingEnded)
    return name


def states(story: Story) -> list[str]:
    """Those of the recording, as they were stored."""
    return [record.state.value for record in story.stored if isinstance(record, RecordingRecord)]


def test_what_may_hold_card_data_is_moved_out_of_hearing() -> None:
    story = Story()
    name = unconfirmed(story)
    assert story.only(Quarantine).recording == name
    story.customer_leaves()
    assert not story.call.over
    story.happens(events.Quarantined(at=story.now, recording=name))
    assert states(story) == ["starting", "recording", "quarantining", "ended", "quarantining", "quarantined"]
    last = story.last
    assert (last.kind, last.verdict, last.reason) == (Kind.RETAIN, Verdict.APPLIED, Reason.PAUSE_UNCONFIRMED)
    assert last.facts == {"recording": name, "quarantined_from": "2026-03-02T12:00:02.000+00:00"}
    assert story.call.over


def test_nobody_else_is_moved_by_it() -> None:
    story = Story()
    unconfirmed(story)
    story.happens(events.Quarantined(at=story.now, recording=RecordingName("another")))
    assert len(story.track.quarantining) == 1


def test_what_is_taken_back_while_it_is_moved_is_deleted_once_it_is_there() -> None:
    story = Story()
    name = unconfirmed(story)
    story.customer_objects()
    assert story.every(Discard) == []
    story.happens(events.Quarantined(at=story.now, recording=name))
    assert story.only(Discard).recording == name
    assert states(story)[-1] == "discarding"
