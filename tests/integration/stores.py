"""Recordings in a real object store, with what PostgreSQL knows of them; and what can be seen of them from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audio.gaps import GapStyle
from controller.audit.keys import PublicKey
from controller.audit.verify import Proof, verify
from controller.config.settings import Storage
from controller.custody.custody import Custody
from controller.custody.erasures import ERASURES, Erasures
from controller.db.chains import everything
from controller.db.ledger import PostgresLedger
from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Basis, Period, Policy, Purpose
from controller.domain.records import RecordingState, StoredRecord, StoredState, Tier
from controller.domain.retention import due
from controller.runtime.clock import now
from controller.runtime.ports import Ledger
from controller.store.keys import MasterKeys, new_key, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault, derived_name
from tests.integration.entries import a_call, a_call_id, a_recording
from tests.unit.domain.stories import policy, purpose

ENDED = datetime(2026, 3, 2, 12, tzinfo=UTC)
CUSTOMER = bytes(range(32))
MASTER = new_master_key()
SPOKEN = b"what was once said on the telephone, and by whom"
QUALITY = replace(purpose(), retention=Period(months=6), analyses=Period(years=1))
INSURANCE = replace(
    purpose("insurance", basis=Basis.CONTRACT), retention=Period(years=2), without_contract=Period(months=1)
)
MARKETS = replace(purpose("markets", basis=Basis.LEGAL_OBLIGATION), retention=Period(years=5))
PURPOSES: Mapping[str, Purpose] = {one.name: one for one in (QUALITY, INSURANCE, MARKETS)}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(ObjectStore((tmp_path / "recordings").as_uri()), MasterKeys.read(MASTER))


@pytest.fixture
def custody(engine: AsyncEngine, ledger: PostgresLedger, vault: Vault) -> Custody:
    return a_custody(engine, ledger, vault)


def after(**lasts: int) -> datetime:
    """So long after the recordings of these tests ended."""
    return Period(**lasts).after(ENDED)


def storage(url: str) -> Storage:
    return Storage(
        url=url,
        options={},
        gaps=GapStyle.SILENCE,
        archive_after=Period(months=6),
        access_kept=Period(years=1),
        quarantine_kept=Period(days=30),
        least_free_bytes=0,
    )


def a_policy(purposes: Mapping[str, Purpose] = PURPOSES) -> Policy:
    return replace(policy(), version="b" * 64, purposes=purposes)


def a_custody(engine: AsyncEngine, ledger: Ledger, vault: Vault, policy: Policy | None = None) -> Custody:
    """Custody of what is in a vault, by a policy with the three purposes of these tests."""
    in_force = policy or a_policy()
    return Custody(
        engine=engine,
        ledger=ledger,
        vault=vault,
        erasures=Erasures(folder_of(vault).parent / ERASURES),
        policy=lambda: in_force,
        storage=storage(vault.objects.url),
        numbers_key=bytes(32),
        country="FR",
    )


async def put(custody: Custody, of: str = "quality", call: CallId | None = None, **changes: Any) -> StoredRecord:
    """A recording as it is stored, with one file made from it; without a call given it is of a call of its own."""
    call_id = call or a_call_id()
    name = RecordingName(f"{call_id}.{of}.1")
    key = new_key()
    wrapped = custody.vault.masters.wrap(key)
    content = custody.vault.put(f"{of}/2026/03/02/{name}.age", [SPOKEN], key)
    custody.vault.put(derived_name(name, "silence.mp3"), [SPOKEN], key)
    known = custody.policy().purposes.get(of)
    fields: dict[str, Any] = {
        "recording": name,
        "state": StoredState.STORED,
        "object": f"{of}/2026/03/02/{name}.age",
        "sealed_key": wrapped.sealed,
        "master": wrapped.master,
        "sha256": content.sha256,
        "octets": content.octets,
        "tier": Tier.ACTIVE,
        "stored_at": ENDED,
        "due_at": due(known, ENDED) if known else None,
    }
    stored = StoredRecord(**{**fields, **changes})
    made = a_recording(
        name=name, call_id=call_id, purpose=of, state=RecordingState.ENDED, started_at=ENDED, ended_at=ENDED
    )
    entries = [] if call else [a_call(id=call_id, customer_hash=CUSTOMER)]
    await custody.ledger.write([*entries, made, stored])
    return stored


async def put_call(custody: Custody) -> CallId:
    """A call of which nothing is stored."""
    call = a_call(customer_hash=CUSTOMER)
    await custody.ledger.write([call])
    return call.id


def call_of(stored: StoredRecord) -> CallId:
    return CallId(stored.recording.split(".")[0])


def folder_of(vault: Vault) -> Path:
    return Path(unquote(urlsplit(vault.objects.url).path))


@dataclass(frozen=True)
class Seen:
    """A recording as the database has it, past all our code."""

    state: str
    has_key: bool
    tier: str
    due_at: datetime | None


def seen(database: str, stored: StoredRecord) -> Seen:
    question = "SELECT state, sealed_key IS NOT NULL, tier, due_at FROM stored WHERE recording = %s"
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        row = connection.execute(question, (stored.recording,)).fetchone()
    assert row
    return Seen(*row)


def decided(database: str, kind: str = "%") -> list[tuple[Any, ...]]:
    """Kind, verdict and reason of the decisions, in their order."""
    question = "SELECT kind, verdict, reason FROM decision WHERE kind LIKE %s ORDER BY seq"
    with psycopg.connect(database) as connection:
        return connection.execute(question, (kind,)).fetchall()


def facts(database: str, reason: str) -> list[dict[str, Any]]:
    """The facts of the decisions with this reason."""
    question = "SELECT facts FROM decision WHERE reason = %s ORDER BY seq"
    with psycopg.connect(database) as connection:
        return [row[0] for row in connection.execute(question, (reason,)).fetchall()]


def ask(database: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(question.encode()).fetchall()


def broken_chains(database: str, *keys: PublicKey) -> list[object]:
    """What an auditor who trusts these keys finds wrong with the decisions."""
    with everything(database) as (rows, checkpoints):
        proof = Proof(checkpoints=checkpoints, copies=[], keys=keys, now=now(), grace=timedelta(days=1))
        return [finding for report in verify(rows, proof) for finding in report.findings]
