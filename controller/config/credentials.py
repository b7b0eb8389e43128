"""Secrets: where they come from, and those that the product makes for itself.

A secret is looked for in the variable ``RECORDING_CONTROLLER_<NAME>``, then in the file that
``RECORDING_CONTROLLER_<NAME>_FILE`` names, then in ``<secrets_directory>/<name>``. It is never in the YAML, and no
message, repr or log shows it.
"""

import os
import re
import secrets
import stat
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import final

from controller.config.faults import Fault, did_you_mean
from controller.config.text import database_url
from controller.errors import ConfigurationError

PREFIX = "RECORDING_CONTROLLER_"
ARI_PASSWORD = "ari-password"  # noqa: S105 - the name of a secret
HTTP_TOKEN = "http-token"  # noqa: S105
DATABASE_URL = "database-url"
MQTT_PASSWORD = "mqtt-password"  # noqa: S105
SAMPLING_KEY = "sampling-key"
NUMBERS_KEY = "numbers-key"
AUDIT_KEY = "audit-key"
MASTER_KEY = "master-key"
FORMER_MASTER_KEY = "former-master-key"
OPENID_CLIENT_SECRET = "openid-client-secret"  # noqa: S105
WEBHOOK = "webhook"
"""How the names of the secrets of webhooks begin."""
NAMES = (
    ARI_PASSWORD,
    HTTP_TOKEN,
    DATABASE_URL,
    MQTT_PASSWORD,
    SAMPLING_KEY,
    NUMBERS_KEY,
    AUDIT_KEY,
    MASTER_KEY,
    FORMER_MASTER_KEY,
    OPENID_CLIENT_SECRET,
)

KEY_BYTES = 32
SHORTEST_TOKEN = 16
SIGNING_BYTES = range(24, 65)
"""How long a key that signs what a webhook sends may be (Standard Webhooks)."""
_MOST_BYTES = 4096
_IDENTITIES = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{58}( AGE-SECRET-KEY-1[0-9A-Z]{58})*")
_SIGNING = "whsec_"
_HEX = re.compile(rf"[0-9a-fA-F]{{{KEY_BYTES * 2}}}")


