"""Seals and opens recordings, piece by piece, in the age format. For threads, not for the loop."""

from collections.abc import Iterable, Iterator

import pyrage
from pyrage.x25519 import Identity

from controller.errors import SealBroken
from controller.store.pump import Readable, Writable, pumped


def sealed(pieces: Iterable[bytes], key: Identity) -> Iterator[bytes]:
    """``pieces`` as only ``key`` opens them."""

    def work(reader: Readable, writer: Writable) -> None:
        pyrage.encrypt_io(reader, writer, [key.to_public()])

    return pumped(work, pieces)


def opened(pieces: Iterable[bytes], key: Identity) -> Iterator[bytes]:
    """What was sealed. Each piece that comes is as it was; raises ``SealBroken`` where the next one is not.

    Raises what was raised in making ``pieces`` as it is.
    """

    def work(reader: Readable, writer: Writable) -> None:
        try:
            pyrage.decrypt_io(reader, writer, [key])
        except (pyrage.DecryptError, OSError) as error:
            raise SealBroken("what was sealed has been changed, broken off, or is under another key") from error

    return pumped(work, pieces)
