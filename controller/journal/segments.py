"""The files of a journal: appended to, synced, read back, and deleted once all that is in them has reached PostgreSQL.

Blocking, for one thread. ``{first number, twelve digits}.journal`` in one folder, ``refused.jsonl`` beside them for
what PostgreSQL will never take, ``unreadable.lines`` for what nobody can read, ``lock`` for the one process that may
write.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path
from time import monotonic
from typing import IO, Final

from controller.errors import ConfigurationError
from controller.journal.lines import BrokenLine, Kept, Line, read, written_reached

SEGMENT_BYTES: Final = 4 * 2**20
SEGMENT_S: Final = 10.0
"""What a call that was excluded meanwhile was known by stays in a file no longer than about this."""
SUFFIX: Final = ".journal"
REFUSED: Final = "refused.jsonl"
UNREADABLE: Final = "unreadable.lines"


class Full(OSError):  # noqa: N818 - reads as the state it tells
    """The journal has reached its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A line that cannot be read: where, and why. ``torn``: the last one, which was being written when all ended.

    ``text`` is what stands there; empty where the line is missing.
    """

    file: Path
    line: int
    reason: str
    torn: bool
    text: bytes = b""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a journal holds that has not reached PostgreSQL, by number; ``last`` is the number of the last line."""

    waiting: Sequence[tuple[int, Kept]]
    last: int
    faults: Sequence[Fault]


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int = 0
    last: int = 0
    begun: float = field(default_factory=monotonic)


def contents(folder: Path) -> Contents:
    """Read a journal, changing nothing; one that another process writes to, too. Raises OSError."""
    waiting: dict[int, Kept] = {}
    last = reached = 0
    faults: list[Fault] = []
    for line in _lines(folder, faults):
        last = max(last, line.number)
        if line.entry is None:
            reached = max(reached, line.number)
        else:
            waiting[line.number] = line.entry
    # A file may hold nothing that can be read, and its name is taken all the same.
    last = max(last, *(int(path.stem) for path in _paths(folder) if path.stem.isdecimal()), 0)
    left = [(number, entry) for number, entry in sorted(waiting.items()) if number > reached]
    return Contents(waiting=left, last=last, faults=faults)


def _lines(folder: Path, faults: list[Fault]) -> Iterator[Line]:
    """Every line that can be read; a gap in the numbers is a fault of the line after it."""
    expected = 0
    for path in _paths(folder):
        raw = path.read_bytes().splitlines(keepends=True)
        for place, text in enumerate(raw, start=1):
            try:
                line = read(text)
            except BrokenLine as error:
                torn = place == len(raw) and not text.endswith(b"\n")
                faults.append(Fault(file=path, line=place, reason=str(error), torn=torn, text=text))
                expected = 0
                continue
            if line.entry is None:
                # What was decided while the file could not be written, PostgreSQL may have had before.
                expected = max(expected, line.number + 1) if expected else 0
                yield line
                continue
            if expected and line.number != expected:
                reason = f"line {expected} of the journal is missing before it"
                faults.append(Fault(file=path, line=place, reason=reason, torn=False))
            expected = line.number + 1
            yield line


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


