"""Kinds of text that the file holds, each with its pattern, and what is said of text that is not of that kind."""

import re
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

from controller.config.period import parse_accesses, parse_duration, parse_memory, parse_period
from controller.numbers import is_country

NAME = r"^[a-z][a-z0-9-]{0,39}$"
LANGUAGE = r"^[a-z]{2,3}(_[A-Za-z0-9]+)*$"
CHANNEL = r"^[A-Za-z0-9]+/[^\s,&|]+$"
SOUND = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"
KEY = r"^[0-9*#]$"
SEQUENCE = r"^[*#][0-9A-D*#]{1,3}$"
FOLDER = r"^/"
WORD = r"^[A-Za-z0-9_.-]{1,79}$"
GLOB = r"^[^\s,&|]{1,80}$"
NUMBER = r"^\+?[0-9]{2,15}$"
NUMBERS = r"^\+?[0-9*?\[\]!-]{1,40}$"
CLIENT = r"^[!-~]([ -~]{0,253}[!-~])?$"
CLAIM = r"^[!#-\[\]-~]{1,79}$"
OPTION = r"^[a-z][a-z0-9_]{0,59}$"
WEBHOOK_SECRET = r"^webhook-[a-z0-9-]{0,59}[a-z0-9]$"  # noqa: S105 - a pattern
TOPIC = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"

SAID = {
    NAME: "must be small letters, digits and hyphens, a letter first, at most 40",
    LANGUAGE: "must be a language as Asterisk names it, such as fr or en_GB",
    CHANNEL: "must be a channel such as PJSIP/201, or a pattern such as PJSIP/2*",
    SOUND: "must be the name of a sound without its ending, such as recording-controller/quality",
    KEY: 'must be one key of a telephone in quotes: "0" to "9", "*" or "#"',
    SEQUENCE: (
        'must be two to four keys in quotes, * or # first, such as "*7": digits alone may be those of a card that an'
        " agent types (PCI DSS 3.3.1)"
    ),
    FOLDER: "must be an absolute path",
    WORD: "must be letters, digits, dots, hyphens and underscores",
    GLOB: "must be a name, or a pattern such as sales-*",
    NUMBER: 'must be a number in digits and in quotes, such as "112"',
    NUMBERS: 'must be a number in digits and in quotes, such as "+33199000020", or a pattern such as "+331990000*"',
    CLIENT: "must be up to 255 letters, digits and signs of ASCII",
    CLAIM: "must be one word of ASCII, without quotes and backslashes",
    OPTION: "must be the name of an option in small letters, such as endpoint",
    WEBHOOK_SECRET: "must be the name of a secret that begins with webhook-, in small letters, digits and hyphens",
    TOPIC: "must be a topic without wildcards, such as recording-controller or site/recording-controller",
}

NO_REPRESENTATIVES = "no-representatives"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")

_PORTS = {"http": 80, "https": 443}
_HTTP = frozenset(_PORTS)


def network(text: str) -> IPv4Network | IPv6Network:
    """An IP address or network. Raises ``ValueError`` with the message for the reader."""
    return _network(text, everywhere="would let in every address; FastAGI has no password")


def proxy_network(text: str) -> IPv4Network | IPv6Network:
    """The same, of proxies. Raises ``ValueError`` with the message for the reader."""
    return _network(text, everywhere="would believe everybody in who they say they are")


def _network(text: str, *, everywhere: str) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError("must be an IP address or a network such as 192.0.2.0/24") from None
    if found.prefixlen == 0:
        raise ValueError(everywhere)
    return found


def _host(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text):
            raise ValueError("must be an IP address or a host name") from None
    return text


def _country(text: str) -> str:
    if not is_country(text):
        raise ValueError("must be the ISO 3166 code of a country, such as FR")
    return text


def _url(text: str, *, schemes: frozenset[str], example: str, instead: str, query: bool = False) -> SplitResult:
    """A URL in its parts; ``instead`` says what does what a password in it would, ``query`` whether it may have one."""
    message = f"must be a URL such as {example}"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(message) from None
    if url.username is not None or url.password is not None:
        raise ValueError(f"must not hold a user or a password: {instead}")
    if url.scheme not in schemes or not url.hostname or port == 0 or (url.query and not query) or url.fragment:
        raise ValueError(message)
    return url


def _named_apart(section: str) -> str:
    return f"{section}.username and the secret {section}-password do"


def _ari_url(text: str) -> SplitResult:
    return _url(text, schemes=_HTTP, example="http://127.0.0.1:8088/ari", instead=_named_apart("ari"))


def mqtt_url(text: str) -> SplitResult:
    """The URL of a broker, in its parts. Raises ``ValueError`` with the message for the reader."""
    example = "mqtt://127.0.0.1:1883"
    url = _url(text, schemes=frozenset({"mqtt", "mqtts"}), example=example, instead=_named_apart("mqtt"))
    if url.path.strip("/"):
        raise ValueError(f"must be a URL such as {example}: the topic is mqtt.topic")
    return url


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _webhook_url(text: str) -> SplitResult:
    example = "https://crm.example/recordings"
    url = _url(text, schemes=_HTTP, example=example, instead="what is sent is signed", query=True)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("must be https, but for a receiver on this machine")
    return url


