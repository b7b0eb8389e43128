"""What becomes of recordings when the daemon itself cannot do its duty, and when it can again."""

from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.commands import Commit, Conclude, Snoop
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.hindrance import Hindrance
from controller.domain.policy import Basis, Consent, ConsentMode, OnDatabaseLoss
from controller.domain.recording import Phase
from controller.domain.tracking import SETTLE_S
from tests.unit.domain.stories import Story, policy, purpose


def hindered(story: Story, *hindrances: Hindrance) -> None:
    story.happens(events.Hindered(at=story.now, hindrances=frozenset(hindrances)))


@pytest.mark.parametrize(
    ("hindrance", "did", "phase", "reason"),
    [
        pytest.param("events-lost", ["Pause"], "pausing", "events-lost", id="pauses what nobody watches"),
        pytest.param("handing-over", ["Pause"], "pausing", "handed-over", id="pauses for the daemon that comes next"),
        pytest.param("leaving", ["Stop"], "stopping", "controller-stopped", id="stops where nobody comes next"),
        pytest.param("database-away", ["Stop"], "stopping", "database-away", id="stops what cannot be proven"),
    ],
)
def test_what_hinders_the_daemon(hindrance: str, did: list[str], phase: str, reason: str) -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance(hindrance))
    assert (story.did, story.phase, story.recording.halted_for) == (did, Phase(phase), Reason(reason))
    assert story.recording.halted_by == "daemon"


def test_recording_goes_on_in_the_same_file_once_events_are_heard_again() -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance.EVENTS_LOST)
    story.pbx_says(events.PauseConfirmed)
    hindered(story)
    assert story.did == ["Commit"]
    story.ledger_commits()
    assert story.did == ["Resume"]


def test_a_payment_goes_on_whatever_hindered_the_daemon_meanwhile() -> None:
    story = Story()
    story.is_paused()
    hindered(story, Hindrance.EVENTS_LOST)
    hindered(story)
    assert (story.did, story.phase) == ([], Phase.PAUSED)


def test_another_recording_begins_once_decisions_can_be_written_again() -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance.DATABASE_AWAY)
    story.pbx_says(events.RecordingEnded)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.STOP, Reason.DATABASE_AWAY, "daemon")
    hindered(story)
    story.ledger_commits()
    assert story.only(Snoop).recording == "rc-call-quality-2"


def test_recordings_go_on_without_a_database_where_the_policy_says_so() -> None:
    story = Story(rules=replace(policy(), on_database_loss=OnDatabaseLoss.CONTINUE))
    story.is_recorded()
    hindered(story, Hindrance.DATABASE_AWAY)
    assert (story.did, story.phase) == ([], Phase.RECORDING)


def test_nothing_begins_where_there_is_no_room_to_keep_it() -> None:
    story = Story(purpose(sampling=None))
    story.caller_listens()
    hindered(story, Hindrance.STORAGE_FULL)
    story.agent_answers()
    assert (story.last.verdict, story.last.reason) == (Verdict.REFUSED, Reason.STORAGE_FULL)
    hindered(story)
    assert story.did == []


def test_what_is_being_recorded_goes_on_without_room() -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance.STORAGE_FULL)
    assert (story.did, story.phase) == ([], Phase.RECORDING)
    story.pauses()
    story.pbx_says(events.PauseConfirmed)
    story.resumes()
    story.ledger_commits()
    assert story.did == ["Resume"]


def test_another_recording_of_the_call_waits_for_room() -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance.STORAGE_FULL)
    story.pbx_says(events.RecordingEnded)
    story.timer_fires(SETTLE_S)
    assert story.phase is None
    assert not story.every(Commit)
    hindered(story)
    story.ledger_commits()
    assert story.only(Snoop).recording == "rc-call-quality-2"


def test_who_objected_is_refused_for_that_and_not_for_want_of_room() -> None:
    story = Story()
    story.caller_answers("1")
    hindered(story, Hindrance.STORAGE_FULL)
    story.agent_answers()
    assert story.last.reason is Reason.OPTED_OUT


def test_a_key_that_nobody_could_hear_is_taken_for_an_objection() -> None:
    story = Story()
    story.caller_listens()
    hindered(story, Hindrance.EVENTS_LOST)
    hindered(story)
    story.agent_answers()
    assert (story.last.verdict, story.last.reason) == (Verdict.REFUSED, Reason.EVENTS_LOST)


def test_where_nobody_may_object_no_key_is_missed() -> None:
    legal = purpose(
        basis=Basis.LEGAL_OBLIGATION, sampling=None, consent=Consent(mode=ConsentMode.NONE, announcement="told")
    )
    story = Story(legal)
    story.caller_listens()
    hindered(story, Hindrance.EVENTS_LOST)
    hindered(story)
    story.agent_answers()
    assert (story.last.verdict, story.last.reason) == (Verdict.ALLOWED, Reason.LEGAL_OBLIGATION)


def test_after_the_answer_the_customer_objects_by_word() -> None:
    story = Story()
    story.is_recorded()
    hindered(story, Hindrance.EVENTS_LOST)
    assert not story.call.unheard


class Overloaded(Story):
    """A call that comes when there are too many."""

    def begins(self) -> None:
        self.call = replace(self.call, overloaded=True)
        super().begins()


def test_one_call_too_many_is_sent_on_unrecorded_and_forgotten() -> None:
    story = Overloaded(number=False)
    concluded = story.only(Conclude)
    assert (concluded.verdict, concluded.reason) == (Verdict.REFUSED, Reason.OVERLOAD)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.RECORD, Reason.OVERLOAD, "daemon")
    assert story.call.over
    assert story.call.tracks == ()


def test_an_excluded_call_names_nobody_in_an_overload_either() -> None:
    story = Overloaded(excluded=Reason.REPRESENTATIVE)
    assert story.last.reason is Reason.REPRESENTATIVE
    assert story.call.over