@final
class Secret:
    """A text that shows itself only when asked."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself: for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(Secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets of one daemon. Every method raises ``ConfigurationError``, without the secret in its text."""

    directory: Path
    environ: Mapping[str, str] = field(repr=False)

    def ari_password(self, pbx: str) -> Secret:
        """The ARI password of a PBX: its own (``ari-password-<pbx>``), else the common one."""
        own = f"{ARI_PASSWORD}-{pbx}"
        found = self._find(own) or self._find(ARI_PASSWORD)
        if found is None:
            raise ConfigurationError(
                f"secret {ARI_PASSWORD} is missing: the password of ARI on PBX {pbx} is looked for in"
                f" {variable(own)}, {variable(ARI_PASSWORD)}, each with _FILE too, and in {self.directory / own}"
                f" and {self.directory / ARI_PASSWORD}"
            )
        return found

    def http_token(self) -> Secret | None:
        """The bearer token of the API; None means that there is none, and nobody may use it."""
        found = self._find(HTTP_TOKEN)
        if found is not None and len(found.reveal()) < SHORTEST_TOKEN:
            raise ConfigurationError(f"secret {HTTP_TOKEN} is shorter than {SHORTEST_TOKEN} characters")
        return found

    def database_url(self) -> Secret | None:
        """The URL of the database, with its password; None where it is not given as a secret."""
        found = self._find(DATABASE_URL)
        if found is not None:
            try:
                database_url(found.reveal())
            except ValueError as error:
                raise ConfigurationError(f"secret {DATABASE_URL} {error}") from None
        return found

    def mqtt_password(self) -> Secret | None:
        """The password of ``Settings.mqtt.username``; None where the broker asks for none."""
        return self._find(MQTT_PASSWORD)

    def openid_client_secret(self) -> Secret:
        """What we prove to the OpenID provider by that it is us who ask."""
        found = self._find(OPENID_CLIENT_SECRET)
        if found is None:
            own = variable(OPENID_CLIENT_SECRET)
            where = f"{own}, {own}_FILE and {self.directory / OPENID_CLIENT_SECRET}"
            what = "what the OpenID provider knows us by is looked for in"
            raise ConfigurationError(f"secret {OPENID_CLIENT_SECRET} is missing: {what} {where}")
        return found

    def webhook_keys(self, name: str) -> tuple[bytes, ...]:
        """The keys of the secret ``name``, that sign what a webhook sends: several while one takes another's place."""
        found = self._find(name)
        if found is None:
            where = f"{variable(name)}, {variable(name)}_FILE and {self.directory / name}"
            raise ConfigurationError(f"secret {name} is missing: what signs a webhook is looked for in {where}")
        keys = tuple(_signing_key(word) for word in found.reveal().split(" "))
        if any(len(key) not in SIGNING_BYTES for key in keys):
            first, last = SIGNING_BYTES[0], SIGNING_BYTES[-1]
            raise ConfigurationError(f"secret {name} must be whsec_ and {first} to {last} bytes in Base64")
        return keys

    def sampling_key(self) -> bytes:
        """The key that chooses positions: 32 bytes, made and stored where there is none."""
        return self._key(SAMPLING_KEY)

    def stored_sampling_key(self) -> bytes | None:
        """The same for whoever only looks: None where there is none."""
        return self._stored_key(SAMPLING_KEY)

    def numbers_key(self) -> bytes:
        """The key under which numbers are hashed: 32 bytes, made and stored where there is none."""
        return self._key(NUMBERS_KEY)

    def audit_key(self) -> bytes:
        """The key that signs the chains of decisions: 32 bytes, made and stored where there is none."""
        return self._key(AUDIT_KEY)

    def stored_audit_key(self) -> bytes | None:
        """The same for whoever only looks: None where there is none."""
        return self._stored_key(AUDIT_KEY)

    def master_key(self, new: Callable[[], str]) -> Secret:
        """The age identity that wraps the key of each recording: made by ``new`` and stored where there is none."""
        found = self._identities(MASTER_KEY)
        if found is None:
            self._make(MASTER_KEY, new())
            found = self._identities(MASTER_KEY)
        if found is None:
            raise ConfigurationError(f"secret {MASTER_KEY} is gone from {self.directory} as soon as it was stored")
        return found

    def stored_master_key(self) -> Secret | None:
        """The same for whoever only looks: None where there is none."""
        return self._identities(MASTER_KEY)

    def former_master_key(self) -> Secret | None:
        """The identities that wrapped before it, while some keys are still wrapped by them; None mostly."""
        return self._identities(FORMER_MASTER_KEY)

    def problems(self, pbxs: Iterable[str], webhooks: Iterable[str] = (), *, openid: bool = False) -> tuple[str, ...]:
        """What is missing or refused, creating nothing; a key that can still be made is no problem.

        ``webhooks`` are the names of their secrets, ``openid`` whether people log in through a provider.
        """
        return tuple(dict.fromkeys(self._problems(pbxs, webhooks, openid)))

    def _problems(self, pbxs: Iterable[str], webhooks: Iterable[str], openid: bool) -> Iterator[str]:  # noqa: FBT001
        checks: list[Callable[[], object]] = [
            *(partial(self.ari_password, pbx) for pbx in pbxs),
            self.http_token,
            self.database_url,
            self.mqtt_password,
            *([self.openid_client_secret] if openid else []),
            *(partial(self.webhook_keys, name) for name in webhooks),
            self.stored_master_key,
            self.former_master_key,
            *(partial(self._stored_key, name) for name in (SAMPLING_KEY, NUMBERS_KEY, AUDIT_KEY)),
        ]
        for check in checks:
            try:
                check()
            except ConfigurationError as error:
                yield str(error)

    def _find(self, name: str) -> Secret | None:
        direct, named = variable(name), f"{variable(name)}_FILE"
        if direct in self.environ and named in self.environ:
            raise ConfigurationError(f"secret {name}: {direct} and {named} exclude each other")
        if direct in self.environ:
            return _checked(name, self.environ[direct], direct)
        if named in self.environ:
            found = _from_file(name, Path(self.environ[named]))
            if found is None:
                raise ConfigurationError(f"secret {name}: the file that {named} names does not exist")
            return found
        return _from_file(name, self.directory / name)

    def _stored_key(self, name: str) -> bytes | None:
        found = self._find(name)
        if found is None:
            return None
        if not _HEX.fullmatch(found.reveal()):
            raise ConfigurationError(f"secret {name} must be {KEY_BYTES} bytes in hexadecimal, {KEY_BYTES * 2} digits")
        return bytes.fromhex(found.reveal())

    def _identities(self, name: str) -> Secret | None:
        found = self._find(name)
        if found is not None and not _IDENTITIES.fullmatch(found.reveal()):
            raise ConfigurationError(f"secret {name} must be an identity of age, AGE-SECRET-KEY-1 and so on")
        return found

    def _key(self, name: str) -> bytes:
        key = self._stored_key(name)
        if key is not None:
            return key
        self._make(name, secrets.token_hex(KEY_BYTES))
        key = self._stored_key(name)
        if key is None:
            raise ConfigurationError(f"secret {name} is gone from {self.directory} as soon as it was stored")
        return key

    def _make(self, name: str, text: str) -> None:
        try:
            _create(self.directory, name, text)
        except OSError as error:
            message = f"secret {name} cannot be stored in {self.directory}: {error.strerror}"
            raise ConfigurationError(message) from None


