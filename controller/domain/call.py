"""All that is known of one call: facts, and what each of its recordings is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.consent import Dialogue
from controller.domain.decision import Reason
from controller.domain.hindrance import NOTHING_HINDERS, Hindrances
from controller.domain.keying import Keyed
from controller.domain.names import CallId, ChannelId, Token
from controller.domain.parties import STAFF, Party, Role
from controller.domain.policy import Direction, Policy, Purpose, Route
from controller.domain.recording import CAPTURING, Recording
from controller.domain.records import RecordingRecord
from controller.domain.suspension import Suspensions


class Permission(StrEnum):
    """Whether a call may be recorded for a purpose: asked once, when it is answered or triggered."""

    OPEN = "open"
    TELLING = "telling"
    """The customer is being told again that a recording begins."""
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A decision to start or resume.

    Good for one start or resume once it is durable (``held``); void as soon as anything forbids recording. One that
    is not held keeps another from being asked for meanwhile. ``waits_for`` is the timer before which it is not used.
    """

    token: Token
    held: bool
    waits_for: Token | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Why a purpose is not recorded any more in this call, on whose account, and whether what exists is discarded."""

    reason: Reason
    actor: str
    discard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One purpose in one call: its permission, and its recording if there is one. ``serial`` counts recordings.

    ``why`` is why it may be recorded, or may not, once that was asked; ``trigger`` is who triggered it. ``kept`` are
    its recordings that have ended and may have a file, ``quarantining`` those whose files are on their way to where
    nobody listens, ``discarding`` those on their way out.
    """

    purpose: Purpose
    permission: Permission = Permission.OPEN
    why: Reason | None = None
    trigger: str = "policy"
    asked: Token | None = None
    withdrawn: Withdrawal | None = None
    kept: tuple[RecordingRecord, ...] = ()
    quarantining: tuple[RecordingRecord, ...] = ()
    discarding: tuple[RecordingRecord, ...] = ()
    ticket: Ticket | None = None
    recording: Recording | None = None
    serial: int = 0
    failures: int = 0


OF_ITSELF = (Reason.NOTHING_FORBIDS, "policy")
"""Why recording goes on where nobody asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, from the moment that its customer is known. Keeps the policy that it began with.

    ``customer`` is the leg that held the consent dialogue; ``asked`` is False for a call whose dialplan never asked
    for one, and then the customer is whom an agent talks to. ``excluded`` is why nothing of this call is anybody's
    business; what is written about it then names nobody. ``objections`` are what the customer objected to in earlier
    calls, None where that is not known (yet: ``looking_up`` is then how long the dialogue waits for it);
    ``objected_before`` what they did in the call that this one follows on the same channel. ``parties``
    are those who can hear the customer now, ``agent`` is who answered first. ``alone`` is whether nobody has heard the
    customer for a while; ``untold`` are the pauses to be logged as soon as nothing can be on its way into a file;
    ``departed`` are channels that have left a payment's dialplan context, and are on their way
    back to a conversation; ``beyond`` are those of them, and of those still in it, that are nobody's leg: the far half
    of a Local channel. ``released`` is why the next resume comes, and on whose account.
    ``customer_sealed`` is the customer's number, which nothing here opens.
    ``hindrances`` are the daemon's own; ``unheard`` is whether the customer may have pressed a key, before the answer,
    that nobody heard; ``overloaded`` is for a call that came when there were too many.
    """

    id: CallId
    pbx: str
    linkedid: str
    customer: ChannelId
    customer_hash: bytes | None
    direction: Direction
    queue: str
    language: str
    policy: Policy
    route: Route | None
    began_at: datetime
    customer_sealed: bytes | None = None
    asked: bool = True
    overloaded: bool = False
    hindrances: Hindrances = NOTHING_HINDERS
    unheard: bool = False
    excluded: Reason | None = None
    objections: frozenset[str] | None = None
    objected_before: frozenset[str] = frozenset()
    looking_up: Token | None = None
    dialogue: Dialogue | None = None
    parties: tuple[Party, ...] = ()
    alone: bool = False
    alone_timer: Token | None = None
    answered_at: datetime | None = None
    agent: str | None = None
    ended_at: datetime | None = None
    suspensions: Suspensions = ()
    untold: Suspensions = ()
    departed: frozenset[ChannelId] = frozenset()
    beyond: frozenset[ChannelId] = frozenset()
    released: tuple[Reason, str] = OF_ITSELF
    keyed: tuple[tuple[ChannelId, Keyed], ...] = ()
    tracks: tuple[Track, ...] = ()
    tokens: int = 0
    keeper: str = ""
    """In every token of the daemon that has taken this call over, and in no other's; empty where none has."""

    @property
    def capturing(self) -> bool:
        """Whether audio of this call may be on its way into any file."""
        return any(t.recording is not None and t.recording.phase in CAPTURING for t in self.tracks)

    @property
    def over(self) -> bool:
        """Whether nothing more can come of this call: no file, and no answer to whether it may be recorded."""
        pending = any(track.recording or track.asked or track.quarantining or track.discarding for track in self.tracks)
        return self.ended_at is not None and not pending

    def has(self, role: Role) -> bool:
        """Whether somebody of this role can hear the customer now."""
        return any(party.role is role for party in self.parties)

    @property
    def staffed(self) -> bool:
        """Whether somebody of the company can hear the customer now."""
        return any(party.role in STAFF for party in self.parties)

    def staffed_at(self, extension: str) -> bool:
        """Whether somebody of the company at this extension talks to the customer, on hold or not."""
        return any(party.extension == extension and party.role in STAFF for party in self.parties)
