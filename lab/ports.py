"""Free ports on loopback.

Owns the choice of ports for one lab. The ports lie below the kernel's own range, so that no outgoing
connection takes one between its choice and its use. Nor does another lab: a process claims its ports by the block.
"""

import atexit
import random
import socket
from dataclasses import dataclass

_FIRST, _LAST = 10_000, 15_999
_BLOCK = 100
_RTP_FIRST, _RTP_LAST = 16_384, 32_767
_RTP_WIDTH = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpRange:
    """UDP ports for the media of one Asterisk, both ends included."""

    start: int
    end: int


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, *addresses: str) -> int:
    """Return a port free on each of the addresses (127.0.0.1 where none is given).

    No other process is given it while this one lives, and this one is given it again last of all. Raises OSError where
    there is none.
    """
    for _ in range(_FIRST, _LAST + 1):
        port = _claimed.pop(0) if _claimed else _claim()
        _given.append(port)
        if all(_is_free(kind, address, port) for address in addresses or ("127.0.0.1",)):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def rtp_ranges(count: int) -> list[RtpRange]:
    """Return ranges that do not overlap; Asterisk itself passes over a port that is taken."""
    slots = range(_RTP_FIRST, _RTP_LAST - _RTP_WIDTH + 1, _RTP_WIDTH)
    return [RtpRange(start=start, end=start + _RTP_WIDTH - 1) for start in random.sample(slots, k=count)]


_claimed: list[int] = []
_given: list[int] = []


def _claim() -> int:
    """Claim another block; where there is none, begin again with what was given before. Return the first port of it."""
    for first in random.sample(range(_FIRST, _LAST + 1, _BLOCK), k=(_LAST + 1 - _FIRST) // _BLOCK):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0recording-controller-lab-ports-{first}")  # a name that goes when its process does
        except OSError:
            claim.close()
            continue
        atexit.register(claim.close)
        _claimed.extend(random.sample(range(first, first + _BLOCK), k=_BLOCK))
        return _claimed.pop(0)
    if not _given:
        raise OSError("other processes have claimed every port")
    _claimed.extend(_given)
    _given.clear()
    return _claimed.pop(0)


def _is_free(kind: socket.SocketKind, address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
