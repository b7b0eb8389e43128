"""Recordings in an object store, of invented calls: real sealed audio in a folder, and their rows."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.audio.gaps import GapStyle
from controller.audio.wav import wav_header
from controller.config.settings import Storage
from controller.custody.custody import Custody
from controller.custody.erasures import ERASURES, Erasures
from controller.db.ledger import PostgresLedger
from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Basis, Consent, ConsentMode, Period, Policy, Purpose, Start
from controller.domain.records import RecordingState, StoredRecord, StoredState, Tier
from controller.numbers import hashed
from controller.store.keys import MasterKeys, new_key, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from tests.integration.entries import NOON, a_call, a_call_id, a_recording, a_span

COUNTRY = "FR"
NUMBERS_KEY = bytes(32)
CUSTOMER = "+33199000017"
RATE = 8000


def a_purpose(name: str = "quality", **changes: Any) -> Purpose:
    fields: dict[str, Any] = {
        "basis": Basis.LEGITIMATE_INTEREST,
        "start": Start.ON_ANSWER,
        "sampling": None,
        "consent": Consent(mode=ConsentMode.NONE),
        "retention": Period(months=6),
        "listeners": ("quality-managers",),
    }
    return Purpose(name=name, **{**fields, **changes})


def a_policy(*purposes: Purpose) -> Policy:
    return Policy(
        version="b" * 64,
        purposes={purpose.name: purpose for purpose in purposes or (a_purpose(),)},
        routes=(),
        agents=(),
        notice="2026-01",
        prompts={},
        default_language="fr",
    )


def a_custody(engine: AsyncEngine, folder: Path, *purposes: Purpose, master: str | None = None) -> Custody:
    policy = a_policy(*purposes)
    return Custody(
        engine=engine,
        ledger=PostgresLedger(engine, sampling_key=bytes(32), timeout_s=10.0),
        vault=Vault(ObjectStore((folder / "recordings").as_uri()), MasterKeys.read(master or new_master_key())),
        erasures=Erasures(folder / ERASURES),
        policy=lambda: policy,
        storage=Storage(
            url="",
            options={},
            gaps=GapStyle.SILENCE,
            archive_after=Period(months=6),
            access_kept=Period(years=1),
            quarantine_kept=Period(days=30),
            least_free_bytes=0,
        ),
        numbers_key=NUMBERS_KEY,
        country=COUNTRY,
    )


def customer_hash(number: str = CUSTOMER) -> bytes:
    found = hashed(number, country=COUNTRY, key=NUMBERS_KEY)
    assert found is not None
    return found


async def a_stored_recording(
    custody: Custody,
    *,
    audio: Iterable[bytes] = (b"\x01\x00" * RATE,),
    purpose: str = "quality",
    number: str | None = CUSTOMER,
    began: datetime = NOON,
    spans: Iterable[tuple[float, float, str]] = ((0, 1, "recorded"),),
    call: dict[str, Any] | None = None,
    recording: dict[str, Any] | None = None,
    stored: dict[str, Any] | None = None,
    ending: str = "",
) -> RecordingName:
    """A call that has ended, with one recording that lies in the store; its name."""
    call_id = (call or {}).get("id") or a_call_id()
    name = RecordingName(f"rc-{call_id}-{purpose}-1{ending}")
    samples = b"".join(audio)
    ended = began + timedelta(seconds=len(samples) / 2 / RATE)
    content = wav_header(len(samples) // 2, RATE, 1) + samples
    key = new_key()
    wrapped = custody.vault.masters.wrap(key)
    place = f"{purpose}/{began:%Y/%m/%d}/{name}.age"
    inside = custody.vault.put(place, [content], key)
    row: dict[str, Any] = {
        "recording": name,
        "state": StoredState.STORED,
        "object": place,
        "sealed_key": wrapped.sealed,
        "master": wrapped.master,
        "sha256": inside.sha256,
        "octets": inside.octets,
        "partial": False,
        "tier": Tier.ACTIVE,
        "stored_at": ended,
        "due_at": Period(months=6).after(ended),
    }
    facts: dict[str, Any] = {"id": CallId(call_id), "started_at": began, "ended_at": ended}
    facts["customer_hash"] = customer_hash(number) if number else None
    known: dict[str, Any] = {"name": name, "call_id": call_id, "purpose": purpose, "state": RecordingState.ENDED}
    known |= {"started_at": began, "ended_at": ended, "milliseconds": len(samples) // 2 * 1000 // RATE}
    await custody.ledger.write(
        [
            a_call(**facts | (call or {})),
            a_recording(**known | (recording or {})),
            *(
                a_span(name, begin, end, kind=kind, reason="payment" if kind == "paused" else "sampled")
                for begin, end, kind in spans
            ),
            StoredRecord(**row | (stored or {})),
        ]
    )
    return name


def accesses(database: str) -> list[tuple[Any, ...]]:
    """Who had what, and why, as the access log has it, the oldest first."""
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT who, action, what, why FROM access ORDER BY at").fetchall()
