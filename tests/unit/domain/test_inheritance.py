"""What the next daemon makes of a call whose daemon is no more."""

from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.call import Permission, Withdrawal
from controller.domain.commands import Store
from controller.domain.decision import Kind, Reason
from controller.domain.hindrance import Hindrance
from controller.domain.inheritance import essence, worth_keeping
from controller.domain.policy import Sampling
from controller.domain.recording import Phase
from controller.domain.records import RecordingRecord
from tests.unit.domain.stories import Story, purpose
from tests.unit.domain.test_tracking import kept, up_to


def inherited(story: Story, *, asterisk: str, keeper: str = "b") -> None:
    """The next daemon finds the call, and this of its recording."""
    name = frozenset({story.recording.name} if story.phase is not None else ())
    nothing: frozenset[str] = frozenset()
    story.happens(
        events.Inherited(
            at=story.now,
            recording=name if asterisk in {"recording", "torn"} else nothing,  # type: ignore[arg-type]
            paused=name if asterisk == "paused" else nothing,  # type: ignore[arg-type]
            torn=name if asterisk == "torn" else nothing,  # type: ignore[arg-type]
            keeper=keeper,
        )
    )


@pytest.mark.parametrize(
    ("before", "asterisk", "after", "did"),
    [
        pytest.param("recording", "recording", "recording", [], id="goes on with what was decided"),
        pytest.param("paused", "paused", "paused", [], id="keeps a pause"),
        pytest.param("pausing", "paused", "paused", [], id="finds that a pause has come through"),
        pytest.param("resuming", "recording", "recording", [], id="finds that a resume has come through"),
        pytest.param("resuming", "paused", "paused", ["Commit"], id="finds that it has not, and decides again"),
        pytest.param("recording", "paused", "stopping", ["Stop"], id="gives up what is paused and nobody knows why"),
        pytest.param("pausing", "recording", "stopping", ["Stop"], id="stops what records through a pause"),
        pytest.param("paused", "recording", "stopping", ["Stop"], id="and what records though it was paused"),
        pytest.param("starting", "recording", "stopping", ["Stop"], id="stops what had not begun"),
        pytest.param("stopping", "recording", "stopping", ["Stop"], id="stops again what was to stop"),
        pytest.param("recording", "torn", "stopping", ["Stop"], id="stops what records on one side only"),
        pytest.param("resuming", "torn", "stopping", ["Stop"], id="and what was to go on and does on one side only"),
        pytest.param("paused", "torn", "stopping", ["Stop"], id="and what is paused on one side only"),
        pytest.param("recording", "nothing", None, [], id="closes what has ended unseen"),
        pytest.param("stopping", "nothing", None, [], id="and what was to stop, and has"),
    ],
)
def test_the_next_daemon(before: str, asterisk: str, after: str | None, did: list[str]) -> None:
    story = up_to(Phase(before))
    inherited(story, asterisk=asterisk)
    assert (story.phase, story.did) == (after, did)


@pytest.mark.parametrize("asterisk", ["recording", "torn"])
@pytest.mark.parametrize("before", ["pausing", "paused"])
def test_what_was_recorded_through_a_pause_is_quarantined(before: str, asterisk: str) -> None:
    story = up_to(Phase(before))
    asked_at = story.recording.halted_at
    story.passes(4000)
    inherited(story, asterisk=asterisk)
    story.pbx_says(events.RecordingEnded)
    assert story.did == ["Quarantine"]
    record = next(c.record for c in story.every(Store) if isinstance(c.record, RecordingRecord))
    assert record.quarantined_from == asked_at


def test_what_ended_unseen_while_a_pause_was_asked_for_is_quarantined() -> None:
    """Asterisk may never have heard of the pause, and have recorded on until the dead man's switch ran out."""
    story = up_to(Phase.PAUSING)
    halted_at = story.recording.halted_at
    inherited(story, asterisk="nothing")
    assert (story.phase, story.did) == (None, ["Quarantine"])
    assert kept(story).quarantined_from == halted_at


def test_what_ended_unseen_says_so_and_is_as_long_as_it_is() -> None:
    story = up_to(Phase.RECORDING)
    inherited(story, asterisk="nothing")
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.STOP, Reason.CONTROLLER_LOST, "daemon")
    assert kept(story).milliseconds is None
    assert story.track.permission is Permission.REFUSED


def test_what_was_taken_back_stays_taken_back() -> None:
    story = up_to(Phase.RECORDING)
    story.customer_objects()
    withdrawn = story.track.withdrawn
    inherited(story, asterisk="nothing")
    assert story.track.withdrawn == withdrawn
    assert isinstance(withdrawn, Withdrawal)
    assert story.did == ["Discard"]


@pytest.mark.parametrize("before", ["", "a"])
def test_no_token_of_another_daemon_that_kept_the_same_call_is_used_again(before: str) -> None:
    """Two daemons in a row, of which the first wrote nothing down before it ended, go on from the same text."""
    tokens = []
    for keeper in ("b", "c"):
        story = up_to(Phase.PAUSED)
        story.call = replace(story.call, keeper=before)
        used = story.call.tokens
        inherited(story, asterisk="paused", keeper=keeper)
        story.resumes(origin="agent", actor="agent:201")
        tokens.append(story.asked_of_ledger[-1].token)
    assert tokens == [f"call:b:{used + 2}", f"call:c:{used + 2}"]


def test_a_call_that_waits_for_its_trigger_goes_on_waiting() -> None:
    story = Story()
    story.caller_listens()
    inherited(story, asterisk="nothing")
    assert (story.track.permission, story.did) == (Permission.OPEN, [])


def test_what_was_being_asked_is_answered_by_no() -> None:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    assert story.track.permission is Permission.ASKED
    inherited(story, asterisk="nothing")
    assert (story.track.permission, story.last.reason) == (Permission.REFUSED, Reason.CONTROLLER_LOST)
    story.ledger_commits()
    assert story.did == []


def test_a_notice_that_was_being_played_may_be_triggered_again() -> None:
    story = Story()
    story.call = replace(story.call, tracks=tuple(replace(t, permission=Permission.TELLING) for t in story.call.tracks))
    inherited(story, asterisk="nothing")
    assert story.track.permission is Permission.OPEN


def test_only_what_the_next_daemon_can_do_something_about_is_kept_for_it() -> None:
    story = Story(purpose(sampling=Sampling(rate=0.25)))
    assert not worth_keeping(story.call)
    story.caller_listens()
    assert worth_keeping(story.call)
    story.agent_answers()
    story.ledger_commits(chosen=False)
    assert not worth_keeping(story.call)


def test_a_private_call_is_not_kept_for_anybody() -> None:
    story = up_to(Phase.RECORDING)
    story.is_private()
    assert not worth_keeping(story.call)


def test_a_call_whose_recordings_were_to_stop_with_the_daemon_is_not_recorded_by_the_next_one() -> None:
    story = up_to(Phase.RECORDING)
    story.happens(events.Hindered(at=story.now, hindrances=frozenset({Hindrance.LEAVING})))
    assert not worth_keeping(story.call)


def test_whatever_may_change_a_recording_is_told_again() -> None:
    story = up_to(Phase.RECORDING)
    before = essence(story.call)
    story.presses(story.call.customer, "5")
    assert essence(story.call) == before
    story.pauses()
    assert essence(story.call) != before
