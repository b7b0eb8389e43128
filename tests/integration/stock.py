"""Recordings in an object store, as they lie there after their calls, and what can be done to them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from controller.config import Settings, load
from controller.custody.custody import Custody, custody_of
from controller.custody.destroying import destroy
from controller.db.engine import open_engine
from controller.db.holdings import holding
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.names import RecordingName
from controller.domain.records import RecordingRecord, RecordingState, StoredRecord, StoredState, Tier
from controller.runtime.clock import now
from controller.store.keys import new_key
from tests.integration.commands import Run
from tests.integration.conftest import KEY, runner
from tests.integration.entries import NOON, a_call, a_decision, a_recording

STORAGE = "storage: {}\n"


@dataclass(frozen=True)
class Stock:
    """One installation: a state directory, a database, and the commands on them."""

    settings: Settings
    custody: Custody
    run: Run

    async def recorded(self, **changes: Any) -> RecordingRecord:
        """A recording that was decided and has ended; its file is still on the PBX."""
        call = a_call(customer_hash=os.urandom(32), ended_at=NOON, pbx="main")
        name = RecordingName(f"rc-{call.id}-quality-1")
        fields = {"name": name, "call_id": call.id, "state": RecordingState.ENDED, "pbx": "main", "ended_at": NOON}
        recording = a_recording(**{**fields, **changes})
        what = {"kind": Kind.RECORD, "verdict": Verdict.ALLOWED, "reason": Reason.SAMPLED}
        allowed = a_decision(call_id=call.id, at=now(), **what)
        await self.custody.ledger.write([replace(call, linkedid=f"linked.{call.id}"), allowed, recording])
        return recording

    async def stored(self, content: bytes = b"what was said") -> StoredRecord:
        """A recording that is in the object store."""
        recording = await self.recorded()
        key = new_key()
        wrapped = self.custody.vault.masters.wrap(key)
        name = f"quality/{recording.name}.age"
        sealed = self.custody.vault.put(name, [content], key)
        there = StoredRecord(
            recording=recording.name,
            state=StoredState.STORED,
            object=name,
            sealed_key=wrapped.sealed,
            master=wrapped.master,
            sha256=sealed.sha256,
            octets=sealed.octets,
            tier=Tier.ACTIVE,
            stored_at=NOON,
            off_pbx_at=NOON,
            due_at=NOON + timedelta(days=180),
        )
        await self.custody.write([there])
        return there

    async def destroy(self, *there: StoredRecord) -> None:
        for one in there:
            found = await holding(self.custody.engine, one.recording, at=now())
            assert found is not None
            await destroy(self.custody, found, Reason.RETENTION_OVER, actor="retention")

    async def row(self, there: StoredRecord) -> StoredRecord | None:
        found = await holding(self.custody.engine, there.recording, at=now())
        return found.stored if found else None

    async def sql(self, statement: str, **values: Any) -> None:
        """What nobody should do to the database."""
        async with self.custody.engine.begin() as connection:
            await connection.execute(text("SET session_replication_role = replica"))
            await connection.execute(text(statement), values)
            await connection.execute(text("SET session_replication_role = DEFAULT"))

    @property
    def erasures(self) -> Path:
        return self.custody.erasures.path


@asynccontextmanager
async def stock_on(folder: Path, database: str, **environ: str) -> AsyncIterator[Stock]:
    """The installation in this folder, on this database. ``environ`` has secrets that are not in its files."""
    run = runner(folder, database, more=STORAGE)
    file = folder / "recording-controller.yaml"
    secrets = {"RECORDING_CONTROLLER_SAMPLING_KEY": KEY.hex(), "RECORDING_CONTROLLER_DATABASE_URL": database}
    settings = load(file, {**secrets, **environ})
    settings.secrets.audit_key()  # as a daemon makes it
    engine = open_engine(database)
    try:
        ledger = PostgresLedger(engine, sampling_key=KEY, timeout_s=30.0)
        yield Stock(settings=settings, custody=custody_of(settings, engine, ledger, lambda: settings.policy), run=run)
    finally:
        await engine.dispose()