def _https(text: str, *, example: str, instead: str) -> SplitResult:
    """An address of https without a query, or one of http on this machine."""
    url = _url(text, schemes=_HTTP, example=example, instead=instead)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("must be https, but on this machine")
    return url


def _issuer(text: str) -> SplitResult:
    instead = "http.openid_connect.client_id and the secret openid-client-secret do"
    return _https(text, example="https://login.example/realms/company", instead=instead)


def _site(text: str) -> SplitResult:
    example = "https://recordings.example"
    url = _https(text, example=example, instead="it is shown to everybody")
    if url.path.strip("/"):
        raise ValueError(f"must be an address without a path, such as {example}")
    return url


def _origin(text: str) -> None:
    """Where pages come from, as browsers write it: they compare it letter by letter (RFC 6454, 6.1)."""
    example = "https://crm.example.com"
    url = _url(text, schemes=_HTTP, example=example, instead="it says where pages come from")
    host = url.hostname or ""
    if not _HOST.fullmatch(host):
        raise ValueError("must name a host: a browser allows no other address (CSP, frame-ancestors)")
    port = "" if url.port in {None, _PORTS[url.scheme]} else f":{url.port}"
    if text != f"{url.scheme}://{host}{port}":
        raise ValueError(f"must be an origin such as {example}: in small letters, without path and usual port")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError("must be https, but for pages of this machine: they are handed what lets them in")


STORES = frozenset({"file", "s3", "gs", "az"})


def _store_url(text: str) -> str:
    try:
        url = urlsplit(text)
    except ValueError:
        url = urlsplit("")
    if url.scheme == "file" and (url.netloc or not url.path.startswith("/")):
        raise ValueError("must be an absolute path after file://, such as file:///srv/recordings")
    if url.scheme not in STORES or (url.scheme != "file" and not url.netloc) or url.query or url.fragment:
        raise ValueError("must be a URL such as file:///srv/recordings or s3://bucket/recordings")
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user or a password: credentials come from the environment")
    return text


def database_url(text: str) -> str:
    """A URL of PostgreSQL. Raises ``ValueError`` with a message that does not repeat it."""
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"postgresql", "postgresql+psycopg"}:
        raise ValueError("must be a URL such as postgresql://user@host/database")
    return text


def _database_url_without_password(text: str) -> str:
    url = urlsplit(database_url(text))
    if url.password is not None or "password=" in url.query.lower():
        raise ValueError("must not hold a password: put the whole URL into the secret database-url")
    return text


def day(text: str) -> date:
    """A day of the calendar. Raises ``ValueError`` with the message for the reader."""
    try:
        # fromisoformat takes other forms too
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise ValueError("must be a day such as 2026-01-31") from None


def consultation(text: str) -> date | None:
    """When the staff's representatives were consulted; None where there are none. Raises ``ValueError``."""
    if text == NO_REPRESENTATIVES:
        return None
    try:
        return day(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {NO_REPRESENTATIVES}") from None


def _read_by(reader: Callable[[str], object]) -> AfterValidator:
    """Text that a function can read; it stays as it is written."""

    def checked(text: str) -> str:
        reader(text)
        return text

    return AfterValidator(checked)


Name = Annotated[str, Field(pattern=NAME)]
Language = Annotated[str, Field(pattern=LANGUAGE)]
Channel = Annotated[str, Field(pattern=CHANNEL)]
Sound = Annotated[str, Field(pattern=SOUND)]
Key = Annotated[str, Field(pattern=KEY)]
Sequence = Annotated[str, Field(pattern=SEQUENCE)]
Folder = Annotated[str, Field(pattern=FOLDER)]
Word = Annotated[str, Field(pattern=WORD)]
Glob = Annotated[str, Field(pattern=GLOB)]
Spoken = Annotated[str, Field(min_length=1)]
Network = Annotated[str, _read_by(network)]
ProxyNetwork = Annotated[str, _read_by(proxy_network)]
Host = Annotated[str, AfterValidator(_host)]
Number = Annotated[str, Field(pattern=NUMBER)]
Numbers = Annotated[str, Field(pattern=NUMBERS)]
Topic = Annotated[str, Field(pattern=TOPIC)]
Country = Annotated[str, AfterValidator(_country)]
MqttUrl = Annotated[str, _read_by(mqtt_url)]
WebhookUrl = Annotated[str, _read_by(_webhook_url)]
Site = Annotated[str, _read_by(_site)]
WebhookSecret = Annotated[str, Field(pattern=WEBHOOK_SECRET)]
AriUrl = Annotated[str, _read_by(_ari_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Issuer = Annotated[str, _read_by(_issuer)]
Origin = Annotated[str, _read_by(_origin)]
Client = Annotated[str, Field(pattern=CLIENT)]
Claim = Annotated[str, Field(pattern=CLAIM)]
Option = Annotated[str, Field(pattern=OPTION)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url_without_password)]
Retention = Annotated[str, _read_by(parse_period)]
Memory = Annotated[str, _read_by(parse_memory)]
Accesses = Annotated[str, _read_by(parse_accesses)]
Duration = Annotated[str, _read_by(parse_duration)]
Day = Annotated[str, _read_by(day)]
Consultation = Annotated[str, _read_by(consultation)]
Port = Annotated[int, Field(ge=1, le=65535)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Floor = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
