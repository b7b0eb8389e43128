"""The ARI client against a real Asterisk: recordings, their states read back, and every way to lose the link.

Uses the fixture `pbx` (`ari_url`, `ari_username`, `ari_password`) and no dialplan: the calls are RTP channels that
ARI originates itself (chan_rtp).
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from controller.ari.client import Ari
from controller.ari.events import (
    ChannelCreated,
    ChannelDestroyed,
    Event,
    PlaybackFinished,
    PlaybackStarted,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    StasisEnd,
    StasisStart,
)
from controller.ari.resources import Channel
from controller.ari.stream import EventStream
from controller.domain.names import RecordingName, Side
from controller.domain.sides import in_stereo, sides_of
from controller.errors import Gone, NotNow, PbxAuthenticationFailed, PbxRefused
from lab.wire import Wire

PATIENCE_S = 30.0
E = TypeVar("E", bound=Event)


class Pbx(Protocol):
    """What these tests need of the lab."""

    ari_url: str
    ari_username: str
    ari_password: str


def client(pbx: Pbx, *, url: str = "", password: str = "", application: str = "") -> Ari:
    """Make a client with an application of its own."""
    return Ari(
        url=url or pbx.ari_url,
        username=pbx.ari_username,
        password=password or pbx.ari_password,
        application=application or f"test-{uuid4().hex[:8]}",
        timeout_s=3.0,
    )


def new_id(kind: str) -> str:
    """Make an id that no other test uses."""
    return f"{kind}-{uuid4().hex[:8]}"


def concerns(event: Event, channel_id: str) -> bool:
    """Tell whether an event is about a channel, or a sound played to it."""
    match event:
        case PlaybackStarted() | PlaybackFinished():
            return event.playback.target_uri == f"channel:{channel_id}"
        case ChannelCreated() | ChannelDestroyed() | StasisStart() | StasisEnd():
            return event.channel.id == channel_id
        case _:
            return False


class Listener:
    """Owns a stream: keeps its events in order and lets a test wait for one."""

    def __init__(self, ari: Ari) -> None:
        self.stream = EventStream(ari=ari, random=lambda: 0.0)
        self.events: list[Event] = []
        self.lost: list[str] = []
        self.connections = 0
        self._news = asyncio.Event()

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def on_connected(self) -> None:
        self.connections += 1
        self._news.set()

    def on_lost(self, reason: str) -> None:
        self.lost.append(reason)
        self._news.set()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not what():
                self._news.clear()
                await self._news.wait()

    async def first(self, kind: type[E], of: Callable[[E], bool] = lambda _event: True) -> E:
        """Wait for the first event of a kind."""

        def found() -> list[E]:
            return [event for event in self.events if isinstance(event, kind) and of(event)]

        await self.until(lambda: bool(found()))
        return found()[0]


@asynccontextmanager
async def listening(ari: Ari) -> AsyncIterator[Listener]:
    """Run a stream beside the test."""
    listener = Listener(ari)
    running = asyncio.create_task(
        listener.stream.run(on_event=listener.on_event, on_connected=listener.on_connected, on_lost=listener.on_lost)
    )
    try:
        yield listener
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def ari(pbx: Pbx) -> AsyncIterator[Ari]:
    """Open a client."""
    async with client(pbx) as opened:
        yield opened


@pytest.fixture
async def heard(ari: Ari) -> AsyncIterator[Listener]:
    """Listen to all events of the PBX."""
    async with listening(ari) as listener:
        await listener.until(lambda: listener.connections == 1)
        yield listener


@pytest.fixture
async def wire(pbx: Pbx) -> AsyncIterator[Wire]:
    """Lay a wire to the PBX."""
    laid = Wire(pbx.ari_url)
    yield laid
    await laid.disconnect()


@pytest.fixture
def phone() -> Iterator[str]:
    """Give the endpoint of a phone that takes any RTP and sends none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        yield f"UnicastRTP/127.0.0.1:{far.getsockname()[1]}"


@pytest.fixture
async def customer(ari: Ari, heard: Listener, phone: str) -> AsyncIterator[str]:
    """Have a call up, hearing a tone; gives its channel's id."""
    channel_id = new_id("customer")
    await ari.originate(phone, channel_id=channel_id, caller_id="0199000001")
    await heard.first(StasisStart, lambda event: event.channel.id == channel_id)
    await ari.play(channel_id, new_id("tone"), media="tone:1004")
    yield channel_id
    with suppress(Gone):
        await ari.hangup(channel_id)


