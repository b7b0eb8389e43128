"""PCM as pieces of bytes: 16 bit little-endian samples, the channels of a frame side by side.

Owns the format, what milliseconds are in frames, and how pieces of any size become blocks. Knows no file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SAMPLE_BYTES = 2
BLOCK_FRAMES = 1 << 15
"""How much is worked on at once: 4 s of a telephone, few enough bytes for any cache, and few turns of Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PcmFormat:
    """How PCM is to be read: frames a second, and samples a frame. Asterisk's ``wav`` by default."""

    rate: int = 8000
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """How many bytes one frame takes."""
        return self.channels * SAMPLE_BYTES

    def frames(self, milliseconds: int) -> int:
        """Return how many whole frames there are in so much time."""
        return milliseconds * self.rate // 1000

    def milliseconds(self, frames: int) -> int:
        """Return how long frames last, rounded up, so that this position is never before their end."""
        return -(-frames * 1000 // self.rate)


def blocks(pieces: Iterable[bytes], frame_bytes: int) -> Iterator[bytes]:
    """Give ``BLOCK_FRAMES`` at a time, and the rest. What is less than a frame at the very end is left out."""
    size = BLOCK_FRAMES * frame_bytes
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if whole := len(waiting) // frame_bytes * frame_bytes:
        yield bytes(waiting[:whole])
