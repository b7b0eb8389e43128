"""Who a channel is to the policy, told by its name alone."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from controller.domain.decision import Reason
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
    """Who a party is. Anyone who is nothing else is external.

    ``uninformed`` is an agent who was not told that they may be recorded, ``private`` somebody of the company whose
    call is their own business, ``payment`` a payment platform; ``asked`` and ``objected`` are the customers of other
    calls who meet this one in a conference, and may, or may not, be recorded for the same purposes.
    """

    AGENT = "agent"
    UNINFORMED = "uninformed"
    REPRESENTATIVE = "representative"
    PRIVATE = "private"
    PAYMENT = "payment"
    ASKED = "asked"
    OBJECTED = "objected"
    EXTERNAL = "external"


STAFF = frozenset({Role.AGENT, Role.UNINFORMED, Role.REPRESENTATIVE, Role.PRIVATE})
"""The people of the company."""

PRIVATE = {Role.REPRESENTATIVE: Reason.REPRESENTATIVE, Role.PRIVATE: Reason.PRIVATE_CALL}
"""Whose calls are their own business, and the reason that is given for it."""


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


def party(channel: ChannelId, channel_name: str, policy: Policy, *, informed: Collection[str] = ()) -> Party:
    """Who this channel is. A representative's line is one even where it also looks like an agent's.

    ``informed`` are the extensions of the agents who have been told, by the notice in force, that they may be recorded.
    """
    line = line_of(channel_name)
    found = Party(channel=channel, line=line, role=Role.EXTERNAL)
    if _matches(line, policy.exclusions.representatives):
        return replace(found, role=Role.REPRESENTATIVE)
    if _matches(line, policy.pauses.endpoints):
        return replace(found, role=Role.PAYMENT)
    if _matches(line, policy.agents):
        return replace(found, role=Role.AGENT if found.extension in informed else Role.UNINFORMED)
    return found


def _matches(line: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(line, pattern) for pattern in patterns)
