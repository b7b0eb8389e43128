"""What the events of one PBX mean: changes of its switchboard, and news for its calls."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import assert_never

from controller.ari import events as ari
from controller.ari.resources import Bridge, Channel
from controller.domain import events as told
from controller.domain.names import BridgeId, ChannelId, Side
from controller.domain.policy import Policy
from controller.domain.switchboard import Switchboard
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.lag import Lag
from controller.runtime.notices import Notices
from controller.runtime.reception import Reception
from controller.runtime.requests import CAUSES
from controller.runtime.sides import Sides

_OURS = re.compile(r"rc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-.+-[0-9]+(-stereo|-agent)?")

HOLDING = "holding_bridge"
"""Asterisk's bridge of those who wait, each for themselves: a parking lot. Nobody in it hears anybody."""


def is_ours(identity: str) -> bool:
    """Whether this is the name of a recording of ours, or of a side of one, or the id of its snoop channel.

    Told by the whole of it: a PBX whose system name is `rc` has channels of its own that begin alike.
    """
    return _OURS.fullmatch(identity) is not None


USER_EVENTS: Mapping[str, type[told.PauseRequested | told.ResumeRequested]] = {
    "RecordingPause": told.PauseRequested,
    "RecordingResume": told.ResumeRequested,
}
"""What a dialplan may say by ``UserEvent``."""

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
    | ari.ChannelDialplan
    | ari.ChannelHold
    | ari.ChannelUnhold
    | ari.ChannelUserevent
)


def wanted(policy: Policy) -> frozenset[str]:
    """The types of event that Asterisk is asked for; the many of the dialplan only where they matter."""
    kinds = {kind.__name__ for kind in Heeded.__args__}
    unused = set() if policy.pauses.contexts else {ari.ChannelDialplan.__name__}
    return frozenset(kinds - unused)


