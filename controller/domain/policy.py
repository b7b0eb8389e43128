"""The policy: purposes, routes and everything a decision may depend on that is configured.

Frozen data, built by ``controller.config`` from the YAML file, and the function that finds a call's route.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from controller.domain.decision import Reason


class Direction(StrEnum):
    """Who called whom, seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Basis(StrEnum):
    """The lawful basis of a purpose (GDPR art. 6(1))."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    LEGITIMATE_INTEREST = "legitimate-interest"


class Start(StrEnum):
    """When a recording for a purpose begins."""

    ON_ANSWER = "on-answer"
    ON_TRIGGER = "on-trigger"


class Channels(StrEnum):
    """How a recording keeps who speaks: all mixed, or the customer left and the agent right."""

    MONO = "mono"
    STEREO = "stereo"


class ConsentMode(StrEnum):
    """What silence means, and what a refusal does.

    ``opt-out`` may be recorded unless the caller objects, ``opt-in`` only who agrees by key; ``refusal-ends-call`` is
    opt-out, and who objects is not served by telephone (C. assur. R. 112-7); ``none`` tells and does not ask.
    """

    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
    REFUSAL_ENDS_CALL = "refusal-ends-call"
    NONE = "none"


class StratumPart(StrEnum):
    """What divides the calls of a purpose into strata, each sampled for itself."""

    QUEUE = "queue"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One recorded voice file in one language.

    ``sound`` is the name that Asterisk plays, ``milliseconds`` the length of the file, ``digest`` the SHA-256 of
    its bytes in hexadecimal: together they prove what a caller has heard.
    """

    name: str
    language: str
    sound: str
    text: str
    milliseconds: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How the other party is told and asked (GDPR art. 13 and 21, CNIL).

    Prompts by name. ``information`` and ``choice`` go together: after the full information the choice is asked again.
    """

    mode: ConsentMode
    announcement: str | None = None
    information: str | None = None
    choice: str | None = None
    object_key: str = "1"
    agree_key: str | None = None
    information_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Of every ``block`` answered calls of a stratum, ``rate * block`` are marked; never more than ``maximum``."""

    rate: float
    block: int = 20
    minimum: float = 0.20
    maximum: float = 0.30
    strata: tuple[StratumPart, ...] = (StratumPart.QUEUE, StratumPart.AGENT)

    @property
    def marks(self) -> int:
        """Marked positions in each block."""
        return round(self.rate * self.block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A calendar period: six months are not 180 days."""

    years: int = 0
    months: int = 0
    days: int = 0

    def after(self, moment: datetime) -> datetime:
        """The end of a period that begins then; the last day of a month where that month has no such day."""
        months = moment.month - 1 + self.months + 12 * self.years
        year, month = moment.year + months // 12, months % 12 + 1
        day = min(moment.day, monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day) + timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why a recording is made.

    ``sampling`` is None where every call that may be recorded is. ``notice`` is the announcement that the customer
    hears again when an ``on-trigger`` recording is about to begin (CNIL, 25 April 2022). ``without_contract`` is how
    long a recording is kept unless a contract came of its call; None where that makes no difference. ``analyses`` is
    how long documents made from its recordings are kept, ``listeners`` who may listen, ``reason_required`` whether they
    must say why. ``assessed`` is the date of the impact assessment (GDPR art. 35), ``consulted`` the date when the
    staff's representatives were consulted; None where the company has none.
    """

    name: str
    basis: Basis
    start: Start
    sampling: Sampling | None
    consent: Consent
    retention: Period
    without_contract: Period | None = None
    notice: str | None = None
    analyses: Period | None = None
    listeners: tuple[str, ...] = ()
    reason_required: bool = False
    assessed: date | None = None
    consulted: date | None = None
    channels: Channels = Channels.MONO

    @property
    def may_be_refused(self) -> bool:
        """Whether somebody may object to this purpose: everybody may but where it only tells (GDPR art. 21)."""
        return self.consent.mode is not ConsentMode.NONE


Number = frozenset[str]
"""A telephone number in every spelling that a pattern may be held against; empty where it is withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of a call when its dialplan asks. Nothing of it is kept but what the call needs.

    ``called`` and ``calling`` are the numbers as the PBX sees them; the customer's is ``calling`` where the call is
    inbound, else ``called``. ``context`` is the dialplan context that asks.
    """

    direction: Direction
    queue: str
    language: str
    called: Number = frozenset()
    calling: Number = frozenset()
    context: str = ""

    @property
    def customer(self) -> Number:
        """The customer's number."""
        return self.calling if self.direction is Direction.INBOUND else self.called


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which calls serve which purposes. An empty condition matches every call."""

    name: str
    purposes: tuple[str, ...]
    direction: Direction | None = None
    queues: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    calling: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    language: str | None = None

    def matches(self, asked: Asked) -> bool:
        """Whether every condition of this route holds."""
        return (
            self.direction in {None, asked.direction}
            and _listed(asked.queue, self.queues)
            and _listed(asked.language, self.languages)
            and _listed(asked.context, self.contexts)
            and _any_listed(asked.called, self.called)
            and _any_listed(asked.calling, self.calling)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What an agent dials in mid-call.

    ``objection``: the caller has told the agent that they object. ``private``: this call is the agent's own business.
    ``start``: what an ``on-trigger`` purpose waits for begins.
    """

    pause: str = "*7"
    resume: str = "*8"
    objection: str = "*9"
    private: str = "*6"
    start: str = "*5"

    @property
    def codes(self) -> tuple[str, ...]:
        """All of them."""
        return (self.pause, self.resume, self.objection, self.private, self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """Who is never recorded. ``representatives`` are patterns of channels, ``numbers`` patterns of customers' numbers.

    ``emergency`` are the numbers of the emergency services: a call to one of them is not held up and not recorded.
    """

    representatives: tuple[str, ...] = ()
    representative_numbers: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    emergency: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """What pauses a call beside those who ask for it, and how long a pause may last.

    ``endpoints`` are patterns of channels of a payment platform, ``contexts`` those of the dialplan in which card data
    is asked for. ``hold``: whether an agent's hold pauses. A pause of more than ``alert_s`` seconds raises an alert,
    one of more than ``most_s`` ends the recording: none ends by itself (PCI DSS, guidance).
    """

    endpoints: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    hold: bool = False
    alert_s: float = 300.0
    most_s: float = 900.0

    def asks_for_card(self, context: str) -> bool:
        """Whether card data is asked for in this dialplan context."""
        return _matches_any(frozenset({context}), self.contexts)


class OnDatabaseLoss(StrEnum):
    """What becomes of recordings under way while decisions cannot be written to PostgreSQL."""

    STOP = "stop"
    CONTINUE = "continue"


class ObjectionScope(StrEnum):
    """What an objection that is kept holds for: the purposes of its call, or every purpose."""

    PURPOSE = "purpose"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objections:
    """How long an objection is remembered, for what, and whether who objected is asked again in the next call."""

    remember: Period = Period(years=1)
    scope: ObjectionScope = ObjectionScope.PURPOSE
    ask_again: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy, as one version of the configuration file says it.

    ``version`` is the SHA-256 of the file. ``agents`` are patterns (``PJSIP/2*``) held against a channel's name without
    its unique suffix; ``notice`` is the version of the notice by which an agent must have been informed. ``prompts`` is
    keyed by name, then language.
    """

    version: str
    purposes: Mapping[str, Purpose]
    routes: tuple[Route, ...]
    agents: tuple[str, ...]
    notice: str
    exclusions: Exclusions = field(default_factory=Exclusions)
    pauses: Pauses = field(default_factory=Pauses)
    objections: Objections = field(default_factory=Objections)
    keys: Keys = field(default_factory=Keys)
    on_database_loss: OnDatabaseLoss = OnDatabaseLoss.STOP
    prompts: Mapping[str, Mapping[str, Prompt]]
    default_language: str

    def route(self, asked: Asked) -> Route | None:
        """The first route that matches; None means that the call is not recorded (no match, no recording)."""
        return next((route for route in self.routes if route.matches(asked)), None)

    def exclusion(self, asked: Asked) -> Reason | None:
        """Why this call is nobody's to record, whatever its route; None where it is not excluded."""
        excluded = self.exclusions
        if asked.direction is Direction.OUTBOUND and asked.called & excluded.emergency:
            return Reason.EMERGENCY_CALL
        if _matches_any(asked.customer, excluded.representative_numbers):
            return Reason.REPRESENTATIVE
        if _matches_any(asked.customer, excluded.numbers) or _matches_any(frozenset({asked.queue}), excluded.queues):
            return Reason.EXCLUDED
        return None

    def purposes_of(self, route: Route) -> tuple[Purpose, ...]:
        """The purposes that a route serves, in the order of the file."""
        return tuple(self.purposes[name] for name in route.purposes)

    def prompt(self, name: str, language: str) -> Prompt:
        """The prompt in the nearest language that exists: ``fr_CA``, else ``fr``, else the default."""
        spoken = self.prompts[name]
        for candidate in (language, language.partition("_")[0]):
            if candidate in spoken:
                return spoken[candidate]
        return spoken[self.default_language]


def _listed(value: str, patterns: tuple[str, ...]) -> bool:
    return _any_listed(frozenset({value}), patterns)


def _any_listed(spellings: frozenset[str], patterns: tuple[str, ...]) -> bool:
    """Whether a condition holds: an empty one always does."""
    return not patterns or _matches_any(spellings, patterns)


def _matches_any(spellings: frozenset[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(spelling, pattern) for spelling in spellings for pattern in patterns)
