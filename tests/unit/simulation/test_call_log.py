"""Asterisk's Master.csv, read line by line."""

from dataclasses import replace

import pytest

from controller.simulation.call_log import Leg, Unreadable, read
from tests.unit.simulation.test_conversations import LEG

LINE = (
    '"","0639980001","0199000010","from-trunk","""Ann"" <0639980001>","PJSIP/trunk-00000001","PJSIP/201-00000002",'
    '"Queue","support,rt,,,60","2026-03-02 09:00:00","2026-03-02 09:00:12","2026-03-02 09:04:00",240,228,'
    '"ANSWERED","DOCUMENTATION","1772442000.1",""\n'
)


def test_a_line_is_a_leg() -> None:
    assert list(read([LINE])) == [replace(LEG, call="1772442000.1")]


@pytest.mark.parametrize(
    ("line", "call"),
    [
        pytest.param(LINE.replace(',"1772442000.1",""', ""), "line 1", id="without unique ids"),
        pytest.param(LINE.replace('"1772442000.1",""', '"",""'), "line 1", id="with an empty one"),
        pytest.param(
            LINE.replace(',""\n', ',"","peer","1772442000.1","7"\n'), "1772442000.1", id="with the new columns"
        ),
    ],
)
def test_older_and_newer_formats_are_read(line: str, call: str) -> None:
    [leg] = read([line])
    assert isinstance(leg, Leg)
    assert leg.call == call


def test_nobody_has_answered_what_does_not_say_so() -> None:
    [leg] = read([LINE.replace("ANSWERED", "NO ANSWER")])
    assert isinstance(leg, Leg)
    assert leg.answer is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("a,b,c\n", "has 3 fields, not 16 to 21", id="another table"),
        pytest.param(
            LINE.replace("2026-03-02 09:00:00", "yesterday"),
            "fields 10 to 12 must be times such as 2026-03-02 09:00:00",
            id="no time",
        ),
        pytest.param(
            LINE.replace("2026-03-02 09:04:00", ""),
            "fields 10 to 12 must be times such as 2026-03-02 09:00:00",
            id="no end",
        ),
    ],
)
def test_what_is_no_leg_is_told_without_what_it_says(line: str, why: str) -> None:
    assert list(read(["\n", line])) == [Unreadable(line=2, why=why)]


def test_the_lines_after_a_faulty_one_are_read() -> None:
    assert [one.line for one in read(["x\n", LINE, LINE])] == [1, 2, 3]
