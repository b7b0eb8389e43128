"""The file of erasures: what is written is read, and what was done to it is seen."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.custody.erasures import BrokenLine, Erasures
from controller.domain.records import ErasureRecord
from controller.errors import ErasureNotKept

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def erased(what: str) -> ErasureRecord:
    return ErasureRecord(what=what, at=AT, reason="retention-over")


@pytest.fixture
def file(tmp_path: Path) -> Erasures:
    """One with three lines, written by two appends."""
    made = Erasures(tmp_path / "state" / "erasures.jsonl")
    made.append([erased("one"), erased("two")])
    made.append([erased("three")])
    return made


def broken(file: Erasures) -> list[int]:
    return [line.line for line in file.lines() if isinstance(line, BrokenLine)]


def whole(file: Erasures) -> list[str]:
    return [line.what for line in file.lines() if isinstance(line, ErasureRecord)]


def test_what_was_written_is_read_in_its_order(file: Erasures) -> None:
    assert list(file.lines()) == [erased("one"), erased("two"), erased("three")]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_the_chain_is_the_one_that_is_documented(file: Erasures) -> None:
    before = ""
    for text in file.path.read_text().splitlines():
        line = json.loads(text)
        said = ["recording-controller/erasure/1", before, line["what"], line["at"], line["reason"]]
        before = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
        assert line["sha256"] == before


def test_without_a_file_nothing_was_erased(tmp_path: Path) -> None:
    assert list(Erasures(tmp_path / "erasures.jsonl").lines()) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_line_that_was_changed_is_seen_and_no_other(file: Erasures, number: int) -> None:
    lines = file.path.read_text().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace("retention-over", "subject-request")
    file.path.write_text("".join(lines))
    assert broken(file) == [number]
    assert len(whole(file)) == 2


@pytest.mark.parametrize("number", [1, 2])
def test_a_line_that_was_removed_is_seen_at_the_one_after_it(file: Erasures, number: int) -> None:
    lines = file.path.read_text().splitlines(keepends=True)
    del lines[number - 1]
    file.path.write_text("".join(lines))
    assert broken(file) == [number]


def test_a_line_that_is_put_between_two_is_seen(file: Erasures) -> None:
    lines = file.path.read_text().splitlines(keepends=True)
    file.path.write_text("".join([lines[0], lines[2], lines[1], lines[2]]))
    assert broken(file) == [2, 3]


def test_a_line_that_is_made_unreadable_is_seen(file: Erasures) -> None:
    lines = file.path.read_text().splitlines(keepends=True)
    file.path.write_text(f"{lines[0]}{{}}\n{lines[2]}")
    assert broken(file) == [2, 3]


def test_wherever_a_power_cut_breaks_a_line_off_it_is_seen_until_the_next_one_is_written(file: Erasures) -> None:
    text = file.path.read_bytes()
    begin = text.rindex(b"\n", 0, -1) + 1
    for end in range(begin + 1, len(text)):
        file.path.write_bytes(text[:end])
        assert broken(file) == [3], end
        file.append([erased("four"), erased("five")])
        assert broken(file) == [], end
        assert whole(file)[-2:] == ["four", "five"]


def test_lines_longer_than_what_is_read_at_a_time_are_chained_all_the_same(file: Erasures) -> None:
    file.append([erased("x" * 10_000)])
    file.append([erased("y" * 5000)])
    file.append([erased("six")])
    assert broken(file) == []
    assert whole(file)[-1] == "six"


def test_a_file_that_cannot_be_written_is_told_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "erasures.jsonl").mkdir()
    with pytest.raises(ErasureNotKept, match=r"^erasures\.jsonl cannot be written: "):
        Erasures(tmp_path / "erasures.jsonl").append([erased("one")])


def test_a_full_disk_is_told() -> None:
    with pytest.raises(ErasureNotKept, match="No space left"):
        Erasures(Path("/dev/full")).append([erased("one")])


def test_processes_that_write_at_once_leave_one_chain(file: Erasures) -> None:
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for number in range(25):
                file.append([erased(f"{child}.{number}")])
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert broken(file) == []
    assert len(whole(file)) == 103
