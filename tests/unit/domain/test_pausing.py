"""Every way to pause, as far as the core sees it; none ends by itself."""

from dataclasses import replace

import pytest

from controller.domain import events
from controller.domain.commands import Alert
from controller.domain.decision import Kind, Reason
from controller.domain.names import ChannelId
from controller.domain.parties import Role
from controller.domain.policy import Pauses
from tests.unit.domain.stories import CUSTOMER, Story, agent, outsider, policy

PAYMENT_IVR = policy(pauses=Pauses(contexts=("payment-*",), alert_s=60, most_s=100))


def recorded() -> Story:
    """A recorded conversation, where a dialplan context asks for cards."""
    story = Story(rules=PAYMENT_IVR)
    story.is_recorded()
    return story


def test_a_payments_dialplan_context_pauses_until_the_next_conversation() -> None:
    story = recorded()
    story.moves("payment-ivr")
    assert story.did == ["Pause"]
    story.pbx_says(events.PauseConfirmed)
    story.hears_customer()
    story.moves("queue")
    assert story.did == []
    story.agent_answers("202")
    assert story.did == ["Commit"]


def test_coming_back_into_the_context_is_still_the_payment() -> None:
    story = recorded()
    story.moves("payment-ivr")
    story.moves("say-amount")
    story.moves("payment-ivr")
    story.pbx_says(events.PauseConfirmed)
    story.agent_answers("202")
    assert story.did == []


def test_each_further_step_in_the_context_is_the_same_payment_and_no_decision_of_its_own() -> None:
    story = recorded()
    story.moves("payment-ivr")
    story.pbx_says(events.PauseConfirmed)
    story.moves("payment-ivr")
    assert story.commands == ()


def test_another_context_pauses_nothing() -> None:
    story = recorded()
    story.moves("queue")
    assert story.did == []


def test_the_payment_of_an_agents_leg_ends_when_that_leg_has_gone() -> None:
    story = recorded()
    story.moves("payment-ivr", agent().channel)
    story.pbx_says(events.PauseConfirmed)
    story.hears_customer(agent("202"))
    assert story.did == ["Commit"]


def test_an_agents_leg_that_is_back_at_once_is_still_in_the_payment() -> None:
    story = recorded()
    story.moves("payment-ivr", agent().channel)
    story.pbx_says(events.PauseConfirmed)
    story.hears_customer()
    story.agent_answers()
    assert story.did == []


def test_a_payment_behind_a_local_channel_goes_on_whoever_joins() -> None:
    """The half of it that is in the dialplan is no party, so that it is none of them means nothing."""
    story = recorded()
    story.moves("payment-ivr", ChannelId("local-2"))
    story.pbx_says(events.PauseConfirmed)
    story.joins(agent("202"))
    assert story.did == []
    story.moves("say-thanks", ChannelId("local-2"))
    story.leaves(agent("202"))
    assert story.did == ["Commit"]


def test_a_payment_platform_that_takes_part_pauses() -> None:
    story = recorded()
    story.joins(replace(outsider("payment"), role=Role.PAYMENT))
    assert story.did == ["Pause"]
    assert story.recording.halted_for is Reason.PAYMENT


HOLDING = policy(pauses=Pauses(hold=True))


def on_hold(channel: ChannelId) -> Story:
    """A recorded conversation that somebody has put on hold."""
    story = Story(rules=HOLDING)
    story.is_recorded()
    story.happens(events.Held(at=story.now, channel=channel))
    story.pbx_says(events.PauseConfirmed)
    return story


@pytest.mark.parametrize(
    ("channel", "actor"),
    [
        pytest.param(agent().channel, "agent:201", id="an agent who asks a colleague"),
        pytest.param(CUSTOMER, "caller", id="a customer who talks to somebody beside them"),
    ],
)
def test_a_hold_pauses_until_who_holds_is_back(channel: ChannelId, actor: str) -> None:
    story = on_hold(channel)
    assert (story.last.kind, story.last.reason, story.last.actor) == (Kind.PAUSE, Reason.HOLD, actor)
    story.happens(events.Unheld(at=story.now, channel=channel))
    assert story.did == ["Commit"]


