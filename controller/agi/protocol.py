"""FastAGI's lines: commands out, answers in. Pure: bytes and text only, no sockets, no clock.

What answers look like was seen on Asterisk 22.10.1; there is no other specification.
"""

import re
from dataclasses import dataclass

from controller.errors import AgiProtocolError

KEYS = frozenset("0123456789*#ABCD")
HANGUP = "HANGUP"

COMMAND_BYTES = 2000
"""Asterisk reads 2048 bytes at a time and takes what is over for the next command."""

USAGE_LINES = 100
"""A 520 answer carries the command's whole documentation, which is thrown away."""

_OK = 200
_USAGE = 520
_RESULT = re.compile(r"200 result=(-?[0-9]{1,10})(?: \((.*)\))?(?: endpos=([0-9]{1,18}))?", re.DOTALL)
_LINE = re.compile(r"([2-9][0-9]{2})([ -]).*", re.DOTALL)
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Asterisk said to one command.

    `result`, `value` (in brackets) and `endpos` (samples of the file played) are those of a 200.
    """

    code: int
    result: int | None = None
    value: str | None = None
    endpos: int | None = None


def build_command(verb: str, *arguments: str | int) -> bytes:
    r"""One command line; every text argument goes quoted, with `"` and `\` escaped.

    Asterisk expands neither `${…}` nor `%` in it. AGI cannot carry a line end at all: control characters are
    refused rather than altered, and so is a line longer than COMMAND_BYTES (AgiProtocolError, nothing sent).
    """
    words = [verb]
    for argument in arguments:
        if isinstance(argument, int):
            words.append(str(argument))
            continue
        if _UNSENDABLE.search(argument):
            raise AgiProtocolError(f"{verb}: an argument has a character that AGI cannot carry")
        escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
        words.append(f'"{escaped}"')
    line = " ".join(words).encode() + b"\n"
    if len(line) > COMMAND_BYTES:
        raise AgiProtocolError(f"{verb}: longer than Asterisk reads in one piece")
    return line


class LineBuffer:
    """Cuts what arrives, in packets of any size, into lines of at most `limit` bytes."""

    __slots__ = ("_data", "_limit")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._data += data

    def next_line(self) -> str | None:
        """Take the next whole line, without its end, or None; AgiProtocolError when it grows too long."""
        end = self._data.find(b"\n", 0, self._limit + 1)
        if end < 0 and len(self._data) > self._limit:
            raise AgiProtocolError(f"a line is longer than {self._limit} bytes")
        if end < 0:
            return None
        line = self._data[:end].decode(errors="replace").removesuffix("\r")
        del self._data[: end + 1]
        return line


class AnswerParser:
    """Reads the lines up to one answer: skips a 520's documentation, and remembers a HANGUP on the way."""

    __slots__ = ("_usage_lines", "hung_up")

    def __init__(self) -> None:
        self._usage_lines = 0
        self.hung_up = False

    def feed(self, line: str) -> Answer | None:
        """Take one line: the answer when it is complete, else None; AgiProtocolError when it is no answer."""
        if self._usage_lines:
            return self._feed_usage(line)
        if line == HANGUP:
            self.hung_up = True
            return None
        return self._feed_first(line)

    def _feed_first(self, line: str) -> Answer | None:
        matched = _LINE.fullmatch(line)
        if matched is None:
            raise AgiProtocolError("a line is not an AGI answer")
        code, separator = int(matched[1]), matched[2]
        if separator == " ":
            return _parse_result(line) if code == _OK else Answer(code=code)
        if code != _USAGE:
            raise AgiProtocolError("an answer of several lines that is not a 520")
        self._usage_lines = 1
        return None

    def _feed_usage(self, line: str) -> Answer | None:
        if line.startswith(f"{_USAGE} "):
            return Answer(code=_USAGE)
        self._usage_lines += 1
        if self._usage_lines > USAGE_LINES:
            raise AgiProtocolError(f"a 520 answer is longer than {USAGE_LINES} lines")
        return None


def _parse_result(line: str) -> Answer:
    # A value with a line end in it arrives cut in two: the first half has no closing bracket and fails here.
    matched = _RESULT.fullmatch(line)
    if matched is None:
        raise AgiProtocolError("a 200 answer without a result that can be read")
    return Answer(
        code=_OK,
        result=int(matched[1]),
        value=matched[2],
        endpos=None if matched[3] is None else int(matched[3]),
    )