class Listener:
    """Reads the PBX's events; ``reception`` takes the callers who come by the Stasis door."""

    def __init__(
        self,
        *,
        switchboard: Switchboard,
        dispatcher: Dispatcher,
        deadman: DeadMansSwitch,
        sides: Sides,
        reception: Reception,
        notices: Notices,
    ) -> None:
        self._switchboard = switchboard
        self._dispatcher = dispatcher
        self._deadman = deadman
        self._sides = sides
        self._reception = reception
        self._notices = notices
        self._lag = Lag()
        self.touched: set[str] | None = None
        """Channels that events have spoken of since this was set to an empty set; None while nobody asks."""

    def hear(self, event: ari.Event) -> None:
        """Apply one event."""
        self._dispatcher.late = timedelta(seconds=self._lag.of(event.timestamp.timestamp(), monotonic()))
        try:
            if isinstance(event, Heeded):
                self._hear(event)
        finally:
            self._dispatcher.late = timedelta()

    def _hear(self, event: Heeded) -> None:  # noqa: C901, PLR0912 - one arm for each event
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
                    self._sides.hear(Side(live.name), told.RecordingStarted)
            case ari.RecordingFinished(recording=live):
                if is_ours(live.name):
                    self._sides.hear(Side(live.name), told.RecordingEnded)
            case ari.RecordingFailed(recording=live):
                if is_ours(live.name):
                    self._sides.hear(Side(live.name), told.RecordingFailed)
            case ari.PlaybackFinished(playback=playback):
                self._reception.played(playback.id, whole=playback.state == "done")
                self._notices.played(playback.id, whole=playback.state == "done")
            case ari.ChannelDialplan(channel=channel):
                self._moved(channel)
            case ari.ChannelHold(channel=channel):
                self._held(channel)
            case ari.ChannelUnhold(channel=channel):
                self._unheld(channel)
            case ari.ChannelUserevent():
                self._said(event)
            case _:
                assert_never(event)

    def seen(self, channel: Channel) -> None:
        """A channel exists."""
        self._switchboard.seen(ChannelId(channel.id), channel.name, channel.dialplan.context)

    def places(self) -> None:
        """Tell every call where in the dialplan those are whom it is connected with: some may have moved unseen."""
        for call in list(self._dispatcher.calls):
            for channel in self._switchboard.reached(call.customer):
                moved = told.DialplanMoved(at=now(), channel=channel, context=self._switchboard.context(channel))
                self._dispatcher.tell(call.id, moved)

    def _created(self, channel: Channel) -> None:
        self._touch(channel)
        if not is_ours(channel.id):
            self.seen(channel)

    def _destroyed(self, channel: Channel) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            self._notices.gone(channel.id)
            self.snoop_gone(Side(channel.id))
        else:
            self.gone(ChannelId(channel.id))

    def snoop_gone(self, side: Side) -> None:
        """A snoop channel no longer exists."""
        self._deadman.released(side)
        self._sides.hear(side, told.SnoopGone)

    def gone(self, channel: ChannelId) -> None:
        """A channel no longer exists."""
        around = self._switchboard.connected(channel) - {channel}
        self._switchboard.gone(channel)
        self._reception.left(channel)
        self._dispatcher.gone(channel)
        self._dispatcher.connections_changed(around, now())

    def _entered(self, channel: Channel, bridge: Bridge) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            return
        self.seen(channel)
        entering = ChannelId(channel.id)
        before = self._switchboard.connected(entering)
        if bridge.technology == HOLDING:
            self._switchboard.left_any(entering)
        else:
            self._switchboard.entered(entering, BridgeId(bridge.id))
        self._dispatcher.connections_changed(before | self._switchboard.connected(entering), now())
        self._asked_for_card(entering)

    def _asked_for_card(self, entering: ChannelId) -> None:
        """Who joins may be where a card is asked for already, and say nothing of it until they leave."""
        for call in self._dispatcher.calls_of(entering):
            for channel in self._switchboard.reached(entering):
                context = self._switchboard.context(channel)
                if call.policy.pauses.asks_for_card(context):
                    moved = told.DialplanMoved(at=now(), channel=channel, context=context)
                    self._dispatcher.tell(call.id, moved)

    def _left(self, channel: Channel, bridge: Bridge) -> None:
        self._touch(channel)
        if is_ours(channel.id):
            return
        leaving = ChannelId(channel.id)
        before = self._switchboard.connected(leaving)
        self._switchboard.left(leaving, BridgeId(bridge.id))
        self._dispatcher.connections_changed(before | self._switchboard.connected(leaving), now())

    def _digit(self, channel: Channel, digit: str) -> None:
        pressing = ChannelId(channel.id)
        self._reception.pressed(pressing, digit)
        for call in self._dispatcher.calls_of(pressing):
            if call.customer != pressing:  # a notice under way; the one that this key may ask for comes after it
                self._notices.interrupted(call.id)
            self._dispatcher.tell(call.id, told.DigitPressed(at=now(), channel=pressing, digit=digit))

    def _stasis(self, channel: Channel, args: tuple[str, ...]) -> None:
        self._touch(channel)
        if channel.id in self._notices:
            self._notices.arrived(channel.id)
        elif is_ours(channel.id):
            side = Side(channel.id)
            self._deadman.known(side, channel.name)
            self._sides.hear(side, told.SnoopReady)
        else:
            self.seen(channel)
            self._reception.came(channel, args)

    def _moved(self, channel: Channel) -> None:
        """A channel is at another place in the dialplan."""
        self._touch(channel)
        if is_ours(channel.id):
            return
        self.seen(channel)
        context = channel.dialplan.context
        self._tell(channel, lambda at: told.DialplanMoved(at=at, channel=ChannelId(channel.id), context=context))

    def _held(self, channel: Channel) -> None:
        """Somebody has put the other side on hold; a pause where the policy wants it, until they come back."""
        self._tell(channel, lambda at: told.Held(at=at, channel=ChannelId(channel.id)))

    def _unheld(self, channel: Channel) -> None:
        self._tell(channel, lambda at: told.Unheld(at=at, channel=ChannelId(channel.id)))

    def _said(self, event: ari.ChannelUserevent) -> None:
        """The dialplan says by ``UserEvent(RecordingPause)`` what it may also say by FastAGI."""
        kind = USER_EVENTS.get(event.eventname)
        if kind is None or event.channel is None:
            return
        values = {name.lower(): value for name, value in event.userevent.items()}
        cause = CAUSES.get(str(values.get("reason", "payment")), CAUSES["payment"])
        leg = ChannelId(event.channel.id)
        said = kind(at=now(), cause=cause, origin="dialplan", actor="dialplan", leg=leg)
        if isinstance(said, told.ResumeRequested):
            self._dispatcher.resume_early(leg, cause)
        elif not self._dispatcher.calls_of(leg):
            self._dispatcher.pause_early(leg, said)
        self._tell(event.channel, lambda at: replace(said, at=at))

    def _tell(self, channel: Channel, event: Callable[[datetime], told.Event]) -> None:
        """Tell every call that this channel takes part in."""
        for call in self._dispatcher.calls_of(ChannelId(channel.id)):
            self._dispatcher.tell(call.id, event(now()))

    def _touch(self, channel: Channel) -> None:
        if self.touched is not None:
            self.touched.add(channel.id)
