"""Where time and new identifiers come from, so that nothing else asks the system."""

import secrets
import uuid
from datetime import UTC, date, datetime

from controller.domain.names import CallId, Token


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The day where this machine is: the one that people write down."""
    return datetime.now(UTC).astimezone().date()


def new_token(about: str) -> Token:
    """A token that nothing else has."""
    return Token(f"{about}:{secrets.token_hex(16)}")


def new_keeper() -> str:
    """What tells the tokens of one keeper of a call from those of all others."""
    return secrets.token_hex(4)


def new_call_id() -> CallId:
    """Its order is the order of the calls."""
    return CallId(new_id())


def new_id() -> str:
    """A UUIDv7 (RFC 9562): what is made later has a greater one."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))
