"""What the events of one PBX mean: changes of its switchboard, and news for its calls."""

from typing import assert_never

from controller.ari import events as ari
from controller.ari.resources import Bridge, Channel
from controller.domain import events as told
from controller.domain.names import BridgeId, ChannelId, RecordingName
from controller.domain.switchboard import Switchboard
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.reception import Reception

OURS = "rc-"
"""What the names of our recordings begin with, and so the ids of their snoop channels."""


def is_ours(identity: str) -> bool:
    """Whether this is the name of a recording of ours, or the id of its snoop channel."""
    return identity.startswith(OURS)


Heeded = (
    ari.ChannelCreated
    | ari.ChannelDestroyed
    | ari.ChannelEnteredBridge
    | ari.ChannelLeftBridge
    | ari.ChannelDtmfReceived
    | ari.StasisStart
    | ari.StasisEnd
    | ari.RecordingStarted
    | ari.RecordingFinished
    | ari.RecordingFailed
    | ari.PlaybackFinished
)
WANTED = frozenset(kind.__name__ for kind in Heeded.__args__)
"""The types of event that Asterisk is asked for."""


class Listener:
    """Reads the PBX's events; ``reception`` takes the callers who come by the Stasis door."""

    def __init__(
        self, *, switchboard: Switchboard, dispatcher: Dispatcher, deadman: DeadMansSwitch, reception: Reception
    ) -> None:
        self._switchboard = switchboard
        self._dispatcher = dispatcher
        self._deadman = deadman
        self._reception = reception
        self.touched: set[str] | None = None
        """Channels that events have spoken of since this was set to an empty set; None while nobody asks."""

    def hear(self, event: ari.Event) -> None:  # noqa: C901, PLR0912 - one arm for each event
        """Apply one event."""
        if not isinstance(event, Heeded):
            return
        match event:
            case ari.ChannelCreated(channel=channel):
                self._created(channel)
            case ari.ChannelDestroyed(channel=channel):
                self._destroyed(channel)
            case ari.ChannelEnteredBridge(channel=channel, bridge=bridge):
                if channel is not None:
                    self._entered(channel, bridge)
            case ari.ChannelLeftBridge(channel=channel, bridge=bridge):
                self._left(channel, bridge)
            case ari.ChannelDtmfReceived(channel=channel, digit=digit):
                self._digit(channel, digit)
            case ari.StasisStart(channel=channel, args=args):
                self._stasis(channel, args)
            case ari.StasisEnd(channel=channel):
                self._reception.left(ChannelId(channel.id))
            case ari.RecordingStarted(recording=live):
                if is_ours(live.name):
                    name = RecordingName(live.name)
                    self._dispatcher.tell_recording(name, told.RecordingStarted(at=now(), recording=name))
            case ari.RecordingFinished(recording=live):
                if is_ours(live.name):
                    name = RecordingName(live.name)
                    self._dispatcher.tell_recording(name, told.RecordingEnded(at=now(), recording=name))
            case ari.RecordingFailed(recording=live):
                if is_ours(live.name):
                    name = RecordingName(live.name)
                    self._dispatcher.tell_recording(name, told.RecordingFailed(at=now(), recording=name))
            case ari.PlaybackFinished(playback=playback):
                self._reception.played(playback.id, whole=playback.state == "done")
            case _:
                assert_never(event)

    def seen(self, channel: Channel) -> None:
        """A channel exists."""
        self._switchboard.seen(ChannelId(channel.id), channel.name)

    def _created(self, channel: Channel) -> None:
        self._touch(channel)
        if not is_ours(channel.id):
            self.seen(channel)

    def _destroyed(self, channel: Channel) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            self.snoop_gone(RecordingName(channel.id))
        else:
            self.gone(ChannelId(channel.id))

    def snoop_gone(self, recording: RecordingName) -> None:
        """A snoop channel no longer exists."""
        self._deadman.released(recording)
        self._dispatcher.tell_recording(recording, told.SnoopGone(at=now(), recording=recording))

    def gone(self, channel: ChannelId) -> None:
        """A channel no longer exists."""
        around = self._switchboard.connected(channel) - {channel}
        self._switchboard.gone(channel)
        self._reception.left(channel)
        self._dispatcher.customer_left(channel)
        self._dispatcher.connections_changed(around, now())

    def _entered(self, channel: Channel, bridge: Bridge) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            return
        self.seen(channel)
        entering = ChannelId(channel.id)
        before = self._switchboard.connected(entering)
        self._switchboard.entered(entering, BridgeId(bridge.id))
        self._dispatcher.connections_changed(before | self._switchboard.connected(entering), now())

    def _left(self, channel: Channel, bridge: Bridge) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            return
        leaving = ChannelId(channel.id)
        before = self._switchboard.connected(leaving)
        self._switchboard.left(leaving, BridgeId(bridge.id))
        self._dispatcher.connections_changed(before | self._switchboard.connected(leaving), now())

    def _digit(self, channel: Channel, digit: str) -> None:
        self._reception.pressed(ChannelId(channel.id), digit)
        call = self._dispatcher.call_of(ChannelId(channel.id))
        if call is not None:
            event = told.DigitPressed(at=now(), channel=ChannelId(channel.id), digit=digit)
            self._dispatcher.tell(call.id, event)

    def _stasis(self, channel: Channel, args: tuple[str, ...]) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            recording = RecordingName(channel.id)
            self._deadman.known(recording, channel.name)
            self._dispatcher.tell_recording(recording, told.SnoopReady(at=now(), recording=recording))
        else:
            self.seen(channel)
            self._reception.came(channel, args)

    def _touch(self, channel: Channel) -> None:
        if self.touched is not None:
            self.touched.add(channel.id)
