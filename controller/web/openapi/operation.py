"""What is said of one request of the API: how it is asked, with what, and what is answered.

Says nothing of who may ask: that stands in ``controller.web.routes`` and ``controller.domain.access``, and the document
takes it from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta

JSON: Final = "application/json"

Text = Annotated[str, Meta(pattern=r"^[^\u0000]*$")]
"""Whatever PostgreSQL keeps as text."""


class Part(StrEnum):
    """Under which heading a request stands."""

    CALLS = "Calls under way"
    RECORDINGS = "Stored recordings"
    KEEPING = "What becomes of them"
    SUBJECTS = "Data subjects"
    REGISTERS = "Registers"
    DESK = "Who answers for it"
    ONESELF = "Who asks"
    DAEMON = "The daemon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A word in the address. ``of`` is a type that msgspec knows; ``example`` is for people."""

    name: str
    text: str
    of: Any = Text
    required: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What may be sent: a type that msgspec knows for each media type; None: octets, of which nothing is known.

    ``example`` is for people, of the first of them.
    """

    content: Mapping[str, Any]
    required: bool = True
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered: as ``Body`` has it. No content at all: there is no body."""

    text: str
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A request. ``answers`` are its successes; ``problems`` its own reasons to refuse, by status.

    ``path`` says what each ``{name}`` of the address is.
    """

    part: Part
    summary: str
    answers: Mapping[int, Answer]
    text: str = ""
    path: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: Body | None = None
    problems: Mapping[int, str] = field(default_factory=dict)


def json_of(text: str, of: Any, status: int = 200) -> dict[int, Answer]:  # noqa: ANN401 - whatever msgspec knows
    """One success, with a body of this type."""
    return {status: Answer(text=text, content={JSON: of})}


def json_body(of: Any, example: str, *, required: bool = True) -> Body:  # noqa: ANN401
    """A body of this type."""
    return Body(content={JSON: of}, example=example, required=required)
