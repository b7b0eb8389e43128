"""Decodes what comes over ARI's websocket into typed, frozen events; only those that the product handles.

Owns the list of handled events and tolerance towards all else. Does not own what an event means (domain),
nor the connection (`stream`). Looks at `type` alone first, so that an event nobody handles costs one scan.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from controller.ari.resources import Bridge, Channel, LiveRecording, Playback


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Something that happened on the PBX."""

    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    """Asterisk's own clock, aware; written there as `2026-11-23T23:18:00.123+0000`."""
    application: str = ""
    asterisk_id: str = ""


class Malformed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message that could not be read; says why, in words that hold nothing of its content."""

    fault: str
    kind: str = ""
    """The `type` that it claims, where it is one of the handled ones."""


class ChannelCreated(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel came to be."""

    channel: Channel


class ChannelStateChange(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel rings, is answered or goes through another of its states."""

    channel: Channel


class ChannelDestroyed(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel is gone."""

    channel: Channel
    cause: int = 0
    """Q.850 cause."""
    cause_txt: str = ""


class ChannelEnteredBridge(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel joined others; Asterisk may leave the channel out."""

    bridge: Bridge
    channel: Channel | None = None


class ChannelLeftBridge(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel left the others."""

    bridge: Bridge
    channel: Channel


class BridgeDestroyed(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A bridge is gone."""

    bridge: Bridge


class BridgeMerged(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """All channels of `bridge_from` are now in `bridge`."""

    bridge: Bridge
    bridge_from: Bridge


class ChannelDtmfReceived(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """The far side of this channel pressed a key; may be part of a card number, never logged."""

    channel: Channel
    digit: str
    duration_ms: int = 0


class ChannelDialplan(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel began a dialplan application."""

    channel: Channel
    dialplan_app: str = ""
    dialplan_app_data: str = ""


class ChannelHold(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """The far side of this channel put the other on hold."""

    channel: Channel
    musicclass: str = ""


class ChannelUnhold(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """The far side of this channel took the other off hold."""

    channel: Channel


class ChannelUserevent(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """The dialplan said something (`UserEvent(…)`)."""

    eventname: str
    channel: Channel | None = None
    userevent: dict[str, Any] = {}


class StasisStart(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel was handed to an application: for a snoop channel, the moment from which it can record."""

    channel: Channel
    args: tuple[str, ...] = ()
    replace_channel: Channel | None = None


class StasisEnd(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A channel left an application."""

    channel: Channel


class RecordingStarted(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """Asterisk records: the truth after a mere 201."""

    recording: LiveRecording


class RecordingFinished(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A recording ended and its file is closed, or deleted: `recording.state` is `done` for both."""

    recording: LiveRecording


class RecordingFailed(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A recording did not start, or broke."""

    recording: LiveRecording


class PlaybackStarted(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A sound begins."""

    playback: Playback


class PlaybackFinished(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A sound ended; `playback.state` tells `done` from `failed`."""

    playback: Playback


class BridgeBlindTransfer(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """`channel`'s party sent the other one to an extension."""

    channel: Channel
    exten: str = ""
    context: str = ""
    result: str = ""
    is_external: bool = False
    transferee: Channel | None = None
    replace_channel: Channel | None = None
    bridge: Bridge | None = None


class BridgeAttendedTransfer(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """A party with two calls joined them and left."""

    transferer_first_leg: Channel
    transferer_second_leg: Channel
    result: str = ""
    is_external: bool = False
    transferee: Channel | None = None
    transfer_target: Channel | None = None
    replace_channel: Channel | None = None
    transferer_first_leg_bridge: Bridge | None = None
    transferer_second_leg_bridge: Bridge | None = None
    destination_type: str = ""
    destination_bridge: str = ""
    destination_link_first_leg: Channel | None = None
    destination_link_second_leg: Channel | None = None


class ApplicationReplaced(Event, frozen=True, kw_only=True, gc=False, tag=True):
    """Another websocket took our application; Asterisk leaves this one open, and silent."""


class _Kind(msgspec.Struct, gc=False):
    type: str


_kind: Final = msgspec.json.Decoder(_Kind)
_decoders: Final[dict[str, msgspec.json.Decoder[Event]]] = {
    handled.__name__: msgspec.json.Decoder(handled) for handled in Event.__subclasses__()
}
HANDLED: Final = frozenset(_decoders)
"""The types that `decode` returns."""


def decode(raw: bytes) -> Event | Malformed | None:
    """Read one message: an event, None for a type that nobody handles, or what is wrong with it.

    Never raises, whatever the bytes: what a PBX sends must not end the stream.
    """
    kind = ""
    try:
        claimed = _kind.decode(raw).type
        decoder = _decoders.get(claimed)
        if decoder is None:
            return None
        kind = claimed
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        return Malformed(fault=str(error), kind=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Malformed(fault=type(error).__name__, kind=kind)
