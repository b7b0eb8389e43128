"""Who asks over HTTP, however they were let in: by a token, by an account, or by the secret of the configuration."""

from dataclasses import dataclass
from enum import StrEnum

from controller.domain.records import EVERY_PURPOSE


class Role(StrEnum):
    """What somebody is to the recordings; ``controller.domain.access`` says what each may do.

    Not what a party is in a call: that is ``controller.domain.parties.Role``.
    """

    AGENT = "agent"
    """Talks to customers: their own live call only, by their extension."""
    LISTENER = "listener"
    """Listens to the recordings of named purposes."""
    SUPERVISOR = "supervisor"
    """Leads agents: the live calls and the recordings of named purposes."""
    DPO = "dpo"
    """The data protection officer: everything that is stored, and the rights of data subjects."""
    ADMINISTRATOR = "administrator"
    """Runs the system, and hears nothing."""
    INTEGRATION = "integration"
    """A program, such as a CRM: the live calls of named purposes, what came of them, the registers."""
    VIEWER = "viewer"
    """A page of a program, such as a contact's record in a CRM: which recordings of named purposes there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    ``name`` is how decisions and the access log name them: ``token:crm``, ``account:alice``, ``api`` for the secret of
    the configuration. ``purposes`` are those that their roles are for, by name, or ``EVERY_PURPOSE``; ``extension`` is
    where they talk, on the PBX ``pbx``, for the role ``agent``.
    """

    name: str
    roles: frozenset[Role]
    purposes: frozenset[str] = frozenset()
    extension: str | None = None
    pbx: str | None = None

    @property
    def limited_to(self) -> frozenset[str] | None:
        """The purposes that their roles are for; None for all."""
        return None if EVERY_PURPOSE in self.purposes else self.purposes
