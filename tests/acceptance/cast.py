"""Who takes part in a scene: a telephone and a number for each, different from everybody else's.

So that scenes can be played at the same time: whoever stands in one knows nobody of another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from lab.phones import Line, Phone

LINES: Mapping[str, str] = {
    "every": "10",
    "two-recordings": "11",
    "agreed": "12",
    "insurance": "13",
    "direct": "14",
    "conference": "15",
    "works-council": "16",
    "contract": "17",
    "unasked": "18",
    "english-route": "19",
    "english-number": "20",
    "english-channel": "21",
    "only-french": "22",
}
"""By which people outside reach somebody of the company (``scenes/lines.conf``)."""

WAYS_OUT: Mapping[str, str] = {"called": "8", "called-agreed": "9", "emergency": "", "private": "*6", "mandate": "*68"}
"""What somebody of the company dials before a number outside."""

PLATFORM = "payment"
"""The endpoint of the payment platform; there is one."""

AGENTS = tuple(str(extension) for extension in range(230, 290))
REPRESENTATIVES = tuple(str(extension) for extension in range(291, 300))


class Kind(StrEnum):
    """Who somebody is to the policy."""

    CUSTOMER = "customer"
    AGENT = "agent"
    UNINFORMED = "uninformed agent"
    REPRESENTATIVE = "representative"
    PLATFORM = "payment platform"


OUTSIDE = frozenset({Kind.CUSTOMER})
RANG = frozenset({Kind.AGENT, Kind.UNINFORMED, Kind.REPRESENTATIVE})
"""Who has an extension."""


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with a telephone: ``number`` outside, else an extension; ``phone`` is what they last spoke by."""

    name: str
    kind: Kind
    number: str
    phone: Phone | None = None
    line: Line | None = None

    @property
    def outside(self) -> bool:
        """Whether this is nobody of the company."""
        return self.kind in OUTSIDE


@dataclass(slots=True)
class Casting:
    """Gives numbers away, each once."""

    _customers: "count[int]" = field(default_factory=lambda: count(639983000))
    _agents: list[str] = field(default_factory=lambda: list(AGENTS))
    _representatives: list[str] = field(default_factory=lambda: list(REPRESENTATIVES))

    def cast(self, people: Mapping[str, str]) -> dict[str, Person]:
        """Find somebody for each: ``people`` are kinds by name, ``customer 0639989090`` one with a certain number."""
        return {name: self._person(name, *described(text)) for name, text in people.items()}

    def _person(self, name: str, kind: Kind, number: str) -> Person:
        return Person(name=name, kind=kind, number=number or self._number(kind))

    def _number(self, kind: Kind) -> str:
        match kind:
            case Kind.CUSTOMER:
                return f"0{next(self._customers)}"
            case Kind.AGENT | Kind.UNINFORMED:
                return self._agents.pop(0)
            case Kind.REPRESENTATIVE:
                return self._representatives.pop(0)
            case Kind.PLATFORM:
                return PLATFORM


def described(text: str) -> tuple[Kind, str]:
    """The kind, and the number where it has to be a certain one. Raises ValueError with the message for the reader."""
    kind, _, number = text.rpartition(" ")
    if not number.isdecimal():
        kind, number = text, ""
    try:
        return Kind(kind), number
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Kind)}, and may have a number after it") from None
