"""What comes in a body, and how a time goes out."""

from datetime import datetime

from aiohttp import web

from controller.errors import RegisterRefused


async def texts_of(request: web.Request) -> dict[str, str]:
    """The members of a JSON object, each of them text. Raises ``RegisterRefused``."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise RegisterRefused("the body must be a JSON object of texts")
    return body


def moment(time: datetime | None) -> str | None:
    """A time as JSON has it, to the millisecond."""
    return time.isoformat(timespec="milliseconds") if time else None
