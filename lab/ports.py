"""Free ports on loopback.

Owns the choice of ports for one lab. The ports lie below the kernel's own range, so that no outgoing
connection takes one between its choice and its use.
"""

import random
import socket
from dataclasses import dataclass

_FIRST, _LAST = 10_000, 15_999
_RTP_FIRST, _RTP_LAST = 16_384, 32_767
_RTP_WIDTH = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpRange:
    """UDP ports for the media of one Asterisk, both ends included."""

    start: int
    end: int


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, *addresses: str) -> int:
    """Return a port free on each of the addresses (127.0.0.1 where none is given)."""
    for port in random.sample(range(_FIRST, _LAST + 1), k=_LAST - _FIRST + 1):
        if all(_is_free(kind, address, port) for address in addresses or ("127.0.0.1",)):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def rtp_ranges(count: int) -> list[RtpRange]:
    """Return ranges that do not overlap; Asterisk itself passes over a port that is taken."""
    slots = range(_RTP_FIRST, _RTP_LAST - _RTP_WIDTH + 1, _RTP_WIDTH)
    return [RtpRange(start=start, end=start + _RTP_WIDTH - 1) for start in random.sample(slots, k=count)]


def _is_free(kind: socket.SocketKind, address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
