"""The life of one recording: what each event makes of it, and what is done about it."""

from datetime import timedelta

import pytest

from controller.domain import events, tracking
from controller.domain.call import Permission
from controller.domain.commands import Commit, Log, SetTimer, Snoop, Stop, Store
from controller.domain.decision import Kind, Reason
from controller.domain.recording import Phase
from controller.domain.records import RecordingRecord, RecordingState, SpanRecord
from controller.domain.turn import Turn
from tests.unit.domain.stories import NOON, Story, representative

NOTHING: list[str] = []
STARTED, ENDED, FAILED = events.RecordingStarted, events.RecordingEnded, events.RecordingFailed
READY, GONE = events.SnoopReady, events.SnoopGone


def up_to(phase: Phase) -> Story:
    """A story whose recording has come this far."""
    story = Story()
    if phase in {Phase.SNOOPING, Phase.READY, Phase.STARTING}:
        story.caller_listens()
        story.agent_answers()
        story.ledger_commits()
        if phase is Phase.STARTING:
            story.pbx_says(READY)
        return story
    story.is_recorded()
    story.passes(1000)
    if phase is Phase.LOST:
        story.pbx_says(ENDED)
    elif phase is Phase.STOPPING:
        story.is_stopped()
    elif phase is not Phase.RECORDING:
        story.agent_presses("*7")
        if phase is not Phase.PAUSING:
            story.passes(5)
            story.pbx_says(events.PauseConfirmed)
    if phase is Phase.RESUMING:
        story.passes(2000)
        story.agent_presses("*8")
        story.ledger_commits()
    assert story.phase is phase
    return story


def kept(story: Story) -> RecordingRecord:
    """The recording as the last step stored it."""
    return next(c.record for c in reversed(story.every(Store)) if isinstance(c.record, RecordingRecord))


def spans(story: Story) -> list[tuple[str, str, int]]:
    """The stretches that the last step stored: kind, reason, milliseconds."""
    found = [c.record for c in story.every(Store) if isinstance(c.record, SpanRecord)]
    return [(s.kind.value, s.reason, round((s.end - s.begin) / timedelta(milliseconds=1))) for s in found]


def test_a_recording_comes_to_life() -> None:
    story = up_to(Phase.SNOOPING)
    assert story.only(Snoop).recording == "rc-call-quality-1"
    assert kept(story).state is RecordingState.STARTING
    story.pbx_says(READY)
    assert (story.did, story.phase) == (["StartRecording"], Phase.STARTING)
    story.passes(3)
    story.pbx_says(STARTED)
    assert (story.did, story.phase, kept(story).state) == ([], Phase.RECORDING, RecordingState.RECORDING)
    assert kept(story).started_at == story.now
    story.timer_fires(tracking.START_WITHIN_S)
    assert (story.did, story.phase) == ([], Phase.RECORDING)


@pytest.mark.parametrize(
    ("before", "event", "after", "did"),
    [
        pytest.param("starting", READY, "starting", NOTHING, id="a snoop is ready only once"),
        pytest.param("recording", STARTED, "recording", NOTHING, id="a recording starts only once"),
        pytest.param("snooping", STARTED, "snooping", NOTHING, id="and not before it was asked for"),
        pytest.param("snooping", GONE, None, NOTHING, id="without a snoop there is no recording"),
        pytest.param("starting", GONE, None, NOTHING, id="nor where the snoop goes at the last moment"),
        pytest.param("starting", FAILED, "stopping", ["Stop"], id="what failed to start is cleared away"),
        pytest.param("recording", FAILED, "stopping", ["Stop"], id="and what failed later"),
        pytest.param("stopping", FAILED, "stopping", NOTHING, id="but only once"),
        pytest.param("recording", ENDED, "lost", NOTHING, id="an end that nobody asked for is a loss"),
        pytest.param("starting", ENDED, "lost", NOTHING, id="however early"),
        pytest.param("recording", GONE, "lost", NOTHING, id="and so is a snoop that vanishes"),
        pytest.param("paused", GONE, "lost", NOTHING, id="even while paused"),
        pytest.param("lost", ENDED, "lost", NOTHING, id="a loss is told once"),
        pytest.param("lost", GONE, "lost", NOTHING, id="whatever else goes"),
        pytest.param("stopping", ENDED, None, NOTHING, id="a stop ends with the file closed"),
        pytest.param("stopping", GONE, "stopping", NOTHING, id="not with the snoop gone"),
        pytest.param("recording", events.PauseConfirmed, "recording", NOTHING, id="a pause nobody asked for is none"),
        pytest.param("recording", events.PauseUnconfirmed, "recording", NOTHING, id="nor is its failure"),
        pytest.param("pausing", events.PauseConfirmed, "paused", NOTHING, id="a confirmed pause is one"),
        pytest.param(
            "pausing",
            events.PauseUnconfirmed,
            "stopping",
            ["Stop", "Alert"],
            id="an unconfirmed one is a stop, and a loud one",
        ),
        pytest.param(
            "paused", events.PauseUnconfirmed, "stopping", ["Stop", "Alert"], id="one that is found recording is a stop"
        ),
        pytest.param("pausing", events.ResumeConfirmed, "pausing", NOTHING, id="a pause is not confirmed by a resume"),
        pytest.param("pausing", events.ResumeUnconfirmed, "pausing", NOTHING, id="nor broken by one"),
        pytest.param("resuming", events.ResumeConfirmed, "recording", NOTHING, id="a confirmed resume records"),
        pytest.param(
            "resuming", events.ResumeUnconfirmed, "stopping", ["Stop", "Alert"], id="an unconfirmed one is a stop too"
        ),
        pytest.param("resuming", events.PauseConfirmed, "resuming", NOTHING, id="no pause confirms a resume"),
    ],
)
def test_what_an_event_makes_of_a_recording(
    before: str, event: type[events.OfRecording], after: str | None, did: list[str]
) -> None:
    story = up_to(Phase(before))
    story.pbx_says(event)
    assert (story.phase, story.did) == (after, did)


