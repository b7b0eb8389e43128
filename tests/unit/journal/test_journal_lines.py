"""A line of the journal reads as it was written, or says that it does not."""

from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import RecordingName
from controller.domain.records import LiveCallRecord, NoticeRecord
from controller.journal.lines import BrokenLine, Kept, Line, read, written, written_reached
from tests.integration.entries import a_call, a_call_id, a_decision, a_recording, a_span, an_objection

KINDS: list[Kept] = [
    a_decision(),
    a_decision(facts=MappingProxyType({}), call_id=None, linkedid=None, rule=None, purpose=None),
    a_call(answered_at=datetime(2026, 3, 2, 12, 0, 0, 123456, UTC)),
    a_call(customer_hash=None),
    a_call(customer_sealed=b"\x00sealed"),
    a_recording(),
    a_span(RecordingName("rc-1"), 0, 2.5),
    an_objection(),
    NoticeRecord(agent="201", version="2026-03", informed_at=date(2026, 3, 1)),
    NoticeRecord(agent="201", version="2026-03", informed_at=None),
    LiveCallRecord(call_id=a_call_id(), pbx="main", state='{"a": "é\\n"}'),
    LiveCallRecord(call_id=a_call_id(), pbx="main", state=None),
]


@pytest.mark.parametrize("entry", KINDS, ids=lambda entry: type(entry).__name__)
def test_every_kind_of_entry_reads_as_it_was_written(entry: Kept) -> None:
    assert read(written(7, entry)) == Line(number=7, entry=entry)


def test_how_far_the_database_has_come_reads_as_it_was_written() -> None:
    assert read(written_reached(12)) == Line(number=12)


@given(
    facts=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()),
    at=st.datetimes(timezones=st.just(UTC)),
    actor=st.text(),
)
def test_whatever_a_decision_says_is_read_again(facts: dict[str, object], at: datetime, actor: str) -> None:
    entry = a_decision(facts=facts, at=at, actor=actor)
    assert read(written(1, entry)).entry == entry


def test_half_a_character_breaks_nothing_and_is_said_when_it_is_read() -> None:
    line = written(7, a_decision(actor="half \udcff"))
    assert b"half \\udcff" in line
    with pytest.raises(BrokenLine, match="not of this version"):
        read(line)


def test_a_time_elsewhere_is_the_same_moment() -> None:
    entry = a_decision(at=datetime(2026, 3, 2, 13, tzinfo=timezone(timedelta(hours=1))))
    assert read(written(1, entry)).entry == entry


@pytest.mark.parametrize("entry", KINDS[:3], ids=lambda entry: type(entry).__name__)
def test_no_byte_of_a_line_can_be_another_unnoticed(entry: Kept) -> None:
    line = written(7, entry)
    for place in range(len(line)):
        for other in (line[place] ^ 1, line[place] ^ 0x80):
            with pytest.raises(BrokenLine):
                read(line[:place] + bytes([other]) + line[place + 1 :])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no end"),
        (b"00000000 []", "no end"),
        (b"\n", "checksum"),
        (b"7c9e1d3b\n", "checksum"),
        (b"00000000 \n", "version"),
        (b'0b2dbf86 [1,"of another version",1]\n', "checksum"),
    ],
)
def test_what_is_no_line_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(BrokenLine, match=reason):
        read(line)


def test_a_fault_tells_nothing_of_what_the_line_holds() -> None:
    line = written(7, an_objection())
    with pytest.raises(BrokenLine) as error:
        read(line.replace(b"objection", b"objectiom"))
    assert "quality" not in str(error.value)