@pytest.fixture
async def snoop(ari: Ari, heard: Listener, customer: str) -> AsyncIterator[Channel]:
    """Listen to the customer."""
    snooping = await ari.snoop(customer, new_id("snoop"))
    await heard.first(StasisStart, lambda event: event.channel.id == snooping.id)
    yield snooping
    with suppress(Gone):
        await ari.hangup(snooping.id)


@pytest.fixture
async def recording(ari: Ari, heard: Listener, snoop: Channel) -> AsyncIterator[str]:
    """Record the customer; gives the recording's name."""
    name = new_id("recording")
    await ari.record(snoop.id, name)
    await heard.first(RecordingStarted, lambda event: event.recording.name == name)
    yield name
    with suppress(Gone):
        await ari.discard_recording(name)
    with suppress(Gone):
        await ari.delete_stored_recording(name)


async def test_asterisk_says_which_one_it_is(ari: Ari) -> None:
    assert (await ari.info()).system.version


async def test_asterisk_says_which_modules_it_has(ari: Ari) -> None:
    assert await ari.has_module("func_export.so")
    assert not await ari.has_module("func_export_of_tomorrow.so")


async def test_asterisk_says_nothing_of_a_function_that_it_does_not_have(ari: Ari) -> None:
    """So that no answer to a refresh tells whether the dead man's switch is set: the modules have to be looked for."""
    await ari.set_global_variable("NO_SUCH_FUNCTION(x)", "1")
    assert await ari.global_variable("NO_SUCH_FUNCTION") == ""


async def test_a_wrong_password_is_named_as_such(pbx: Pbx) -> None:
    async with client(pbx, password="wrong") as stranger:
        with pytest.raises(PbxAuthenticationFailed):
            await stranger.channels()
        async with listening(stranger) as listener:
            async with asyncio.timeout(PATIENCE_S):
                while not listener.stream.last_error:
                    await asyncio.sleep(0.02)
            assert "user or its password" in listener.stream.last_error
            assert not listener.stream.connected


async def test_events_come_in_the_order_in_which_things_happened(ari: Ari, heard: Listener, phone: str) -> None:
    channel_id, playback_id = new_id("call"), new_id("sound")
    await ari.originate(phone, channel_id=channel_id)
    await heard.first(StasisStart, lambda event: event.channel.id == channel_id)
    await ari.play(channel_id, playback_id, media="tone:1004")
    await heard.first(PlaybackStarted)
    await ari.stop_playback(playback_id)
    await heard.first(PlaybackFinished)
    await ari.hangup(channel_id)
    gone = await heard.first(ChannelDestroyed, lambda event: event.channel.id == channel_id)
    kinds = (ChannelCreated, StasisStart, PlaybackStarted, PlaybackFinished, StasisEnd, ChannelDestroyed)
    of_the_call = [event for event in heard.events if isinstance(event, kinds) and concerns(event, channel_id)]
    assert [type(event) for event in of_the_call] == list(kinds)
    assert gone.timestamp.utcoffset() is not None
    assert heard.stream.malformed == 0


async def test_channels_carry_the_id_of_their_call(ari: Ari, heard: Listener, customer: str) -> None:
    created = await heard.first(ChannelCreated, lambda event: event.channel.id == customer)
    assert created.channel.linkedid == customer
    assert (await ari.channel(customer)).linkedid == customer
    assert customer in [channel.id for channel in await ari.channels()]


async def done_until_gone(ari: Ari, recording: str) -> None:
    """Asterisk says that one has ended a moment before it forgets it."""
    while True:
        assert (await ari.live_recording(recording)).state == "done"


async def test_a_recording_is_paused_resumed_and_stopped_and_its_state_read_back(
    ari: Ari, heard: Listener, recording: str
) -> None:
    assert (await ari.live_recording(recording)).state == "recording"
    await ari.pause_recording(recording)
    assert (await ari.live_recording(recording)).state == "paused"
    await ari.resume_recording(recording)
    assert (await ari.live_recording(recording)).state == "recording"
    await ari.stop_recording(recording)
    finished = await heard.first(RecordingFinished, lambda event: event.recording.name == recording)
    assert finished.recording.state == "done"
    with pytest.raises(Gone):
        await done_until_gone(ari, recording)
    async with ari.stored_recording(recording) as file:
        audio = b"".join([piece async for piece in file.pieces])
    assert (audio[:4], audio[8:12], len(audio)) == (b"RIFF", b"WAVE", file.octets)


