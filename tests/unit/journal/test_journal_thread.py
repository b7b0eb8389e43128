"""The journal while its disk takes nothing, and after that."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.journal.journal import Journal
from controller.journal.lines import written
from controller.journal.segments import Segments, contents
from tests.integration.entries import a_call, a_decision

SIZE = len(written(10, a_decision()))


async def seen(there: Callable[[], bool]) -> None:
    """Wait for what the journal's thread does."""
    async with asyncio.timeout(10):
        while not there():
            await asyncio.sleep(0.01)


def kept(folder: Path) -> list[int]:
    """The numbers of what waits on disk, which has no fault."""
    found = contents(folder)
    assert found.faults == []
    return [number for number, _ in found.waiting]


async def test_a_journal_that_was_full_takes_what_comes_once_postgresql_has_the_rest(tmp_path: Path) -> None:
    async with Journal(tmp_path, most_bytes=5 * SIZE) as journal:
        for _ in range(4):
            journal.append(a_decision())
        await journal.synced()
        for _ in range(4):
            last = journal.append(a_decision())
        await seen(lambda: journal.trouble == "the journal is full")
        journal._segments.segment_bytes = SIZE
        journal.reached(last - 1)
        await asyncio.wait_for(journal.synced(), 10)
        assert (kept(tmp_path), journal.trouble) == ([last], "")
        journal.reached(last)
        following = journal.append(a_decision())
        await asyncio.wait_for(journal.synced(), 10)
        assert kept(tmp_path) == [following]


async def test_what_postgresql_has_meanwhile_need_not_be_written(tmp_path: Path) -> None:
    async with Journal(tmp_path, most_bytes=SIZE // 2) as journal:
        last = journal.append(a_decision())
        await seen(lambda: bool(journal.trouble))
        journal.reached(last)
        await asyncio.wait_for(journal.synced(), 10)
        await seen(lambda: not journal.trouble)
    assert list(tmp_path.glob("*.journal")) == []


async def test_a_disk_that_was_full_is_written_to_again_without_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Journal(tmp_path, most_bytes=100 * SIZE) as journal:
        first = journal.append(a_decision())
        await journal.synced()
        with monkeypatch.context() as disk:
            disk.setattr("controller.journal.segments._write", _no_space)
            left = journal.append(a_decision())
            await seen(lambda: journal.trouble == os.strerror(28))
            journal.reached(left)
            journal.refuse(a_decision())
            await asyncio.sleep(0.1)
        last = journal.append(a_decision())
        await asyncio.wait_for(journal.synced(), 10)
        await seen(lambda: not journal.trouble)
        assert (first, kept(tmp_path)) == (1, [last])
        assert (tmp_path / "refused.jsonl").read_bytes().count(b"\n") == 1


async def test_what_named_a_call_goes_soon_after_postgresql_has_it_though_the_daemon_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.journal.journal.IDLE_S", 0.1)
    async with Journal(tmp_path, most_bytes=100 * SIZE) as journal:
        for _ in range(2):
            named = journal.append(a_call(linkedid="1772452800.1"))
            last = journal.append(a_call(linkedid="", customer_hash=None))
            await journal.synced()
            journal.reached(named)
            await asyncio.sleep(0.3)
            assert kept(tmp_path) == [last]
            journal.reached(last)
            await seen(lambda: list(tmp_path.glob("*.journal")) == [])


def _no_space(_file: object, _text: bytes) -> None:
    raise OSError(28, os.strerror(28))


def test_a_gap_of_what_postgresql_has_is_no_fault(tmp_path: Path) -> None:
    segments = Segments(tmp_path, 100 * SIZE)
    segments.open()
    segments.append([(1, written(1, a_decision()))])
    segments.reached(3)
    segments.append([(4, written(4, a_decision()))])
    assert kept(tmp_path) == [4]
    segments.append([(6, written(6, a_decision()))])
    segments.close()
    assert [fault.reason for fault in contents(tmp_path).faults] == ["line 5 of the journal is missing before it"]