@pytest.mark.parametrize(
    ("before", "after", "did"),
    [
        pytest.param("snooping", "stopping", ["Stop"], id="a snoop that is asked for is hung up"),
        pytest.param("starting", "stopping", ["Stop"], id="so is one whose recording may have begun"),
        pytest.param("recording", "pausing", ["Pause"], id="a recording is paused"),
        pytest.param("pausing", "pausing", NOTHING, id="once"),
        pytest.param("paused", "paused", NOTHING, id="and stays so"),
        pytest.param("resuming", "resuming", NOTHING, id="no second toggle is sent after the first"),
        pytest.param("stopping", "stopping", NOTHING, id="what is being stopped is stopped"),
        pytest.param("lost", "lost", NOTHING, id="what is lost is lost"),
    ],
)
def test_what_a_pause_does(before: str, after: str, did: list[str]) -> None:
    story = up_to(Phase(before))
    story.pauses()
    assert (story.phase, story.did) == (after, did)
    story.pauses(Reason.AGENT_REQUEST)
    assert (story.phase, story.did) == (after, [])


@pytest.mark.parametrize(
    ("before", "seconds", "after", "did"),
    [
        pytest.param("snooping", 5.0, "stopping", ["Stop"], id="a snoop that never came is given up"),
        pytest.param("starting", 5.0, "stopping", ["Stop"], id="and a recording that never started"),
        pytest.param("pausing", 0.1, "stopping", ["Stop", "Alert"], id="a pause that nobody confirmed becomes a stop"),
        pytest.param("stopping", 1.0, "stopping", ["Stop"], id="a stop that nobody confirmed is sent again"),
        pytest.param("lost", 1.0, None, ["Stop"], id="what is lost is cleared away"),
    ],
)
def test_what_a_deadline_does(before: str, seconds: float, after: str | None, did: list[str]) -> None:
    story = up_to(Phase(before))
    story.timer_fires(seconds)
    assert (story.phase, story.did) == (after, did)


def test_a_pause_is_written_down_once_it_is_confirmed() -> None:
    story = up_to(Phase.PAUSING)
    assert story.every(Log) == []
    story.passes(7)
    story.pbx_says(events.PauseConfirmed)
    decision = story.only(Log).decision
    assert (decision.kind, decision.reason, decision.actor) == (Kind.PAUSE, Reason.PAYMENT, "agent:201")
    assert decision.facts == {
        "recording": "rc-call-quality-1",
        "triggered_at": "2026-03-02T12:00:01.000+00:00",
        "confirmed_after_ms": 7.0,
    }
    assert spans(story) == [("recorded", "nothing-forbids", 1007)]
    assert kept(story).state is RecordingState.PAUSED
    story.timer_fires(tracking.UNCONFIRMED_AFTER_S)
    assert (story.phase, story.did) == (Phase.PAUSED, [])


