"""What the rest of the product is told by its configuration: frozen, complete, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from controller.audio.gaps import GapStyle
from controller.config.credentials import Secret, Secrets
from controller.config.faults import Fault
from controller.domain.decision import Kind
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
class OpenIdConnect:
    """The provider through which people log in, who knows us by ``Settings.secrets.openid_client_secret()``.

    ``address`` is where browsers reach the daemon, with no slash at its end; ``claim`` is what an account knows
    somebody by.
    """

    issuer: str
    client_id: str
    address: str
    claim: str = "sub"
    scopes: tuple[str, ...] = ("openid", "profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM: the certificate with those that lead to its root, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Http(Listener):
    """Where the daemon listens for HTTP; ``tls`` None: without encryption.

    ``trusted_proxies`` are believed in what they say of their clients.
    """

    tls: Tls | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """``url`` is None for the embedded database."""

    url: Secret | None

    @property
    def embedded(self) -> bool:
        """Whether we start a PostgreSQL of our own."""
        return self.url is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What the broker is told by itself: decisions of some kinds, about some purposes (empty: every one), and so on.

    ``metrics_every_s`` is None where the daemon's metrics are not.
    """

    decisions: frozenset[Kind] = frozenset()
    purposes: frozenset[str] = frozenset()
    state: bool = True
    agents: bool = False
    metrics_every_s: float | None = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """The broker, and what every topic of ours begins with. The password is ``Settings.secrets.mqtt_password()``.

    ``name`` is this daemon's among those that share the topic; None: that of its machine. Commands reach the calls of
    ``purposes``, of every one unless any is named.
    """

    host: str
    port: int
    tls: bool
    username: str | None
    topic: str
    name: str | None = None
    purposes: frozenset[str] = frozenset()
    publish: Publishing = Publishing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where decisions go by HTTP, signed by the keys of ``Settings.secrets.webhook_keys(secret)``.

    ``kinds`` and ``purposes`` are which ones; empty means every one, and with purposes, one about no purpose is none of
    them. What could not be delivered within ``give_up_after`` of being written is given up.
    """

    name: str
    url: str
    secret: str
    kinds: frozenset[Kind]
    purposes: frozenset[str]
    give_up_after: Period


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
    ``openid_connect`` where nobody logs in through a provider, ``storage`` where recordings stay on the PBX.
    ``most_calls`` is how many are decided about on one PBX at once.
    ``embedded_by`` are the origins whose pages may embed those of ours that are made for it.
    """

    file: Path
    text: str = field(repr=False)
    data_controller: DataController
    country: str
    state_directory: Path
    pbxs: tuple[Pbx, ...]
    fastagi: Listener
    http: Http
    embedded_by: tuple[str, ...]
    openid_connect: OpenIdConnect | None = None
    database: Database
    mqtt: Mqtt | None
    webhooks: tuple[Webhook, ...]
    storage: Storage | None
    most_calls: int
    most_journal_bytes: int
    sign_every_s: float
    on_shutdown: OnShutdown
    secrets: Secrets
    policy: Policy
    warnings: tuple[Fault, ...]
