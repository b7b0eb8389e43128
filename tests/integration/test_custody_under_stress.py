"""What goes on at the same moment, stands still, or cannot be had, while recordings are taken, held and erased."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.ari.client import Ari
from controller.custody import due, erasing, holds, ingest, putting, subjects
from controller.custody.condemned import Condemned
from controller.custody.files import PbxFiles, SharedFolder
from controller.custody.ingesting import take_round
from controller.custody.outcomes import tell_outcome
from controller.db.engine import open_engine
from controller.db.holdings import Holding
from controller.db.intake import waiting
from controller.db.inventory import Outside, inventory
from controller.db.ledger import PostgresLedger
from controller.domain.differences import Difference
from controller.domain.policy import Basis, Period
from controller.domain.records import RecordingRecord, RecordingState, StoredState
from controller.errors import PbxRefused, SealBroken
from controller.store.keys import MasterKeys, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from controller.threads import off_the_loop
from tests.integration.archive import ADA, Archive
from tests.integration.entries import a_call_id
from tests.integration.holdings import a_custody
from tests.integration.intakes import ENDED, Place
from tests.unit.domain.stories import policy, purpose


@pytest.fixture
def place(tmp_path: Path, engine: AsyncEngine, ledger: PostgresLedger) -> Place:
    folder = tmp_path / "spool"
    folder.mkdir()
    store = ObjectStore((tmp_path / "recordings").as_uri())
    return Place(folder=folder, engine=engine, ledger=ledger, vault=Vault(store, MasterKeys.read(new_master_key())))


async def held(place: Place, recording: RecordingRecord) -> Holding:
    found = await place.held(recording)
    assert found is not None
    return found


async def test_an_outcome_that_is_told_while_a_recording_is_taken_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = purpose("quality", basis=Basis.CONTRACT)
    rules = policy(replace(evidence, retention=Period(years=5), without_contract=Period(months=1)))
    recording = await place.ended()
    custody = replace(place.custody(), policy=lambda: rules)
    real = due.due_at
    telling: list[asyncio.Task[int]] = []

    async def while_it_is_looked_up(*about: Any) -> Any:
        day = await real(*about)
        telling.append(asyncio.create_task(tell_outcome(custody, recording.call_id, "contract", actor="api")))
        await asyncio.sleep(0.2)
        return day

    monkeypatch.setattr("controller.custody.ingest.due_at", while_it_is_looked_up)
    await place.round(replace(place.ingest(), custody=custody))
    assert await telling[0] == 1
    there = await held(place, recording)
    assert (there.outcome, there.stored.due_at) == ("contract", Period(years=5).after(ENDED))


async def test_a_disk_that_is_not_there_yet_makes_no_backlog_lost(place: Place) -> None:
    """However long ago the recordings ended: they are first looked for just now."""
    recording = await place.ended()
    away = place.file(recording).rename(place.folder / "away")
    assert await take_round(place.ingest(), "paris") is not None
    assert (await held(place, recording)).stored.state is StoredState.TAKING
    away.rename(place.file(recording))
    await place.round()
    assert (await held(place, recording)).stored.state is StoredState.STORED


async def test_a_key_that_no_master_opens_for_now_is_not_thrown_away(place: Place) -> None:
    recording = await place.ended()
    [one] = await waiting(place.engine, "paris", most=9)
    ours = replace(place.ingest(), lost_after=ingest.LOST_AFTER * 0)
    await ours._begin(one)
    await putting.put(ours.custody, ours.files, await held(place, recording))
    place.file(recording).unlink()
    others = replace(place, vault=Vault(place.vault.objects, MasterKeys.read(new_master_key())))
    with pytest.raises(SealBroken):
        await replace(others.ingest(), lost_after=ours.lost_after).take(one)
    assert (await held(place, recording)).stored.sealed_key is not None
    await ours.take(one)
    assert (await held(place, recording)).stored.state is StoredState.STORED


async def test_one_file_that_cannot_be_read_keeps_no_other_on_the_pbx(place: Place) -> None:
    bad, good = sorted([await place.ended(), await place.ended()], key=lambda one: one.name)
    place.file(bad).unlink()
    place.file(bad).mkdir()

    class Pbx:
        def opened(self, recording: str) -> Any:
            return SharedFolder(place.folder, cast("PbxFiles", self)).opened(recording)

        async def delete(self, _recording: str) -> None:
            return

    done = await take_round(replace(place.ingest(), files=Pbx()), "paris")
    assert done is not None
    assert (done.taken, done.failed) == (1, 1)
    assert (await held(place, good)).stored.state is StoredState.STORED


async def test_one_file_that_cannot_be_deleted_keeps_no_other(place: Place) -> None:
    condemned = [await place.ended(state=RecordingState.DISCARDING, quarantined_from=ENDED) for _ in range(2)]
    bad, good = sorted(one.name for one in condemned)
    deleted = []

    class Pbx:
        async def delete_stored_recording(self, name: str) -> None:
            if name == bad:
                raise PbxRefused("500")
            deleted.append(name)

    await Condemned(place.custody(), cast("Ari", Pbx()), "paris", every_s=0).look()
    assert deleted == [good, f"rc-quarantine/{good}"]


async def test_a_recording_that_is_stored_while_it_is_erased_leaves_no_object(
    engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(engine, ledger, database=database, folder=tmp_path)
    recording = await archive.recording(await archive.call(ADA))
    real = erasing._looked_at_again

    async def after_it_was_stored(*about: Any) -> Any:
        await archive.store(recording.name)
        return await real(*about)

    monkeypatch.setattr(erasing, "_looked_at_again", after_it_was_stored)
    assert (await erasing.erase(archive.custody, ADA, actor="api")).erased == [recording.name]
    assert list(archive.custody.vault.objects.names()) == []


async def test_a_call_on_which_a_hold_stands_keeps_its_number(
    engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path
) -> None:
    archive = Archive(engine, ledger, database=database, folder=tmp_path)
    call = await archive.call(ADA)
    await archive.hold(call.id)
    assert (await erasing.erase(archive.custody, ADA, actor="api")).forgotten == []


async def test_neither_does_it_lose_it_where_the_hold_is_placed_while_its_customer_is_erased(
    engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(engine, ledger, database=database, folder=tmp_path)
    call = await archive.call(ADA)
    real = subjects.found

    async def before_it_is_held(*about: Any, **more: Any) -> Any:
        subject = await real(*about, **more)
        await archive.hold(call.id)
        return subject

    monkeypatch.setattr(erasing, "found", before_it_is_held)
    assert (await erasing.erase(archive.custody, ADA, actor="api")).forgotten == []
    assert archive.rows("SELECT customer_hash IS NULL AS gone FROM call") == [{"gone": False}]


async def test_many_holds_at_once_need_no_more_connections_than_there_are(tmp_path: Path, database: str) -> None:
    engine = open_engine(database, pool_size=5)
    try:
        custody = a_custody(engine, tmp_path)
        placed = [holds.place(custody, a_call_id(), "dispute", None, actor="dpo") for _ in range(12)]
        assert len(await asyncio.gather(*placed)) == 12
    finally:
        await engine.dispose()


async def test_what_waits_for_a_store_takes_none_of_the_threads_that_decisions_need() -> None:
    """Asyncio has few threads of its own; a store that does not answer must not use them up."""
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs() -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    hanging = [asyncio.create_task(off_the_loop(hangs)) for _ in range(64)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(30):
        assert await asyncio.to_thread(lambda: "answers") == "answers"
    release.set()
    await asyncio.gather(*hanging)


async def test_neither_does_the_list_of_what_is_in_the_store(engine: AsyncEngine) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))

    def listed() -> Iterator[tuple[str, int]]:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        yield "2026/11/one.age", 1

    async with inventory(engine) as lists:
        adding = asyncio.create_task(lists.add(Outside.OBJECT, listed()))
        await asyncio.sleep(0.1)
        try:
            async with asyncio.timeout(30):
                assert await asyncio.to_thread(lambda: "answers") == "answers"
        finally:
            release.set()
            await adding
        assert [one.what async for one in lists.found(Difference.OBJECT_UNKNOWN)] == ["2026/11/one.age"]
