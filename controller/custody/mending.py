"""A file as it is stored: as the PBX wrote it, or with a header that fits where the PBX did not finish it.

What is no recording that can be read is stored as it is: nothing is lost for not being understood.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from controller.audio.wav import HEADER_AT_MOST, read_header, repaired
from controller.errors import AudioUnreadable


class Mended:
    """A file of ``octets`` bytes, as pieces. Raises ``AudioUnreadable`` where there are fewer."""

    def __init__(self, pieces: Iterable[bytes], octets: int) -> None:
        self._pieces = iter(pieces)
        self._octets = octets
        self.partial = False
        """Whether the PBX did not finish it. Known from the first piece on."""

    def __iter__(self) -> Iterator[bytes]:
        first = bytearray()
        while len(first) < HEADER_AT_MOST and (piece := next(self._pieces, None)) is not None:
            first += piece
        whole = chain([bytes(first)], self._pieces)
        try:
            fits = read_header(bytes(first[:HEADER_AT_MOST])).fits(self._octets)
        except AudioUnreadable:
            self.partial = True
            yield from whole
            return
        self.partial = not fits
        yield from whole if fits else repaired(whole, self._octets)