def test_where_the_policy_does_not_want_it_a_hold_pauses_nothing() -> None:
    story = recorded()
    story.happens(events.Held(at=story.now, channel=agent().channel))
    assert story.commands == ()


def test_whoever_held_and_has_left_holds_no_more() -> None:
    """That was a transfer."""
    story = on_hold(agent().channel)
    story.hears_customer(agent("202"))
    assert story.did == ["Commit"]


def test_whoever_holds_and_stays_still_holds() -> None:
    story = on_hold(agent().channel)
    story.joins(agent("202"))
    assert story.did == []


def test_overlapping_causes_are_counted() -> None:
    story = recorded()
    story.agent_presses("*7")
    story.pbx_says(events.PauseConfirmed)
    story.pauses(Reason.AGENT_REQUEST, "api")
    story.moves("payment-ivr")
    story.agent_presses("*8")
    story.resumes(Reason.AGENT_REQUEST, "api")
    assert story.did == []
    story.moves("queue")
    story.agent_answers()
    assert story.did == ["Commit"]


def test_a_long_pause_raises_an_alert_and_then_ends_the_recording() -> None:
    story = recorded()
    story.agent_presses("*7")
    story.pbx_says(events.PauseConfirmed)
    story.timer_fires(60)
    assert story.only(Alert).reason is Reason.PAUSE_TOO_LONG
    assert story.phase == "paused"
    story.timer_fires(40)
    assert story.did == ["Stop"]
    story.pbx_says(events.RecordingEnded)
    assert (story.last.kind, story.last.reason) == (Kind.STOP, Reason.PAUSE_TOO_LONG)
    story.agent_presses("*8")
    assert story.did == []


def test_the_next_pause_has_its_own_time() -> None:
    story = recorded()
    story.agent_presses("*7")
    story.pbx_says(events.PauseConfirmed)
    story.agent_presses("*8")
    story.ledger_commits()
    story.pbx_says(events.ResumeConfirmed)
    story.timer_fires(60)
    assert story.did == []
    story.agent_presses("*7")
    story.pbx_says(events.PauseConfirmed)
    story.timer_fires(60)
    assert story.did == ["Alert"]


def test_an_agent_who_was_not_informed_may_pause_nevertheless() -> None:
    story = recorded()
    newcomer = replace(agent("203"), role=Role.UNINFORMED)
    story.joins(newcomer)
    story.pbx_says(events.PauseConfirmed)
    story.presses(newcomer.channel, "*7")
    assert [s.actor for s in story.call.suspensions] == ["agent:203"]


def test_a_pause_while_a_recording_starts_is_written_down_once_nothing_is_recorded() -> None:
    story = Story()
    story.caller_listens()
    story.agent_answers()
    story.ledger_commits()
    story.pbx_says(events.SnoopReady)
    story.pauses()
    assert (story.did, story.last.kind) == (["Stop"], Kind.RECORD)
    story.pbx_says(events.RecordingStarted)
    story.pbx_says(events.RecordingEnded)
    assert [(d.kind, d.reason, d.purpose) for d in story.decisions[-2:]] == [
        (Kind.STOP, Reason.PAYMENT, "quality"),
        (Kind.PAUSE, Reason.PAYMENT, None),
    ]


def test_a_second_cause_is_written_down_with_the_confirmation_of_the_first() -> None:
    story = recorded()
    story.pauses()
    story.pauses(Reason.AGENT_REQUEST)
    assert not [d for d in story.decisions if d.kind is Kind.PAUSE]
    story.pbx_says(events.PauseConfirmed)
    assert [(d.reason, d.purpose) for d in story.decisions[-2:]] == [
        (Reason.PAYMENT, "quality"),
        (Reason.AGENT_REQUEST, None),
    ]


def test_a_cause_that_is_over_before_any_pause_is_confirmed_was_none() -> None:
    story = recorded()
    story.pauses()
    story.pauses(Reason.AGENT_REQUEST)
    story.resumes(Reason.AGENT_REQUEST)
    story.pbx_says(events.PauseConfirmed)
    assert [d.reason for d in story.decisions if d.kind is Kind.PAUSE] == [Reason.PAYMENT]
