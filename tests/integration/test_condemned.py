"""Files on a PBX that are to be no more, against a real PostgreSQL; the PBX is a folder behind what ARI answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.ari.client import Ari
from controller.custody import holds
from controller.custody.condemned import Condemned
from controller.custody.custody import Custody
from controller.domain.names import RecordingName
from controller.domain.records import CondemnedRecord, RecordingRecord, RecordingState
from controller.domain.sides import in_stereo, sides_of
from controller.errors import Gone
from controller.runtime.clock import now
from tests.integration.entries import a_call, a_recording
from tests.integration.holdings import a_custody


class Spool:
    """What a PBX has in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "rc-quarantine").mkdir(parents=True)

    def put(self, name: str) -> Path:
        file = self._folder / f"{name}.wav"
        file.write_bytes(b"a card number, perhaps")
        return file

    async def delete_stored_recording(self, name: str) -> None:
        try:
            (self._folder / f"{name}.wav").unlink()
        except FileNotFoundError:
            raise Gone("no such recording") from None


@pytest.fixture
def custody(engine: AsyncEngine, tmp_path: Path) -> Custody:
    return a_custody(engine, tmp_path)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def condemned(custody: Custody, spool: Spool) -> Condemned:
    return Condemned(custody, cast("Ari", spool), "paris", every_s=0)


async def a_file(custody: Custody, *, days: int, ended: bool = True, **changes: Any) -> RecordingRecord:
    """A recording that went out of hearing so many days ago."""
    then = now() - timedelta(days=days)
    call = a_call(started_at=then, ended_at=then if ended else None)
    fields: dict[str, Any] = {"name": f"rc-{call.id}-quality-1", "call_id": call.id, "started_at": then}
    fields |= {"ended_at": then, "state": RecordingState.QUARANTINED, "quarantined_from": then}
    recording = a_recording(**fields | changes)
    await custody.ledger.write([call, recording])
    return recording


def rows(database: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(question.encode()).fetchall()


async def test_what_was_out_of_hearing_for_long_enough_is_destroyed(
    condemned: Condemned, custody: Custody, spool: Spool, database: str
) -> None:
    old, young = await a_file(custody, days=31), await a_file(custody, days=29)
    gone, there = spool.put(f"rc-quarantine/{old.name}"), spool.put(f"rc-quarantine/{young.name}")
    await condemned.look()
    await condemned.look()
    assert (gone.exists(), there.exists()) == (False, True)
    assert dict(rows(database, "SELECT name, state FROM recording")) == {
        old.name: "discarded",
        young.name: "quarantined",
    }
    decided = rows(database, "SELECT kind, verdict, reason, rule, facts->>'recording' FROM decision")
    assert decided == [("erase", "applied", "retention-over", "storage.quarantine_kept", old.name)]
    assert rows(database, "SELECT what FROM erasure") == [(old.name,)]


async def test_both_sides_of_a_recording_are_destroyed(condemned: Condemned, custody: Custody, spool: Spool) -> None:
    old = await a_file(custody, days=31, name=in_stereo(RecordingName("rc-call-quality-1")))
    files = [spool.put(f"rc-quarantine/{side}") for side in sides_of(old.name)]
    await condemned.look()
    await condemned.look()
    assert [file.exists() for file in files] == [False, False]


async def test_a_legal_hold_keeps_it_until_it_is_lifted(condemned: Condemned, custody: Custody, spool: Spool) -> None:
    held = await a_file(custody, days=31)
    file = spool.put(f"rc-quarantine/{held.name}")
    hold = await holds.place(custody, held.call_id, "dispute", None, actor="dpo")
    await condemned.look()
    assert file.exists()
    await holds.lift(custody, hold.id, actor="dpo")
    await condemned.look()
    assert not file.exists()


async def test_what_was_erased_on_request_is_deleted_once_its_call_is_over(
    condemned: Condemned, custody: Custody, spool: Spool, database: str
) -> None:
    over = await a_file(custody, days=0, state=RecordingState.ENDED, quarantined_from=None)
    going = await a_file(custody, days=0, state=RecordingState.ENDED, quarantined_from=None, ended=False)
    files = [spool.put(one.name) for one in (over, going)]
    await custody.write([CondemnedRecord(recording=one.name) for one in (over, going)])
    await condemned.look()
    assert [file.exists() for file in files] == [False, True]
    states = dict(rows(database, "SELECT name, state FROM recording"))
    assert states == {over.name: "discarded", going.name: "discarding"}