async def test_a_second_pause_pauses_and_a_second_resume_resumes(ari: Ari, recording: str) -> None:
    await ari.pause_recording(recording)
    await ari.pause_recording(recording)
    assert (await ari.live_recording(recording)).state == "paused"
    await ari.resume_recording(recording)
    await ari.resume_recording(recording)
    assert (await ari.live_recording(recording)).state == "recording"


async def test_what_has_ended_is_gone_for_every_operation(ari: Ari, heard: Listener, recording: str) -> None:
    await ari.stop_recording(recording)
    await heard.first(RecordingFinished)
    with pytest.raises(Gone):
        await done_until_gone(ari, recording)
    for operation in (
        ari.stop_recording,
        ari.pause_recording,
        ari.resume_recording,
        ari.discard_recording,
        ari.live_recording,
    ):
        with pytest.raises(Gone):
            await operation(recording)
    await ari.delete_stored_recording(recording)
    with pytest.raises(Gone):
        await ari.delete_stored_recording(recording)
    with pytest.raises(Gone):
        await ari.stored_recording(recording).__aenter__()


async def test_a_discarded_recording_leaves_no_file(ari: Ari, heard: Listener, recording: str) -> None:
    await ari.discard_recording(recording)
    await heard.first(RecordingFinished, lambda event: event.recording.name == recording)
    with pytest.raises(Gone):
        await ari.delete_stored_recording(recording)


async def test_a_name_in_use_is_not_recorded_over(ari: Ari, snoop: Channel, recording: str) -> None:
    with pytest.raises(NotNow):
        await ari.record(snoop.id, recording)


async def test_a_name_with_odd_characters_is_the_same_everywhere(ari: Ari, heard: Listener, snoop: Channel) -> None:
    name = f"{new_id('odd')}/é %20+&x"
    await ari.record(snoop.id, name)
    await heard.first(RecordingStarted, lambda event: event.recording.name == name)
    assert (await ari.live_recording(name)).name == name
    await ari.discard_recording(name)


async def test_every_file_is_listed_those_under_way_and_in_folders_too(
    ari: Ari, heard: Listener, recording: str
) -> None:
    assert recording in await ari.stored_recordings()
    await ari.stop_recording(recording)
    await heard.first(RecordingFinished, lambda event: event.recording.name == recording)
    moved = f"rc-quarantine/{recording}"
    await ari.copy_stored_recording(recording, moved)
    assert {recording, moved} <= set(await ari.stored_recordings())
    await ari.delete_stored_recording(moved)
    assert moved not in await ari.stored_recordings()


async def test_where_there_is_no_rtp_nobody_says_how_much_was_sent(ari: Ari, snoop: Channel) -> None:
    with pytest.raises(PbxRefused):
        await ari.packets_sent(snoop.id)


async def test_a_taken_snoop_id_is_refused(ari: Ari, customer: str, snoop: Channel) -> None:
    with pytest.raises(PbxRefused):
        await ari.snoop(customer, snoop.id)


async def test_a_snoop_id_that_anothers_begins_with_is_refused(ari: Ari, customer: str, snoop: Channel) -> None:
    with pytest.raises(PbxRefused):
        await ari.snoop(customer, snoop.id[:-1])


async def test_the_sides_of_a_recording_have_ids_that_asterisk_takes_in_any_order(
    ari: Ari, heard: Listener, customer: str
) -> None:
    async def snooped(side: Side) -> None:
        await ari.snoop(customer, side)
        await heard.first(StasisStart, lambda event: event.channel.id == side)

    for side in reversed(sides_of(in_stereo(RecordingName(new_id("rc-call-quality-1"))))):
        await snooped(side)


async def test_the_dead_mans_switch_ends_the_recording_by_itself(
    ari: Ari, heard: Listener, snoop: Channel, recording: str
) -> None:
    await ari.keep_recording_alive(snoop.name, 1)
    await heard.first(ChannelDestroyed, lambda event: event.channel.id == snoop.id)
    with pytest.raises(Gone):
        await ari.live_recording(recording)
    ended = (RecordingFinished, RecordingFailed)
    assert [event.recording.name for event in heard.events if isinstance(event, ended)] == [recording]
    async with ari.stored_recording(recording) as file:
        audio = b"".join([piece async for piece in file.pieces])
    assert audio.startswith(b"RIFF")


