"""How much audio goes out to a channel, told from how many RTP packets it is sent.

Owns the looks at Asterisk's counts and what they mean. What comes of them is whoever's who looks.
"""

import asyncio
import math
from dataclasses import dataclass

from controller.ari.client import Ari

PACKET_TIMES_S = (0.01, 0.02, 0.03, 0.04, 0.06)
"""How much audio a packet may carry."""

SPARSE_S = 0.08
"""What comes more seldom is no audio: comfort noise, or what keeps a way through a firewall open."""

BETWEEN_LOOKS_S = 0.3
"""Twice so long, the same number of packets has to go out, before it is known how much each carries."""

PATIENCE_S = 3.0
"""How long that may take: where media went past Asterisk, it must first be led back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many packets had been sent at some moment from ``asked_at`` to ``answered_at``; seconds of one clock."""

    packets: int
    asked_at: float
    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """For how many seconds there was audio, and for how many at most there was none, since something began."""

    audio_s: float
    silent_s: float


def packet_time(first: Count, then: Count) -> float | None:
    """How much audio, in seconds, a packet carries that is sent at this rate; None where this is no audio."""
    packets, seconds = then.packets - first.packets, then.answered_at - first.answered_at
    if packets <= 0 or seconds <= 0 or seconds / packets > SPARSE_S:
        return None
    return min(PACKET_TIMES_S, key=lambda each: abs(math.log(each * packets / seconds)))


def sent_between(first: Count, then: Count, *, each_s: float) -> Sent:
    """What was sent from one count to another; as little as the slowness of the answers leaves possible."""
    audio = (then.packets - first.packets) * each_s
    return Sent(audio_s=audio, silent_s=then.answered_at - first.asked_at - audio)


class Sending:
    """What goes out to one channel. Every method raises as ``Ari.packets_sent``."""

    def __init__(self, ari: Ari, channel: str) -> None:
        self._ari = ari
        self._channel = channel
        self._each_s = PACKET_TIMES_S[-1]
        self._first = Count(packets=0, asked_at=0.0, answered_at=0.0)

    async def flows(self) -> bool:
        """Wait until audio goes out evenly, though not for long."""
        last, before = await self._count(), None
        give_up = last.answered_at + PATIENCE_S
        while last.answered_at < give_up:
            await asyncio.sleep(BETWEEN_LOOKS_S)
            count = await self._count()
            each = packet_time(last, count)
            if each is not None and each == before:
                self._each_s = each
                return True
            last, before = count, each
        return False

    async def begin(self) -> None:
        """Count from here."""
        self._first = await self._count()

    async def look(self) -> Sent:
        """What has been sent since ``begin``."""
        return sent_between(self._first, await self._count(), each_s=self._each_s)

    async def _count(self) -> Count:
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        packets = await self._ari.packets_sent(self._channel)
        return Count(packets=packets, asked_at=asked_at, answered_at=clock())
