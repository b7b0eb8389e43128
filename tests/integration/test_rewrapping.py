"""Another master key: every key is wrapped anew, whatever happens meanwhile, and then the old one is not needed."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.custody.rewrapping import Rewrapped, rewrap
from controller.db.wrapping import by_master, replace_keys, wrapped_by_others
from controller.domain.records import StoredRecord
from controller.errors import ConfigurationError, SealBroken
from controller.store.keys import MasterKeys, new_key, new_master_key
from tests.integration.commands import rows, said
from tests.integration.conftest import program
from tests.integration.stock import Stock, stock_on

MASTER = "RECORDING_CONTROLLER_MASTER_KEY"
FORMER = "RECORDING_CONTROLLER_FORMER_MASTER_KEY"
OLD, NEW = new_master_key(), new_master_key()

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from controller.custody import rewrapping
from tests.integration.stock import stock_on

async def main():
    folder, database, old, new = sys.argv[1:]
    rewrapping.AT_ONCE = 2
    replace = rewrapping.replace_keys
    async def killed_at_the_third(engine, changes):
        done.append(changes)
        if len(done) == 3:
            print("says", len(done), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return await replace(engine, changes)
    done = []
    rewrapping.replace_keys = killed_at_the_third
    secrets = {"RECORDING_CONTROLLER_MASTER_KEY": new, "RECORDING_CONTROLLER_FORMER_MASTER_KEY": old}
    async with stock_on(Path(folder), database, **secrets) as stock:
        await rewrapping.rewrap(stock.custody, actor="cli:operator")

asyncio.run(main())
"""


@pytest.fixture
async def old(tmp_path: Path, database: str) -> AsyncIterator[Stock]:
    """Where the old master key is the only one."""
    async with stock_on(tmp_path, database, **{MASTER: OLD}) as opened:
        yield opened


@pytest.fixture
async def both(tmp_path: Path, database: str) -> AsyncIterator[Stock]:
    """Where the new one wraps and the old one opens still."""
    async with stock_on(tmp_path, database, **{MASTER: NEW, FORMER: OLD}) as opened:
        yield opened


@pytest.fixture
async def new(tmp_path: Path, database: str) -> AsyncIterator[Stock]:
    """Where the old one is gone."""
    async with stock_on(tmp_path, database, **{MASTER: NEW}) as opened:
        yield opened


async def opened(stock: Stock, there: StoredRecord) -> bytes:
    row = await stock.row(there)
    assert row is not None
    return b"".join(stock.custody.vault.pieces(row))


def public(master: str) -> str:
    return MasterKeys.read(master).public


async def test_a_rewrap_that_was_killed_in_the_middle_is_gone_on_with_and_then_the_old_key_can_go(
    old: Stock, both: Stock, new: Stock, tmp_path: Path, database: str
) -> None:
    there = [await old.stored(b"%d" % number) for number in range(9)]
    before = {one.object: old.custody.vault.objects.size(str(one.object)) for one in there}
    async with program(KILLED, str(tmp_path), database, OLD, NEW) as (process, _):
        assert await process.wait() == -signal.SIGKILL
    assert await by_master(old.custody.engine) == {public(OLD): 5, public(NEW): 4}
    assert [await opened(both, one) for one in there] == [b"%d" % number for number in range(9)]

    assert await rewrap(both.custody, actor="cli:operator") == Rewrapped(keys=5)
    assert await by_master(old.custody.engine) == {public(NEW): 9}
    assert [await opened(new, one) for one in there] == [b"%d" % number for number in range(9)]
    with pytest.raises(SealBroken):
        await opened(old, there[0])
    assert {one.object: old.custody.vault.objects.size(str(one.object)) for one in there} == before


