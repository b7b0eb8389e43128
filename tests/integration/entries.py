"""Entries to write, of invented calls."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId, RecordingName, Token
from controller.domain.policy import Direction, Sampling
from controller.domain.records import (
    CallRecord,
    NoticeRecord,
    ObjectionRecord,
    RecordingRecord,
    RecordingState,
    SpanKind,
    SpanRecord,
)
from controller.runtime.ports import SampledDecision

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUARTER = Sampling(rate=0.25)
_numbers = count(1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_call_id() -> CallId:
    return CallId(str(UUID(int=0x0195_0000_0000_7000_8000_0000_0000_0000 + next(_numbers))))


def a_decision(**changes: Any) -> Decision:
    fields: dict[str, Any] = {
        "token": Token(f"token {next(_numbers)}"),
        "at": NOON,
        "call_id": a_call_id(),
        "pbx": "paris",
        "linkedid": "1772452800.1",
        "kind": Kind.RECORD,
        "verdict": Verdict.REFUSED,
        "reason": Reason.OPTED_OUT,
        "rule": "routes.support",
        "purpose": "quality",
        "policy_version": "a" * 64,
        "actor": "policy",
        "facts": {"agent": "PJSIP/201", "answered": True, "share": 0.25, "calls": 3, "queue": None},
    }
    return Decision(**{**fields, **changes})


def a_question(stratum: str = "support/201", *, eligible: bool = True, **changes: Any) -> SampledDecision:
    return SampledDecision(
        question=a_decision(**changes), purpose="quality", stratum=stratum, sampling=QUARTER, eligible=eligible
    )


def a_call(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "id": a_call_id(),
        "pbx": "paris",
        "linkedid": "1772452800.1",
        "direction": Direction.INBOUND,
        "queue": "support",
        "language": "fr",
        "route": "support",
        "agent": None,
        "customer_hash": b"\x00\x01\xff",
        "started_at": NOON,
        "answered_at": None,
        "ended_at": None,
    }
    return CallRecord(**{**fields, **changes})


def a_recording(**changes: Any) -> RecordingRecord:
    call_id = a_call_id()
    fields: dict[str, Any] = {
        "name": RecordingName(f"{call_id}.quality.1"),
        "call_id": call_id,
        "pbx": "paris",
        "purpose": "quality",
        "state": RecordingState.RECORDING,
        "started_at": NOON,
        "ended_at": None,
        "milliseconds": None,
        "quarantined_from": None,
    }
    return RecordingRecord(**{**fields, **changes})


def a_span(recording: RecordingName, begin: float, end: float, **changes: Any) -> SpanRecord:
    fields: dict[str, Any] = {
        "recording": recording,
        "kind": SpanKind.RECORDED,
        "reason": "sampled",
        "begin": at(begin),
        "end": at(end),
    }
    return SpanRecord(**{**fields, **changes})


def an_objection(**changes: Any) -> ObjectionRecord:
    fields: dict[str, Any] = {
        "customer_hash": bytes(32),
        "scope": "quality",
        "at": NOON,
        "until": NOON + timedelta(days=100 * 365),
    }
    return ObjectionRecord(**{**fields, **changes})


def a_notice(agent: str = "201", **changes: Any) -> NoticeRecord:
    fields: dict[str, Any] = {"version": "2026-1", "informed_at": date(2026, 3, 1)}
    return NoticeRecord(agent=agent, **{**fields, **changes})
