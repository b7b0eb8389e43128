"""Where time and new identifiers come from, so that nothing else asks the system."""

import secrets
import uuid
from datetime import UTC, datetime

from controller.domain.names import CallId


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def new_call_id() -> CallId:
    """A UUIDv7 (RFC 9562): its order is the order of the calls."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return CallId(str(uuid.UUID(int=number)))
