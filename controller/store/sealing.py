"""Seals and opens recordings, piece by piece, in the age format. For threads, not for the loop."""

from collections.abc import Generator, Iterable

import pyrage
from pyrage.x25519 import Identity

from controller.errors import SealBroken
from controller.store.pump import Readable, Writable, pumped

_NONCE, _TAG, _CHUNK = 16, 16, 64 * 1024
"""Bytes, of the payload of the format: a nonce, then chunks, each with its tag."""


def sealed(pieces: Iterable[bytes], key: Identity) -> Generator[bytes, None, None]:
    """``pieces`` as only ``key`` opens them."""

    def work(reader: Readable, writer: Writable) -> None:
        pyrage.encrypt_io(reader, writer, [key.to_public()])

    return pumped(work, pieces)


def opened(pieces: Iterable[bytes], key: Identity) -> Generator[bytes, None, None]:
    """What was sealed. Each piece that comes is as it was; raises ``SealBroken`` where the next one is not.

    Raises what was raised in making ``pieces`` as it is.
    """

    def work(reader: Readable, writer: Writable) -> None:
        try:
            pyrage.decrypt_io(reader, writer, [key])
        except (pyrage.DecryptError, OSError) as error:
            raise SealBroken("what was sealed has been changed, broken off, or is under another key") from error

    return pumped(work, pieces)


def opened_size(first_bytes: bytes, sealed_size: int) -> int:
    """How long what was sealed is, by the beginning and the length of what came of it (age-encryption.org/v1).

    Raises ``SealBroken`` where this is no beginning of that format.
    """
    mac = first_bytes.find(b"\n---")
    end = first_bytes.find(b"\n", mac + 1) + 1
    payload = sealed_size - end - _NONCE
    if mac < 0 or end == 0 or payload < _TAG:
        raise SealBroken("what was sealed has no header")
    return payload - _TAG * -(-payload // (_CHUNK + _TAG))
