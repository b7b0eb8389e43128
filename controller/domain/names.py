"""Names that the whole domain uses for things that are strings elsewhere."""

from typing import NewType

CallId = NewType("CallId", str)
"""Ours: a UUIDv7 in text form."""

ChannelId = NewType("ChannelId", str)
"""Asterisk's unique id of a channel."""

BridgeId = NewType("BridgeId", str)
"""Asterisk's unique id of a bridge."""

RecordingName = NewType("RecordingName", str)
"""Ours: ``rc-{call id}-{purpose}-{serial}``, with ``-stereo`` behind it where it has two sides."""

Side = NewType("Side", str)
"""Ours: names a snoop channel, its live recording and its file: one of those that a recording has on the PBX."""

Token = NewType("Token", str)
"""Ours: ties what comes back (a committed decision, a fired timer) to what was asked."""
