"""What can happen to a call, in the past tense. Every event says when (``at``, UTC)."""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.consent import Heard
from controller.domain.decision import Reason
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
class CustomerLeft(_Happened):
    """The customer's channel no longer exists: the call is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested(_Happened):
    """Somebody asks that nothing be recorded until the same ``cause`` and ``origin`` resume."""

    cause: Reason
    origin: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(_Happened):
    """The cause for a pause is over."""

    cause: Reason
    origin: str
    actor: str


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
    | CustomerLeft
    | PauseRequested
    | ResumeRequested
    | StartRequested
    | StopRequested
    | DecisionCommitted
    | DecisionLost
    | TimerFired
)
Event = OfCall | OfRecording
