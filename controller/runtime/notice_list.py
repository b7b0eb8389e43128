"""Reads lists of agents who were informed, as CSV or as JSON, into notices, or says everything that is wrong with them.

Pure; ``controller.runtime.registration`` puts them on file.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO

from controller.config.text import WORD
from controller.domain.records import NoticeRecord
from controller.errors import RegisterRefused
from controller.faults import Code, Fault

COLUMNS = ("agent", "informed_at", "version")

_NAMED = "agent, informed_at and version"
_EXTENSION = re.compile(r"[^\s/]{1,80}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VERSION = re.compile(WORD)
"""What ``agents.notice`` may be in the configuration."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What is said of one agent, and where."""

    place: str
    number: int
    fields: Mapping[str, object]


def from_csv(data: bytes, *, source: str, today: date) -> list[NoticeRecord]:
    """Read CSV in UTF-8, with a header, parted by commas or semicolons.

    Raises ``RegisterRefused`` with ``SOURCE:LINE: message`` for every fault.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RegisterRefused(Fault(Code.NO_TEXT, "is not text in UTF-8").at(source)) from None
    return _notices(_lines(text, source), today)


def from_json(data: bytes, *, source: str, today: date) -> list[NoticeRecord]:
    """Read a JSON list of objects. Raises ``RegisterRefused`` with ``SOURCE[INDEX]: message`` for every fault."""
    try:
        items = json.loads(data)
    except (ValueError, RecursionError):
        raise RegisterRefused(Fault(Code.NO_LIST, "is not JSON").at(source)) from None
    if not isinstance(items, list):
        raise RegisterRefused(Fault(Code.NO_LIST, "must be a list").at(source))
    return _notices(_items(items, source), today)


def _lines(text: str, source: str) -> Iterator[_Line | Fault]:
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            yield Fault(Code.COLUMNS, f"the header must name {_NAMED}").at(f"{source}:1", line=1)
            return
        for row in reader:
            place = f"{source}:{reader.line_num}"
            if len(row) == len(header):
                yield _Line(place, reader.line_num, dict(zip(header, row, strict=True)))
            elif row:
                yield Fault(Code.COLUMNS, f"must have {len(header)} fields, not {len(row)}").at(
                    place, line=reader.line_num
                )
    except csv.Error as error:
        yield Fault(Code.NO_LIST, f"is not CSV: {error}").at(f"{source}:{reader.line_num}", line=reader.line_num)


def _items(items: Iterable[object], source: str) -> Iterator[_Line | Fault]:
    for index, item in enumerate(items):
        place = f"{source}[{index}]"
        if isinstance(item, dict) and set(item) == set(COLUMNS):
            yield _Line(place, index + 1, item)
        else:
            yield Fault(Code.COLUMNS, f"must have {_NAMED}, and nothing else").at(place, line=index + 1)


def _notices(lines: Iterable[_Line | Fault], today: date) -> list[NoticeRecord]:
    found: dict[tuple[str, str], NoticeRecord] = {}
    faults: list[Fault] = []
    for line in lines:
        if isinstance(line, Fault):
            faults.append(line)
            continue
        agent, version, day, wrong = _read(line.fields, today)
        notice = NoticeRecord(agent=agent, version=version, informed_at=day)
        if not wrong and found.setdefault((agent, version), notice) != notice:
            words = "is another day in a line before, for the same agent and version"
            wrong = [Fault(Code.ANOTHER_DAY, words, of="informed_at")]
        faults += [one.at(line.place, line=line.number) for one in wrong]
    if faults:
        raise RegisterRefused(*faults)
    return list(found.values())


def _read(fields: Mapping[str, object], today: date) -> tuple[str, str, date | None, list[Fault]]:
    """The fields of a line, and what is wrong with them."""
    agent, version, written = (_text(fields[name]) for name in ("agent", "version", "informed_at"))
    wrong = []
    if not _EXTENSION.fullmatch(agent) or not agent.isprintable():
        wrong.append(Fault(Code.NO_EXTENSION, "must be an extension, such as the 201 of PJSIP/201", of="agent"))
    if not _VERSION.fullmatch(version):
        wrong.append(Fault(Code.NO_VERSION, "must be the version of a notice, such as 2026-09", of="version"))
    day = _day(written)
    if day is None:
        wrong.append(Fault(Code.NO_DAY, "must be a day, such as 2026-09-01", of="informed_at"))
    elif day > today:
        wrong.append(Fault(Code.FUTURE, "lies in the future", of="informed_at"))
    return agent, version, day, wrong


def _text(value: object) -> str:
    """Empty where it is no text, which no field may be."""
    return value.strip() if isinstance(value, str) else ""


def _day(text: str) -> date | None:
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
