"""Kinds of text that the file holds, each with its pattern, and what is said of text that is not of that kind."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from controller.config.period import parse_period

NAME = r"^[a-z][a-z0-9-]{0,39}$"
LANGUAGE = r"^[a-z]{2,3}(_[A-Za-z0-9]+)*$"
CHANNEL = r"^[A-Za-z0-9]+/[^\s,&|]+$"
SOUND = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"
KEY = r"^[0-9*#]$"
SEQUENCE = r"^[0-9A-D*#]{1,4}$"
FOLDER = r"^/"
WORD = r"^[A-Za-z0-9_.-]{1,79}$"
GLOB = r"^[^\s,&|]{1,80}$"

SAID = {
    NAME: "must be small letters, digits and hyphens, a letter first, at most 40",
    LANGUAGE: "must be a language as Asterisk names it, such as fr or en_GB",
    CHANNEL: "must be a channel such as PJSIP/201, or a pattern such as PJSIP/2*",
    SOUND: "must be the name of a sound without its ending, such as recording-controller/quality",
    KEY: 'must be one key of a telephone in quotes: "0" to "9", "*" or "#"',
    SEQUENCE: 'must be one to four keys in quotes, such as "*7"',
    FOLDER: "must be an absolute path",
    WORD: "must be letters, digits, dots, hyphens and underscores",
    GLOB: "must be a name, or a pattern such as sales-*",
}

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


def network(text: str) -> IPv4Network | IPv6Network:
    """An IP address or network. Raises ``ValueError`` with the message for the reader."""
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError("must be an IP address or a network such as 192.0.2.0/24") from None
    if found.prefixlen == 0:
        raise ValueError("would let in every address; FastAGI has no password")
    return found


def _network_text(text: str) -> str:
    network(text)
    return text


def _host(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text):
            raise ValueError("must be an IP address or a host name") from None
    return text


def _ari_url(text: str) -> str:
    message = "must be a URL such as http://127.0.0.1:8088/ari"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(message) from None
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a user or a password: ari.username and the secret ari-password do")
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0 or url.query or url.fragment:
        raise ValueError(message)
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


def _period(text: str) -> str:
    parse_period(text)
    return text


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
Network = Annotated[str, AfterValidator(_network_text)]
Host = Annotated[str, AfterValidator(_host)]
AriUrl = Annotated[str, AfterValidator(_ari_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url_without_password)]
Retention = Annotated[str, AfterValidator(_period)]
Port = Annotated[int, Field(ge=1, le=65535)]
Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Floor = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