@pytest.mark.parametrize("fresh", [False, True])
async def test_hanging_the_snoop_channel_up_ends_a_recording_that_is_paused(
    ari: Ari, heard: Listener, snoop: Channel, recording: str, *, fresh: bool
) -> None:
    await ari.pause_recording(recording)
    await ari.hangup(snoop.id, fresh=fresh)
    await heard.first(ChannelDestroyed, lambda event: event.channel.id == snoop.id)
    with pytest.raises(Gone):
        await ari.live_recording(recording)


async def test_a_global_variable_is_read_back_and_an_unset_one_is_empty(ari: Ari) -> None:
    name = new_id("RC_TEST").replace("-", "_")
    await ari.set_global_variable(name, "a b&c=d é")
    assert await ari.global_variable(name) == "a b&c=d é"
    assert await ari.global_variable(name + "_OTHER") == ""


async def test_a_channel_given_back_leaves_the_application_and_cannot_be_given_back_twice(
    ari: Ari, heard: Listener, phone: str
) -> None:
    channel_id = new_id("call")
    await ari.originate(phone, channel_id=channel_id)
    await heard.first(StasisStart, lambda event: event.channel.id == channel_id)
    await ari.answer(channel_id)
    await ari.set_channel_variable(channel_id, "RC_TEST", "1")
    await ari.continue_in_dialplan(channel_id)
    await heard.first(StasisEnd, lambda event: event.channel.id == channel_id)
    with pytest.raises((NotNow, Gone)):
        await ari.continue_in_dialplan(channel_id)


async def test_a_cut_link_is_told_and_opened_again(pbx: Pbx, wire: Wire, phone: str) -> None:
    async with client(pbx, url=await wire.connect()) as ari, listening(ari) as listener:
        await listener.until(lambda: listener.connections == 1)
        wire.cut()
        await listener.until(lambda: listener.connections == 2)
        assert len(listener.lost) == 1
        channel_id = new_id("call")
        await ari.originate(phone, channel_id=channel_id)
        await listener.first(StasisStart, lambda event: event.channel.id == channel_id)
        await ari.hangup(channel_id)


async def test_a_half_open_link_is_found_by_its_silence(pbx: Pbx, wire: Wire, phone: str) -> None:
    async with client(pbx, url=await wire.connect()) as ari, listening(ari) as listener:
        await listener.until(lambda: listener.connections == 1)
        wire.silence()
        await listener.until(lambda: listener.connections == 2)
        assert len(listener.lost) == 1
        channel_id = new_id("call")
        await ari.originate(phone, channel_id=channel_id)
        await listener.first(StasisStart, lambda event: event.channel.id == channel_id)
        await ari.hangup(channel_id)


async def test_an_asterisk_that_comes_up_late_is_waited_for(pbx: Pbx, wire: Wire) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}{urlsplit(pbx.ari_url).path}"
    async with client(pbx, url=url) as ari, listening(ari) as listener:
        async with asyncio.timeout(PATIENCE_S):
            while not listener.stream.last_error:
                await asyncio.sleep(0.02)
        assert "no connection to Asterisk" in listener.stream.last_error
        await wire.connect(port)
        await listener.until(lambda: listener.connections == 1)
        assert listener.lost == []


async def test_an_application_that_another_program_takes_is_named(pbx: Pbx) -> None:
    application = new_id("shared")
    async with client(pbx, application=application) as ari, listening(ari) as listener:
        await listener.until(lambda: listener.connections == 1)
        async with client(pbx, application=application) as other:
            link = await other.open_events(heartbeat_s=4.0, message_limit=2**20)
            await listener.until(lambda: bool(listener.lost))
            await link.close()
        assert "another program took over" in listener.lost[0]


async def test_urgent_connections_stay_usable_after_asterisk_closed_them(
    pbx: Pbx, ari: Ari, wire: Wire, recording: str
) -> None:
    assert (await ari.live_recording(recording)).state == "recording"
    async with client(pbx, url=await wire.connect()) as urgent:
        await urgent.warm(connections=4)
        wire.cut()
        await urgent.pause_recording(recording)
    assert (await ari.live_recording(recording)).state == "paused"
