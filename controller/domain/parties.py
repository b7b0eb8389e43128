"""Who a channel is to the policy, told by its name alone."""

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from controller.domain.names import ChannelId
from controller.domain.policy import Policy

_UNIQUE_SUFFIX = re.compile(r"-[0-9a-f]{8,}(;[12])?$")
_MACHINERY = (
    "Local/",
    "Snoop/",
    "Announcer/",
    "Recorder/",
    "CBAnn/",
    "CBRec/",
    "Surrogate/",
    "Bridge/",
    "Message/",
)


class Role(StrEnum):
    """Who a party is. Anyone who is neither an agent nor a representative is external."""

    AGENT = "agent"
    REPRESENTATIVE = "representative"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who can hear the customer now. ``line`` is the channel's name without its unique suffix."""

    channel: ChannelId
    line: str
    role: Role

    @property
    def extension(self) -> str:
        """``201`` of ``PJSIP/201``."""
        return self.line.partition("/")[2]


def line_of(channel_name: str) -> str:
    """``PJSIP/201`` of ``PJSIP/201-0000002a``."""
    return _UNIQUE_SUFFIX.sub("", channel_name)


def is_machinery(channel_name: str) -> bool:
    """Whether nobody listens at the end of this channel: Asterisk made it for its own plumbing."""
    return channel_name.startswith(_MACHINERY)


def party(channel: ChannelId, channel_name: str, policy: Policy) -> Party:
    """Who this channel is. A representative's line is one even where it also looks like an agent's."""
    line = line_of(channel_name)
    if _matches(line, policy.representatives):
        role = Role.REPRESENTATIVE
    elif _matches(line, policy.agents):
        role = Role.AGENT
    else:
        role = Role.EXTERNAL
    return Party(channel=channel, line=line, role=role)


def _matches(line: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(line, pattern) for pattern in patterns)
