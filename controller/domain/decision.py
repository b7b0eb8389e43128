"""What was decided, and everything needed to explain it years later.

A decision holds no personal data of its own: channels, agents and calls by identifier, never a caller's number
(GDPR art. 5(1)(c)). It is what GDPR art. 5(2) and 7(1) ask to be able to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from controller.domain.names import CallId, Token

Fact = str | int | float | bool | None
"""A fact is a plain value, so that a decision reads the same in a table, in JSON and in a court."""

NO_FACTS: Mapping[str, Fact] = MappingProxyType({})


class Kind(StrEnum):
    """What the decision is about."""

    CONSENT = "consent"
    RECORD = "record"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    DISCARD = "discard"
    RETAIN = "retain"
    ERASE = "erase"
    HOLD = "hold"
    ACCESS = "access"
    CONFIG = "config"


class Verdict(StrEnum):
    """``allowed`` and ``refused`` answer a question; ``applied`` says that something was done."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    APPLIED = "applied"


class Reason(StrEnum):
    """Why, as a constant: what a report counts and a reader looks up in docs/glossary.md."""

    # consent
    ANNOUNCED = "announced"
    AGREED = "agreed"
    OPTED_OUT = "opted-out"
    NOT_AGREED = "not-agreed"
    ANNOUNCEMENT_INCOMPLETE = "announcement-incomplete"
    NOT_ASKED = "not-asked"
    OBJECTION_ON_FILE = "objection-on-file"
    OBJECTIONS_UNKNOWN = "objections-unknown"
    OBJECTION_ADDED = "objection-added"
    OBJECTION_ENDED = "objection-ended"
    # record
    SAMPLED = "sampled"
    NOT_SAMPLED = "not-sampled"
    SAMPLING_CAP = "sampling-cap"
    LEGAL_OBLIGATION = "legal-obligation"
    EVERY_CALL = "every-call"
    TRIGGER = "trigger"
    NO_MATCHING_ROUTE = "no-matching-route"
    REPRESENTATIVE = "representative"
    PRIVATE_CALL = "private-call"
    EXCLUDED = "excluded"
    EMERGENCY_CALL = "emergency-call"
    AGENT_NOT_INFORMED = "agent-not-informed"
    DECISION_NOT_LOGGED = "decision-not-logged"
    OVERLOAD = "overload"
    STORAGE_FULL = "storage-full"
    # pause and resume
    PAYMENT = "payment"
    PAYMENT_OVER = "payment-over"
    AGENT_REQUEST = "agent-request"
    HOLD = "hold"
    EXTERNAL_PARTY = "external-party"
    NOBODY_CONNECTED = "nobody-connected"
    NOTHING_FORBIDS = "nothing-forbids"
    PBX_STALLED = "pbx-stalled"
    EVENTS_LOST = "events-lost"
    HANDED_OVER = "handed-over"
    # stop
    CALL_ENDED = "call-ended"
    PAUSE_UNCONFIRMED = "pause-unconfirmed"
    PAUSE_TOO_LONG = "pause-too-long"
    RECORDING_FAILED = "recording-failed"
    CONTROLLER_LOST = "controller-lost"
    CONTROLLER_STOPPED = "controller-stopped"
    DATABASE_AWAY = "database-away"
    # discard
    OTHER_PROOF = "other-proof"
    # retain
    STORED = "stored"
    RECORDING_LOST = "recording-lost"
    UNEXPLAINED = "unexplained"
    ARCHIVED = "archived"
    OUTCOME_KNOWN = "outcome-known"
    RETENTION_CHANGED = "retention-changed"
    RECTIFIED = "rectified"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction-lifted"
    # erase
    RETENTION_OVER = "retention-over"
    NO_CONTRACT = "no-contract"
    SUBJECT_REQUEST = "subject-request"
    ERASED_BEFORE = "erased-before"
    LEGAL_HOLD = "legal-hold"
    EVIDENCE = "evidence"
    PURPOSE_UNKNOWN = "purpose-unknown"
    # hold
    HOLD_PLACED = "hold-placed"
    HOLD_LIFTED = "hold-lifted"
    # config
    POLICY_LOADED = "policy-loaded"
    POLICY_FAULTY = "policy-faulty"
    KEYS_REWRAPPED = "keys-rewrapped"
    AGENT_INFORMED = "agent-informed"
    NOTICE_WITHDRAWN = "notice-withdrawn"
    ACCOUNT_ADDED = "account-added"
    ACCOUNT_CHANGED = "account-changed"
    ACCOUNT_DISABLED = "account-disabled"
    TOKEN_ISSUED = "token-issued"  # noqa: S105 - a reason
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    # alerts alone
    NOT_DELIVERED = "not-delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about one call; PostgreSQL adds ``seq`` when it is written.

    ``token`` is its own and no other's, so that one that is written twice is kept once. ``at`` is when it was taken
    (UTC), which for a pause is before it was written. ``rule`` names the rule of the configuration that applied
    (``routes.support``), ``actor`` who or what caused it (``caller``, ``agent:201``, ``policy``, ``token:crm``,
    ``daemon``).
    """

    token: Token
    at: datetime
    call_id: CallId | None
    pbx: str
    linkedid: str | None
    kind: Kind
    verdict: Verdict
    reason: Reason
    rule: str | None
    purpose: str | None
    policy_version: str
    actor: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision as it is stored, its fields in the order and with the names of its JSON form."""

    seq: int
    at: datetime
    call_id: CallId | None
    pbx: str
    linkedid: str | None
    kind: Kind
    verdict: Verdict
    reason: str
    rule: str | None
    purpose: str | None
    policy_version: str
    actor: str
    facts: Mapping[str, Fact]
