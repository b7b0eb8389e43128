"""Asterisk's own call log, Master.csv as ``cdr_csv`` writes it: lines in, legs out, and every line that is none.

Each line is one leg: two channels that talked or tried to. Times have no zone; they are read as they stand.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

FEWEST_FIELDS, MOST_FIELDS = 16, 21
"""Without unique id and user field; with these and peer account, linked id and sequence."""

_UNIQUEID = 16
_ANSWERED = "ANSWERED"
_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One line. ``answer`` is None where nobody answered; ``call`` is the unique id that a call's legs share."""

    line: int
    call: str
    source: str
    destination: str
    context: str
    channel: str
    other_channel: str
    application: str
    arguments: str
    start: datetime
    answer: datetime | None
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A line that is no leg, and why; without what it says, which may be a number."""

    line: int
    why: str


def read(lines: Iterable[str]) -> Iterator[Leg | Unreadable]:
    """Every line of a log but the empty ones."""
    reader = csv.reader(lines)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield Unreadable(line=reader.line_num, why=f"is not CSV: {error}")
            continue
        if fields is None:
            return
        if fields:
            yield _leg(reader.line_num, fields)


def _leg(line: int, fields: list[str]) -> Leg | Unreadable:
    if not FEWEST_FIELDS <= len(fields) <= MOST_FIELDS:
        return Unreadable(line=line, why=f"has {len(fields)} fields, not {FEWEST_FIELDS} to {MOST_FIELDS}")
    try:
        start, answer, end = (_time(text) for text in fields[9:12])
    except ValueError:
        start = answer = end = None
    if start is None or end is None:
        return Unreadable(line=line, why="fields 10 to 12 must be times such as 2026-03-02 09:00:00")
    return Leg(
        line=line,
        call=(fields[_UNIQUEID] if len(fields) > _UNIQUEID else "") or f"line {line}",
        source=fields[1],
        destination=fields[2],
        context=fields[3],
        channel=fields[5],
        other_channel=fields[6],
        application=fields[7],
        arguments=fields[8],
        start=start,
        answer=answer if fields[14] == _ANSWERED else None,
        end=end,
    )


def _time(text: str) -> datetime | None:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC) if text else None
