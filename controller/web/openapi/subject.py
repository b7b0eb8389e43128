"""The shape of what is stored of a data subject, as they are told it (GDPR art. 15)."""

from controller.domain.policy import Basis, Direction
from controller.web.openapi.people_shapes import Access
from controller.web.openapi.shapes import Count, Given, Moment


class DataController(Given):
    """Who answers for it."""

    name: str
    contact: str


class Period(Given):
    """How long something is kept."""

    years: Count
    months: Count
    days: Count


class Pause(Given):
    """What was left out of a recording."""

    begin: Moment
    end: Moment | None
    reason: str


class SubjectRecording(Given):
    """A recording of them; `absent` says why it has no `file`."""

    name: str
    purpose: str
    basis: Basis | None
    recipients: list[str]
    retention: Period | None
    started_at: Moment | None
    ended_at: Moment | None
    milliseconds: int | None
    pauses: list[Pause]
    kept_until: Moment | None
    file: str | None
    absent: str | None


class SubjectDocument(Given):
    """A document about a call of theirs."""

    name: str
    kind: str
    purpose: str
    added_at: Moment
    kept_until: Moment | None
    file: str | None
    absent: str | None


class SubjectCall(Given):
    """A call of theirs."""

    id: str
    direction: Direction
    queue: str | None
    language: str | None
    started_at: Moment
    answered_at: Moment | None
    ended_at: Moment | None
    number: str | None
    outcome: str | None
    recordings: list[SubjectRecording]
    documents: list[SubjectDocument]
    accesses: list[Access]


class SubjectObjection(Given):
    """What they object to."""

    scope: str
    at: Moment
    until: Moment


class Restriction(Given):
    """Since when it is only stored."""

    at: Moment
    lifted_at: Moment | None


class SubjectData(Given):
    """All that is stored of them."""

    data_controller: DataController
    made_at: Moment
    number: str
    calls: list[SubjectCall]
    objections: list[SubjectObjection]
    restrictions: list[Restriction]
