"""Sealed objects: put in, read back, opened, taken out. For threads, not for the loop.

Owns the order of things that makes a destroyed recording stay destroyed: whoever opens one needs its wrapped key, which
is in the database and nowhere else.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from pyrage.x25519 import Identity

from controller.domain.records import StoredRecord, WrappedKey
from controller.errors import ObjectGone, SealBroken
from controller.store.keys import MasterKeys
from controller.store.objects import ObjectStore
from controller.store.sealing import opened, opened_size, sealed

DERIVED = "derived"
"""The folder of what was made from recordings, each sealed by the key of what it was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is inside an object: the SHA-256 and the length in bytes of what was sealed."""

    sha256: bytes
    octets: int


class Vault:
    """An object store whose objects are sealed by keys that ``masters`` opens."""

    def __init__(self, objects: ObjectStore, masters: MasterKeys) -> None:
        self.objects = objects
        self.masters = masters

    def put(self, name: str, pieces: Iterable[bytes], key: Identity) -> Content:
        """Seal and write, then read back and compare: what this returns is what anybody will find.

        Raises ``StoreAway``, ``SealBroken`` where what is read back is not what was written, and whatever is raised in
        making ``pieces``.
        """
        measured = _Measured(pieces)
        self.objects.put(name, sealed(measured, key))
        if self.content(name, key) != measured.content:
            raise SealBroken("what the object store gives back is not what it was given")
        return measured.content

    def content(self, name: str, key: Identity) -> Content:
        """Read an object whole, and measure what is inside. Raises ``ObjectGone``, ``StoreAway``, ``SealBroken``."""
        measured = _Measured(opened(self.objects.pieces(name), key))
        for _ in measured:
            pass
        return measured.content

    def octets(self, name: str) -> int:
        """How long what is inside an object is, unopened. Raises ``ObjectGone``, ``StoreAway``, ``SealBroken``."""
        size = self.objects.size(name)
        pieces = self.objects.pieces(name)
        try:
            return opened_size(next(pieces, b""), size or 0)
        finally:
            pieces.close()

    def key(self, stored: StoredRecord) -> Identity:
        """The key of a recording. Raises ``ObjectGone`` where it is destroyed, ``SealBroken`` where none opens it."""
        if stored.sealed_key is None or stored.master is None:
            raise ObjectGone("its key is destroyed")
        return self.masters.unwrap(WrappedKey(sealed=stored.sealed_key, master=stored.master))

    def pieces(self, stored: StoredRecord) -> Generator[bytes, None, None]:
        """What was sealed, piece by piece. Raises ``ObjectGone``, ``StoreAway``, ``SealBroken``."""
        if stored.object is None:
            raise ObjectGone("there is no such object")
        return opened(self.objects.pieces(stored.object), self.key(stored))

    def remove(self, stored: StoredRecord) -> None:
        """Remove an object and all that was made from it. Done twice it does nothing. Raises ``StoreAway``."""
        for name in list(self.objects.names(f"{DERIVED}/{stored.recording}")):
            self.objects.delete(name)
        if stored.object is not None:
            self.objects.delete(stored.object)


def derived_name(recording: str, variant: str) -> str:
    """The name of what is made from a recording, such as ``silence.mp3``."""
    return str(PurePosixPath(DERIVED) / recording / f"{variant}.age")


class _Measured:
    """Pieces, and what they come to once they have all come."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self._octets = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._digest.update(piece)
            self._octets += len(piece)
            yield piece

    @property
    def content(self) -> Content:
        return Content(sha256=self._digest.digest(), octets=self._octets)
