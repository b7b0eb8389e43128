"""A scene: who calls whom and does what, and what must come of it, read from a file that a compliance officer can read.

Owns the vocabulary of the steps and the shape of the file. What is wrong is told with file and line
(``ConfigurationFaults``). Plays nothing (``stage``), judges nothing (``judge``).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.config import ConfigurationFaults
from controller.config.document import Document, read
from controller.config.faults import Fault
from tests.acceptance.cast import LINES, WAYS_OUT, described

FOLDER = Path(__file__).parent / "scenes"
POLICY = FOLDER / "policy.yaml"

Change = dict[str, Any]
"""What is put over the policy of the scenes."""


class Verb(StrEnum):
    """What may happen in a scene."""

    CALLS = "calls"
    JOINS = "joins"
    ANSWERS = "answers"
    IS_PUT_THROUGH = "is put through"
    SPEAKS = "speaks"
    PRESSES = "presses"
    DIALS = "dials"
    DIALS_CARD_ENTRY = "dials card entry"
    REFERS = "refers"
    SENDS_NOTHING = "sends nothing"
    SENDS_SILENCE = "sends silence"
    HOLDS = "holds"
    TAKES_BACK = "takes back"
    HANGS_UP = "hangs up"
    IS_HUNG_UP_ON = "is hung up on"
    WAITS = "waits"
    WAITS_UNTIL = "waits until"
    ASKS = "asks"
    WRITES = "writes"
    RELOADS = "reloads"


_WHO, _WHOM = "(?P<who>[a-z-]+)", "(?P<whom>[a-z-]+)"

SENTENCES: Mapping[str, Verb] = {
    f"{_WHO} calls {_WHOM} on the line (?P<line>[a-z-]+)": Verb.CALLS,
    f"{_WHO} joins the conference": Verb.JOINS,
    f"{_WHO} answers": Verb.ANSWERS,
    f"{_WHO} is put through": Verb.IS_PUT_THROUGH,
    f"{_WHO} speaks": Verb.SPEAKS,
    f"{_WHO} presses (?P<keys>[0-9*#]+)": Verb.PRESSES,
    f"{_WHO} dials {_WHOM}": Verb.DIALS,
    f"{_WHO} dials the card entry": Verb.DIALS_CARD_ENTRY,
    f"{_WHO} refers the caller to {_WHOM}": Verb.REFERS,
    f"{_WHO}'s telephone sends nothing": Verb.SENDS_NOTHING,
    f"{_WHO}'s telephone sends silence": Verb.SENDS_SILENCE,
    f"{_WHO} holds the line": Verb.HOLDS,
    f"{_WHO} takes the line back": Verb.TAKES_BACK,
    f"{_WHO} hangs up": Verb.HANGS_UP,
    f"{_WHO} is hung up on": Verb.IS_HUNG_UP_ON,
    r"wait (?P<seconds>[0-9]+(\.[0-9])?) s": Verb.WAITS,
    "wait until (?P<purpose>[a-z-]+) is (?P<state>recording|paused|over)": Verb.WAITS_UNTIL,
    "the API receives (?P<asked>pause|resume|start|stop|objection|private|proof)": Verb.ASKS,
    "the policy file becomes (?P<file>[a-z-]+)": Verb.WRITES,
    "the daemon (?P<outcome>reloads|refuses the file) by (?P<by>SIGHUP|API)": Verb.RELOADS,
}
"""Every sentence that a step may be; a note in parentheses may follow it, and is a part of the step's name."""

HEARD = re.compile(f"{_WHO} has heard (?P<announcement>[a-z-]+)")
"""A moment that is no step: the end of an announcement in somebody's ear."""

DECISION = re.compile(
    r"(?P<kind>[a-z]+) (?P<verdict>allowed|refused|applied) (?P<reason>[a-z-]+)( for (?P<purpose>[a-z-]+))?"
    " by (?P<actor>[a-z-]+)"
)
"""How a decision is written: ``pause applied payment for every by agent``."""

