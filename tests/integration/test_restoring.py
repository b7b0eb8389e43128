"""Backups and restores on a real PostgreSQL: what was destroyed stays destroyed, and what was changed is named."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.custody.reapplying import Reapplied, reapply
from controller.custody.restoring import check
from controller.db.postgres_programs import programs_for
from controller.db.queries import recordings_to_discard
from controller.domain.decision import Kind
from controller.domain.names import CallId
from controller.domain.records import ErasureRecord, HoldRecord, StoredRecord, StoredState
from controller.errors import SealBroken
from controller.runtime.clock import now
from controller.store.keys import new_key
from controller.store.vault import derived_name
from tests.integration.commands import Done, said
from tests.integration.entries import a_decision
from tests.integration.stock import Stock, stock_on

Tamper = Callable[[Stock, StoredRecord], Awaitable[object]]


@pytest.fixture
async def stock(tmp_path: Path, database: str) -> AsyncIterator[Stock]:
    async with stock_on(tmp_path, database) as opened:
        yield opened


def postgres(program: str, *words: str) -> None:
    """One of PostgreSQL's own programs, as the how-to uses it."""
    programs = programs_for(pwd.getpwuid(os.geteuid()), major=None, copies=Path("/nowhere"))
    subprocess.run([programs / program, *words], check=True, capture_output=True)  # noqa: S603 - PostgreSQL's own


def differences(done: Done) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, "Traceback" in done.stderr) == (1 if found else 0, False), done.stderr
    return [(one["difference"], one["what"]) for one in found]


def told(stock: Stock, *words: str) -> list[tuple[str, str]]:
    """What the command says."""
    return differences(stock.run("restore", "check", "--format", "jsonl", *words))


async def checked(stock: Stock, *, deep: bool = False) -> list[tuple[str, str]]:
    """What it is made of, but for the chains."""
    return [(one.difference, one.what) async for one in check(stock.custody, deep=deep)]


async def reapplied(stock: Stock) -> Reapplied:
    done = Reapplied()
    await reapply(stock.custody, done, actor="cli:operator")
    return done


async def test_where_nothing_was_changed_all_fits_together(stock: Stock) -> None:
    kept, gone = await stock.stored(), await stock.stored()
    await stock.destroy(gone)
    stock.custody.vault.put(derived_name(kept.recording, "silence.mp3"), [b"mp3"], stock.custody.vault.key(kept))
    done = stock.run("restore", "check", "--deep")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "all fits together\n")


async def test_what_was_destroyed_since_the_backup_is_destroyed_again_after_the_restore(
    stock: Stock, tmp_path: Path, database: str, empty_database: str
) -> None:
    kept, gone = await stock.stored(b"kept"), await stock.stored(b"gone")
    postgres("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", f"--dbname={database}")
    shutil.copytree(tmp_path / "state" / "recordings", tmp_path / "copy")
    await stock.destroy(gone)

    postgres("pg_restore", "--exit-on-error", f"--dbname={empty_database}", str(tmp_path / "dump"))
    shutil.rmtree(tmp_path / "state" / "recordings")
    shutil.copytree(tmp_path / "copy", tmp_path / "state" / "recordings")
    async with stock_on(tmp_path, empty_database) as restored:
        row = await restored.row(gone)
        assert row is not None
        assert b"".join(restored.custody.vault.pieces(row)) == b"gone"  # this is what the file of erasures is for
        assert set(told(restored)) == {("key-of-erased", gone.recording), ("object-of-erased", gone.recording)}

        assert said(restored.run("restore", "reapply")) == (
            "1 destroyed again, 0 objects without a key removed, 0 to be deleted on their PBX,"
            " 0 numbers forgotten again\n"
        )

        row = await restored.row(gone)
        assert row is not None
        assert (row.state, row.sealed_key) == (StoredState.DESTROYED, None)
        assert list(restored.custody.vault.objects.names()) == [kept.object]
        assert b"".join(restored.custody.vault.pieces(kept)) == b"kept"
        assert told(restored, "--deep") == []
        assert await reapplied(restored) == Reapplied()
        (decision,) = (d for d in decisions(restored) if d["kind"] == Kind.ERASE)
        assert (decision["verdict"], decision["reason"]) == ("applied", "erased-before")
        assert decision["facts"]["erased_for"] == "retention-over"


def decisions(stock: Stock) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(stock.run("decisions", "--format", "jsonl")).splitlines()]


