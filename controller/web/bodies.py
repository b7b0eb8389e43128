"""What comes in a body or a query, how long it may take to come, and how a time goes out."""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from aiohttp import web
from aiohttp.http import HttpProcessingError

from controller.custody.finding import MOST, USUAL
from controller.domain.names import CallId
from controller.errors import RegisterRefused
from controller.faults import Code, Fault

_DAY: Final = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET: Final = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
MOMENT: Final = f"^{_DAY}({_TIME}{_OFFSET}?)?$"
"""How a time is written: a day alone is its beginning, and one without an offset is in UTC."""
OFFSET_MOMENT: Final = f"^{_DAY}{_TIME}{_OFFSET}$"
AND: Final = "~"
"""Between a time and an id: nothing that an address has another meaning for."""
MOMENT_AND_ID: Final = rf"^{_DAY}({_TIME}{_OFFSET}?)?({AND}[^\u0000]*)?$"
UUID_TEXT: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_CALL_ID: Final = re.compile(UUID_TEXT.strip("^$"))
_MOMENT: Final = re.compile(MOMENT.strip("^$"))
_OFFSET_MOMENT: Final = re.compile(OFFSET_MOMENT.strip("^$"))

BODY_WITHIN_S: Final = 5.0
"""Most bodies have some words: whoever takes longer holds a connection, and nothing else."""
SLOWEST: Final = 64 * 1024
"""How many bytes of a long one have come by each second after that: no slower line is waited for."""
MOST_NOTICE_BYTES: Final = 1024 * 1024
"""The longest list of notices: some twenty thousand agents."""
MOST_DOCUMENT_BYTES: Final = 32 * 1024 * 1024
MOST_COMING: Final = 8
"""Long bodies that come at the same time: each is in memory whole."""
LONGEST: Final = {"POST /notices": MOST_NOTICE_BYTES, "POST /documents": MOST_DOCUMENT_BYTES}
"""The longest body of requests that take a longer one than others do, in bytes."""
_WHOLE: Final = web.RequestKey("whole", bytes)
_coming: Final[set[object]] = set()
T = TypeVar("T")


class BodyTooSlow(web.HTTPRequestTimeout):
    """It did not come in time."""


class BodyUnreadable(web.HTTPBadRequest):
    """It is not compressed as it says."""


async def in_time(reading: Awaitable[T]) -> T:
    """What is read of a body that has some words. Raises ``BodyTooSlow``, ``BodyUnreadable``."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await reading
    except TimeoutError:
        raise BodyTooSlow from None
    except web.RequestPayloadError:
        raise BodyUnreadable from None


async def whole(request: web.Request, most: int) -> bytes:
    """A long body, read once; at most so many bytes of it. It may take the longer, the more of it has come.

    Raises ``HTTPRequestEntityTooLarge``, ``BodyTooSlow``, ``BodyUnreadable``; ``HTTPServiceUnavailable`` where too
    many come.
    """
    if _WHOLE in request:
        return request[_WHOLE]
    if len(_coming) >= MOST_COMING:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
    this = object()
    _coming.add(this)
    try:
        request[_WHOLE] = await _long(request, most)
    finally:
        _coming.discard(this)
    return request[_WHOLE]


async def _long(request: web.Request, most: int) -> bytes:
    body = bytearray()
    until = asyncio.get_running_loop().time() + BODY_WITHIN_S
    try:
        async with asyncio.timeout_at(until) as limit:
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > most:
                    raise web.HTTPRequestEntityTooLarge(most)
                limit.reschedule(until + len(body) / SLOWEST)
    except TimeoutError:
        raise BodyTooSlow from None
    except web.RequestPayloadError:
        raise BodyUnreadable from None
    return bytes(body)


async def object_of(request: web.Request) -> dict[str, Any]:
    """A JSON object. Raises ``RegisterRefused``."""
    try:
        body = await request.json()
    except (ValueError, RecursionError, LookupError):  # LookupError: a charset that nobody knows
        body = None
    if not isinstance(body, dict):
        raise RegisterRefused("the body must be a JSON object")
    if not storable(body):
        raise RegisterRefused("the body must hold no NUL, and no half of a character")
    return body


async def form_of(request: web.Request) -> Mapping[str, Any]:
    """What stands in a form, of whatever kind browsers send; it is read once. Raises ``RegisterRefused``."""
    try:
        form = await in_time(request.post())
    # all that aiohttp and the codecs of Python say of a form that is none, or that is written as nobody knows
    except (ValueError, LookupError, RuntimeError, HttpProcessingError, BodyUnreadable):
        raise RegisterRefused("the body must be a form") from None
    if not storable(list(form.values())):
        raise RegisterRefused("the form must hold no NUL, and no half of a character")
    return form


def storable(value: object) -> bool:
    """Whether PostgreSQL can hold all the text in a JSON value."""
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
        case dict():
            return all(storable(one) for pair in value.items() for one in pair)
        case list():
            return all(map(storable, value))
        case _:
            return True


async def texts_of(
    request: web.Request, *, required: AbstractSet[str] = frozenset(), optional: AbstractSet[str] | None = None
) -> dict[str, str]:
    """The members of a JSON object, each of them text; any at all where neither is said. Raises ``RegisterRefused``."""
    body = await object_of(request)
    allowed = None if not required and optional is None else required | (optional or frozenset())
    named = required <= set(body) and (allowed is None or set(body) <= allowed)
    if not named or not all(isinstance(value, str) for value in body.values()):
        members = ", ".join([*sorted(required), *sorted(optional or ())])
        raise RegisterRefused(f"the body must be a JSON object of texts{f': {members}' if members else ''}")
    return body


def call_id_of(text: str) -> CallId:
    """The id of a call. Raises ``RegisterRefused``."""
    if not _CALL_ID.fullmatch(text):
        raise RegisterRefused(Fault(Code.NO_CALL_ID, "must be the id of a call (RC_CALL)", of="call"))
    return CallId(text.lower())


def moment_of(name: str, text: str) -> datetime:
    """A time, in UTC unless it has an offset. Raises ``RegisterRefused``."""
    try:
        time = datetime.fromisoformat(_matched(_MOMENT, text))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        words = "must be a time of the years 1000 to 2999, such as 2026-11-24T00:00:00+00:00"
        raise RegisterRefused(Fault(Code.NO_TIME, words, of=name)) from None


def offset_moment_of(name: str, text: str) -> datetime:
    """A time that has its offset, in UTC. Raises ``RegisterRefused``."""
    try:  # as it is read back, which nothing beyond the year 9999 can be
        return datetime.fromisoformat(_matched(_OFFSET_MOMENT, text)).astimezone(UTC)
    except (ValueError, OverflowError):
        words = "must be a time of the years 1000 to 2999 with its offset, such as 2027-11-24T00:00:00+00:00"
        raise RegisterRefused(Fault(Code.NO_TIME, words, of=name)) from None


def _matched(pattern: re.Pattern[str], text: str) -> str:
    """The text. Raises ``ValueError`` where it is not written so."""
    if not pattern.fullmatch(text):
        raise ValueError(pattern.pattern)
    return text


def limit_of(text: str | None) -> int:
    """How many there are on a page. Raises ``RegisterRefused``."""
    if text is None:
        return USUAL
    if not re.fullmatch("[1-9][0-9]{0,2}", text) or int(text) > MOST:
        raise RegisterRefused(f"limit: must be a whole number from 1 to {MOST}")
    return int(text)


def moment(time: datetime | None) -> str | None:
    """A time as JSON has it, to the millisecond."""
    return time.isoformat(timespec="milliseconds") if time else None
