"""A line of the journal: its checksum, then JSON, so that people can read it too.

``{CRC-32 of the rest, eight hexadecimal digits} [number, kind, entry]``. Numbers grow by one from line to line. A line
of the kind ``reached`` says up to which number all has reached PostgreSQL; that is its number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any, Final
from zlib import crc32

import msgspec

from controller.domain.decision import Decision
from controller.domain.records import (
    CallRecord,
    LiveCallRecord,
    NoticeRecord,
    ObjectionRecord,
    Record,
    RecordingRecord,
    SpanRecord,
)

Kept = Decision | Record
"""What the journal keeps."""

REACHED: Final = "reached"
KINDS: Final[Mapping[str, type[Kept]]] = {
    "decision": Decision,
    "call": CallRecord,
    "recording": RecordingRecord,
    "span": SpanRecord,
    "objection": ObjectionRecord,
    "notice": NoticeRecord,
    "live-call": LiveCallRecord,
}
NAMES: Final[Mapping[type[Kept], str]] = {kind: name for name, kind in KINDS.items()}
_SUM_DIGITS: Final = 8
_ESCAPED: Final = JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class BrokenLine(ValueError):  # noqa: N818 - reads as the thing it is
    """A line that is not as it was written; the text says why, and nothing of what is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; ``entry`` None where it says that all up to ``number`` has reached PostgreSQL."""

    number: int
    entry: Kept | None = None


def written(number: int, entry: Kept) -> bytes:
    """The line of an entry."""
    return _line((number, NAMES[type(entry)], entry))


def written_reached(upto: int) -> bytes:
    """The line that says how far PostgreSQL has come."""
    return _line((upto, REACHED, None))


def read(line: bytes) -> Line:
    """A line as it was written. Raises BrokenLine."""
    body = line.removesuffix(b"\n")
    if len(body) == len(line):
        raise BrokenLine("it has no end")
    said, _, text = body.partition(b" ")
    if len(said) != _SUM_DIGITS or said != _sum(text):
        raise BrokenLine("its checksum is another")
    try:
        number, kind, entry = msgspec.json.decode(text, type=tuple[int, str, msgspec.Raw])
        if kind == REACHED:
            return Line(number=number)
        return Line(number=number, entry=msgspec.json.decode(entry, type=KINDS[kind]))
    except (msgspec.MsgspecError, KeyError) as error:
        raise BrokenLine(f"it is not of this version ({type(error).__name__})") from None


def _line(content: tuple[int, str, Any]) -> bytes:
    try:
        text = msgspec.json.encode(content, enc_hook=_plain)
    except UnicodeEncodeError:  # half a character, which PostgreSQL refuses too: keep what can be kept
        text = _ESCAPED.encode(msgspec.to_builtins(content, enc_hook=_plain)).encode()
    return b"%s %s\n" % (_sum(text), text)


def _sum(text: bytes) -> bytes:
    return b"%08x" % crc32(text)


def _plain(value: object) -> object:
    """Facts may be a view of a mapping."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no fact is a {type(value).__name__}")
