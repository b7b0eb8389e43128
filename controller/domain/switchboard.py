"""Who can hear whom on one PBX, from what its bridges hold.

The two halves of a Local channel are one wire: whoever is behind the far half is connected too, so a queue member
behind ``Local/201@agents`` is found like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.domain.names import BridgeId, ChannelId
from controller.domain.parties import is_machinery


@dataclass(slots=True)
class _Leg:
    name: str
    context: str = ""
    bridge: BridgeId | None = None


class Switchboard:
    """The channels and bridges of one PBX; changed in place, because it sees every event."""

    def __init__(self) -> None:
        self._legs: dict[ChannelId, _Leg] = {}
        self._members: dict[BridgeId, set[ChannelId]] = {}
        self._locals: dict[str, ChannelId] = {}

    def __contains__(self, channel: ChannelId) -> bool:
        return channel in self._legs

    def __iter__(self) -> Iterator[ChannelId]:
        return iter(self._legs)

    def name(self, channel: ChannelId) -> str:
        """The channel's name, empty where it is not known."""
        leg = self._legs.get(channel)
        return leg.name if leg else ""

    def context(self, channel: ChannelId) -> str:
        """The channel's place in the dialplan, empty where it is not known."""
        leg = self._legs.get(channel)
        return leg.context if leg else ""

    def seen(self, channel: ChannelId, name: str, context: str = "") -> None:
        """A channel exists, under this name, at this place in the dialplan."""
        leg = self._legs.setdefault(channel, _Leg(name))
        leg.context = context
        if leg.name != name:
            self._locals.pop(leg.name, None)
            leg.name = name
        if _is_local(name):
            self._locals[name] = channel

    def entered(self, channel: ChannelId, bridge: BridgeId) -> None:
        """A channel is in this bridge now, and in no other."""
        leg = self._legs.setdefault(channel, _Leg(""))
        if leg.bridge is not None and leg.bridge != bridge:
            self.left(channel, leg.bridge)
        leg.bridge = bridge
        self._members.setdefault(bridge, set()).add(channel)

    def left(self, channel: ChannelId, bridge: BridgeId) -> None:
        """A channel is no longer in this bridge."""
        members = self._members.get(bridge, set())
        members.discard(channel)
        if not members:
            self._members.pop(bridge, None)
        leg = self._legs.get(channel)
        if leg and leg.bridge == bridge:
            leg.bridge = None

    def left_any(self, channel: ChannelId) -> None:
        """A channel is in no bridge now."""
        leg = self._legs.get(channel)
        if leg is not None and leg.bridge is not None:
            self.left(channel, leg.bridge)

    def gone(self, channel: ChannelId) -> None:
        """A channel no longer exists."""
        leg = self._legs.get(channel)
        if leg is None:
            return
        self.left_any(channel)
        self._locals.pop(leg.name, None)
        del self._legs[channel]

    def clear(self) -> None:
        """Nothing is known any more."""
        self._legs.clear()
        self._members.clear()
        self._locals.clear()

    def connected(self, channel: ChannelId) -> frozenset[ChannelId]:
        """Everybody who can hear ``channel`` now, itself included, Asterisk's own plumbing left out."""
        return frozenset(c for c in self.reached(channel) if c == channel or not is_machinery(self.name(c)))

    def reached(self, channel: ChannelId) -> frozenset[ChannelId]:
        """Everything that ``channel`` is connected with now, itself included, and Asterisk's own plumbing."""
        reached = {channel}
        waiting = [channel]
        while waiting:
            found = self._neighbours(waiting.pop()) - reached
            reached |= found
            waiting.extend(found)
        return frozenset(reached)

    def _neighbours(self, channel: ChannelId) -> set[ChannelId]:
        leg = self._legs.get(channel)
        if leg is None:
            return set()
        found = set(self._members[leg.bridge]) if leg.bridge is not None else set()
        if _is_local(leg.name) and (far := self._locals.get(_other_half(leg.name))):
            found.add(far)
        return found


def _is_local(name: str) -> bool:
    return name.startswith("Local/") and name[-2:] in {";1", ";2"}


def _other_half(name: str) -> str:
    return name[:-1] + ("2" if name.endswith("1") else "1")
