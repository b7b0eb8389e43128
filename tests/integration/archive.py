"""An archive of invented customers: a real database, and real sealed audio in a folder."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audio.gaps import GapStyle
from controller.config.settings import Storage
from controller.custody.custody import Custody
from controller.custody.erasures import ERASURES, Erasures
from controller.db.ledger import PostgresLedger
from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Basis, Period, Policy
from controller.domain.records import (
    CallRecord,
    DocumentRecord,
    HoldRecord,
    RecordingRecord,
    RecordingState,
    StoredRecord,
    StoredState,
)
from controller.numbers import canonical, hash_of
from controller.runtime.clock import new_call_id, new_token, now
from controller.sealed_numbers import display_key, seal
from controller.store.keys import MasterKeys, new_key, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from lab.sweep import sweep, write_wav
from tests.integration.entries import a_call, a_decision
from tests.unit.domain.stories import policy, purpose

NUMBERS_KEY = b"a key for tests that is none...!"
ADA, BEN = "06 39 98 00 01", "+33639980002"
YEAR = timedelta(days=365)
RULES = policy(
    replace(purpose("quality"), listeners=("quality-managers",)),
    purpose("orders", basis=Basis.CONTRACT),
    purpose("duty", basis=Basis.LEGAL_OBLIGATION),
)


class Archive:
    """What is kept, and verbs that keep more."""

    def __init__(
        self,
        engine: AsyncEngine,
        ledger: PostgresLedger,
        *,
        database: str,
        folder: Path,
        rules: Policy = RULES,
        masters: MasterKeys | None = None,
        numbers_key: bytes = NUMBERS_KEY,
    ) -> None:
        self.folder, self._database = folder, database
        url = (folder / "recordings").as_uri()
        half = Period(months=6)
        self.custody = Custody(
            engine=engine,
            ledger=ledger,
            vault=Vault(ObjectStore(url), masters or MasterKeys.read(new_master_key())),
            erasures=Erasures(folder / ERASURES),
            policy=lambda: rules,
            storage=Storage(
                url=url,
                options={},
                gaps=GapStyle.SILENCE,
                archive_after=half,
                access_kept=half,
                quarantine_kept=half,
                least_free_bytes=0,
            ),
            numbers_key=numbers_key,
            country="FR",
        )

    async def call(self, number: str | None, **changes: Any) -> CallRecord:
        """A call that is over, of this customer; of one who withholds their number."""
        known = canonical(number, "FR") if number else ""
        key = self.custody.numbers_key
        kept = {"customer_hash": hash_of(known, key), "customer_sealed": seal(known, display_key(key))}
        fields: dict[str, Any] = {"id": new_call_id(), "agent": "201", "ended_at": now() - timedelta(hours=1)}
        call = a_call(**{**fields, **(kept if known else dict.fromkeys(kept)), **changes})
        told = a_decision(call_id=call.id, actor="agent:201", facts={"agent": "201", "queue": call.queue})
        await self.custody.ledger.write([call, told])
        return call

    async def recording(self, call: CallRecord, purpose: str = "quality", **changes: Any) -> RecordingRecord:
        """A recording of it, on its PBX."""
        fields: dict[str, Any] = {
            "name": RecordingName(f"rc-{call.id}-{purpose}-1"),
            "call_id": call.id,
            "pbx": call.pbx,
            "purpose": purpose,
            "state": RecordingState.ENDED,
            "started_at": call.started_at,
            "ended_at": call.ended_at,
            "milliseconds": 500,
            "quarantined_from": None,
        }
        recording = RecordingRecord(**{**fields, **changes})
        await self.custody.ledger.write([recording])
        return recording

    async def stored(
        self, call: CallRecord, purpose: str = "quality", *, due: timedelta | None = YEAR, **changes: Any
    ) -> str:
        """A recording of it in the object store, and off its PBX; its name."""
        recording = await self.recording(call, purpose, **changes)
        await self.store(recording.name, due=due)
        return recording.name

    async def store(self, recording: str, *, due: timedelta | None = YEAR) -> None:
        """Put its audio into the object store, as if it were off its PBX by now."""
        await self._put(recording, self.audio().read_bytes(), due, off_pbx_at=now())

    async def document(self, call: CallRecord, text: bytes, *, due: timedelta = YEAR) -> str:
        """A document about it; its name."""
        name = f"document-{call.id}"
        about = {"call_id": call.id, "purpose": "quality", "kind": "evaluation", "media_type": "text/plain"}
        await self.custody.write([DocumentRecord(id=name, added_at=now(), added_by="cli:somebody", **about)])  # type: ignore[arg-type]
        await self._put(name, text, due)
        return name

    async def hold(self, call: CallId) -> None:
        """A legal hold on it."""
        hold = HoldRecord(
            id=new_token("hold"), call_id=call, why="a dispute", placed_by="cli:somebody", placed_at=now()
        )
        await self.custody.write([hold])

    def audio(self) -> Path:
        """Half a second of the sweep."""
        path = self.folder / "half-a-second.wav"
        if not path.exists():
            write_wav(path, sweep(0.5))
        return path

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self._database, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def decided(self, kind: str) -> list[tuple[str, str, str | None]]:
        """Verdict, reason and recording of each decision of a kind."""
        found = self.rows("SELECT verdict, reason, facts FROM decision WHERE kind = %s ORDER BY seq", kind)
        return [(row["verdict"], row["reason"], row["facts"].get("recording")) for row in found]

    def states(self) -> dict[str, str]:
        """The state of each recording and document in the object store."""
        return {row["recording"]: row["state"] for row in self.rows("SELECT recording, state FROM stored")}

    async def _put(self, name: str, content: bytes, due: timedelta | None, off_pbx_at: datetime | None = None) -> None:
        key, vault = new_key(), self.custody.vault
        put = vault.put(f"{name}.age", iter([content]), key)
        wrapped = vault.masters.wrap(key)
        stored = StoredRecord(
            recording=name,
            state=StoredState.STORED,
            object=f"{name}.age",
            sealed_key=wrapped.sealed,
            master=wrapped.master,
            sha256=put.sha256,
            octets=put.octets,
            due_at=now() + due if due else None,
            off_pbx_at=off_pbx_at,
        )
        await self.custody.write([stored])
