"""What a PBX's events say of payments and holds, whoever in the call they are about."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from controller.ari import events as ari
from controller.ari.client import Ari
from controller.ari.resources import Bridge, Channel, Dialplan
from controller.domain import events
from controller.domain.decision import Reason
from controller.domain.policy import Pauses
from controller.domain.recording import Phase
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch
from controller.runtime.listener import Listener, wanted
from controller.runtime.notices import Notices
from controller.runtime.reception import Reception
from controller.runtime.sides import Sides
from tests.unit.domain.stories import NOON, policy
from tests.unit.runtime.switched import Switched

CUSTOMER, AGENT = Channel(id="customer"), Channel(id="201")
ASKING_FOR_CARD = Channel(id="customer", dialplan=Dialplan(context="payment-ivr"))
PAUSES = Pauses(contexts=("payment-*",), hold=True)


class Line:
    """A call that is recorded on a PBX, and what listens to that PBX."""

    def __init__(self, pauses: Pauses = PAUSES) -> None:
        self.pbx = Switched()
        self.pbx.dispatcher.policy = policy(pauses=pauses)
        self.call = self.pbx.is_recorded("customer", "201", bridge="talk")
        self._listener = Listener(
            switchboard=self.pbx.switchboard,
            dispatcher=self.pbx.dispatcher,
            deadman=cast("DeadMansSwitch", None),
            sides=cast("Sides", None),
            reception=Reception(ari=cast("Ari", None), numbers_key=b"key", country="FR"),
            notices=Notices(cast("Ari", None)),
        )

    def hears(self, event: ari.Event) -> None:
        self._listener.hear(event)

    def says(self, name: str, values: Mapping[str, str] | None = None, *, channel: Channel = CUSTOMER) -> None:
        """The dialplan, by ``UserEvent``."""
        self.hears(ari.ChannelUserevent(timestamp=NOON, eventname=name, channel=channel, userevent=dict(values or {})))

    @property
    def pauses(self) -> list[tuple[str, str]]:
        """The causes for a pause, and who gave them."""
        return [(pause.cause.value, pause.actor) for pause in self.pbx.call(self.call).suspensions]


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        pytest.param({}, "payment", id="without a reason for a payment"),
        pytest.param({"reason": "agent-request"}, "agent-request", id="for the reason that it gives"),
        pytest.param({"Reason": "agent-request"}, "agent-request", id="however that is spelt"),
        pytest.param({"reason": "mistyped"}, "payment", id="for a payment where the reason is none of ours"),
    ],
)
def test_a_dialplan_pauses_by_a_user_event(values: Mapping[str, str], cause: str) -> None:
    line = Line()
    line.says("RecordingPause", values)
    assert (line.pauses, line.pbx.phase(line.call)) == ([(cause, "dialplan")], Phase.PAUSING)


def test_and_ends_that_pause_by_another_on_any_leg_of_the_call() -> None:
    line = Line()
    line.says("RecordingPause")
    line.says("RecordingResume", channel=AGENT)
    assert line.pauses == []


def test_what_else_a_dialplan_says_pauses_nothing() -> None:
    line = Line()
    line.says("Pause")
    line.hears(ari.ChannelUserevent(timestamp=NOON, eventname="RecordingPause"))
    assert (line.pauses, line.pbx.phase(line.call)) == ([], Phase.RECORDING)


def test_a_leg_that_enters_a_payments_context_pauses() -> None:
    line = Line()
    line.hears(ari.ChannelDialplan(timestamp=NOON, channel=ASKING_FOR_CARD))
    assert line.pauses == [("payment", "dialplan")]


def test_asterisk_is_asked_for_the_many_events_of_the_dialplan_only_where_they_matter() -> None:
    assert "ChannelDialplan" in wanted(policy(pauses=PAUSES))
    assert "ChannelDialplan" not in wanted(policy())


def test_a_hold_pauses_until_it_is_over() -> None:
    line = Line()
    line.hears(ari.ChannelHold(timestamp=NOON, channel=AGENT))
    assert line.pauses == [("hold", "agent:201")]
    line.hears(ari.ChannelUnhold(timestamp=NOON, channel=AGENT))
    assert line.pauses == []


def test_the_digits_of_a_caller_in_a_pause_are_kept_nowhere() -> None:
    line = Line()
    line.says("RecordingPause")
    name = line.pbx.recording(line.call)
    line.pbx.dispatcher.tell_recording(name, events.PauseConfirmed(at=NOON, recording=name))
    call, commands = line.pbx.call(line.call), list(line.pbx.commands)
    for digit in "4970101234567890":
        line.hears(ari.ChannelDtmfReceived(timestamp=NOON, channel=CUSTOMER, digit=digit))
    assert (line.pbx.call(line.call), line.pbx.commands) == (call, commands)
    assert call.suspensions[0].cause is Reason.PAYMENT


NEAR = Channel(id="near", name="Local/pay@ivr-00000001;1")
FAR = Channel(id="far", name="Local/pay@ivr-00000001;2", dialplan=Dialplan(context="payment-ivr"))
TALK = Bridge(id="talk", technology="simple_bridge")


def joined_by_an_ivr(line: Line) -> None:
    """A payment IVR behind a Local channel has begun before it is taken into the conversation."""
    for channel in (NEAR, FAR):
        line.hears(ari.ChannelCreated(timestamp=NOON, channel=channel))
    line.hears(ari.ChannelEnteredBridge(timestamp=NOON, channel=NEAR, bridge=TALK))


def test_who_joins_from_a_payments_context_pauses_at_once() -> None:
    line = Line()
    joined_by_an_ivr(line)
    assert line.pauses == [("payment", "dialplan")]


def test_who_joins_from_elsewhere_does_not() -> None:
    line = Line(Pauses(contexts=("another",)))
    joined_by_an_ivr(line)
    assert line.pauses == []


def test_a_leg_that_pauses_by_a_user_event_before_it_joins_pauses_when_it_does() -> None:
    line = Line()
    line.says("RecordingPause", channel=NEAR)
    assert line.pauses == []
    joined_by_an_ivr(Line(Pauses()))
    line.hears(ari.ChannelCreated(timestamp=NOON, channel=NEAR))
    line.hears(ari.ChannelEnteredBridge(timestamp=NOON, channel=NEAR, bridge=TALK))
    assert line.pauses == [("payment", "dialplan")]


def test_unless_it_has_said_that_it_is_over() -> None:
    line = Line()
    line.says("RecordingPause", channel=NEAR)
    line.says("RecordingResume", channel=NEAR)
    line.hears(ari.ChannelCreated(timestamp=NOON, channel=NEAR))
    line.hears(ari.ChannelEnteredBridge(timestamp=NOON, channel=NEAR, bridge=TALK))
    assert line.pauses == []


def pressed(line: Line, *, told_s_ago: float) -> None:
    told_at = now() - timedelta(seconds=told_s_ago)
    for digit in "*7":
        line.hears(ari.ChannelDtmfReceived(timestamp=told_at, channel=AGENT, digit=digit))


def test_a_key_that_lay_there_while_the_daemon_stood_still_is_no_clean_pause() -> None:
    line = Line()
    line.hears(ari.ChannelDtmfReceived(timestamp=now(), channel=CUSTOMER, digit="1"))
    pressed(line, told_s_ago=5)
    recording = line.pbx.call(line.call).tracks[0].recording
    assert recording is not None
    assert (recording.phase, recording.tainted_from is not None) == (Phase.STOPPING, True)


def test_a_key_that_is_read_at_once_is() -> None:
    line = Line()
    line.hears(ari.ChannelDtmfReceived(timestamp=now(), channel=CUSTOMER, digit="1"))
    pressed(line, told_s_ago=0)
    assert line.pbx.phase(line.call) is Phase.PAUSING


def test_nor_does_it_come_back_in_another_call_once_it_was_over_in_this_one() -> None:
    line = Line()
    other = line.pbx.is_recorded("another", "202", bridge="elsewhere")
    line.says("RecordingPause", channel=NEAR)
    line.hears(ari.ChannelCreated(timestamp=NOON, channel=NEAR))
    line.hears(ari.ChannelEnteredBridge(timestamp=NOON, channel=NEAR, bridge=TALK))
    line.says("RecordingResume", channel=NEAR)
    elsewhere = Bridge(id="elsewhere", technology="simple_bridge")
    line.hears(ari.ChannelEnteredBridge(timestamp=NOON, channel=NEAR, bridge=elsewhere))
    assert line.pbx.call(other).suspensions == ()
