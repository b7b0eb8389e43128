"""What is asked of a PBX after the link is made, and what is taken from its answers."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import cast

import pytest

from controller.ari import events as ari
from controller.ari.client import Ari
from controller.ari.resources import Bridge, Channel, Dialplan, LiveRecording
from controller.config.settings import Ari as AriSettings
from controller.config.settings import Pbx
from controller.domain import events
from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.names import CallId, Side
from controller.domain.policy import Channels, Pauses, Policy
from controller.domain.recording import Phase
from controller.domain.sides import sides_of
from controller.errors import PbxRefused
from controller.runtime.link import Estate, PbxLink
from controller.runtime.listener import is_ours
from controller.runtime.ports import Ledger, Register
from controller.runtime.sides import _Pair
from controller.runtime.writer import Writer
from tests.unit.domain.stories import NOON, policy, purpose
from tests.unit.runtime.journals import Notebook
from tests.unit.runtime.switched import Switched

OURS = "rc-01a20c55-d530-7264-be3a-651207e98ac2-quality-1"
AGENT = Channel(id="agent", name="PJSIP/201-00000001")
CUSTOMER = Channel(id="customer", name="PJSIP/carrier-00000002")


def nothing_more(_link: PbxLink) -> None:
    """Nothing happens while the PBX answers."""


@dataclass
class Asterisk:
    """An Asterisk that answers what is asked after a connection; ``meanwhile`` happens before its answer comes."""

    present: list[Channel]
    bridged: list[Bridge] = field(default_factory=list)
    meanwhile: Callable[[PbxLink], None] = nothing_more
    hung_up: list[str] = field(default_factory=list)
    continued: list[str] = field(default_factory=list)
    lacks: str = ""
    states: dict[str, str] = field(default_factory=dict)
    """Of live recordings; one of which nothing is said records."""
    estate: Estate | None = None

    async def has_module(self, name: str) -> bool:
        return name != self.lacks

    async def channels(self) -> list[Channel]:
        self.meanwhile(self.link)
        return self.present

    async def bridges(self) -> list[Bridge]:
        return self.bridged

    async def hangup(self, channel: str, *, fresh: bool = False) -> None:  # noqa: ARG002
        self.hung_up.append(channel)

    async def pause_recording(self, name: str) -> None: ...

    async def continue_in_dialplan(self, channel: str) -> None:
        self.continued.append(channel)

    async def global_variable(self, _name: str) -> str:
        return "1795480338"

    async def set_global_variable(self, _name: str, _value: str) -> None: ...

    async def is_met(self) -> PbxLink:
        """The link to it, once it has caught up."""
        self.link = PbxLink(
            settings=Pbx(
                name="main",
                ari=AriSettings(url="http://127.0.0.1:1/ari", username="rc", application="recorder"),
                fastagi_clients=(ip_network("127.0.0.1"),),
                sounds=Path("/"),
            ),
            password="invented",
            numbers_key=b"key",
            country="FR",
            policy=policy(),
            writer=Writer(cast("Ledger", None), Notebook()),
            register=cast("Register", None),
        )
        self.link._ari = self.link._reception._ari = self.link._sides._ari = cast("Ari", self)
        self.link._deadman._pbx = self
        self.link.estate = self.estate
        with suppress(PbxRefused):
            await self.link._catch_up()
        return self.link

    async def live_recording(self, name: str) -> LiveRecording:
        return LiveRecording(name=name, state=self.states.get(name, "recording"))

    async def keep_recording_alive(self, snoop_channel_name: str, seconds: int) -> None: ...


@pytest.mark.parametrize(
    ("identity", "ours"),
    [
        (OURS, True),
        (f"{OURS}-stereo", True),
        (f"{OURS}-agent", True),
        (f"{OURS}-stereo-agent", False),
        ("rc-1795480338.12", False),
        ("rc-paris-1795480338.12", False),
        (f"x{OURS}", False),
    ],
)
def test_only_what_is_named_as_we_name_it_is_ours(identity: str, *, ours: bool) -> None:
    assert is_ours(identity) is ours


@pytest.mark.parametrize(("lacks", "ready"), [("", True), ("func_export.so", False), ("func_timeout.so", False)])
async def test_a_pbx_that_could_not_end_a_recording_by_itself_is_not_ready(lacks: str, *, ready: bool) -> None:
    link = await Asterisk([], lacks=lacks).is_met()
    assert link.ready is ready


async def test_only_recordings_that_nobody_knows_are_hung_up() -> None:
    pbx = Asterisk([Channel(id="rc-1795480338.12", name="PJSIP/201-00000001"), Channel(id=OURS, name="Snoop/x-1")])
    await pbx.is_met()
    assert pbx.hung_up == [OURS]


@pytest.mark.parametrize(
    ("where", "sent_on"),
    [("recorder,consent,support", True), ("recorder", True), ("recorder-of-others,consent", False)],
)
async def test_only_callers_in_our_own_application_are_sent_on(where: str, *, sent_on: bool) -> None:
    caller = Channel(id="caller", name="PJSIP/carrier-00000001", dialplan=Dialplan(app_name="Stasis", app_data=where))
    pbx = Asterisk([caller])
    await pbx.is_met()
    assert pbx.continued == (["caller"] if sent_on else [])


async def test_calls_that_were_there_before_us_are_left_alone_whatever_is_heard_meanwhile() -> None:
    talk = Bridge(id="talk", technology="simple_bridge", channels=("agent", "customer"))
    news = ari.ChannelCreated(timestamp=NOON, channel=Channel(id="another", name="PJSIP/carrier-00000003"))
    pbx = Asterisk([AGENT, CUSTOMER], bridged=[talk], meanwhile=lambda link: link._listener.hear(news))
    link = await pbx.is_met()
    assert list(link.dispatcher.calls) == []


async def test_a_recording_that_began_while_the_channels_were_listed_is_not_taken_for_gone() -> None:
    switched = Switched()

    def begins(link: PbxLink) -> None:
        link.dispatcher = link._listener._dispatcher = switched.dispatcher
        switched.is_recorded("customer", "201", bridge="talk")

    link = await Asterisk([AGENT, CUSTOMER], meanwhile=begins).is_met()
    [call] = link.dispatcher.calls
    assert switched.phase(call.id) is Phase.RECORDING


async def test_a_recording_that_is_gone_when_the_link_is_made_is_lost() -> None:
    switched = Switched()
    pbx = Asterisk([AGENT, CUSTOMER])
    link = await pbx.is_met()
    link.dispatcher = link._listener._dispatcher = switched.dispatcher
    call = switched.is_recorded("customer", "201", bridge="talk")
    await link._catch_up()
    assert switched.phase(call) is Phase.LOST


@pytest.mark.parametrize(("technology", "calls"), [("simple_bridge", 1), ("holding_bridge", 0)])
async def test_those_who_wait_in_one_car_park_do_not_hear_one_another(technology: str, calls: int) -> None:
    link = await Asterisk([]).is_met()
    bridge = Bridge(id="b", technology=technology)
    for channel in (AGENT, CUSTOMER):
        link._listener.hear(ari.ChannelCreated(timestamp=NOON, channel=channel))
        link._listener.hear(ari.ChannelEnteredBridge(timestamp=NOON, channel=channel, bridge=bridge))
    assert len(list(link.dispatcher.calls)) == calls


def recorded(link: PbxLink, switched: Switched) -> CallId:
    """A call that is recorded on this PBX."""
    link.dispatcher = link._listener._dispatcher = switched.dispatcher
    link._switchboard = link._listener._switchboard = switched.switchboard
    return switched.is_recorded("customer", "201", bridge="talk")


async def test_a_recording_that_is_called_paused_and_records_is_ended() -> None:
    """Another program has resumed it."""
    switched, pbx = Switched(), Asterisk([AGENT, CUSTOMER])
    link = await pbx.is_met()
    call = recorded(link, switched)
    switched.dispatcher.tell(call, events.PauseRequested(at=NOON, cause=Reason.PAYMENT, origin="api", actor="api"))
    name = switched.recording(call)
    switched.dispatcher.tell_recording(name, events.PauseConfirmed(at=NOON, recording=name))
    pbx.present = [Channel(id="201", name="PJSIP/201-00000001"), CUSTOMER, Channel(id=name, name="Snoop/customer-1")]
    pbx.bridged = [Bridge(id="talk", technology="simple_bridge", channels=("201", "customer"))]
    await link._catch_up()
    assert switched.phase(call) is Phase.STOPPING


async def in_stereo(*, paused: bool = False) -> tuple[Asterisk, Switched, CallId, tuple[Side, ...]]:
    """A call that is recorded in stereo on a PBX, whose every channel is there; and the sides of its recording."""
    switched, pbx = Switched(purpose(channels=Channels.STEREO)), Asterisk([AGENT, CUSTOMER])
    call = recorded(await pbx.is_met(), switched)
    name = switched.recording(call)
    if paused:
        switched.dispatcher.tell(call, events.PauseRequested(at=NOON, cause=Reason.PAYMENT, origin="api", actor="api"))
        switched.dispatcher.tell_recording(name, events.PauseConfirmed(at=NOON, recording=name))
    snoops = [Channel(id=side, name=f"Snoop/customer-{side}") for side in sides_of(name)]
    pbx.link._sides._pairs[name] = _Pair(sides_of(name))
    pbx.present = [Channel(id="201", name="PJSIP/201-00000001"), CUSTOMER, *snoops]
    pbx.bridged = [Bridge(id="talk", technology="simple_bridge", channels=("201", "customer"))]
    return pbx, switched, call, sides_of(name)


async def caught_up(pbx: Asterisk) -> None:
    """The link has caught up, and what it set going has come to its end."""
    await pbx.link._catch_up()
    await asyncio.sleep(0)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("place", [0, 1])
async def test_a_stereo_recording_whose_sides_differ_is_ended(place: int, *, paused: bool) -> None:
    """Another program has paused, or resumed, one of them."""
    pbx, switched, call, sides = await in_stereo(paused=paused)
    pbx.states = dict.fromkeys(sides, "paused" if paused else "recording")
    pbx.states[sides[place]] = "recording" if paused else "paused"
    await caught_up(pbx)
    recording = switched.call(call).tracks[0].recording
    assert recording is not None
    assert (recording.phase, recording.tainted_from is not None) == (Phase.STOPPING, paused)


@pytest.mark.parametrize("paused", [False, True])
async def test_a_stereo_recording_whose_sides_agree_goes_on(*, paused: bool) -> None:
    pbx, switched, call, sides = await in_stereo(paused=paused)
    pbx.states = dict.fromkeys(sides, "paused" if paused else "recording")
    await caught_up(pbx)
    assert (switched.phase(call), pbx.hung_up) == (Phase.PAUSED if paused else Phase.RECORDING, [])


@pytest.mark.parametrize("place", [0, 1])
async def test_a_side_whose_other_is_gone_when_the_link_is_made_is_hung_up(place: int) -> None:
    pbx, switched, call, sides = await in_stereo()
    pbx.present = [channel for channel in pbx.present if channel.id != sides[place]]
    await caught_up(pbx)
    assert pbx.hung_up == [sides[1 - place]]
    pbx.link._listener.snoop_gone(sides[1 - place])
    assert switched.phase(call) is Phase.LOST


@pytest.mark.parametrize("place", [0, 1])
async def test_a_side_whose_other_has_ended_when_the_link_is_made_is_hung_up(place: int) -> None:
    pbx, _, _, sides = await in_stereo()
    pbx.states = {sides[place]: "done"}
    await caught_up(pbx)
    assert pbx.hung_up == [sides[1 - place]]


async def test_a_side_that_nobody_knows_is_hung_up() -> None:
    sides = [f"{OURS}-stereo", f"{OURS}-agent"]
    pbx = Asterisk([Channel(id=side, name=f"Snoop/{side}") for side in sides])
    await pbx.is_met()
    assert pbx.hung_up == sides


async def test_a_pbx_that_is_let_go_of_has_both_sides_hung_up() -> None:
    pbx, _, _, sides = await in_stereo()
    await pbx.link.let_go_of_everything()
    assert sorted(pbx.hung_up) == sorted(sides)


@dataclass
class Left:
    """The one call that a daemon has left."""

    call: Call

    def calls(self, _policy: Policy) -> list[Call]:
        return [self.call]

    def settle(self) -> None: ...


@pytest.mark.parametrize(
    ("states", "phase", "tainted", "paused"),
    [
        pytest.param(
            ("recording", "recording"), Phase.PAUSING, False, False, id="which both record is paused at first"
        ),
        pytest.param(("paused", "paused"), Phase.PAUSED, False, True, id="which both are paused stays so"),
        pytest.param(("paused", "recording"), Phase.STOPPING, False, False, id="of which one does not record ends"),
        pytest.param(
            ("recording", "paused"), Phase.STOPPING, True, True, id="of which one is not paused ends, tainted"
        ),
        pytest.param(("paused", "gone"), Phase.STOPPING, True, True, id="of which one is gone ends"),
    ],
)
async def test_a_stereo_recording_of_a_former_daemon(
    states: tuple[str, str], phase: Phase, *, tainted: bool, paused: bool
) -> None:
    pbx, switched, call, sides = await in_stereo(paused=paused)
    former = switched.call(call)
    found_by_it: dict[str, str] = dict(zip(sides, states, strict=True))
    present = [channel for channel in pbx.present if found_by_it.get(channel.id) != "gone"]
    heir = Asterisk(present, bridged=pbx.bridged, states=found_by_it, estate=Left(former))
    link = await heir.is_met()
    found = link.dispatcher.call(call)
    assert found is not None
    recording = found.tracks[0].recording
    assert recording is not None
    assert (recording.phase, recording.tainted_from is not None) == (phase, tainted)


async def test_a_payment_that_began_while_events_were_lost_pauses() -> None:
    switched, pbx = Switched(), Asterisk([AGENT, CUSTOMER])
    switched.dispatcher.policy = policy(pauses=Pauses(contexts=("payment-*",)))
    link = await pbx.is_met()
    call = recorded(link, switched)
    name = switched.recording(call)
    near, far = "Local/pay@ivr-00000001;1", "Local/pay@ivr-00000001;2"
    pbx.present = [
        Channel(id="201", name="PJSIP/201-00000001"),
        CUSTOMER,
        Channel(id="near", name=near),
        Channel(id="far", name=far, dialplan=Dialplan(context="payment-ivr")),
        Channel(id=name, name="Snoop/customer-1"),
    ]
    pbx.bridged = [Bridge(id="talk", technology="softmix", channels=("201", "customer", "near"))]
    await link._catch_up()
    assert [pause.cause for pause in switched.call(call).suspensions] == [Reason.PAYMENT]


async def test_what_calls_under_way_need_is_heard_whatever_the_policy_becomes() -> None:
    link = await Asterisk([]).is_met()
    await link.decide_by(policy(pauses=Pauses(contexts=("payment-*",))))
    await link.decide_by(policy())
    assert "ChannelDialplan" in link._stream._wanted


@dataclass
class Onlooker:
    """Notes what it is told, and how many calls there were."""

    told: list[tuple[str, str, int]] = field(default_factory=list)
    link: PbxLink | None = None

    def looks_at(self, link: PbxLink) -> None:
        self.link, link.dispatcher.onlooker = link, self

    def changed(self, call: Call) -> None:
        self.told.append(("changed", call.id, 0))

    def watching(self, pbx: str) -> None:
        assert self.link is not None
        self.told.append(("watching", pbx, len(list(self.link.dispatcher.calls))))

    def standing_by(self, pbx: str) -> None:
        assert self.link is not None
        self.told.append(("standing by", pbx, len(list(self.link.dispatcher.calls))))


async def test_whoever_looks_on_hears_when_every_call_is_known_and_before_all_are_forgotten() -> None:
    onlooker = Onlooker()
    link = await Asterisk([], meanwhile=onlooker.looks_at).is_met()
    assert onlooker.told == [("watching", "main", 0)]
    for channel in (AGENT, CUSTOMER):
        link._listener.hear(ari.ChannelCreated(timestamp=NOON, channel=channel))
        bridge = Bridge(id="b", technology="simple_bridge")
        link._listener.hear(ari.ChannelEnteredBridge(timestamp=NOON, channel=channel, bridge=bridge))
    [call] = link.dispatcher.calls
    assert ("changed", call.id, 0) in onlooker.told
    onlooker.told.clear()
    await link.let_go_of_everything()
    assert onlooker.told == [("standing by", "main", 1), ("standing by", "main", 0)]
