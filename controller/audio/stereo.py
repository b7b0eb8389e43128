"""Two recordings of one call as one file: the customer left, the agent right.

Both are mono and of one rate, and begin at the same moment; whoever has them sees to that.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from controller.audio.pcm import SAMPLE_BYTES, blocks


def interleaved(customer: Iterable[bytes], agent: Iterable[bytes]) -> Iterator[bytes]:
    """Give stereo PCM from two mono ones; the shorter one is silent from its end on."""
    sides = zip_longest(blocks(customer, SAMPLE_BYTES), blocks(agent, SAMPLE_BYTES), fillvalue=b"")
    for left, right in sides:
        size = max(len(left), len(right))
        both = array("h", bytes(2 * size))
        both[0::2] = array("h", left.ljust(size, b"\0"))
        both[1::2] = array("h", right.ljust(size, b"\0"))
        yield both.tobytes()
