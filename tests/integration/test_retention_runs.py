"""What is due is destroyed, what must stay stays, and what is old goes to the archive: on a real store and database."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from pyrage.x25519 import Identity
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody import holds
from controller.custody.custody import Custody
from controller.custody.retention import Report, Step, run
from controller.db.holdings import holding
from controller.db.ledger import PostgresLedger
from controller.domain.records import AccessRecord, RestrictionRecord, StoredState
from controller.domain.retention import Fate
from controller.errors import ObjectGone
from controller.runtime.clock import now
from controller.store.keys import MasterKeys
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.stores import (
    CUSTOMER,
    ENDED,
    MASTER,
    SPOKEN,
    Seen,
    a_custody,
    after,
    ask,
    broken_chains,
    call_of,
    custody,
    decided,
    facts,
    folder_of,
    put,
    seen,
    vault,
)
from tests.integration.test_register_commands import everything
from tests.unit.store.conftest import objects, s3_endpoint

__all__ = ["custody", "objects", "s3_endpoint", "vault"]
SECOND = timedelta(seconds=1)


async def ran(custody: Custody, at: datetime, *, dry_run: bool = False) -> tuple[Report, list[tuple[str, str | None]]]:
    """A run, and its steps: what, and why."""
    steps: list[Step] = []
    report = await run(custody, at=at, dry_run=dry_run, actor="cli:dpo", tell=steps.append)
    return report, [(step.what, step.reason) for step in steps]


def names(vault: Vault) -> list[str]:
    return sorted(vault.objects.names())


async def test_what_is_due_is_destroyed_with_its_key_its_object_and_all_that_was_made_of_it(
    custody: Custody, database: str
) -> None:
    due = await put(custody)
    stays = await put(custody, due_at=after(months=6) + SECOND)
    left = names(custody.vault)
    _, steps = await ran(custody, after(months=6) - SECOND)
    assert steps == []
    report, steps = await ran(custody, after(months=6))
    assert steps == [("destroy", "retention-over")]
    assert report.done[Fate.DESTROY] == 1
    assert seen(database, due) == Seen("destroyed", has_key=False, tier="active", due_at=after(months=6))
    assert seen(database, stays).has_key
    assert names(custody.vault) == [name for name in left if due.recording not in name]
    assert decided(database) == [("erase", "applied", "retention-over")]
    [told] = facts(database, "retention-over")
    assert told == {"recording": due.recording, "due_at": after(months=6).isoformat(timespec="milliseconds")}
    assert ask(database, "SELECT what, reason FROM erasure") == [(due.recording, "retention-over")]
    assert broken_chains(database) == []
    assert (await ran(custody, after(months=6)))[1] == []


async def test_what_lies_in_s3_is_destroyed_too(
    engine: AsyncEngine, ledger: PostgresLedger, objects: ObjectStore, database: str
) -> None:
    custody = a_custody(engine, ledger, Vault(objects, MasterKeys.read(MASTER)))
    due = await put(custody)
    await ran(custody, after(months=6))
    assert names(custody.vault) == []
    assert seen(database, due).state == "destroyed"


async def test_a_copy_of_the_store_that_was_made_before_is_never_opened_again(
    custody: Custody, database: str, tmp_path: Path
) -> None:
    due = await put(custody)
    assert due.sealed_key is not None
    assert due.object is not None
    shutil.copytree(folder_of(custody.vault), tmp_path / "copy")
    assert b"".join(custody.vault.pieces(due)) == SPOKEN
    assert due.sealed_key.hex() in everything(database)
    await ran(custody, after(months=6))
    shutil.copytree(tmp_path / "copy", folder_of(custody.vault), dirs_exist_ok=True)
    known = await holding(custody.engine, due.recording, at=now())
    assert known is not None
    with pytest.raises(ObjectGone):
        b"".join(custody.vault.pieces(known.stored))
    assert due.sealed_key.hex() not in everything(database)
    for copied in (due.object, f"derived/{due.recording}/silence.mp3.age"):
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt((tmp_path / "copy" / copied).read_bytes(), [Identity.from_str(MASTER)])


async def test_what_a_hold_or_a_restriction_keeps_is_listed_and_stays_and_no_decision_is_repeated(
    custody: Custody, database: str
) -> None:
    held = await put(custody)
    hold = await holds.place(custody, call_of(held), "a claim", None, actor="cli:dpo")
    before = decided(database)
    for _ in range(2):
        report, steps = await ran(custody, after(months=6))
        assert steps == [("keep", "legal-hold")]
        assert report.done[Fate.KEEP] == 1
    assert decided(database) == before
    assert b"".join(custody.vault.pieces(held)) == SPOKEN
    await holds.lift(custody, hold.id, actor="cli:dpo")
    restriction = RestrictionRecord(customer_hash=CUSTOMER, at=ENDED)
    await custody.write([restriction])
    assert (await ran(custody, after(months=6)))[1] == [("keep", "restricted")]
    assert b"".join(custody.vault.pieces(held)) == SPOKEN
    await custody.write([RestrictionRecord(customer_hash=CUSTOMER, at=ENDED, lifted_at=now())])
    assert (await ran(custody, after(months=6)))[1] == [("destroy", "retention-over")]


async def test_a_hold_that_is_over_holds_no_more_and_one_that_stands_now_holds_whatever_time_is_asked_for(
    custody: Custody, database: str
) -> None:
    kept = await put(custody)
    until = now() + timedelta(days=10)
    await holds.place(custody, call_of(kept), "a claim", until, actor="cli:dpo")
    at = until + timedelta(days=365)
    assert (await ran(custody, at, dry_run=True))[1] == [("destroy", "retention-over")]
    assert (await ran(custody, at))[1] == [("keep", "legal-hold")]
    assert seen(database, kept).has_key


async def test_a_dry_run_says_what_a_run_does_and_does_nothing(custody: Custody, database: str) -> None:
    await put(custody)
    await put(custody, "insurance")
    await put(custody, "markets")
    before = everything(database), names(custody.vault)
    report, foreseen = await ran(custody, after(months=6), dry_run=True)
    assert (everything(database), names(custody.vault)) == before
    assert sorted(foreseen) == [("archive", "archived"), ("destroy", "no-contract"), ("destroy", "retention-over")]
    done, steps = await ran(custody, after(months=6))
    assert steps == foreseen
    assert done.done == report.done


async def test_evidence_goes_to_the_archive_once_and_is_destroyed_from_there(custody: Custody, database: str) -> None:
    kept = await put(custody, "markets")
    assert (await ran(custody, after(months=6) - SECOND))[1] == []
    assert (await ran(custody, after(months=6)))[1] == [("archive", "archived")]
    assert seen(database, kept) == Seen("stored", has_key=True, tier="archive", due_at=after(years=5))
    assert decided(database) == [("retain", "applied", "archived")]
    assert (await ran(custody, after(months=7)))[1] == []
    assert (await ran(custody, after(years=5)))[1] == [("destroy", "retention-over")]
    assert seen(database, kept).state == "destroyed"


async def test_a_run_ahead_of_its_time_says_so_in_its_decision(custody: Custody, database: str) -> None:
    await put(custody, due_at=now() + timedelta(days=1))
    at = now() + timedelta(days=2)
    await ran(custody, at)
    [told] = facts(database, "retention-over")
    assert told["as_of"] == at.isoformat(timespec="milliseconds")


async def test_what_is_not_stored_yet_is_left_to_whoever_takes_it_in(custody: Custody, database: str) -> None:
    on_its_way = await put(custody, state=StoredState.TAKING)
    assert (await ran(custody, after(years=9)))[1] == []
    assert seen(database, on_its_way).has_key


async def test_a_recording_without_a_date_and_of_a_purpose_that_is_gone_stays(custody: Custody, database: str) -> None:
    nobody_knows = await put(custody, "forgotten")
    without_date = await put(custody, due_at=None)
    undated = "UPDATE stored SET due_at = NULL RETURNING recording"
    assert len(ask(database, undated)) == 2
    assert (await ran(custody, after(months=6)))[1] == [("destroy", "retention-over")]
    assert seen(database, nobody_knows).has_key
    assert not seen(database, without_date).has_key


async def test_who_had_what_is_forgotten_after_a_time_of_its_own(custody: Custody, database: str) -> None:
    for name, at in (("old", ENDED), ("young", ENDED + SECOND)):
        await custody.write([AccessRecord(id=name, at=at, who="cli:dpo", action="listen", what="rc", why=None)])
    report, _ = await ran(custody, after(years=1))
    assert report.accesses == 1
    assert ask(database, "SELECT id FROM access") == [("young",)]
    assert decided(database) == []


async def test_many_are_taken_page_by_page(custody: Custody, database: str) -> None:
    await put(custody)
    copies = (
        "INSERT INTO recording SELECT name || '-' || n, call_id, pbx, purpose, state, started_at, ended_at,"
        " milliseconds, quarantined_from FROM recording, generate_series(1, 204) AS n RETURNING name"
    )
    assert len(ask(database, copies)) == 204
    stored = (
        "INSERT INTO stored (recording, object, state, sealed_key, master, due_at)"
        " SELECT recording || '-' || n, object || n, state, sealed_key, master, due_at"
        " FROM stored, generate_series(1, 204) AS n RETURNING recording"
    )
    assert len(ask(database, stored)) == 204
    report, _ = await ran(custody, after(months=6))
    assert report.done == {Fate.DESTROY: 205}
    assert ask(database, "SELECT DISTINCT state FROM stored") == [("destroyed",)]
    assert names(custody.vault) == []
