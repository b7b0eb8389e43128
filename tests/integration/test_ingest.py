"""From the PBX into the object store: whatever ends in between, nothing is lost and nothing is there twice."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody.destroying import destroy
from controller.custody.files import SharedFolder
from controller.db import queries
from controller.db.intake import alone, waiting
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Reason, StoredDecision
from controller.domain.policy import Period
from controller.domain.records import RecordingRecord, RecordingState, StoredRecord
from controller.domain.records import StoredState as State
from controller.errors import Gone, PbxUnreachable, SealBroken
from controller.runtime.clock import now
from controller.store.keys import MasterKeys, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.conftest import program
from tests.integration.entries import NOON
from tests.integration.intakes import ENDED, Place, Spool, Tripped, TrippingStore, Tripwire, wav


@pytest.fixture
def place(tmp_path: Path, engine: AsyncEngine, vault: Vault, ledger: PostgresLedger) -> Place:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Place(folder=folder, engine=engine, vault=vault, ledger=ledger)


@pytest.fixture
def beside(tmp_path: Path, engine: AsyncEngine, ledger: PostgresLedger) -> Place:
    """A place whose store is a folder."""
    folder = tmp_path / "spool"
    folder.mkdir()
    store = ObjectStore((tmp_path / "recordings").as_uri())
    return Place(folder=folder, engine=engine, ledger=ledger, vault=Vault(store, MasterKeys.read(new_master_key())))


async def decisions(place: Place, recording: RecordingRecord) -> list[StoredDecision]:
    """What was decided about a recording since it ended."""
    found = [d async for d in queries.decisions(place.engine, call=recording.call_id)]
    return [d for d in found if d.facts.get("recording") == recording.name]


async def assert_stored_once(place: Place, recording: RecordingRecord, content: bytes) -> None:
    held = await place.held(recording)
    assert held is not None
    assert (held.stored.state, held.stored.sha256) == (State.STORED, hashlib.sha256(content).digest())
    assert held.stored.off_pbx_at is not None
    assert not place.file(recording).exists()
    assert await place.opened(recording) == content
    assert list(place.vault.objects.names()) == [held.stored.object]
    assert [d.reason for d in await decisions(place, recording)] == ["stored"]


async def assert_nothing_is_lost(place: Place, recording: RecordingRecord, content: bytes) -> None:
    """It is on the PBX, or else it is in the store and the database says so."""
    if place.file(recording).exists():
        assert place.file(recording).read_bytes() == content
    else:
        assert await place.opened(recording) == content


async def test_a_recording_that_has_ended_is_sealed_and_leaves_the_pbx(place: Place) -> None:
    recording = await place.ended()
    await place.round()
    await assert_stored_once(place, recording, wav())
    held = await place.held(recording)
    assert held is not None
    assert held.stored.object == f"quality/2026/03/02/{recording.name}.age"
    assert held.stored.due_at == Period(months=6).after(ENDED)
    assert held.stored.partial is False
    [decision] = await decisions(place, recording)
    assert (decision.kind, decision.verdict, decision.actor, decision.pbx) == ("retain", "applied", "daemon", "paris")
    assert decision.facts == {
        "recording": recording.name,
        "sha256": hashlib.sha256(wav()).hexdigest(),
        "octets": len(wav()),
        "partial": False,
        "due_at": held.stored.due_at.isoformat(),
        "object": held.stored.object,
    }
    assert wav()[:200] not in b"".join(place.vault.objects.pieces(held.stored.object))


async def test_done_twice_it_does_nothing(place: Place) -> None:
    recording = await place.ended()
    [one] = await waiting(place.engine, "paris", most=10)
    for _ in range(2):
        await place.ingest().take(one)
    await assert_stored_once(place, recording, wav())
    assert await waiting(place.engine, "paris", most=10) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"quarantined_from": NOON}, id="is out of hearing"),
        pytest.param({"state": RecordingState.RECORDING, "ended_at": None}, id="is under way"),
        pytest.param({"state": RecordingState.DISCARDING, "quarantined_from": NOON}, id="is to be deleted"),
        pytest.param({"under_way": True}, id="is of a call whose customer may object yet"),
        pytest.param({"pbx": "lyon"}, id="is on another PBX"),
    ],
)
async def test_what_stays_where_it_is(place: Place, changes: dict[str, Any]) -> None:
    recording = await place.ended(**changes)
    await place.round()
    assert place.file(recording).exists()
    assert await place.held(recording) is None


async def test_ended_at_any_point_it_is_gone_on_with_and_nothing_is_lost(beside: Place, tmp_path: Path) -> None:
    url = (tmp_path / "recordings").as_uri()
    for point in count():
        recording = await beside.ended()
        wire = Tripwire(point)
        tripping = replace(beside, vault=Vault(TrippingStore(url, None, wire), beside.vault.masters))
        try:
            await tripping.round(tripping.ingest(wire))
        except Tripped:
            await assert_nothing_is_lost(beside, recording, wav())
            await beside.round()
            await assert_stored_once(beside, recording, wav())
        else:
            break
        for name in list(beside.vault.objects.names()):
            beside.vault.objects.delete(name)
    assert point == 10


@pytest.mark.parametrize("point", range(10))
async def test_killed_at_any_point_it_is_gone_on_with_by_the_next_process(
    beside: Place, tmp_path: Path, database: str, point: int
) -> None:
    master = new_master_key()
    place = replace(beside, vault=Vault(beside.vault.objects, MasterKeys.read(master)))
    recording = await place.ended()
    code = "import asyncio; from tests.integration import intakes; asyncio.run(intakes.take_until_killed())"
    words = (database, str(place.folder), (tmp_path / "recordings").as_uri(), master, str(point))
    async with program(code, *words) as (process, _):
        assert await process.wait() == -9
    await assert_nothing_is_lost(place, recording, wav())
    await place.round()
    await assert_stored_once(place, recording, wav())


async def test_a_pbx_that_breaks_off_is_asked_again(place: Place) -> None:
    recording = await place.ended()
    content = place.file(recording).read_bytes()

    class Breaking(Spool):
        def opened(self, recording: str) -> Any:  # noqa: ARG002 - every file is that one
            return _BrokenOff()

    [one] = await waiting(place.engine, "paris", most=10)
    with pytest.raises(PbxUnreachable):
        await replace(place.ingest(), files=Breaking(place.folder, Tripwire())).take(one)
    assert list(place.vault.objects.names()) == []
    await place.round()
    await assert_stored_once(place, recording, content)


class _BrokenOff:
    """A file of which half comes."""

    octets = len(wav())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    @property
    async def pieces(self) -> Any:
        yield wav()[: self.octets // 2]
        raise PbxUnreachable("broken off")


async def test_what_a_store_gives_back_changed_is_not_taken_for_stored(beside: Place, tmp_path: Path) -> None:
    class Changing(ObjectStore):
        def put(self, name: str, pieces: Any) -> None:
            whole = bytearray(b"".join(pieces))
            whole[-1000] ^= 1
            super().put(name, iter([bytes(whole)]))

    recording = await beside.ended()
    store = Changing((tmp_path / "recordings").as_uri())
    changing = replace(beside, vault=Vault(store, beside.vault.masters))
    with pytest.raises(SealBroken):
        await changing.round()
    assert beside.file(recording).exists()
    assert await decisions(beside, recording) == []
    await beside.round()
    await assert_stored_once(beside, recording, wav())


async def test_what_was_damaged_in_the_store_is_put_anew_before_the_pbx_loses_it(place: Place) -> None:
    recording = await place.ended()
    with pytest.raises(Tripped):
        await place.round(place.ingest(Tripwire(4)))
    held = await place.held(recording)
    assert held is not None
    assert held.stored.state is State.STORED
    assert held.stored.object is not None
    place.vault.objects.put(held.stored.object, iter([b"something else"]))
    await place.round()
    await assert_stored_once(place, recording, wav())


async def test_a_file_whose_header_is_wrong_is_stored_with_a_right_one_and_marked(place: Place) -> None:
    broken = bytearray(wav())
    broken[4:8] = broken[40:44] = bytes(4)
    recording = await place.ended(bytes(broken))
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert held.stored.partial is True
    assert await place.opened(recording) == wav()
    [decision] = await decisions(place, recording)
    assert decision.facts["partial"] is True


@pytest.mark.parametrize("content", [b"RIFF", b"no recording at all" * 1000])
async def test_what_is_no_recording_that_can_be_read_is_stored_as_it_is(place: Place, content: bytes) -> None:
    recording = await place.ended(content)
    await place.round()
    assert await place.opened(recording) == content
    held = await place.held(recording)
    assert held is not None
    assert held.stored.partial is True


async def test_a_file_that_is_gone_is_waited_for_and_then_said_to_be_lost_once(place: Place) -> None:
    recording = await place.ended(None, ended_at=now())
    with pytest.raises(Gone):
        await place.round()
    assert await decisions(place, recording) == []
    for _ in range(2):
        await place.round(place.ingest(lost_after=timedelta()))
    [decision] = await decisions(place, recording)
    assert (decision.kind, decision.verdict, decision.reason) == ("retain", "refused", "recording-lost")
    held = await place.held(recording)
    assert held is not None
    assert (held.stored.state, held.stored.sealed_key) == (State.DESTROYED, None)


async def test_a_file_that_is_gone_after_it_was_put_is_stored_all_the_same(place: Place) -> None:
    recording = await place.ended()
    with pytest.raises(Tripped):
        await place.round(place.ingest(Tripwire(2)))
    place.file(recording).unlink()
    await place.round()
    await assert_stored_once(place, recording, wav())


async def test_what_was_destroyed_while_it_was_taken_leaves_store_and_pbx(place: Place) -> None:
    recording = await place.ended()
    with pytest.raises(Tripped):
        await place.round(place.ingest(Tripwire(2)))
    held = await place.held(recording)
    assert held is not None
    await destroy(place.custody(), held, Reason.SUBJECT_REQUEST, actor="cli:root")
    await place.round()
    assert not place.file(recording).exists()
    assert list(place.vault.objects.names()) == []
    assert [d.reason for d in await decisions(place, recording)] == ["subject-request"]


async def test_what_was_destroyed_before_it_was_taken_leaves_the_pbx_unstored(place: Place) -> None:
    recording = await place.ended()
    await place.custody().write([StoredRecord(recording=recording.name, state=State.DESTROYED, destroyed_at=now())])
    await place.round()
    assert not place.file(recording).exists()
    assert list(place.vault.objects.names()) == []


async def test_a_recording_whose_master_key_is_lost_before_it_is_stored_gets_another_key(place: Place) -> None:
    recording = await place.ended()
    with pytest.raises(Tripped):
        await place.round(place.ingest(Tripwire(2)))
    after = replace(place, vault=Vault(place.vault.objects, MasterKeys.read(new_master_key())))
    await after.round()
    await assert_stored_once(after, recording, wav())


async def test_a_shared_folder_is_read_and_the_pbx_is_asked_for_what_is_not_there(place: Place, tmp_path: Path) -> None:
    """So a folder that is not mounted loses nothing."""
    recording = await place.ended()
    for folder in (tmp_path / "not mounted", place.folder):
        async with SharedFolder(folder, Spool(place.folder, Tripwire())).opened(recording.name) as file:
            assert file.octets == len(wav())
            assert b"".join([piece async for piece in file.pieces]) == wav()


async def test_one_at_a_time_takes_from_a_pbx(engine: AsyncEngine) -> None:
    async with alone(engine, "paris") as first, alone(engine, "paris") as second, alone(engine, "lyon") as other:
        assert (first, second, other) == (True, False, True)
    async with alone(engine, "paris") as again:
        assert again


async def test_cancelled_it_stands_where_it_stood(place: Place) -> None:
    recording = await place.ended()
    comes = asyncio.Event()

    class Endless(_BrokenOff):
        @property
        async def pieces(self) -> Any:
            yield wav()[:100_000]
            comes.set()
            await asyncio.Event().wait()

    class Slow(Spool):
        def opened(self, recording: str) -> Any:  # noqa: ARG002 - every file is that one
            return Endless()

    [one] = await waiting(place.engine, "paris", most=10)
    slow = replace(place.ingest(), files=Slow(place.folder, Tripwire()))
    taking = asyncio.create_task(slow.take(one))
    await comes.wait()
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert list(place.vault.objects.names()) == []
    await place.round()
    await assert_stored_once(place, recording, wav())