def test_a_resume_goes_on_in_the_same_file() -> None:
    story = up_to(Phase.RESUMING)
    assert story.did == ["Resume"]
    story.passes(5)
    story.pbx_says(events.ResumeConfirmed)
    assert spans(story) == [("paused", "payment", 2005)]
    assert kept(story).state is RecordingState.RECORDING
    story.passes(500)
    story.customer_leaves()
    assert (story.did, spans(story)) == ([], [("recorded", "nothing-forbids", 500)])
    story.pbx_says(ENDED)
    assert (kept(story).state, kept(story).milliseconds) == (RecordingState.ENDED, 1505)
    assert story.call.over


def test_a_clock_that_is_set_back_makes_no_stretch_shorter_than_nothing() -> None:
    story = up_to(Phase.RECORDING)
    story.passes(-3_600_000)
    story.customer_leaves()
    assert spans(story) == [("recorded", "nothing-forbids", 0)]
    story.pbx_says(ENDED)
    assert (kept(story).state, kept(story).milliseconds) == (RecordingState.ENDED, 0)


def test_what_came_since_an_unconfirmed_pause_is_quarantined() -> None:
    story = up_to(Phase.PAUSING)
    asked_at = story.now
    story.passes(100)
    story.timer_fires(tracking.UNCONFIRMED_AFTER_S)
    story.pbx_says(ENDED)
    assert kept(story).quarantined_from == asked_at
    stop = story.last
    assert (stop.kind, stop.reason, stop.actor) == (Kind.STOP, Reason.PAUSE_UNCONFIRMED, "daemon")
    assert stop.facts["quarantined_from"] == "2026-03-02T12:00:01.000+00:00"
    assert story.did == ["Quarantine"]
    story.agent_presses("*8")
    story.ledger_commits()
    assert story.only(Snoop).recording == "rc-call-quality-2"


def test_a_pause_that_a_stop_overtakes_unconfirmed_is_quarantined_from_its_trigger() -> None:
    story = up_to(Phase.PAUSING)
    asked_at = story.now
    story.passes(1)
    story.is_stopped()
    story.passes(1000)
    story.timer_fires(tracking.SETTLE_S)
    story.pbx_says(ENDED)
    assert kept(story).quarantined_from == asked_at


def test_what_came_since_a_stop_that_nobody_confirmed_is_quarantined() -> None:
    story = up_to(Phase.STARTING)
    story.joins(representative())
    joined_at = story.now
    story.pbx_says(STARTED)
    story.passes(1000)
    story.timer_fires(tracking.SETTLE_S)
    assert story.did == ["Stop"]
    story.passes(20)
    story.pbx_says(ENDED)
    assert (kept(story).state, kept(story).quarantined_from) == (RecordingState.QUARANTINING, joined_at)


def test_a_pause_while_resuming_has_its_own_deadline() -> None:
    story = up_to(Phase.RESUMING)
    story.pauses()
    assert [t.seconds for t in story.every(SetTimer)] == [tracking.UNCONFIRMED_AFTER_S]
    asked_at = story.now
    story.passes(100)
    story.timer_fires(tracking.UNCONFIRMED_AFTER_S)
    assert (story.did, story.recording.tainted_from) == (["Stop", "Alert"], asked_at)


def test_a_pause_while_resuming_follows_as_soon_as_it_may() -> None:
    story = up_to(Phase.RESUMING)
    story.pauses()
    story.pbx_says(events.ResumeConfirmed)
    assert (story.did, story.phase) == (["Pause"], Phase.PAUSING)


def test_a_pause_while_resuming_counts_from_its_trigger() -> None:
    story = up_to(Phase.RESUMING)
    story.pauses()
    asked_at = story.now
    story.passes(60)
    story.pbx_says(events.ResumeConfirmed)
    story.passes(40)
    story.timer_fires(tracking.UNCONFIRMED_AFTER_S)
    assert (story.did, story.recording.tainted_from) == (["Stop", "Alert"], asked_at)


def test_a_pause_that_is_over_before_the_resume_is_confirmed_ends_by_a_decision_all_the_same() -> None:
    story = up_to(Phase.RESUMING)
    story.pauses()
    story.resumes()
    story.pbx_says(events.ResumeConfirmed)
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    assert (story.did, story.last.kind, story.last.actor) == (["Commit"], Kind.RESUME, "api:crm")
    story.ledger_commits()
    assert story.did == ["Resume"]


def test_a_resume_amid_a_pause_waits_for_its_confirmation() -> None:
    story = up_to(Phase.PAUSING)
    story.agent_presses("*8")
    assert story.did == []
    story.pbx_says(events.PauseConfirmed)
    assert story.did == ["Commit"]
    story.ledger_commits()
    assert story.did == ["Resume"]


