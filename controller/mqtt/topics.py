"""The topics: what we subscribe to, what we publish to, and whom a topic is about.

Does not know what is asked (``command``) nor what is told (``messages``).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.domain.names import CallId

_COMMAND: Final = "command"
_STATE: Final = "state"
_DAEMONS: Final = "daemons"
_NAMES: Final = re.compile(r"[A-Za-z0-9_.-]{1,79}")
"""What may stand for an agent in a topic that we publish to."""


class About(StrEnum):
    """How a command names its call."""

    CALL = "calls"
    """By the call's own id."""
    AGENT = "agents"
    """By the extension of the agent who talks in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a command is about: ``name`` is a call's id or an agent's extension."""

    pbx: str
    about: About
    name: str


def filters(root: str, pbx: str) -> tuple[str, ...]:
    """What to subscribe to for one PBX."""
    return tuple(commands(root, pbx, about, "+") for about in About)


def commands(root: str, pbx: str, about: About, name: str) -> str:
    """Where something is asked of one call, or of one agent's."""
    return f"{root}/{pbx}/{about.value}/{name}/{_COMMAND}"


def alerts(root: str, pbx: str) -> str:
    """Where it is said that people should look at a call of this PBX."""
    return f"{root}/{pbx}/alerts"


def state(root: str, pbx: str, about: About, name: str) -> str | None:
    """Where it is said what the recordings of a call, or of an agent's calls, are; None for a name that is no topic."""
    return state_address(root, pbx, about, name) if _NAMES.fullmatch(name) else None


def state_address(root: str, pbx: str, about: About, name: str) -> str:
    """The same, whatever the name is: a wildcard, or a parameter in the document of all topics."""
    return f"{root}/{pbx}/{about.value}/{name}/{_STATE}"


def states(root: str, pbx: str) -> tuple[str, ...]:
    """What to subscribe to for what has been said of one PBX."""
    return tuple(state_address(root, pbx, about, "+") for about in About)


def pbx_of_state(root: str, topic: str) -> str | None:
    """The PBX that a topic of ``state`` is about; None for any other topic."""
    match topic.removeprefix(f"{root}/").split("/"):
        case [str(pbx), About.CALL | About.AGENT, str(), "state"] if topic.startswith(f"{root}/"):
            return pbx
        case _:
            return None


def decisions(root: str, pbx: str, call: CallId | None) -> str:
    """Where a decision is told: by its call, else by its PBX, else by itself."""
    if call is not None:
        return f"{root}/{pbx}/{About.CALL.value}/{call}/decisions"
    return f"{root}/{pbx}/decisions" if pbx else f"{root}/decisions"


def status(root: str, daemon: str) -> str:
    """Where it is said whether a daemon is connected."""
    return f"{root}/{_DAEMONS}/{daemon}/status"


def metrics(root: str, daemon: str) -> str:
    """Where a daemon tells its metrics."""
    return f"{root}/{_DAEMONS}/{daemon}/metrics"


def address(root: str, topic: str) -> Address | None:
    """Whom a topic is about; None where it is none of ours."""
    below = topic.removeprefix(f"{root}/")
    if below == topic:
        return None
    match below.split("/"):
        case [str(pbx), About.CALL | About.AGENT as about, str(name), "command"] if name:
            return Address(pbx=pbx, about=About(about), name=name)
        case _:
            return None
