"""Recordings that have ended on a PBX whose files lie in a folder, and what takes them from there.

Whatever is passed on its way can be made to trip, at any of the points between two steps.
"""

import os
import signal
import sys
import wave
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audio.gaps import GapStyle
from controller.config.settings import Storage
from controller.custody.custody import Custody
from controller.custody.erasures import ERASURES, Erasures
from controller.custody.files import PbxFile, SharedFolder
from controller.custody.ingest import Ingest
from controller.db.holdings import Holding, holding
from controller.db.intake import waiting
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.names import RecordingName
from controller.domain.policy import Period
from controller.domain.records import RecordingRecord, RecordingState
from controller.errors import Gone
from controller.runtime.clock import now
from controller.runtime.ports import Entry, Receipt
from controller.store.keys import MasterKeys
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.entries import a_call, a_decision, a_recording
from tests.unit.domain.stories import policy, purpose

POLICY = policy(replace(purpose(), retention=Period(months=6)))
STORAGE = Storage(
    url="",
    options={},
    gaps=GapStyle.SILENCE,
    archive_after=Period(months=6),
    access_kept=Period(years=1),
    quarantine_kept=Period(days=30),
    least_free_bytes=0,
)
ENDED = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
NAMED = "rc-{call}-quality-1"


def wav(seconds: float = 30.0) -> bytes:
    """A file as Asterisk writes it, of noise that is the same each time."""
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(256)) * int(seconds * 8000 * 2 / 256))
    return made.getvalue()


class Tripped(BaseException):
    """Here it ends, as if the process had."""


class Tripwire:
    """Counts the points that are passed, and ends everything at one of them."""

    def __init__(self, at: int | None = None, *, kills: bool = False) -> None:
        self.left = at
        self.kills = kills

    def here(self) -> None:
        if self.left == 0 and self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.left == 0:
            raise Tripped
        if self.left is not None:
            self.left -= 1


NOWHERE = Tripwire()


class TrippingLedger:
    """The ledger, before and after it has written."""

    def __init__(self, ledger: PostgresLedger, wire: Tripwire) -> None:
        self._ledger = ledger
        self._wire = wire

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        self._wire.here()
        receipts = await self._ledger.write(entries)
        self._wire.here()
        return receipts

    async def answers(self) -> None:
        await self._ledger.answers()


class TrippingStore(ObjectStore):
    """A store, before and after it has an object."""

    def __init__(self, url: str, options: dict[str, str] | None, wire: Tripwire) -> None:
        super().__init__(url, options)
        self._wire = wire

    def put(self, name: str, pieces: Iterator[bytes]) -> None:
        self._wire.here()
        super().put(name, pieces)
        self._wire.here()


class Spool:
    """What a PBX does with a folder of recordings of its own."""

    def __init__(self, folder: Path, wire: Tripwire) -> None:
        self._folder = folder
        self._wire = wire

    @asynccontextmanager
    async def opened(self, recording: str) -> AsyncGenerator[PbxFile]:
        if not (self._folder / f"{recording}.wav").exists():
            raise Gone("404")
        async with SharedFolder(self._folder, self).opened(recording) as file:
            yield file

    async def delete(self, recording: str) -> None:
        self._wire.here()
        (self._folder / f"{recording}.wav").unlink(missing_ok=True)
        self._wire.here()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A PBX with a folder, and a store."""

    folder: Path
    engine: AsyncEngine
    vault: Vault
    ledger: PostgresLedger

    def custody(self, wire: Tripwire = NOWHERE) -> Custody:
        return Custody(
            engine=self.engine,
            ledger=TrippingLedger(self.ledger, wire),
            vault=self.vault,
            erasures=Erasures(self.folder / ERASURES),
            policy=lambda: POLICY,
            storage=STORAGE,
            numbers_key=bytes(32),
            country="FR",
        )

    def ingest(self, wire: Tripwire = NOWHERE, **changes: Any) -> Ingest:
        return Ingest(custody=self.custody(wire), files=Spool(self.folder, wire), **changes)

    def file(self, recording: RecordingRecord) -> Path:
        return self.folder / f"{recording.name}.wav"

    async def ended(self, content: bytes | None = b"", *, under_way: bool = False, **changes: Any) -> RecordingRecord:
        """A recording that has ended, and its file."""
        call = a_call(ended_at=None if under_way else ENDED)
        name = RecordingName(NAMED.format(call=call.id))
        fields: dict[str, Any] = {
            "name": name,
            "call_id": call.id,
            "state": RecordingState.ENDED,
            "ended_at": ENDED,
            **changes,
        }
        recording = a_recording(**fields)
        allowed = {"kind": Kind.RECORD, "verdict": Verdict.ALLOWED, "reason": Reason.SAMPLED}
        decision = a_decision(call_id=call.id, at=now(), policy_version=POLICY.version, **allowed)
        await self.ledger.write([decision, call, recording])
        if content is not None:
            self.file(recording).write_bytes(content or wav())
        return recording

    async def round(self, ingest: Ingest | None = None) -> None:
        """Take whatever waits."""
        for one in await waiting(self.engine, "paris", most=100):
            await (ingest or self.ingest()).take(one)

    async def held(self, recording: RecordingRecord) -> Holding | None:
        return await holding(self.engine, recording.name, at=now())

    async def opened(self, recording: RecordingRecord) -> bytes:
        found = await self.held(recording)
        assert found is not None
        return b"".join(self.vault.pieces(found.stored))


def long_ago() -> timedelta:
    """Whatever has ended may be lost."""
    return timedelta()


async def take_until_killed() -> None:
    """In a process of its own: take what waits, and die at a point."""
    from controller.db.engine import open_engine  # noqa: PLC0415

    url, folder, store, master, at = sys.argv[1:]
    wire = Tripwire(int(at), kills=True)
    engine = open_engine(url)
    place = Place(
        folder=Path(folder),
        engine=engine,
        vault=Vault(TrippingStore(store, None, wire), MasterKeys.read(master)),
        ledger=PostgresLedger(engine, sampling_key=bytes(32), timeout_s=10.0),
    )
    print("says begins", flush=True)  # noqa: T201
    await place.round(place.ingest(wire))
