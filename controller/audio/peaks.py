"""How loud a recording is along its time, as few numbers that a player draws: its waveform.

In one pass, of a length that nobody knows before. Peaks are taken of short windows; whenever there are too many,
neighbours are put together and windows are twice as long from then on. So there are always between four and eight
windows for each bucket, which a bucket at last takes the highest of.

A peak is 0 to 127, of a sample its high byte without the sign, so that whole blocks are turned into loudness by
``bytes.translate`` rather than sample by sample.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from controller.audio.pcm import SAMPLE_BYTES, PcmFormat, blocks

BUCKETS = 800
"""How many peaks a player gets, unless it asks for another number."""
LOUDEST = 127

_FIRST_WINDOW = 16
_WINDOWS_A_BUCKET = 8
# Of a negative sample the high byte is the complement: -1 is as silent as 0, and -32768 as loud as 32767.
_LOUDNESS = bytes(min(high, 255 - high) for high in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """A waveform: for each channel the peak of each bucket, 0 to ``LOUDEST``; buckets are equal shares of the time."""

    channels: tuple[tuple[int, ...], ...]
    duration_ms: int


@dataclass(slots=True, kw_only=True)
class _Channel:
    """The windows of one channel: their length in frames, their peaks, and the loudness of what is no window yet."""

    most: int
    window: int = _FIRST_WINDOW
    peaks: bytearray = field(default_factory=bytearray)
    rest: bytes = b""

    def add(self, loudness: bytes) -> None:
        waiting = self.rest + loudness
        done = 0
        while done + self.window <= len(waiting):
            self.peaks.append(max(waiting[done : done + self.window]))
            done += self.window
            if len(self.peaks) == self.most:
                self.peaks = bytearray(map(max, self.peaks[0::2], self.peaks[1::2]))
                self.window *= 2
        self.rest = waiting[done:]

    def buckets(self, edges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Return the peak from one frame to another, each time; windows that lie there in part count."""
        peaks = self.peaks + bytes([max(self.rest)]) if self.rest else self.peaks
        return tuple(max(peaks[begin // self.window : -(-end // self.window)], default=0) for begin, end in edges)


class PeakMeter:
    """Takes in PCM, tells its peaks. ``buckets``: how many of them each channel gets."""

    def __init__(self, form: PcmFormat, buckets: int = BUCKETS) -> None:
        self._form = form
        self._buckets = buckets
        self._frames = 0
        self._channels = [_Channel(most=buckets * _WINDOWS_A_BUCKET) for _ in range(form.channels)]

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass PCM on, in blocks, and take it in."""
        step = self._form.frame_bytes
        for block in blocks(pieces, step):
            for number, channel in enumerate(self._channels):
                channel.add(block[number * SAMPLE_BYTES + 1 :: step].translate(_LOUDNESS))
            self._frames += len(block) // step
            yield block

    def peaks(self) -> Peaks:
        """Tell the peaks of what has been taken in until now."""
        borders = [self._frames * bucket // self._buckets for bucket in range(self._buckets + 1)]
        # Of audio with fewer frames than buckets, each bucket has the frame it lies in.
        edges = [(begin, max(end, begin + 1)) for begin, end in pairwise(borders)]
        return Peaks(
            channels=tuple(channel.buckets(edges) for channel in self._channels),
            duration_ms=self._form.milliseconds(self._frames),
        )


def peaks_of(pieces: Iterable[bytes], form: PcmFormat, buckets: int = BUCKETS) -> Peaks:
    """Return the peaks of PCM that is wanted for nothing else."""
    meter = PeakMeter(form, buckets)
    for _ in meter.watch(pieces):
        pass
    return meter.peaks()
