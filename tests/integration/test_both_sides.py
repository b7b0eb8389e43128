"""The two files of a stereo recording: one object is made of them, and neither stays behind."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.ari.client import Ari
from controller.ari.resources import LiveRecording
from controller.audio.stereo import StereoWav
from controller.custody.unexplained import Unexplained
from controller.db.intake import waiting
from controller.db.ledger import PostgresLedger
from controller.domain.names import RecordingName
from controller.domain.records import RecordingRecord, StoredState
from controller.domain.sides import in_stereo, sides_of
from controller.errors import Gone
from controller.store.vault import Vault
from tests.integration.intakes import Place, Tripped, Tripwire, wav

CUSTOMER, AGENT = wav(seconds=30), wav(seconds=29)
BOTH = b"".join(StereoWav([CUSTOMER], [AGENT], octets=(len(CUSTOMER), len(AGENT))))


@pytest.fixture
def place(tmp_path: Path, engine: AsyncEngine, vault: Vault, ledger: PostgresLedger) -> Place:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Place(folder=folder, engine=engine, vault=vault, ledger=ledger)


def named(number: int = 1) -> RecordingName:
    return in_stereo(RecordingName(f"rc-01a20c55-d530-7264-be3a-651207e98ac2-quality-{number}"))


def files(place: Place, recording: RecordingRecord) -> list[Path]:
    return [place.folder / f"{side}.wav" for side in sides_of(recording.name)]


async def in_two_files(
    place: Place, customer: bytes | None, agent: bytes | None, *, number: int = 1
) -> RecordingRecord:
    """A stereo recording that has ended; a side of None never began."""
    recording = await place.ended(None, name=named(number))
    for file, content in zip(files(place, recording), (customer, agent), strict=True):
        if content is not None:
            file.write_bytes(content)
    return recording


async def test_one_object_is_made_of_both_and_both_leave_the_pbx(place: Place) -> None:
    recording = await in_two_files(place, CUSTOMER, AGENT)
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert (held.stored.state, held.stored.partial, held.stored.octets) == (StoredState.STORED, False, len(BOTH))
    assert await place.opened(recording) == BOTH
    assert [file.exists() for file in files(place, recording)] == [False, False]


@pytest.mark.parametrize(("customer", "agent"), [(CUSTOMER, None), (None, AGENT)])
async def test_a_side_that_never_began_is_silent(place: Place, customer: bytes | None, agent: bytes | None) -> None:
    recording = await in_two_files(place, customer, agent)
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert (held.stored.state, held.stored.partial) == (StoredState.STORED, True)
    given = (customer or b"", agent or b"")
    made = StereoWav([given[0]], [given[1]], octets=(len(given[0]), len(given[1])))
    assert await place.opened(recording) == b"".join(made)


async def test_where_neither_is_there_both_are_waited_for(place: Place) -> None:
    recording = await in_two_files(place, None, None)
    [one] = await waiting(place.engine, "paris", most=10)
    with pytest.raises(Gone):
        await place.ingest(lost_after=timedelta.max).take(one)
    held = await place.held(recording)
    assert held is not None
    assert held.stored.state is StoredState.TAKING


async def test_ended_at_any_point_both_are_gone_on_with_and_nothing_is_lost(place: Place) -> None:
    for point in count():
        recording = await in_two_files(place, CUSTOMER, AGENT, number=point + 1)
        wire = Tripwire(point)
        try:
            await place.round(place.ingest(wire))
        except Tripped:
            if not all(file.exists() for file in files(place, recording)):
                assert await place.opened(recording) == BOTH
            await place.round()
            assert await place.opened(recording) == BOTH
            assert not any(file.exists() for file in files(place, recording))
        else:
            break
    assert point > 8


@dataclass
class Listed:
    """A PBX that has these files."""

    names: list[str]

    async def stored_recordings(self) -> list[str]:
        return self.names

    async def live_recording(self, name: str) -> LiveRecording:
        raise Gone(name)

    async def copy_stored_recording(self, _name: str, to: str) -> None:
        self.names.append(to)

    async def delete_stored_recording(self, name: str) -> None:
        self.names.remove(name)


async def test_a_recording_explains_both_of_its_files_and_no_others(place: Place) -> None:
    known, unknown = await in_two_files(place, CUSTOMER, AGENT), sides_of(named(2))
    pbx = Listed([*sides_of(known.name), *unknown])
    looking = Unexplained(place.custody(), cast("Ari", pbx), "paris", every_s=0)
    await looking.look()
    await looking.look()
    assert sorted(pbx.names) == sorted([*sides_of(known.name), *(f"rc-quarantine/{side}" for side in unknown)])