@dataclass(slots=True)
class Segments:
    """The journal of one process. Enter it to write: raises ``ConfigurationError`` where another process does."""

    folder: Path
    most_bytes: int
    segment_bytes: int = SEGMENT_BYTES
    segment_s: float = SEGMENT_S
    _segments: list[_Segment] = field(default_factory=list)
    _open: IO[bytes] | None = None
    _lock: IO[bytes] | None = None

    def open(self) -> Contents:
        """Take the folder, cut off what is torn, and say what it holds. Raises ConfigurationError.

        What cannot be read is kept apart first: its file goes once all else in it has reached PostgreSQL.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take()
            found = contents(self.folder)
            self._set_apart([fault.text for fault in found.faults if fault.text and not fault.torn])
            for fault in (fault for fault in found.faults if fault.torn):
                _cut(fault.file)
            self._segments = [_Segment(path, path.stat().st_size, found.last) for path in _paths(self.folder)]
        except OSError as error:
            raise ConfigurationError(f"{self.folder}: cannot hold the journal: {error.strerror}") from error
        return found

    def _take(self) -> None:
        self._lock = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise ConfigurationError(f"{self.folder}: another process writes to this journal") from None

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(segment.size for segment in self._segments)

    def append(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Write these numbered lines, durably, or none of them. Raises OSError, ``Full`` among them."""
        text = b"".join(line for _, line in lines)
        if self.size + len(text) > self.most_bytes:
            raise Full("the journal is full")
        segment, file = self._current(lines[0][0])
        self._put(segment, file, text, durably=True)
        segment.last = lines[-1][0]

    def _put(self, segment: _Segment, file: IO[bytes], text: bytes, *, durably: bool) -> None:
        try:
            _write(file, text)
            if durably:
                os.fdatasync(file.fileno())
        except OSError:
            self._abandon(segment)
            raise
        segment.size += len(text)

    def _current(self, number: int) -> tuple[_Segment, IO[bytes]]:
        """The file to write to; a new one where there is none, or where it is long enough."""
        if self._open is not None and self._segments[-1].size < self.segment_bytes:
            return self._segments[-1], self._open
        self._close()
        path = self.folder / f"{number:012}{SUFFIX}"
        file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab", buffering=0)  # noqa: PTH123, SIM115
        _sync(self.folder)
        self._open = file
        self._segments.append(_Segment(path, path.stat().st_size))
        return self._segments[-1], file

    def _abandon(self, segment: _Segment) -> None:
        """Leave no half line behind: whatever a failed write has left is cut off, and never written to again."""
        self._close()
        os.truncate(segment.path, segment.size)
        if not segment.size:
            segment.path.unlink()
            self._segments.remove(segment)

    @property
    def last(self) -> int:
        """The number of the last entry."""
        return max((segment.last for segment in self._segments), default=0)

    def reached(self, upto: int) -> None:
        """Say that all up to ``upto`` has reached PostgreSQL. Raises OSError.

        Not synced: where this is lost, what has reached it is sent again, and known again there.
        """
        if self._open is not None:
            segment = self._segments[-1]
            self._put(segment, self._open, written_reached(upto), durably=False)
            if segment.size >= self.segment_bytes or monotonic() - segment.begun >= self.segment_s:
                self._close()
        done = self._segments if self._open is None else self._segments[:-1]
        for segment in [segment for segment in done if segment.last <= upto]:
            segment.path.unlink(missing_ok=True)
            self._segments.remove(segment)

    def forget(self) -> None:
        """All that was ever written here has reached PostgreSQL. Raises OSError."""
        self._close()
        for segment in self._segments:
            segment.path.unlink(missing_ok=True)
        self._segments = []

    def refuse(self, line: bytes) -> None:
        """Keep a readable copy of what PostgreSQL will never take. Raises OSError."""
        _append(self.folder / REFUSED, line)

    def _set_apart(self, lines: Sequence[bytes]) -> None:
        """Keep a copy of lines that cannot be read, unless a start before this one has. Raises OSError."""
        path = self.folder / UNREADABLE
        known = set(path.read_bytes().splitlines(keepends=True)) if path.exists() else set()
        new = [line for line in lines if line not in known]
        if new:
            _append(path, b"".join(new))

    def close(self) -> None:
        """Give the folder back."""
        self._close()
        if self._lock is not None:
            self._lock.close()

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _write(file: IO[bytes], text: bytes) -> None:
    """A full disk takes a part, and says nothing."""
    if file.write(text) < len(text):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def _append(path: Path, text: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with open(descriptor, "ab") as file:  # noqa: PTH123 - a descriptor, not a path
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _cut(path: Path) -> None:
    """Cut off a last line that has no end."""
    text = path.read_bytes()
    os.truncate(path, text.rfind(b"\n") + 1)


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, not only what is in its files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
