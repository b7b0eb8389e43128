"""A list of informed agents is read whole, or every fault in it is told with its place."""

from datetime import date

import pytest

from controller.domain.records import NoticeRecord
from controller.errors import RegisterRefused
from controller.runtime.notice_list import from_csv, from_json

TODAY = date(2026, 11, 24)
HEADER = "agent,informed_at,version\n"


def notice(agent: str, day: date = date(2026, 9, 1), version: str = "2026-09") -> NoticeRecord:
    return NoticeRecord(agent=agent, informed_at=day, version=version)


def read(text: str) -> list[NoticeRecord]:
    return from_csv(text.encode(), source="agents.csv", today=TODAY)


def faults(text: str) -> list[str]:
    with pytest.raises(RegisterRefused) as refused:
        read(text)
    return list(refused.value.faults)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("agent,informed_at,version\n201,2026-09-01,2026-09\n202,2026-09-01,2026-09\n", id="commas"),
        pytest.param("agent;informed_at;version\r\n201;2026-09-01;2026-09\r\n202;2026-09-01;2026-09\r\n", id="a sheet"),
        pytest.param("\ufeffagent;informed_at;version\n201;2026-09-01;2026-09\n202;2026-09-01;2026-09", id="a BOM"),
        pytest.param("version,agent,informed_at\n2026-09,201,2026-09-01\n2026-09,202,2026-09-01\n", id="any order"),
        pytest.param("agent, informed_at,version\n 201 ,2026-09-01, 2026-09\n\n202,2026-09-01,2026-09\n", id="blanks"),
        pytest.param('agent,informed_at,version\n"201",2026-09-01,2026-09\n202,2026-09-01,2026-09\n', id="quotes"),
        pytest.param(HEADER + "201,2026-09-01,2026-09\n202,2026-09-01,2026-09\n" * 2, id="lines that come twice"),
    ],
)
def test_a_list_is_read_however_it_was_saved(text: str) -> None:
    assert read(text) == [notice("201"), notice("202")]


def test_a_list_of_nobody_informs_nobody() -> None:
    assert read(HEADER) == []
    assert from_json(b"[]", source="body", today=TODAY) == []


def test_an_agent_may_be_informed_today_and_by_several_versions() -> None:
    assert read(HEADER + "201,2026-11-24,2026-11\n201,2026-09-01,2026-09\n") == [
        notice("201", TODAY, "2026-11"),
        notice("201"),
    ]


def test_every_fault_is_told_with_its_line() -> None:
    text = HEADER + (
        "201,2026-09-01,2026-09\n"
        "PJSIP/202,1/9/2026,2026-09\n"
        "\n"
        "203,2026-09-01\n"
        ",2026-02-30,notice 9\n"
        "204,2026-11-25,2026-09\n"
        "201,2026-09-02,2026-09\n"
        "2\x0705,20260901,2026-09\n"
    )
    extension = "agent: must be an extension, such as the 201 of PJSIP/201"
    day = "informed_at: must be a day, such as 2026-09-01"
    assert faults(text) == [
        f"agents.csv:3: {extension}",
        f"agents.csv:3: {day}",
        "agents.csv:5: must have 3 fields, not 2",
        f"agents.csv:6: {extension}",
        "agents.csv:6: version: must be the version of a notice, such as 2026-09",
        f"agents.csv:6: {day}",
        "agents.csv:7: informed_at: lies in the future",
        "agents.csv:8: informed_at: is another day in a line before, for the same agent and version",
        f"agents.csv:9: {extension}",
        f"agents.csv:9: {day}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty file"),
        pytest.param("201,2026-09-01,2026-09\n", id="no header"),
        pytest.param("agent,informed_at\n201,2026-09-01\n", id="a column is missing"),
        pytest.param("agent,informed_at,version,name\n", id="a column too many"),
        pytest.param("agent,agent,informed_at,version\n", id="a column that comes twice"),
    ],
)
def test_a_header_must_name_the_columns(text: str) -> None:
    assert faults(text) == ["agents.csv:1: the header must name agent, informed_at and version"]


def test_a_quote_that_is_not_closed_is_told() -> None:
    [fault] = faults(HEADER + '"201,2026-09-01,2026-09\n')
    assert fault.startswith("agents.csv:2: is not CSV")


def test_another_encoding_is_told() -> None:
    with pytest.raises(RegisterRefused, match=r"agents\.csv: is not text in UTF-8"):
        from_csv((HEADER + "201,2026-09-01,été\n").encode("latin-1"), source="agents.csv", today=TODAY)


def test_json_says_the_same() -> None:
    body = b'[{"agent": "201", "informed_at": "2026-09-01", "version": "2026-09"}]'
    assert from_json(body, source="body", today=TODAY) == [notice("201")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("[", ["body: is not JSON"], id="no JSON"),
        pytest.param("[" * 100_000, ["body: is not JSON"], id="a bomb"),
        pytest.param("{}", ["body: must be a list"], id="no list"),
        pytest.param(
            '[7, {"agent": "201"}]',
            [f"body[{index}]: must have agent, informed_at and version, and nothing else" for index in (0, 1)],
            id="other members",
        ),
        pytest.param(
            '[{"agent": 201, "informed_at": "2026-09-01", "version": "\\ud800"}]',
            [
                "body[0]: agent: must be an extension, such as the 201 of PJSIP/201",
                "body[0]: version: must be the version of a notice, such as 2026-09",
            ],
            id="no texts",
        ),
    ],
)
def test_every_fault_of_a_json_list_is_told(body: str, expected: list[str]) -> None:
    with pytest.raises(RegisterRefused) as refused:
        from_json(body.encode(), source="body", today=TODAY)
    assert list(refused.value.faults) == expected
