"""The shapes of JSON that the API reads and gives. Tests hold what is really given against them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from controller.audio.peaks import LOUDEST
from controller.custody.finding import Order
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Direction
from controller.domain.recording import Phase
from controller.domain.records import SpanKind, Tier
from controller.domain.showing import PurposeState
from controller.faults import Code
from controller.runtime.passwords import LONGEST, SHORTEST
from controller.runtime.requests import CallState, Verb
from controller.web.bodies import MOMENT, OFFSET_MOMENT, UUID_TEXT
from controller.web.openapi.operation import Text

Moment = Annotated[str, Meta(description="A time, as `2026-11-24T00:32:11.034+00:00`.")]
AskedMoment = Annotated[
    str, Meta(pattern=MOMENT, description="A time or a day, in UTC unless it has an offset: `2027-06-30`.")
]
AskedOffsetMoment = Annotated[
    str, Meta(pattern=OFFSET_MOMENT, description="A time with its offset, as `2027-11-24T00:00:00+00:00`.")
]
CallRef = Annotated[str, Meta(pattern=UUID_TEXT, description="The id of a call: `RC_CALL` of the dialplan.")]
Number = Annotated[Text, Meta(description="A customer's telephone number, however it is written.")]
IdentityName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Of an account or a token.")]
Password = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]
Count = Annotated[int, Meta(ge=0)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Yes = Literal["yes", "no"]


class Given(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is read or given, with nothing else in it."""


class FaultError(Given):
    """What is wrong with one thing that was asked, for programs: the field, and what its words hold of numbers."""

    code: Code
    field: str | None
    values: dict[str, str | int]


class Problem(Given):
    """What went wrong (RFC 9457); `errors` says the same as `faults`, one for one."""

    title: str
    status: int
    code: Code
    detail: str | UnsetType = UNSET
    faults: list[str] | UnsetType = UNSET
    errors: list[FaultError] | UnsetType = UNSET


class LiveRecording(Given):
    """A recording of a call under way."""

    name: str
    purpose: str
    state: Phase


class LivePurpose(Given):
    """What the recording for one purpose is, why, and since when; null where there is nothing to say."""

    name: str
    state: PurposeState
    reason: Reason | None
    since: Moment | None


class Offer(Given):
    """What they may ask of the call just now, with the purpose or the reason that is to be sent with it."""

    verb: Verb
    purpose: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class Call(Given):
    """A call under way; of an excluded one there are `id`, `pbx` and `state` only."""

    id: str
    pbx: str
    linkedid: str | None
    direction: Direction | None
    queue: str | None
    agent: str | None
    began_at: Moment | None
    answered_at: Moment | None
    state: CallState
    pauses: list[str]
    purposes: list[LivePurpose]
    recordings: list[LiveRecording]
    may: list[Offer]


class Asked(Given):
    """What is asked of a call: `reason` of a pause, and the one `purpose` that it is about."""

    reason: Literal["payment", "agent-request"] | UnsetType = UNSET
    purpose: Text | UnsetType | None = UNSET


class Done(Given):
    """What the recordings of a call are once it is done."""

    call: str
    state: CallState


class Recording(Given):
    """A stored recording."""

    name: str
    call: str
    pbx: str
    purpose: str
    queue: str | None
    agent: str | None
    milliseconds: int | None
    partial: bool
    tier: Tier | None
    held: bool
    restricted: bool
    outcome: str | None
    sha256: Digest | None
    started_at: Moment | None
    ended_at: Moment | None
    stored_at: Moment | None
    due_at: Moment | None


class Recordings(Given):
    """A page of them; `next` is the `after` of the page that follows."""

    recordings: list[Recording]
    next: str | None


class Conditions(Given):
    """Every one must be met."""

    name: Text | UnsetType = UNSET
    call: CallRef | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET
    queue: Text | UnsetType = UNSET
    agent: Text | UnsetType = UNSET
    number: Number | UnsetType = UNSET
    since: AskedMoment | UnsetType = UNSET
    until: AskedMoment | UnsetType = UNSET
    after: Text | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    limit: Annotated[str, Meta(pattern="^([1-9][0-9]?|1[0-9][0-9]|200)$")] | UnsetType = UNSET


class Decision(Given):
    """One decision, as docs/reference/decisions.md has it."""

    seq: int
    at: Moment
    call_id: str | None
    pbx: str
    linkedid: str | None
    kind: Kind
    verdict: Verdict
    reason: str
    rule: str | None
    purpose: str | None
    policy_version: str
    actor: str
    facts: dict[str, Any]


class Destroyed(Given):
    """The name of what is no more."""

    destroyed: str


class Stretch(Given):
    """From one millisecond of what is listened to until another."""

    kind: SpanKind
    reason: str
    begin_ms: Count
    end_ms: Count


class Peaks(Given):
    """A waveform: the loudness of equal shares of the time, for each channel."""

    duration_ms: Count
    channels: list[list[Annotated[int, Meta(ge=0, le=LOUDEST)]]]
