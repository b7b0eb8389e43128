"""What AGI() says before anything else: the environment lines, read into an AgiRequest.

Pure: no sockets, no clock. Owns no meaning: which paths exist and what a query says is the caller's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from types import MappingProxyType
from urllib.parse import SplitResult, unquote, urlsplit

from controller.errors import AgiProtocolError

_UNKNOWN = ("", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiRequest:
    """One AGI() in a dialplan: what it asks for, and for which channel.

    `path` and `query` come from the URL, percent-decoded; a `+` stays a `+`, as in a telephone number.
    `caller_number` and `dialled_number` are None where Asterisk says `unknown`.
    """

    path: str
    query: Mapping[str, str]
    channel_id: str
    channel_name: str
    language: str
    caller_number: str | None
    dialled_number: str | None
    context: str
    extension: str
    arguments: tuple[str, ...]


def parse_request(lines: Iterable[str]) -> AgiRequest:
    """Read the environment, without the empty line that ends it.

    Raises AgiProtocolError; its text never quotes what the peer sent.
    """
    variables = _variables(lines)
    url = _url(_required(variables, "agi_request"))
    return AgiRequest(
        path=unquote(url.path) or "/",
        query=MappingProxyType(_query(url.query)),
        channel_id=_required(variables, "agi_uniqueid"),
        channel_name=_required(variables, "agi_channel"),
        language=variables.get("agi_language", ""),
        caller_number=_known(variables.get("agi_callerid", "")),
        dialled_number=_known(variables.get("agi_dnid", "")),
        context=variables.get("agi_context", ""),
        extension=variables.get("agi_extension", ""),
        arguments=tuple(
            variables[name] for name in takewhile(variables.__contains__, (f"agi_arg_{n}" for n in count(1)))
        ),
    )


def _variables(lines: Iterable[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if "\0" in line:
            raise AgiProtocolError("an environment line has a NUL")
        if not colon or not name.startswith("agi_"):
            raise AgiProtocolError("an environment line is not 'agi_name: value'")
        if name in variables:
            raise AgiProtocolError("an environment line came twice")
        variables[name] = value.removeprefix(" ")
    return variables


def _required(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name, "")
    if not value:
        raise AgiProtocolError(f"the environment has no {name}")
    return value


def _known(value: str) -> str | None:
    return None if value in _UNKNOWN else value


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
    except ValueError as error:
        raise AgiProtocolError("agi_request is not a URL") from error
    if url.scheme not in ("agi", "hagi"):
        raise AgiProtocolError("agi_request is not an agi:// URL")
    return url


def _query(text: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = map(unquote, pair.partition("="))
        if "\0" in name + value:  # which no Asterisk sends, and no database keeps
            raise AgiProtocolError("a query parameter has a NUL")
        if name in query:
            raise AgiProtocolError("a query parameter came twice")
        query[name] = value
    return query
