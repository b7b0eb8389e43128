"""The shapes of JSON of what becomes of recordings, and of data subjects' requests."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from controller.domain.decision import Reason
from controller.domain.records import StoredState
from controller.web.openapi.operation import Text
from controller.web.openapi.shapes import AskedMoment, CallRef, Count, Given, Moment, Number, Yes


class Hold(Given):
    """A legal hold."""

    id: str
    call: str
    why: str
    placed_by: str
    placed_at: Moment
    until: Moment | None
    lifted_at: Moment | None
    lifted_why: str | None


class Holds(Given):
    """A page of them; `next` is the `before` of the page that follows."""

    holds: list[Hold]
    next: str | None


class LiftHold(Given):
    """Why it is lifted."""

    why: Annotated[str, Meta(pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]


class NewHold(Given):
    """One to place; without `until` it stands until it is lifted."""

    call: CallRef
    why: Annotated[str, Meta(pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    until: AskedMoment | UnsetType = UNSET


class Outcome(Given):
    """What came of a call."""

    call: CallRef
    outcome: Literal["contract", "none"]


class HowMany(Given):
    """How many dates are otherwise now."""

    changed: Count


class Changed(Given):
    """Whether anything is otherwise now."""

    changed: bool


class AddedDocument(Given):
    """A document about a call, without what it says."""

    id: str
    call_id: str
    purpose: str
    kind: str
    media_type: str
    added_at: Moment
    added_by: str


class Document(AddedDocument):
    """The same, as it is stored."""

    state: StoredState
    octets: Count | None
    due_at: Moment | None


class Step(Given):
    """What a run of retention would do with one recording or document."""

    what: Literal["destroy", "archive", "keep", "finish"]
    name: str
    purpose: str
    due_at: Moment | None
    reason: Reason | UnsetType = UNSET


class Foreseen(Given):
    """What a run would do at a time: all is counted, the first 1000 are told one by one."""

    at: Moment
    counts: dict[str, Count]
    steps: list[Step]


class Review(Given):
    """What the policy in force would change of the dates of a purpose."""

    purpose: str
    sooner: bool
    count: Count
    overdue: Count
    first: Moment
    last: Moment


class ApplyReview(Given):
    """`lengthen`: what may be kept for longer, too."""

    lengthen: bool | UnsetType = UNSET


class Subject(Given):
    """A customer; with `release` for each recording and document, what goes into their copy."""

    number: Number
    release: dict[str, Yes] | UnsetType | None = UNSET


class Erase(Given):
    """A customer; `dry_run` only says what it comes to."""

    number: Number
    dry_run: Yes | UnsetType = UNSET


class Kept(Given):
    """What is not erased, and why."""

    name: str
    reason: str
    until: Moment | None


class Erased(Given):
    """What came of an erasure, or would."""

    erased: list[str]
    on_pbx: list[str]
    kept: list[Kept]
    under_way: list[str]
    forgotten: list[str]
    waiting: list[str]
    objections_that_stay: Count


class Restrict(Given):
    """A customer whose data is only stored from now on; `lift` ends that."""

    number: Number
    lift: Yes | UnsetType = UNSET


class Rectify(Given):
    """A call that is over, and at least one of the rest as it should be."""

    call: CallRef
    agent: Text | UnsetType = UNSET
    queue: Text | UnsetType = UNSET
    number: Number | UnsetType = UNSET


class Rectified(Given):
    """What was put right."""

    rectified: list[Literal["agent", "number", "queue"]]


class Ends(Given):
    """How much for a purpose comes to its end `when`: in a month (UTC), or as the word says; so much of it is held."""

    when: str
    purpose: str
    recordings: Count
    documents: Count
    held: Count