async def test_it_is_decided_once(both: Stock, old: Stock) -> None:
    await old.stored()
    assert (await rewrap(both.custody, actor="cli:operator")).keys == 1
    assert (await rewrap(both.custody, actor="cli:operator")).keys == 0
    decided = [d for d in rows(both.run("decisions", "--format", "jsonl")) if d["reason"] == "keys-rewrapped"]
    assert [(d["kind"], d["verdict"], d["facts"]) for d in decided] == [
        ("config", "applied", {"keys": 1, "master": public(NEW)})
    ]


async def test_one_that_was_killed_before_its_decision_decides_when_it_is_begun_again(both: Stock, old: Stock) -> None:
    await old.stored()
    page = await wrapped_by_others(both.custody.engine, public(NEW), after="", limit=9)
    masters = both.custody.vault.masters
    await replace_keys(both.custody.engine, [(n, k, masters.wrap(masters.unwrap(k))) for n, k in page])
    assert (await rewrap(both.custody, actor="cli:operator")).keys == 0
    reasons = [d["reason"] for d in rows(both.run("decisions", "--format", "jsonl"))]
    assert reasons[-1] == "keys-rewrapped"


async def test_a_key_that_no_master_opens_is_named_and_the_others_are_wrapped(both: Stock, old: Stock) -> None:
    first, second = await old.stored(), await old.stored(b"second")
    await old.sql("UPDATE stored SET sealed_key = 'damaged' WHERE recording = :name", name=first.recording)
    assert await rewrap(both.custody, actor="cli:operator") == Rewrapped(keys=1, unopened=[first.recording])
    assert await opened(both, second) == b"second"


async def test_a_key_that_became_another_one_or_was_destroyed_meanwhile_is_left_alone(both: Stock, old: Stock) -> None:
    changed, destroyed = await old.stored(), await old.stored()
    page = await wrapped_by_others(both.custody.engine, public(NEW), after="", limit=9)
    masters = both.custody.vault.masters
    other = masters.wrap(new_key())
    await old.sql("UPDATE stored SET sealed_key = :key WHERE recording = :n", key=other.sealed, n=changed.recording)
    await old.destroy(destroyed)
    changes = [(name, key, masters.wrap(masters.unwrap(key))) for name, key in page]
    assert await replace_keys(both.custody.engine, changes) == 0
    rows_now = [await old.row(one) for one in (changed, destroyed)]
    assert [row.sealed_key if row else b"" for row in rows_now] == [other.sealed, None]


async def test_the_commands_turn_one_key_into_another(old: Stock, tmp_path: Path) -> None:
    """As the how-to says it, on the files of the secrets."""
    folder = tmp_path / "state" / "secrets"
    folder.mkdir(exist_ok=True)
    (folder / "master-key").write_text(f"{OLD}\n")
    (folder / "master-key").chmod(0o600)
    there = await old.stored(b"once said")
    fresh = said(old.run("keys", "new", str(folder / "next"))).strip()
    (folder / "master-key").rename(folder / "former-master-key")
    (folder / "next").rename(folder / "master-key")
    assert rows(old.run("keys", "list", "--format", "jsonl")) == [
        {"master": fresh, "secret": "master-key", "keys": 0},
        {"master": public(OLD), "secret": "former-master-key", "keys": 1},
    ]
    assert said(old.run("keys", "rewrap")) == f"1 keys wrapped anew by {fresh}\n"
    (folder / "former-master-key").unlink()
    assert rows(old.run("keys", "list", "--format", "jsonl")) == [{"master": fresh, "secret": "master-key", "keys": 1}]
    assert json.loads(old.run("restore", "check", "--deep", "--format", "jsonl").stdout or "[]") == []
    assert there.recording not in old.run("restore", "check").stdout


async def test_a_new_key_is_for_its_owner_alone_and_takes_no_files_place(old: Stock, tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert said(old.run("keys", "new", str(file))).strip() == public(file.read_text().strip())
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    done = old.run("keys", "new", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert "File exists" in done.stderr
    assert file.read_text() == before
    assert "AGE-SECRET" not in done.stderr


def test_a_secret_that_is_no_identity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        MasterKeys.read(str(tmp_path), os.devnull)