async def test_an_old_copy_of_the_object_store_alone_opens_nothing_and_is_removed(stock: Stock, tmp_path: Path) -> None:
    gone = await stock.stored(b"gone")
    shutil.copytree(tmp_path / "state" / "recordings", tmp_path / "copy")
    await stock.destroy(gone)
    shutil.copytree(tmp_path / "copy", tmp_path / "state" / "recordings", dirs_exist_ok=True)
    row = await stock.row(gone)
    assert row is not None
    assert row.sealed_key is None
    with pytest.raises(SealBroken):
        stock.custody.vault.content(str(gone.object), new_key())
    assert await checked(stock) == [("object-of-erased", gone.recording)]
    assert await reapplied(stock) == Reapplied(removed=[gone.recording])
    assert await checked(stock) == []


async def test_what_was_erased_before_it_was_in_the_store_is_not_taken_from_the_pbx_again(stock: Stock) -> None:
    waits, other = await stock.recorded(), await stock.recorded()
    stock.custody.erasures.append([ErasureRecord(what=waits.name, at=now(), reason="subject-request")])
    assert await reapplied(stock) == Reapplied(condemned=[waits.name])
    condemned = await recordings_to_discard(stock.custody.engine, "main")
    assert [one.name for one in condemned] == [waits.name] != [other.name]
    assert await reapplied(stock) == Reapplied()


async def test_a_number_that_was_erased_is_forgotten_again(stock: Stock) -> None:
    there = await stock.stored()
    row = await stock.row(there)
    assert row is not None
    call = there.recording.removeprefix("rc-").removesuffix("-quality-1")
    await stock.sql("UPDATE call SET customer_sealed = 'sealed'")
    record = ErasureRecord(what=f"number:{call}", at=now(), reason="subject-request")
    await stock.custody.write([record], a_decision(kind=Kind.ERASE, at=now()))  # as it was erased, and then restored
    assert await checked(stock) == [("number-of-erased", call)]
    assert await reapplied(stock) == Reapplied(numbers=[call])
    assert await checked(stock) == []


async def test_a_legal_hold_is_stronger_than_the_file_of_erasures(stock: Stock) -> None:
    held, waits = await stock.stored(), await stock.recorded()
    calls = [CallId(held.recording.removeprefix("rc-").removesuffix("-quality-1")), waits.call_id]
    names = [held.recording, waits.name]
    stock.custody.erasures.append([ErasureRecord(what=what, at=now(), reason="retention-over") for what in names])
    holds = [
        HoldRecord(id=call, call_id=call, why="a dispute", placed_by="cli:lawyer", placed_at=now()) for call in calls
    ]
    await stock.custody.write(holds)
    done = stock.run("restore", "reapply")
    assert done.returncode == 1
    assert [f"{name} had been erased, and is under a legal hold" in done.stderr for name in names] == [True, True]
    assert b"".join(stock.custody.vault.pieces(held)) == b"what was said"
    await stock.custody.write([replace(hold, lifted_at=now()) for hold in holds])
    assert await reapplied(stock) == Reapplied(destroyed=[held.recording], condemned=[waits.name])


async def object_removed(stock: Stock, one: StoredRecord) -> None:
    stock.custody.vault.objects.delete(str(one.object))


async def object_emptied(stock: Stock, one: StoredRecord) -> None:
    stock.custody.vault.objects.put(str(one.object), iter([b""]))


async def object_changed(stock: Stock, one: StoredRecord) -> None:
    raw = bytearray(b"".join(stock.custody.vault.objects.pieces(str(one.object))))
    raw[-1] ^= 1
    stock.custody.vault.objects.put(str(one.object), iter([bytes(raw)]))


async def object_replaced(stock: Stock, one: StoredRecord) -> None:
    """By one that its key opens."""
    stock.custody.vault.put(str(one.object), [b"something else"], stock.custody.vault.key(one))


async def row_removed(stock: Stock, one: StoredRecord) -> None:
    await stock.sql("DELETE FROM stored WHERE recording = :name", name=one.recording)


async def recording_removed(stock: Stock, one: StoredRecord) -> None:
    await stock.sql("DELETE FROM recording WHERE name = :name", name=one.recording)


async def key_swapped(stock: Stock, one: StoredRecord) -> None:
    other = stock.custody.vault.masters.wrap(new_key())
    await stock.sql("UPDATE stored SET sealed_key = :key WHERE recording = :name", key=other.sealed, name=one.recording)


async def key_damaged(stock: Stock, one: StoredRecord) -> None:
    await stock.sql("UPDATE stored SET sealed_key = 'damaged' WHERE recording = :name", name=one.recording)


async def key_lost(stock: Stock, one: StoredRecord) -> None:
    await stock.sql("UPDATE stored SET sealed_key = NULL WHERE recording = :name", name=one.recording)


async def destroyed_by_hand(stock: Stock, one: StoredRecord) -> None:
    await object_removed(stock, one)
    await stock.sql("UPDATE stored SET sealed_key = NULL, state = 'destroyed' WHERE recording = :n", n=one.recording)


