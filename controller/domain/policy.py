"""The policy: purposes, routes and everything a decision may depend on that is configured.

Frozen data, built by ``controller.config`` from the YAML file, and the function that finds a call's route.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


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


class ConsentMode(StrEnum):
    """What silence means: ``opt-out`` may be recorded unless the caller objects, ``opt-in`` only who agrees by key."""

    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why a recording is made. ``sampling`` is None where every call that may be recorded is."""

    name: str
    basis: Basis
    start: Start
    sampling: Sampling | None
    consent: Consent
    retention: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which calls serve which purposes. An empty condition matches every call."""

    name: str
    purposes: tuple[str, ...]
    direction: Direction | None = None
    queues: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    language: str | None = None

    def matches(self, *, direction: Direction, queue: str, language: str) -> bool:
        """Whether every condition of this route holds."""
        return self.direction in {None, direction} and _listed(queue, self.queues) and _listed(language, self.languages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What an agent dials in mid-call to pause and to resume."""

    pause: str = "*7"
    resume: str = "*8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole policy, as one version of the configuration file says it.

    ``version`` is the SHA-256 of the file. ``agents`` and ``representatives`` are patterns (``PJSIP/2*``) held
    against a channel's name without its unique suffix. ``prompts`` is keyed by name, then language.
    """

    version: str
    purposes: Mapping[str, Purpose]
    routes: tuple[Route, ...]
    agents: tuple[str, ...]
    representatives: tuple[str, ...] = ()
    keys: Keys = field(default_factory=Keys)
    prompts: Mapping[str, Mapping[str, Prompt]]
    default_language: str

    def route(self, *, direction: Direction, queue: str, language: str) -> Route | None:
        """The first route that matches; None means that the call is not recorded (no match, no recording)."""
        matching = (r for r in self.routes if r.matches(direction=direction, queue=queue, language=language))
        return next(matching, None)

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
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)
