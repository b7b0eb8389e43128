"""What was destroyed, in a file outside the database, where no restored dump brings the list back as it was.

A line is a JSON object: ``what``, ``at``, ``reason`` and ``sha256``, the SHA-256 of the JSON array (UTF-8, without
white space) of ``recording-controller/erasure/1``, the ``sha256`` of the line before (empty before the first one; of a
line that a power cut broke off, the SHA-256 of its bytes), ``what``, ``at`` and ``reason``.

Owns the file, its chain and its lock. What becomes of what it names is ``restoring``'s business.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from controller.domain.records import ErasureRecord
from controller.errors import ErasureNotKept

ERASURES = "erasures.jsonl"
"""The file, in the state directory."""

_FORM = "recording-controller/erasure/1"
_TAIL_BYTES = 4096
_BROKEN_OFF = "is broken off"
_NOT_AS_WRITTEN = "is not as it was written, or the line before it is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLine:
    """A line that is not what was written there, by its number from 1."""

    line: int
    why: str


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    what: str
    at: str
    reason: str
    sha256: str


class Erasures:
    """The file at ``path``. Any number of processes may write to it. Blocking."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, erased: Sequence[ErasureRecord]) -> None:
        """Add lines; they are on disk when this returns. Raises ``ErasureNotKept``: then nothing may be destroyed."""
        try:
            self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with open(descriptor, "r+b", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
                fcntl.flock(file, fcntl.LOCK_EX)
                last = _last_line(file.fileno())
                ending = b"\n" if last and not last.endswith(b"\n") else b""
                _write(file.fileno(), ending + _text(_link(last + ending), erased))
                os.fsync(file.fileno())
            if new:
                _sync(self.path.parent)
        except OSError as error:
            raise ErasureNotKept(f"{self.path.name} cannot be written: {error.strerror}") from error

    def lines(self) -> Iterator[ErasureRecord | BrokenLine]:
        """What was erased, in order, and every line that is not as it was written. None without a file.

        A line that a power cut broke off, and that another one follows, is left out: what it was about was destroyed
        no sooner than a whole line told of it. Raises ``ErasureNotKept``.
        """
        before, broken = "", None
        for number, raw in enumerate(self._raw(), 1):
            line = _read(raw)
            if broken is not None and (line is None or not _follows(line, before)):
                yield broken
            broken = None
            if line is None:
                why = _NOT_AS_WRITTEN if raw.endswith(b"\n") else _BROKEN_OFF
                broken = BrokenLine(line=number, why=why)
                before = _sha256(raw.rstrip(b"\n"))
                continue
            yield _record(line) if _follows(line, before) else BrokenLine(line=number, why=_NOT_AS_WRITTEN)
            before = line.sha256
        if broken is not None:
            yield broken

    def _raw(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from file
        except FileNotFoundError:
            return
        except OSError as error:
            raise ErasureNotKept(f"{self.path.name} cannot be read: {error.strerror}") from error


def _last_line(descriptor: int) -> bytes:
    """The last line with its end, where it has one."""
    size = os.fstat(descriptor).st_size
    length = _TAIL_BYTES
    while True:
        tail = os.pread(descriptor, length, max(size - length, 0))
        body, end = (tail[:-1], tail[-1:]) if tail.endswith(b"\n") else (tail, b"")
        _, parted, last = body.rpartition(b"\n")
        if parted or length >= size:
            return last + end
        length *= 2


def _link(raw: bytes) -> str:
    """What the line after this one is chained to."""
    line = _read(raw)
    if line is not None:
        return line.sha256
    return _sha256(raw.rstrip(b"\n")) if raw else ""


def _text(link: str, erased: Sequence[ErasureRecord]) -> bytes:
    lines = []
    for record in erased:
        at = record.at.isoformat()
        link = _digest(link, record.what, at, record.reason)
        line = _Line(what=record.what, at=at, reason=record.reason, sha256=link)
        lines.append(msgspec.json.encode(line) + b"\n")
    return b"".join(lines)


def _digest(link: str, what: str, at: str, reason: str) -> str:
    return _sha256(msgspec.json.encode([_FORM, link, what, at, reason]))


def _follows(line: _Line, before: str) -> bool:
    return line.sha256 == _digest(before, line.what, line.at, line.reason)


def _read(raw: bytes) -> _Line | None:
    """A whole line; None where it is none."""
    if not raw.endswith(b"\n"):
        return None
    try:
        line = msgspec.json.decode(raw, type=_Line)
        datetime.fromisoformat(line.at)
    except (msgspec.MsgspecError, ValueError):
        return None
    return line


def _record(line: _Line) -> ErasureRecord:
    return ErasureRecord(what=line.what, at=datetime.fromisoformat(line.at), reason=line.reason)


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