def test_a_recording_that_starts_while_it_is_stopped_has_a_file_nevertheless() -> None:
    story = up_to(Phase.STARTING)
    story.pauses()
    story.pbx_says(STARTED)
    story.pbx_says(GONE)
    assert not story.every(Store)
    story.timer_fires(tracking.SETTLE_S)
    assert (story.phase, kept(story).state) == (None, RecordingState.ENDED)


def test_where_the_customer_has_left_asterisk_ends_the_snoop_itself() -> None:
    story = up_to(Phase.RECORDING)
    story.customer_leaves()
    assert (story.did, story.phase, story.call.over) == ([], Phase.STOPPING, False)
    story.timer_fires(tracking.SETTLE_S)
    assert story.did == ["Stop"]
    story.pbx_says(GONE)
    story.timer_fires(tracking.SETTLE_S)
    assert (story.call.over, story.last.reason) == (True, Reason.CALL_ENDED)


def test_where_the_customer_begins_another_call_we_end_the_snoop_ourselves() -> None:
    story = up_to(Phase.RECORDING)
    story.channel_begins_another_call()
    assert (story.did, story.phase) == (["Stop"], Phase.STOPPING)
    story.pbx_says(ENDED)
    assert (story.call.over, story.last.reason) == (True, Reason.CALL_ENDED)


@pytest.mark.parametrize("phase", [Phase.STOPPING, Phase.LOST])
def test_but_not_twice(phase: Phase) -> None:
    story = up_to(phase)
    story.channel_begins_another_call()
    assert len(story.every(Stop)) == (phase is Phase.LOST)


def test_a_loss_just_before_the_customer_leaves_is_the_end_of_the_call() -> None:
    story = up_to(Phase.LOST)
    story.customer_leaves()
    assert (story.every(Stop) != [], story.call.over, story.last.reason) == (True, True, Reason.CALL_ENDED)


def test_a_snoop_that_went_with_it_is_not_hung_up_again() -> None:
    story = up_to(Phase.RECORDING)
    story.pbx_says(GONE)
    story.timer_fires(tracking.SETTLE_S)
    assert (story.every(Stop), story.last.reason) == ([], Reason.RECORDING_FAILED)


def test_what_is_lost_while_it_is_stopped_is_not_begun_again() -> None:
    story = up_to(Phase.LOST)
    story.is_stopped()
    story.timer_fires(tracking.SETTLE_S)
    assert (story.phase, story.track.ticket) == (None, None)


def test_after_a_failure_it_is_tried_again_and_after_three_no_more() -> None:
    story = up_to(Phase.SNOOPING)
    for attempt in (1, 2):
        story.pbx_says(GONE)
        assert (story.did, kept(story).state) == ([], RecordingState.FAILED)
        assert kept(story).milliseconds is None
        story.timer_fires(tracking.SETTLE_S)
        decision = story.only(Commit).decision
        assert decision.kind is Kind.RESUME
        story.ledger_commits()
        assert story.only(Snoop).recording == f"rc-call-quality-{attempt + 1}"
    story.pbx_says(GONE)
    assert (story.every(SetTimer), story.track.permission) == ([], Permission.REFUSED)


def test_news_of_a_recording_that_is_no_more_changes_nothing() -> None:
    story = up_to(Phase.STOPPING)
    name = story.recording.name
    story.pbx_says(ENDED)
    call = story.call
    for kind in (GONE, STARTED, ENDED, FAILED, events.PauseConfirmed, events.ResumeUnconfirmed):
        story.pbx_says(kind, name)
        assert (story.call, story.commands) == (call, ())


def test_a_snoop_that_comes_after_it_was_hung_up_is_hung_up_again() -> None:
    story = up_to(Phase.SNOOPING)
    name = story.recording.name
    story.pauses()
    story.pbx_says(GONE)
    assert story.phase is None
    story.pbx_says(READY, name)
    assert story.commands == (Stop(recording=name),)


def test_a_track_without_a_recording_has_nothing_to_observe_nor_to_wait_for() -> None:
    turn = Turn(call=Story().call, at=NOON)
    track = turn.call.tracks[0]
    tracking.observe(turn, track, events.SnoopGone(at=NOON, recording=up_to(Phase.SNOOPING).recording.name))
    tracking.deadline(turn, track)
    assert turn.commands == []


def test_a_recording_that_waits_for_nothing_heeds_no_deadline() -> None:
    story = up_to(Phase.RECORDING)
    turn = Turn(call=story.call, at=NOON)
    tracking.deadline(turn, story.track)
    assert (turn.call, turn.commands) == (story.call, [])
