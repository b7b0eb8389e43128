"""The topics: what we subscribe to, and whom a topic is about. Does not know what is asked (``command``)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_COMMAND: Final = "command"


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
    return tuple(f"{root}/{pbx}/{about.value}/+/{_COMMAND}" for about in About)


def alerts(root: str, pbx: str) -> str:
    """Where it is said that people should look at a call of this PBX."""
    return f"{root}/{pbx}/alerts"


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