def variable(name: str) -> str:
    """The environment variable of a secret."""
    return PREFIX + name.upper().replace("-", "_")


def misspelt(environ: Mapping[str, str], pbxs: Iterable[str], webhooks: Iterable[str] = ()) -> Iterator[Fault]:
    """A warning for each variable that begins like ours and is none; ``webhooks`` are the names of their secrets."""
    names = (*NAMES, *(f"{ARI_PASSWORD}-{pbx}" for pbx in pbxs), *webhooks)
    known = [variable(name) + ending for name in names for ending in ("", "_FILE")]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            # the common prefix would make anything resemble everything
            endings = [other.removeprefix(PREFIX) for other in known]
            meant = did_you_mean(name.removeprefix(PREFIX), endings).replace("mean ", f"mean {PREFIX}")
            message = f"is not a variable of recording-controller{meant}"
            yield Fault(file="environment", line=0, path=name if name.isprintable() else ascii(name), message=message)


def _signing_key(word: str) -> bytes:
    """The key in a word of a webhook's secret; empty where there is none."""
    try:
        return b64decode(word.removeprefix(_SIGNING), validate=True) if word.startswith(_SIGNING) else b""
    except ValueError:
        return b""


def _from_file(name: str, file: Path) -> Secret | None:
    """None where there is no such file."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it has no valid name"
        raise ConfigurationError(f"secret {name}: {file} cannot be read: {why}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise ConfigurationError(f"secret {name}: {file} is not a file")
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
        if mode & stat.S_IRWXO:
            shown = f"{stat.S_IMODE(mode):04o}"
            raise ConfigurationError(f"secret {name}: {file} is open to every user (mode {shown}); chmod 600 closes it")
        data = stream.read(_MOST_BYTES + 1)
    try:
        return _checked(name, data.decode(), str(file))
    except UnicodeDecodeError:
        raise ConfigurationError(f"secret {name}: {file} is not UTF-8") from None


def _checked(name: str, text: str, source: str) -> Secret:
    text = text.rstrip("\r\n")
    if not text:
        raise ConfigurationError(f"secret {name}: {source} is empty")
    if len(text) > _MOST_BYTES or not text.isprintable():
        raise ConfigurationError(f"secret {name}: {source} is not one line of text")
    return Secret(text)


def _create(directory: Path, name: str, text: str) -> None:
    """Store a new secret whole or not at all; one that another daemon stored meanwhile stays."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = directory / f".{name}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as stream:  # noqa: PTH123
            stream.write(f"{text}\n")
            stream.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, directory / name)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _sync(directory)


def _sync(directory: Path) -> None:
    """Make the name durable, not only the content."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
