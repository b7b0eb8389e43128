"""Two recordings of one call as one file: the customer left, the agent right.

Both are mono and of one rate, and begin at the same moment; whoever has them sees to that.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from controller.audio.pcm import SAMPLE_BYTES, PcmFormat, blocks
from controller.audio.wav import WavReader, exactly, wav_header
from controller.errors import AudioUnreadable


def interleaved(customer: Iterable[bytes], agent: Iterable[bytes]) -> Iterator[bytes]:
    """Give stereo PCM from two mono ones; the shorter one is silent from its end on."""
    sides = zip_longest(blocks(customer, SAMPLE_BYTES), blocks(agent, SAMPLE_BYTES), fillvalue=b"")
    for left, right in sides:
        size = max(len(left), len(right))
        both = array("h", bytes(2 * size))
        both[0::2] = array("h", left.ljust(size, b"\0"))
        both[1::2] = array("h", right.ljust(size, b"\0"))
        yield both.tobytes()


class StereoWav:
    """One WAV file of the two of a recording, as pieces, once; its header is right whatever theirs say.

    ``octets`` are the lengths of the two files. One that holds nothing that can be read is silent throughout. Raises
    AudioUnreadable: at once where they do not go together, at the end where there were fewer bytes than was said.
    """

    def __init__(self, customer: Iterable[bytes], agent: Iterable[bytes], *, octets: Sequence[int]) -> None:
        self._sides = (_side(customer, octets[0]), _side(agent, octets[1]))
        rates = {side.format.rate for side in self._sides if side.format is not None} or {PcmFormat().rate}
        if len(rates) > 1 or any(side.format is not None and side.format.channels > 1 for side in self._sides):
            raise AudioUnreadable("two sides of different rates, or one that is not mono")
        [self._rate] = rates
        self.partial = not all(side.whole for side in self._sides)
        """Whether the PBX did not finish a side, or never began it."""

    def __iter__(self) -> Iterator[bytes]:
        customer, agent = self._sides
        header = wav_header(max(customer.frames, agent.frames), self._rate, channels=2)
        return chain([header], interleaved(customer.samples, agent.samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One file: its samples and how many, and whether its header says so too. No format: it holds none."""

    samples: Iterable[bytes] = ()
    frames: int = 0
    format: PcmFormat | None = None
    whole: bool = False


def _side(pieces: Iterable[bytes], octets: int) -> _Side:
    try:
        reader = WavReader(pieces)
    except AudioUnreadable:
        return _Side()
    frames = reader.header.frames_in(octets)
    return _Side(
        samples=exactly(reader, frames * reader.format.frame_bytes),
        frames=frames,
        format=reader.format,
        whole=reader.header.fits(octets),
    )
