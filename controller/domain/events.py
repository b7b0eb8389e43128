"""What can happen to a call, in the past tense. Every event says when (``at``, UTC)."""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.consent import Heard
from controller.domain.decision import Reason
from controller.domain.hindrance import Hindrances
from controller.domain.names import ChannelId, RecordingName, Token
from controller.domain.parties import Party
from controller.domain.sampling import Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBegan(_Happened):
    """The call is known now; where it has a dialogue, that begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEnded(_Happened):
    """A prompt of the dialogue was played, or could not be."""

    heard: Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class PartiesChanged(_Happened):
    """These, and nobody else, can hear the customer now."""

    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed(_Happened):
    """Somebody in the call pressed a key."""

    channel: ChannelId
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialplanMoved(_Happened):
    """The customer, or somebody who hears them, has come to another place in the dialplan."""

    channel: ChannelId
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(_Happened):
    """The customer, or somebody who hears them, has put the other side on hold."""

    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheld(_Happened):
    """They are back."""

    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLeft(_Happened):
    """The customer's channel no longer exists: the call is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReplaced(_Happened):
    """The customer's channel has begun another call: this one is over, though nobody has hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindered(_Happened):
    """These, and nothing else, keep this daemon from answering for recordings now."""

    hindrances: Hindrances


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxStalled(_Happened):
    """The PBX stood still, and goes on: its snoop channels may be behind the call from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited(_Happened):
    """The call is one of a daemon that is no more; what Asterisk says of its recordings, others being gone.

    ``torn`` are those that record whose other side does something else. ``keeper`` is something that no daemon has
    taken a call over with before.
    """

    recording: frozenset[RecordingName]
    paused: frozenset[RecordingName]
    keeper: str
    torn: frozenset[RecordingName] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested(_Happened):
    """Somebody asks that nothing be recorded until the same ``cause`` and ``origin`` resume.

    ``leg`` is the channel in whose dialplan it was asked for; None where it was asked from elsewhere.
    """

    cause: Reason
    origin: str
    actor: str
    leg: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(_Happened):
    """The cause for a pause is over."""

    cause: Reason
    origin: str
    actor: str
    leg: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequested(_Happened):
    """A trigger: the talk is about concluding now. ``purpose`` None means every purpose that waits for one."""

    purpose: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested(_Happened):
    """The recordings for ``purpose`` (None: for every purpose) end here and do not begin again in this call."""

    purpose: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionsKnown(_Happened):
    """The purposes to which this customer has objected before, ``EVERY_PURPOSE`` among them for all."""

    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRaised(_Happened):
    """The customer has told somebody, in the middle of the call, that they object."""

    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRequested(_Happened):
    """An agent says that this call is their own business."""

    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofExists(_Happened):
    """What the recordings for ``purpose`` (None: for every on-trigger purpose) were to prove is proven otherwise."""

    purpose: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePlayed(_Happened):
    """The customer was told again that a recording for ``purpose`` begins, or could not be."""

    purpose: str
    heard: Heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded(_Happened):
    """The file of a recording no longer exists on the PBX."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined(_Happened):
    """The file of a recording is where nobody may listen to it."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCommitted(_Happened):
    """A decision that was to be durable first is; ``draw`` is set where it depended on the sample."""

    token: Token
    seq: int
    draw: Draw | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLost(_Happened):
    """A decision could not be made durable: what depended on it must not happen."""

    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfRecording(_Happened):
    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoopReady(_OfRecording):
    """The snoop channel is ours to record from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoopGone(_OfRecording):
    """The snoop channel no longer exists, or never did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(_OfRecording):
    """Asterisk records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded(_OfRecording):
    """Asterisk has closed the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFailed(_OfRecording):
    """Asterisk could not record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseConfirmed(_OfRecording):
    """Asterisk has answered the pause, and says that the recording is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseUnconfirmed(_OfRecording):
    """Asterisk answered the pause with anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeConfirmed(_OfRecording):
    """Asterisk has answered the resume: it records again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeUnconfirmed(_OfRecording):
    """Nobody knows whether it records again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(_Happened):
    """A time that was set has come; whoever no longer waits for this token ignores it."""

    token: Token


OfRecording = (
    SnoopReady
    | SnoopGone
    | RecordingStarted
    | RecordingEnded
    | RecordingFailed
    | PauseConfirmed
    | PauseUnconfirmed
    | ResumeConfirmed
    | ResumeUnconfirmed
)
OfCall = (
    CallBegan
    | PromptEnded
    | PartiesChanged
    | DigitPressed
    | DialplanMoved
    | Held
    | Unheld
    | CustomerLeft
    | CallReplaced
    | Hindered
    | PbxStalled
    | Inherited
    | PauseRequested
    | ResumeRequested
    | StartRequested
    | StopRequested
    | ObjectionsKnown
    | ObjectionRaised
    | PrivateRequested
    | ProofExists
    | NoticePlayed
    | Discarded
    | Quarantined
    | DecisionCommitted
    | DecisionLost
    | TimerFired
)
Event = OfCall | OfRecording
