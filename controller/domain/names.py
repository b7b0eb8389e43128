"""Names that the whole domain uses for things that are strings elsewhere."""

from typing import NewType

CallId = NewType("CallId", str)
"""Ours: a UUIDv7 in text form."""

ChannelId = NewType("ChannelId", str)
"""Asterisk's unique id of a channel."""

BridgeId = NewType("BridgeId", str)
"""Asterisk's unique id of a bridge."""

RecordingName = NewType("RecordingName", str)
"""Ours: names the live recording, its snoop channel and its file: ``{call id}.{purpose}.{serial}``."""

Token = NewType("Token", str)
"""Ours: ties what comes back (a committed decision, a fired timer) to what was asked."""
