"""Turns a library that reads from one file and writes to another into an iterator of pieces.

The library runs in a thread of its own, which ends when the iterator is closed. Memory stays flat: a few pieces wait.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Protocol

PIECES_WAITING = 4
PIECE_BYTES = 64 * 1024


class Readable(Protocol):
    """What the library reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


class Writable(Protocol):
    """What the library writes to."""

    def write(self, data: bytes, /) -> int:
        """Take all of it."""
        ...

    def flush(self) -> None:
        """Nothing is held back."""
        ...


Work = Callable[[Readable, Writable], None]


class _Closed(Exception):  # noqa: N818 - nobody sees it
    """Nobody wants the rest."""


class _Reader:
    """Pieces, as a file. Keeps what was raised in making them, since the library may tell it as something else."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")
        self.raised: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.raised = error
            raise
        end = len(self._rest) if size < 0 else size
        piece, self._rest = bytes(self._rest[:end]), self._rest[end:]
        return piece


class _Writer:
    """A file, as pieces in a queue: an end is None, what was raised is itself."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(PIECES_WAITING)
        self._piece = bytearray()
        self.closed = threading.Event()

    def write(self, data: bytes, /) -> int:
        self._piece += data
        if len(self._piece) >= PIECE_BYTES:
            self.push(bytes(self._piece))
            self._piece.clear()
        return len(data)

    def flush(self) -> None:
        return

    def end(self, how: BaseException | None) -> None:
        if how is None and self._piece:
            self.push(bytes(self._piece))
        self.push(how)

    def push(self, what: bytes | BaseException | None) -> None:
        while not self.closed.is_set():
            try:
                self.waiting.put(what, timeout=0.1)
            except queue.Full:
                continue
            else:
                return
        raise _Closed


def pumped(work: Work, pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    """What ``work`` writes when it reads ``pieces``, as it comes.

    Raises what ``work`` raises, or what was raised in making ``pieces``.
    """
    reader, writer = _Reader(pieces), _Writer()

    def run() -> None:
        try:
            try:
                work(reader, writer)
            except BaseException as error:  # noqa: BLE001 - told to whoever reads
                writer.end(reader.raised or error)
            else:
                writer.end(None)
        except _Closed:
            return

    thread = threading.Thread(target=run, name="pump", daemon=True)
    thread.start()
    try:
        while True:
            piece = writer.waiting.get()
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        writer.closed.set()
        thread.join()
