"""RIFF/WAVE as Asterisk writes it: the samples of a file, and a right header for one that has a wrong one.

Asterisk writes the sizes of a file when it closes it. One that was killed leaves them at 0, and one that was killed
while it closed the file, or a disk that was full, leaves what does not fit the file. The samples are good all the same.

Owns headers. What the samples mean is not its business, nor where files are.
"""

import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from controller.audio.pcm import SAMPLE_BYTES, PcmFormat, blocks
from controller.errors import AudioUnreadable

HEADER_AT_MOST = 4096
"""Where the samples begin at the latest. Asterisk has them at 44; other programs may put chunks before them."""
WRITTEN_HEADER = 44
"""How long a header is that is written here."""

_PCM = 1
_UNKNOWN = 0xFFFFFFFF
_RIFF = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class WavHeader:
    """What a file says of itself: where its samples begin, how many bytes they take, where the file ends.

    ``data_bytes`` and ``riff_end`` may be anything.
    """

    format: PcmFormat
    data_at: int
    data_bytes: int
    riff_end: int

    @property
    def bounded(self) -> bool:
        """Whether other chunks follow the samples. Only then do they end before the file does."""
        # A byte may follow that makes the chunk even.
        return self.data_at + self.data_bytes + 1 < self.riff_end < _UNKNOWN

    def fits(self, total_bytes: int) -> bool:
        """Whether what it says is true of a file of that length."""
        there = total_bytes - self.data_at
        if self.data_bytes % self.format.frame_bytes or self.riff_end < self.data_at + self.data_bytes:
            return False
        return there >= self.data_bytes if self.bounded else there == self.data_bytes

    def frames_in(self, total_bytes: int) -> int:
        """Return how many whole frames there are in a file of that length, whatever it says."""
        there = max(total_bytes - self.data_at, 0)
        return (min(there, self.data_bytes) if self.bounded else there) // self.format.frame_bytes


def read_header(first_bytes: bytes) -> WavHeader:
    """Read the header out of the first ``HEADER_AT_MOST`` bytes of a file, or out of all of a shorter one.

    Raises AudioUnreadable for anything but PCM of 16 bit, and where the header is not there whole.
    """
    if len(first_bytes) < _RIFF.size:
        raise AudioUnreadable(f"cut within its header: {len(first_bytes)} bytes")
    riff, riff_size, wave = _RIFF.unpack_from(first_bytes)
    if (riff, wave) != (b"RIFF", b"WAVE"):
        raise AudioUnreadable("no RIFF/WAVE file")
    found: PcmFormat | None = None
    at = _RIFF.size
    while at + _CHUNK.size <= len(first_bytes):
        name, size = _CHUNK.unpack_from(first_bytes, at)
        at += _CHUNK.size
        if name == b"data":
            if found is None:
                raise AudioUnreadable("samples before their format")
            return WavHeader(format=found, data_at=at, data_bytes=size, riff_end=riff_size + 8)
        if name == b"fmt ":
            found = _format(first_bytes[at : at + size])
        at += size + size % 2
    raise AudioUnreadable(f"cut within its header, or no samples within {HEADER_AT_MOST} bytes")


def wav_header(frames: int, rate: int, channels: int) -> bytes:
    """Return the ``WRITTEN_HEADER`` bytes that go before so many frames; beyond 4 GiB the sizes say "unknown"."""
    form = PcmFormat(rate=rate, channels=channels)
    data_bytes = min(frames * form.frame_bytes, _UNKNOWN)
    return b"".join(
        [
            _RIFF.pack(b"RIFF", min(data_bytes + WRITTEN_HEADER - 8, _UNKNOWN), b"WAVE"),
            _CHUNK.pack(b"fmt ", _FORMAT.size),
            _FORMAT.pack(_PCM, channels, rate, rate * form.frame_bytes, form.frame_bytes, SAMPLE_BYTES * 8),
            _CHUNK.pack(b"data", data_bytes),
        ]
    )


class WavReader:
    """The samples of one file, once, in blocks of whole frames, from pieces of any size.

    Raises AudioUnreadable as ``read_header`` does, at once.
    """

    header: Final[WavHeader]

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        first = bytearray()
        while len(first) < HEADER_AT_MOST and (piece := next(self._pieces, None)) is not None:
            first += piece
        self.header = read_header(bytes(first[:HEADER_AT_MOST]))
        self._first = bytes(first[self.header.data_at :])
        self._seen = self.header.data_at

    @property
    def format(self) -> PcmFormat:
        """How the samples are to be read."""
        return self.header.format

    @property
    def rate(self) -> int:
        """Frames a second."""
        return self.format.rate

    @property
    def channels(self) -> int:
        """Samples a frame."""
        return self.format.channels

    @property
    def partial(self) -> bool:
        """Whether header and file do not fit: whoever wrote it did not finish. Known once all has been read."""
        return not self.header.fits(self._seen)

    def __iter__(self) -> Iterator[bytes]:
        return blocks(self._samples(), self.format.frame_bytes)

    def _samples(self) -> Iterator[bytes]:
        """Give the bytes of the samples, and count all that there are."""
        left = self.header.data_bytes if self.header.bounded else sys.maxsize
        for piece in chain([self._first], self._pieces):
            self._seen += len(piece)
            yield piece[:left]
            left = max(left - len(piece), 0)


def repaired(pieces: Iterable[bytes], total_bytes: int) -> Iterator[bytes]:
    """Give the file anew, with a header that fits: ``WRITTEN_HEADER`` bytes and the frames of ``frames_in``.

    ``total_bytes`` is the length of the whole broken file. Raises AudioUnreadable as ``read_header`` does, at once;
    and at the end where there was less than that.
    """
    reader = WavReader(pieces)
    frames = reader.header.frames_in(total_bytes)
    return chain(
        [wav_header(frames, reader.rate, reader.channels)], exactly(reader, frames * reader.format.frame_bytes)
    )


def exactly(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give so many bytes of the pieces. Raises AudioUnreadable at the end where there are fewer."""
    left = size
    for piece in pieces:
        yield piece[:left]
        left -= min(len(piece), left)
    if left:
        raise AudioUnreadable(f"{left} bytes shorter than was said")


def _format(chunk: bytes) -> PcmFormat:
    if len(chunk) < _FORMAT.size:
        raise AudioUnreadable("cut within its format")
    coding, channels, rate, _, _, bits = _FORMAT.unpack_from(chunk)
    if (coding, bits) != (_PCM, SAMPLE_BYTES * 8) or not channels or not rate:
        raise AudioUnreadable(f"not PCM of 16 bit: coding {coding}, {bits} bit, {channels} channels, {rate} Hz")
    return PcmFormat(rate=rate, channels=channels)
