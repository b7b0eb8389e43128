"""The files of a journal: whatever happens to them, what can be read is read, and what cannot is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from controller.domain.decision import Decision
from controller.errors import ConfigurationError
from controller.journal.lines import written
from controller.journal.segments import Contents, Full, Segments, contents
from tests.integration.entries import a_decision

MOST = 10 * 2**20


def lines(first: int, last: int) -> list[tuple[int, bytes]]:
    return [(number, written(number, a_decision(actor=f"agent:{number}"))) for number in range(first, last + 1)]


def kept(folder: Path, *batches: list[tuple[int, bytes]], segment_bytes: int = MOST) -> Segments:
    """A journal with these batches, and closed again."""
    segments = Segments(folder, MOST, segment_bytes)
    segments.open()
    for batch in batches:
        segments.append(batch)
    segments.close()
    return segments


def numbers(found: Contents) -> list[int]:
    for number, entry in found.waiting:
        assert isinstance(entry, Decision)
        assert entry.actor == f"agent:{number}"
    return [number for number, _ in found.waiting]


def test_what_is_appended_is_found_again_in_its_order(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 3), lines(4, 4), segment_bytes=1)
    found = contents(tmp_path)
    assert (numbers(found), found.last, found.faults) == ([1, 2, 3, 4], 4, [])
    assert [file.stat().st_mode & 0o777 for file in tmp_path.glob("*.journal")] == [0o600, 0o600]


def test_a_last_line_cut_off_anywhere_is_cut_away_and_the_rest_stands(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 2))
    [file] = tmp_path.glob("*.journal")
    whole = file.read_bytes()
    begin = whole.index(b"\n") + 1
    for end in range(begin, len(whole)):
        file.write_bytes(whole[:end])
        segments = Segments(tmp_path, MOST)
        found = segments.open()
        segments.append(lines(2, 2))
        segments.close()
        assert numbers(found) == [1]
        assert [fault.torn for fault in found.faults] == ([True] if end > begin else [])
        after = contents(tmp_path)
        assert (numbers(after), after.faults) == ([1, 2], [])
        for other in tmp_path.glob("*.journal"):
            other.unlink()


def test_a_broken_line_in_the_middle_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 3))
    [file] = tmp_path.glob("*.journal")
    file.write_bytes(file.read_bytes().replace(b"agent:2", b"agent:9"))
    found = contents(tmp_path)
    assert numbers(found) == [1, 3]
    assert [str(fault) for fault in found.faults] == [f"{file}:2: its checksum is another"]
    assert not found.faults[0].torn


def test_a_missing_line_is_said(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 3))
    [file] = tmp_path.glob("*.journal")
    one, _, three = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(one + three)
    found = contents(tmp_path)
    assert numbers(found) == [1, 3]
    assert [fault.reason for fault in found.faults] == ["line 2 of the journal is missing before it"]


def test_what_has_reached_the_database_is_not_found_again_and_its_files_go(tmp_path: Path) -> None:
    segments = Segments(tmp_path, MOST, segment_bytes=1)
    segments.open()
    for number in range(1, 5):
        segments.append(lines(number, number))
    segments.reached(3)
    assert numbers(contents(tmp_path)) == [4]
    assert len(list(tmp_path.glob("*.journal"))) == 1
    segments.reached(4)
    assert numbers(contents(tmp_path)) == []
    segments.forget()
    segments.close()
    assert list(tmp_path.glob("*.journal")) == []


def test_two_processes_never_write_to_one_journal(tmp_path: Path) -> None:
    first = Segments(tmp_path, MOST)
    first.open()
    with pytest.raises(ConfigurationError, match="another process"):
        Segments(tmp_path, MOST).open()
    first.close()
    second = Segments(tmp_path, MOST)
    second.open()
    second.close()


def test_a_folder_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot hold the journal"):
        Segments(tmp_path / "file", MOST).open()


def test_a_full_journal_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    segments = Segments(tmp_path, most_bytes=sum(len(line) for _, line in lines(1, 2)) + 10)
    segments.open()
    segments.append(lines(1, 2))
    with pytest.raises(Full):
        segments.append(lines(3, 3))
    segments.close()
    assert numbers(contents(tmp_path)) == [1, 2]


DISK = """
import resource, signal, sys
from pathlib import Path
from controller.journal.segments import Segments, contents
from tests.unit.journal.test_journal_segments import MOST, lines, numbers

folder = Path(sys.argv[1])
segments = Segments(folder, MOST)
segments.open()
segments.append(lines(1, 5))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (segments.size + 100, resource.RLIM_INFINITY))
try:
    segments.append(lines(6, 9))
except OSError as error:
    print(type(error).__name__)
assert numbers(contents(folder)) == [1, 2, 3, 4, 5], contents(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
segments.append(lines(6, 9))
segments.close()
assert contents(folder).faults == []
print(*numbers(contents(folder)))
"""


def test_a_disk_that_takes_only_a_part_leaves_no_half_line_and_is_tried_again(tmp_path: Path) -> None:
    """The kernel refuses what goes beyond the limit of a file, after it has taken what fits."""
    root = Path(__file__).parents[3]
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", DISK, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout) == ("", "OSError\n1 2 3 4 5 6 7 8 9\n")


def test_what_the_database_will_never_take_can_be_read(tmp_path: Path) -> None:
    segments = Segments(tmp_path, MOST)
    segments.open()
    segments.refuse(lines(0, 0)[0][1])
    segments.close()
    assert b"agent:0" in (tmp_path / "refused.jsonl").read_bytes()


def test_what_cannot_be_read_is_kept_apart_once_before_its_file_goes(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 3))
    [file] = tmp_path.glob("*.journal")
    broken = file.read_bytes().splitlines(keepends=True)[1].replace(b"agent:2", b"agent:9")
    file.write_bytes(file.read_bytes().replace(b"agent:2", b"agent:9") + b"torn")
    for _ in range(2):
        segments = Segments(tmp_path, MOST)
        segments.open()
        segments.close()
    segments.open()
    segments.reached(3)
    segments.close()
    assert list(tmp_path.glob("*.journal")) == []
    assert (tmp_path / "unreadable.lines").read_bytes() == broken
    assert (tmp_path / "unreadable.lines").stat().st_mode & 0o777 == 0o600


def test_a_file_of_another_version_is_not_written_to(tmp_path: Path) -> None:
    kept(tmp_path, lines(1, 1))
    [file] = tmp_path.glob("*.journal")
    file.write_bytes(b"of another version\n")
    segments = Segments(tmp_path, MOST)
    found = segments.open()
    number = found.last + 1
    segments.append(lines(number, number))
    segments.reached(found.last)
    segments.close()
    assert numbers(contents(tmp_path)) == [number]
    assert (tmp_path / "unreadable.lines").read_bytes() == b"of another version\n"


def test_a_file_that_was_written_to_for_long_goes_once_the_database_has_all_of_it(tmp_path: Path) -> None:
    segments = Segments(tmp_path, MOST, segment_s=0)
    segments.open()
    segments.append(lines(1, 2))
    segments.reached(1)
    segments.append(lines(3, 3))
    assert numbers(contents(tmp_path)) == [2, 3]
    segments.reached(2)
    assert [file.name for file in tmp_path.glob("*.journal")] == ["000000000003.journal"]
    segments.reached(3)
    segments.close()
    assert list(tmp_path.glob("*.journal")) == []
