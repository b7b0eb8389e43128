"""What comes in a body or a query, and how a time goes out."""

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from controller.domain.names import CallId
from controller.errors import RegisterRefused


async def object_of(request: web.Request) -> dict[str, Any]:
    """A JSON object. Raises ``RegisterRefused``."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RegisterRefused("the body must be a JSON object")
    return body


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
    try:
        return CallId(str(UUID(text)))
    except ValueError:
        raise RegisterRefused("call: must be the id of a call (RC_CALL)") from None


def moment_of(name: str, text: str) -> datetime:
    """A time, in UTC unless it has an offset. Raises ``RegisterRefused``."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RegisterRefused(f"{name}: must be a time such as 2026-11-24T00:00:00+00:00") from None


def moment(time: datetime | None) -> str | None:
    """A time as JSON has it, to the millisecond."""
    return time.isoformat(timespec="milliseconds") if time else None