async def destroyed_and_the_key_put_back(stock: Stock, one: StoredRecord) -> None:
    await stock.destroy(one)
    await stock.sql("ALTER TABLE stored DROP CONSTRAINT stored_sealed_key_check")
    await stock.sql("UPDATE stored SET sealed_key = :k WHERE recording = :n", k=one.sealed_key, n=one.recording)


async def derived_left(stock: Stock, one: StoredRecord) -> None:
    name = derived_name("rc-nobody", "silence.mp3")
    stock.custody.vault.put(name, [b"mp3"], stock.custody.vault.key(one))


async def erasures_removed(stock: Stock, one: StoredRecord) -> None:
    await stock.destroy(one)
    stock.erasures.unlink()


async def erasures_changed(stock: Stock, one: StoredRecord) -> None:
    await stock.destroy(one)
    stock.erasures.write_text(stock.erasures.read_text().replace("retention-over", "retention-oven"))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (object_removed, {"object-missing"}),
        (object_emptied, {"object-empty", "object-changed"}),
        (object_changed, {"object-changed"}),
        (object_replaced, {"object-changed"}),
        (row_removed, {"object-unknown"}),
        (recording_removed, {"stored-unknown"}),
        (key_swapped, {"object-changed"}),
        (key_damaged, {"key-unopened"}),
        (key_lost, {"key-missing"}),
        (destroyed_by_hand, {"destroyed-undecided"}),
        (destroyed_and_the_key_put_back, {"key-of-destroyed", "key-of-erased"}),
        (derived_left, {"derived-orphan"}),
        (erasures_removed, {"erasure-not-in-file"}),
        (erasures_changed, {"erasures-broken", "erasure-not-in-file"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "-".join(sorted(value)),
)
async def test_what_was_done_behind_our_back_is_named(stock: Stock, tamper: Tamper, found: set[str]) -> None:
    await stock.stored()
    one = await stock.stored()
    assert await checked(stock, deep=True) == []
    await tamper(stock, one)
    assert {kind for kind, _ in await checked(stock, deep=True)} == found


async def test_a_chain_that_was_broken_is_named_with_the_rest(stock: Stock) -> None:
    one = await stock.stored()
    await object_removed(stock, one)
    await stock.sql("ALTER TABLE decision DISABLE TRIGGER ALL")
    await stock.sql("UPDATE decision SET reason = 'payment' WHERE seq = 1")
    assert told(stock) == [("chain-broken", "command-line"), ("object-missing", one.recording)]


async def test_a_master_key_that_is_not_there_is_named_once_for_each_key(stock: Stock, tmp_path: Path) -> None:
    names = {(await stock.stored()).recording for _ in range(3)}
    secret = tmp_path / "state" / "secrets" / "master-key"
    secret.unlink()
    assert said(stock.run("keys", "new", str(secret))).startswith("age1")
    assert set(told(stock)) == {("key-unopened", name) for name in names}


async def test_nothing_is_destroyed_that_the_file_of_erasures_does_not_name_first(stock: Stock) -> None:
    one = await stock.stored()
    stock.erasures.mkdir()  # so it cannot be written
    with pytest.raises(Exception, match=r"erasures\.jsonl cannot be written"):
        await stock.destroy(one)
    assert b"".join(stock.custody.vault.pieces(one)) == b"what was said"
    row = await stock.row(one)
    assert row is not None
    assert row.state is StoredState.STORED


async def test_lines_that_were_broken_are_named_and_the_others_heeded(stock: Stock) -> None:
    first, second = await stock.stored(), await stock.stored()
    at = now()
    stock.custody.erasures.append([ErasureRecord(what=first.recording, at=at, reason="retention-over")])
    stock.custody.erasures.append([ErasureRecord(what=second.recording, at=at, reason="retention-over")])
    lines = stock.erasures.read_text().splitlines(keepends=True)
    stock.erasures.write_text(lines[0] + lines[1][:30])
    done = stock.run("restore", "reapply")
    assert done.returncode == 1
    assert "line 2 of the file of erasures is broken off: not heeded" in done.stderr
    assert "1 destroyed again" in done.stdout
    row = await stock.row(second)
    assert row is not None
    assert row.state is StoredState.STORED


async def test_two_that_erase_at_once_leave_one_chain(stock: Stock, tmp_path: Path, database: str) -> None:
    async with stock_on(tmp_path, database) as other:
        both = [(stock, await stock.stored()) for _ in range(10)] + [(other, await other.stored()) for _ in range(10)]
        await asyncio.gather(*(where.destroy(one) for where, one in both))
    assert len(stock.erasures.read_text().splitlines()) == 20
    assert await checked(stock) == []
