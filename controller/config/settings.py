"""What the rest of the product is told by its configuration: frozen, complete, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from controller.audio.gaps import GapStyle
from controller.config.credentials import Secret, Secrets
from controller.config.faults import Fault
from controller.domain.policy import Period, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class DataController:
    """Who answers for the recordings (GDPR art. 4(7)), and how to reach them."""

    name: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ari:
    """Where ARI is and as whom we speak to it; the password is ``Settings.secrets.ari_password(pbx.name)``."""

    url: str
    username: str
    application: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pbx:
    """One Asterisk. ``sounds`` and ``recordings`` are its folders as the daemon sees them; the latter if it does."""

    name: str
    ari: Ari
    fastagi_clients: tuple[IPv4Network | IPv6Network, ...]
    sounds: Path
    recordings: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where the daemon listens: an IP address or a host name, and a port."""

    listen: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """``url`` is None for the embedded database."""

    url: Secret | None

    @property
    def embedded(self) -> bool:
        """Whether we start a PostgreSQL of our own."""
        return self.url is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """The broker, and what every topic of ours begins with. The password is ``Settings.secrets.mqtt_password()``."""

    host: str
    port: int
    tls: bool
    username: str | None
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The object store, and how long what is beside the recordings is kept. See ``StorageShape``."""

    url: str
    options: Mapping[str, str]
    gaps: GapStyle
    archive_after: Period
    access_kept: Period
    quarantine_kept: Period
    least_free_bytes: int


class OnShutdown(StrEnum):
    """What becomes of recordings under way when the daemon is told to end."""

    HAND_OVER = "hand-over"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One version of the configuration. ``text`` is the file as it was, ``policy.version`` its SHA-256.

    ``country`` (ISO 3166) tells how national numbers are read; ``mqtt`` is None where the file has no broker,
    ``storage`` where recordings stay on the PBX. ``most_calls`` is how many are decided about on one PBX at once.
    """

    file: Path
    text: str = field(repr=False)
    data_controller: DataController
    country: str
    state_directory: Path
    pbxs: tuple[Pbx, ...]
    fastagi: Listener
    http: Listener
    database: Database
    mqtt: Mqtt | None
    storage: Storage | None
    most_calls: int
    most_journal_bytes: int
    sign_every_s: float
    on_shutdown: OnShutdown
    secrets: Secrets
    policy: Policy
    warnings: tuple[Fault, ...]
