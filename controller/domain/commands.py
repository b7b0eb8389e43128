"""What the core wants done, in the imperative.

``Pause`` and ``Stop`` go out at once on connections of their own. ``Commit`` and ``CommitSampled`` may wait for
PostgreSQL, and nothing that starts or resumes is commanded before what they wrote has come back. ``Log`` and
``Store`` are written when they can be, in order.
"""

from dataclasses import dataclass

from controller.domain.decision import Decision, Reason, Verdict
from controller.domain.names import ChannelId, RecordingName, Token
from controller.domain.policy import Prompt, Sampling
from controller.domain.records import Record as Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play a prompt to the customer; ``keys`` cut it short; then wait ``patience_ms`` for one of them."""

    channel: ChannelId
    prompt: Prompt
    keys: str
    patience_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """The dialogue is over: tell the dialplan, and let the call go on, or end it where a refusal does (``hang_up``)."""

    channel: ChannelId
    verdict: Verdict
    reason: Reason
    hang_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpObjections:
    """Find what this customer has objected to before, then say so (``ObjectionsKnown``); nothing where nobody knows."""

    customer_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAgain:
    """Play the notice of a purpose to the customer in mid-call, then say so (``NoticePlayed``)."""

    channel: ChannelId
    purpose: str
    prompt: Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Make a decision durable, then say so (``DecisionCommitted``, ``DecisionLost``)."""

    token: Token
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSampled:
    """Draw the sample and make what comes of it durable, in one transaction, then say so."""

    token: Token
    question: Decision
    purpose: str
    stratum: str
    sampling: Sampling
    eligible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Write down a decision that has already been acted upon, or that nothing waits for."""

    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Keep this snapshot."""

    record: Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoop:
    """Put a snoop channel named like the recording on the customer's channel."""

    recording: RecordingName
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording:
    """Set the dead man's switch on the snoop channel, then record from it."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Pause, and have it confirmed by the recording's state."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Record again."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Hang up the snoop channel: Asterisk closes the file."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Delete the file on the PBX, again and again until it is gone, then say so (``Discarded``)."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Move the file on the PBX to where nobody listens, again and again until it is, then say so (``Quarantined``)."""

    recording: RecordingName


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Tell the people who run this that something is wrong with a call."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Say ``TimerFired`` with this token in so many seconds."""

    token: Token
    seconds: float


Command = (
    Play
    | Conclude
    | LookUpObjections
    | TellAgain
    | Commit
    | CommitSampled
    | Log
    | Store
    | Snoop
    | StartRecording
    | Pause
    | Resume
    | Stop
    | Discard
    | Quarantine
    | Alert
    | SetTimer
)
URGENT = (Pause, Stop)
