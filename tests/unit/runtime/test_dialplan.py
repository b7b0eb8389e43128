"""What a dialplan is told of a pause that it asks for, yes only where it is certain; and whose call is private."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from controller.agi.request import parse_request
from controller.agi.session import AgiSession
from controller.domain import events
from controller.domain.decision import Reason
from controller.domain.recording import Phase
from controller.runtime.dialplan import Dialplan
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.link import PbxLink
from tests.unit.domain.stories import NOON, told
from tests.unit.runtime.switched import Switched


@dataclass
class Session:
    """A channel in `AGI()`, and what was set on it."""

    request: object
    peer: str = "127.0.0.1"
    variables: dict[str, str] = field(default_factory=dict)

    async def set_variable(self, name: str, value: str) -> None:
        self.variables[name] = value


@dataclass
class Link:
    """What the dialplan's requests need of a PBX."""

    dispatcher: Dispatcher
    ready: bool = True


async def asked(pbx: Switched, request: str, *, channel: str, ready: bool = True) -> str | None:
    """What RC_PAUSED is after this request."""
    environment = [
        f"agi_request: agi://127.0.0.1/{request}",
        f"agi_uniqueid: {channel}",
        "agi_channel: PJSIP/x-00000001",
    ]
    session = Session(parse_request(environment))
    dialplan = Dialplan(lambda _: cast("PbxLink", Link(pbx.dispatcher, ready)))
    await dialplan.serve(cast("AgiSession", session))
    return session.variables.get("RC_PAUSED")


@pytest.mark.parametrize(
    ("request_", "ready", "paused"),
    [
        pytest.param("pause", True, "yes", id="nothing is recorded of a channel that is in no call"),
        pytest.param("pause", False, "no", id="unless nobody watches the PBX"),
        pytest.param("pause?call=mistyped", True, "no", id="and of a call that nobody knows, nothing is said"),
    ],
)
async def test_where_there_is_no_call_to_pause(request_: str, *, ready: bool, paused: str) -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    assert await asked(pbx, request_, channel="elsewhere", ready=ready) == paused
    assert pbx.phase(call) is Phase.RECORDING


async def test_a_pause_that_nothing_confirms_is_none() -> None:
    pbx = Switched()
    pbx.is_recorded("customer", "201", bridge="talk")
    assert await asked(pbx, "pause", channel="customer") == "no"


async def test_a_pause_reaches_every_customer_who_hears_the_channel() -> None:
    pbx = Switched()
    calls = [pbx.is_recorded(f"customer-{n}", f"20{n}", bridge=f"talk-{n}") for n in (1, 2)]
    for call in calls:
        pbx.dispatcher.tell(call, events.StopRequested(at=NOON, purpose=None, actor="api"))
        name = pbx.recording(call)
        pbx.dispatcher.tell_recording(name, events.RecordingEnded(at=NOON, recording=name))
    pbx.joins("customer-2", "PJSIP/carrier-00000009", bridge="talk-1")
    assert await asked(pbx, "pause", channel="201") == "yes"
    assert all(pbx.call(call).suspensions for call in calls)


async def test_two_legs_that_pay_at_once_are_paused_until_both_are_done() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    for channel in ("customer", "201"):
        await asked(pbx, "pause", channel=channel)
    await asked(pbx, "resume", channel="201")
    assert [pause.leg for pause in pbx.call(call).suspensions] == ["customer"]
    await asked(pbx, "resume", channel="customer")
    assert pbx.call(call).suspensions == ()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param("private", Reason.PRIVATE_CALL, id="a call of their own"),
        pytest.param("private?reason=representative", Reason.REPRESENTATIVE, id="one on mandate"),
        pytest.param("private?reason=mistyped", Reason.PRIVATE_CALL, id="whatever the dialplan calls it"),
    ],
)
async def test_whoever_dials_the_prefix_first_is_not_recorded(request_: str, reason: Reason) -> None:
    pbx = Switched()
    call = pbx.asks("customer")
    pbx.dispatcher.tell(call, events.PromptEnded(at=NOON, heard=told()))
    assert await asked(pbx, request_, channel="201") is None
    pbx.joins("customer", "PJSIP/carrier-00000001")
    pbx.joins("201", "PJSIP/201-00000001")
    assert (pbx.call(call).excluded, pbx.phase(call)) == (reason, None)


async def test_whoever_dials_the_prefix_amid_a_recording_pauses_it_until_they_leave() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    assert await asked(pbx, "private", channel="201") is None
    assert pbx.phase(call) is Phase.PAUSING


async def test_a_pause_of_a_leg_that_is_in_no_call_holds_for_the_call_that_it_joins() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    assert await asked(pbx, "pause", channel="ivr") == "yes"
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    assert pbx.phase(call) is Phase.PAUSING


async def test_unless_the_dialplan_has_said_that_it_is_over() -> None:
    pbx = Switched()
    call = pbx.is_recorded("customer", "201", bridge="talk")
    await asked(pbx, "pause", channel="ivr")
    await asked(pbx, "resume", channel="ivr")
    pbx.joins("ivr", "Local/pay@ivr-00000002;1")
    assert pbx.phase(call) is Phase.RECORDING


async def test_a_pause_that_was_over_in_one_call_does_not_come_back_in_the_next() -> None:
    """The leg of a consultation: it was asked for a card, joined, was done, and goes on to somebody else."""
    pbx = Switched()
    pbx.is_recorded("customer", "201", bridge="talk")
    other = pbx.is_recorded("another", "202", bridge="elsewhere")
    await asked(pbx, "pause", channel="ivr")
    pbx.joins("ivr", "Local/pay@ivr-00000002;1", bridge="talk")
    await asked(pbx, "resume", channel="ivr")
    pbx.joins("ivr", "Local/pay@ivr-00000002;1", bridge="elsewhere")
    assert pbx.call(other).suspensions == ()
