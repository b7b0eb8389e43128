"""The shapes of JSON of those who answer for recordings."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from controller.domain.principal import Role
from controller.domain.share import Limits
from controller.web.openapi.operation import Text
from controller.web.openapi.shapes import Count, Given, IdentityName, Moment, Password


class Week(Given):
    """What the sample of a stratum came to in a week."""

    purpose: str
    stratum: str
    week: str
    answered: Count
    eligible: Count
    chosen: Count
    share: float
    low: float
    high: float
    minimum: float
    maximum: float
    limits: Limits


class Sample(Given):
    """Since then."""

    since: Moment
    weeks: list[Week]


class OpenId(Given):
    """Who logs in through the provider, which names them `subject`; `issuer` null: none is configured just now."""

    issuer: str | None
    subject: str


class Account(Given):
    """Somebody who may log in: with a password, or by `openid`; `last_in_on` is a day."""

    name: str
    roles: list[Role]
    purposes: list[str]
    extension: str | None
    pbx: str | None
    openid: OpenId | None
    created_at: Moment
    disabled_at: Moment | None
    last_in_on: str | None


class NewAccount(Given):
    """One to add, with the password that its person knows."""

    name: IdentityName
    password: Password
    roles: list[Role] | UnsetType = UNSET
    purposes: list[Text] | UnsetType = UNSET
    extension: Text | UnsetType | None = UNSET
    pbx: Text | UnsetType | None = UNSET


class ChangedAccount(Given):
    """What is to change of it."""

    password: Password | UnsetType = UNSET
    enable: bool | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    purposes: list[Text] | UnsetType = UNSET
    extension: Text | UnsetType | None = UNSET
    pbx: Text | UnsetType | None = UNSET


class Token(Given):
    """A program that may come in; `last_used_at` is a day."""

    name: str
    roles: list[Role]
    purposes: list[str]
    extension: str | None
    pbx: str | None
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    last_used_at: str | None


class NewToken(Given):
    """One to issue, for so many days."""

    name: IdentityName
    days: Annotated[int, Meta(ge=1, le=9999)]
    roles: list[Role] | UnsetType = UNSET
    purposes: list[Text] | UnsetType = UNSET
    extension: Text | UnsetType | None = UNSET
    pbx: Text | UnsetType | None = UNSET


class IssuedToken(Given):
    """What the program shows from now on."""

    name: str
    token: str
    expires_at: Moment


class ChainState(Given):
    """The chain of a writer: of its decisions the first `signed` are signed."""

    writer: str
    decisions: Count
    signed: Count
    signed_at: Moment | None
    key_id: str | None


class Audit(Given):
    """Every chain, and how often this daemon has found others' rows, or none, where its own should be."""

    chains: list[ChainState]
    disturbed: Count


class PolicyText(Given):
    """A policy by its version, the SHA-256 of its file."""

    version: str
    text: str


class PolicyChange(Given):
    """A policy came into force; `difference` is that to the one before, as `diff -u` has it."""

    at: Moment
    version: str
    actor: str
    difference: str
