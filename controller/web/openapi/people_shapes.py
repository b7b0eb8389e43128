"""The shapes of JSON of the registers, of whoever asks, and of the daemon."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from controller.config.text import WORD
from controller.domain.access import Action
from controller.domain.principal import Role
from controller.web.openapi.operation import Text
from controller.web.openapi.shapes import AskedOffsetMoment, Count, Digest, Given, Moment, Number, Password


class Notice(Given):
    """An agent was informed that they may be recorded, by this version of the notice."""

    agent: str
    informed_at: str | None
    version: str


class Notices(Given):
    """A page of them; `next` is the `before` of the page that follows."""

    notices: list[Notice]
    next: str | None


class NewNotice(Given):
    """A line of the list."""

    agent: Annotated[str, Meta(pattern=r"^[^\s/]{1,80}$")]
    informed_at: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day that is not to come.")]
    version: Annotated[str, Meta(pattern=WORD)]


class Imported(Given):
    """How many were new, had another day before, or stood there already."""

    added: Count
    corrected: Count
    unchanged: Count


class Objection(Given):
    """A customer objects: `customer` is the keyed hash of their number, `scope` a purpose or `*`."""

    customer: Digest
    scope: str
    at: Moment
    until: Moment


class Objections(Given):
    """A page of them; `next` is the `before` of the page that follows."""

    objections: list[Objection]
    next: str | None


class NewObjection(Given):
    """One to put on file; without `purpose` it is about all of them."""

    number: Number
    purpose: Text | UnsetType = UNSET
    until: AskedOffsetMoment | UnsetType = UNSET


class EndObjections(Given):
    """Whose, and of one purpose only where it is named."""

    number: Number
    purpose: Text | UnsetType = UNSET


class LogIn(Given):
    """Of an account."""

    name: Text
    password: Text


class Session(Given):
    """Who has logged in; `csrf` is the header `X-CSRF-Token`."""

    name: str
    ends_at: Moment
    csrf: str


class OwnPassword(Given):
    """The password of who has logged in, and the one that takes its place."""

    current: Text
    new: Password


class May(Given):
    """Of what somebody may do something; `purposes` null is all."""

    purposes: list[str] | None
    extension: str | None
    pbx: str | None


class Me(Given):
    """Who asks, and what they may."""

    name: str
    roles: list[Role]
    purposes: list[str] | None
    extension: str | None
    pbx: str | None
    session: Session | None
    may: dict[Action, May]


class Access(Given):
    """An entry of the access log."""

    at: Moment
    action: str
    what: str
    why: str | None


class Accesses(Given):
    """A page of them; `next` is the `before` of the page that follows."""

    accesses: list[Access]
    next: str | None


class Reloaded(Given):
    """The policy that is in force now; `at_the_next_start` are the settings of the file that a restart takes up."""

    version: str
    former: str
    at_the_next_start: list[str]


class Health(Given):
    """The daemon answers."""

    status: Literal["ok"]


class Readiness(Given):
    """Whether it is ready; `troubles` says of each part that is not, why."""

    status: Literal["ready", "not-ready"]
    troubles: dict[str, str]