_NOTE = re.compile(r" \([^()]*\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens; ``name`` is the whole sentence, and what expectations call it by."""

    name: str
    place: str
    verb: Verb
    words: Mapping[str, str]


class Shape(BaseModel):
    """Nothing is converted, nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Interval(Shape):
    """From the end of one step to the beginning of another."""

    between: Annotated[list[str], Field(min_length=2, max_length=2)]


class Expected(Shape):
    """What of the sweep a recording holds, and what it must not hold."""

    holds: list[Interval] = []
    lacks: list[Interval] = []


Facts = dict[str, str | int | None]


class CallShape(Shape):
    """What must come of a call.

    ``call`` names the step that began it, where there are several. Of a ``neutral`` call only a row with this reason
    remains. ``decided_by`` is a file of the scene: the policy that every decision names. A recording that is ``gone``
    was thrown away.
    """

    call: str = ""
    neutral: str = ""
    decided_by: str = ""
    decisions: list[str | dict[str, Facts]] = []
    recordings: dict[str, Expected | Literal["gone"]] = {}


class SceneShape(Shape):
    """The whole file."""

    story: str
    source: str
    people: dict[str, str]
    policy: Change = {}
    files: dict[str, Change] = {}
    steps: Annotated[list[str], Field(min_length=1)]
    calls: list[CallShape] = []
    hears: dict[str, dict[str, Literal["whole", "nothing"]]] = {}
    reloads: list[str] = []
    nowhere: list[str] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene that can be played. ``calls`` are the steps that begin one, in order."""

    name: str
    text: SceneShape
    steps: tuple[Step, ...]

    @property
    def calls(self) -> tuple[Step, ...]:
        """The steps that begin a call, in order."""
        return tuple(step for step in self.steps if step.verb is Verb.CALLS)

    def expected(self) -> Iterator[tuple[Step, CallShape]]:
        """What must come of which call."""
        for number, shape in enumerate(self.text.calls):
            named = [step for step in self.calls if step.name == shape.call]
            yield (named[0] if named else self.calls[number]), shape


def read_scene(path: Path) -> Scene:
    """Read a file. Raises ConfigurationFaults with every fault."""
    document = read(path)
    try:
        shape = SceneShape.model_validate(document.value)
    except ValidationError as error:
        raise ConfigurationFaults(document.fault(one["loc"], one["msg"]) for one in error.errors()) from None
    steps = [_step(document, number, text) for number, text in enumerate(shape.steps)]
    faults = [step for step in steps if isinstance(step, Fault)]
    scene = Scene(name=path.stem, text=shape, steps=tuple(step for step in steps if isinstance(step, Step)))
    faults += _faults(document, scene)
    if faults:
        raise ConfigurationFaults(sorted(faults, key=lambda fault: fault.line))
    return scene


def _step(document: Document, number: int, text: str) -> Step | Fault:
    place = document.fault(("steps", number), "")
    for pattern, verb in SENTENCES.items():
        found = re.fullmatch(pattern, _NOTE.sub("", text))
        if found:
            return Step(name=text, place=f"{place.file}:{place.line}", verb=verb, words=found.groupdict())
    return document.fault(("steps", number), f"is no sentence of a scene: {text}")


def _faults(document: Document, scene: Scene) -> Iterator[Fault]:
    shape = scene.text
    for name, person in shape.people.items():
        try:
            described(person)
        except ValueError as error:
            yield document.fault(("people", name), str(error))
    lines = LINES.keys() | WAYS_OUT.keys()
    known: Mapping[str, Collection[str]] = {"people": shape.people, "files": shape.files, "lines": lines}
    for number, step in enumerate(scene.steps):
        for role, of in (("who", "people"), ("whom", "people"), ("file", "files"), ("line", "lines")):
            word = step.words.get(role)
            if word is not None and word not in known[of]:
                yield document.fault(("steps", number), f"{word} is none of the {of} of this scene")
    if len(shape.calls) > len(scene.calls):
        yield document.fault(("calls",), "there are more of them than steps that begin a call")
    for number, call in enumerate(shape.calls):
        yield from _call_faults(document, scene, number, call)


def _call_faults(document: Document, scene: Scene, number: int, call: CallShape) -> Iterator[Fault]:
    if call.call not in {"", *(step.name for step in scene.calls)}:
        yield document.fault(("calls", number, "call"), f"is no step that begins a call: {call.call}")
    for position, said in enumerate(call.decisions):
        for text in [said] if isinstance(said, str) else said:
            if not DECISION.fullmatch(text):
                yield document.fault(("calls", number, "decisions", position), f"is no decision: {text}")
    said_how_often = Counter(step.name for step in scene.steps)
    for purpose, expected in call.recordings.items():
        intervals = [] if isinstance(expected, str) else [("holds", expected.holds), ("lacks", expected.lacks)]
        for key, listed in intervals:
            for position, interval in enumerate(listed):
                path = ("calls", number, "recordings", purpose, key, position, "between")
                for moment in interval.between:
                    if said_how_often[moment] != 1 and not HEARD.fullmatch(moment):
                        yield document.fault(path, f"must be a step that happens once: {moment}")
