"""What ARI says of channels, bridges, recordings and playbacks: the fields that this product reads.

Owns the shape of the objects inside events and answers. Does not own the events themselves (`events`).
Every field but an identity has a default, and unknown fields are skipped, so that an older or newer Asterisk
is still understood. Field names are Asterisk's own, from its Swagger (`rest-api/*.json`).
"""

import msgspec

LINKEDID = "CHANNEL(linkedid)"
"""The channel variable that ties a channel to its call; `channelvars` in ari.conf must name it."""


class Resource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Anything that ARI describes; holds no cycles, so the garbage collector need not look."""


class CallerId(Resource, frozen=True, kw_only=True, gc=False):
    """A party's name and number as signalled; personal data, never logged."""

    name: str = ""
    number: str = ""


class Dialplan(Resource, frozen=True, kw_only=True, gc=False):
    """Where in the dialplan a channel is."""

    context: str = ""
    exten: str = ""
    priority: int = 0
    app_name: str = ""
    app_data: str = ""


class Channel(Resource, frozen=True, kw_only=True, gc=False):
    """One leg, as Asterisk saw it when it wrote the message."""

    id: str
    name: str = ""
    state: str = ""
    """`Down`, `Ring`, `Ringing`, `Up`, …"""
    language: str = ""
    caller: CallerId = CallerId()
    connected: CallerId = CallerId()
    dialplan: Dialplan = Dialplan()
    channelvars: dict[str, str] = {}

    @property
    def linkedid(self) -> str:
        """The id shared by all channels of one call; empty when ari.conf does not ask for it.

        A snoop channel's is its own id, never the call's.
        """
        return self.channelvars.get(LINKEDID, "")

    @property
    def caller_number(self) -> str:
        """The number that this leg presents; empty when withheld or unknown."""
        return self.caller.number


class Bridge(Resource, frozen=True, kw_only=True, gc=False):
    """Channels that hear one another."""

    id: str
    technology: str = ""
    bridge_type: str = ""
    bridge_class: str = ""
    name: str = ""
    channels: tuple[str, ...] = ()
    """Channel ids."""


class LiveRecording(Resource, frozen=True, kw_only=True, gc=False):
    """A recording that Asterisk is making, or has just ended."""

    name: str
    format: str = ""
    state: str = ""
    """`queued`, `recording`, `paused`, `done`, `failed` or `canceled`."""
    target_uri: str = ""
    """`channel:<id>` or `bridge:<id>`."""
    duration: int | None = None
    """Whole seconds, paused time left out; only once it has ended."""
    talking_duration: int | None = None
    """Whole seconds; only where silence detection was asked for."""
    silence_duration: int | None = None
    """Whole seconds; only where silence detection was asked for."""
    cause: str = ""
    """Why it failed."""


class StoredRecording(Resource, frozen=True, kw_only=True, gc=False):
    """A file among Asterisk's recordings; its name has the folders in it, and no ending."""

    name: str
    format: str = ""


class Playback(Resource, frozen=True, kw_only=True, gc=False):
    """A sound being played to a channel or a bridge."""

    id: str
    state: str = ""
    """`queued`, `playing`, `continuing`, `done` or `failed`."""
    media_uri: str = ""
    target_uri: str = ""
    language: str = ""


class RtpStatistics(Resource, frozen=True, kw_only=True, gc=False):
    """What a channel's RTP has carried so far."""

    txcount: int
    """Packets sent to the channel's other end."""


class Build(Resource, frozen=True, kw_only=True, gc=False):
    """How this Asterisk was built."""

    date: str = ""
    options: str = ""


class System(Resource, frozen=True, kw_only=True, gc=False):
    """Which Asterisk this is."""

    version: str = ""
    entity_id: str = ""


class AsteriskInfo(Resource, frozen=True, kw_only=True, gc=False):
    """The answer to `GET /asterisk/info`."""

    system: System = System()
    build: Build = Build()
