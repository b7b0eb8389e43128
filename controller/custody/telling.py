"""What a data subject is told of what is stored of them (GDPR art. 15), as plain data and as pages for people.

Of people of the company nothing is said: who listened is no part of what art. 15 gives (CJEU, C-579/21), and an agent's
extension is that of another data subject. Nothing is looked up here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from controller.config.settings import DataController
from controller.custody.subjects import THERE, Subject
from controller.custody.words import words
from controller.db.holdings import Holding
from controller.db.queries import StoredRecording
from controller.domain.decision import StoredDecision
from controller.domain.policy import Period, Policy, Purpose
from controller.domain.records import CallRecord, RecordingState, SpanKind
from controller.errors import SealBroken
from controller.sealed_numbers import unseal

Told = dict[str, Any]
"""What goes into JSON, and into a page."""

OF_EMPLOYEES = frozenset({"agent", "stratum"})
"""Facts of decisions that name an agent."""
_QUARANTINED = frozenset({RecordingState.QUARANTINING, RecordingState.QUARANTINED})


def told(
    subject: Subject,
    files: Mapping[str, str],
    *,
    data_controller: DataController,
    policy: Policy,
    display_key: bytes,
    at: datetime,
) -> Told:
    """All of it; ``files`` says where in the folder the content of a recording or a document is, by its name."""
    return {
        "data_controller": {"name": data_controller.name, "contact": data_controller.contact},
        "made_at": _time(at),
        "number": subject.number,
        "calls": [_call(call, subject, files, policy, display_key) for call in subject.calls],
        "objections": [
            {"scope": one.scope, "at": _time(one.at), "until": _time(one.until)} for one in subject.objections
        ],
        "restrictions": [{"at": _time(one.at), "lifted_at": _time(one.lifted_at)} for one in subject.restrictions],
    }


def told_decisions(decisions: Sequence[StoredDecision]) -> list[Told]:
    """Decisions about their calls, in the order in which they were written."""
    return [
        {
            "at": _time(one.at),
            "call_id": one.call_id,
            "kind": one.kind.value,
            "verdict": one.verdict.value,
            "reason": one.reason,
            "rule": one.rule,
            "purpose": one.purpose,
            "policy_version": one.policy_version,
            "actor": one.actor.partition(":")[0],
            "facts": {name: fact for name, fact in one.facts.items() if name not in OF_EMPLOYEES},
        }
        for one in decisions
    ]


def page(language: str, what: Told, decisions: Sequence[Told]) -> str:
    """The page of one language."""
    environment = Environment(
        loader=PackageLoader("controller.custody", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    by_call: dict[str, list[Told]] = {}
    for one in decisions:
        by_call.setdefault(one["call_id"], []).append(one)
    template = environment.get_template(f"index.{language}.html")
    return template.render(**what, decisions=by_call, words=words(language))


def is_quarantined(holding: Holding) -> bool:
    """Whether a recording may hold what had to be left out: nobody hears it, its customer neither."""
    return holding.state in _QUARANTINED or holding.quarantined_from is not None


def _call(call: CallRecord, subject: Subject, files: Mapping[str, str], policy: Policy, display_key: bytes) -> Told:
    outcome = subject.outcomes.get(call.id)
    recordings = [one for one in subject.recordings if one.recording.call_id == call.id]
    documents = _documents(call, subject, files)
    names = {call.id, *(one.recording.name for one in recordings), *(one["name"] for one in documents)}
    return {
        "id": call.id,
        "direction": call.direction.value,
        "queue": call.queue,
        "language": call.language,
        "started_at": _time(call.started_at),
        "answered_at": _time(call.answered_at),
        "ended_at": _time(call.ended_at),
        "number": _number(call, display_key),
        "outcome": outcome.outcome if outcome else None,
        "recordings": [_recording(one, subject.holdings.get(one.recording.name), files, policy) for one in recordings],
        "documents": documents,
        "accesses": [
            {"at": _time(one.at), "action": one.action, "what": one.what, "why": one.why}
            for one in subject.accesses
            if one.what in names
        ],
    }


def _recording(one: StoredRecording, held: Holding | None, files: Mapping[str, str], policy: Policy) -> Told:
    recording = one.recording
    return {
        "name": recording.name,
        **_purpose(recording.purpose, policy.purposes.get(recording.purpose)),
        "started_at": _time(recording.started_at),
        "ended_at": _time(recording.ended_at),
        "milliseconds": recording.milliseconds,
        "pauses": [
            {"begin": _time(span.begin), "end": _time(span.end), "reason": span.reason}
            for span in one.spans
            if span.kind is SpanKind.PAUSED
        ],
        "kept_until": _time(held.stored.due_at) if held else None,
        "file": files.get(recording.name),
        "absent": None if recording.name in files else _absent(recording.state, held),
    }


def _purpose(name: str, purpose: Purpose | None) -> Told:
    return {
        "purpose": name,
        "basis": purpose.basis.value if purpose else None,
        "recipients": list(purpose.listeners) if purpose else [],
        "retention": _period(purpose.retention) if purpose else None,
    }


def _absent(state: RecordingState, held: Holding | None) -> str:
    """Why there is no audio of a recording here."""
    if state is RecordingState.FAILED:
        return "failed"
    if state in _QUARANTINED or (held is not None and is_quarantined(held)):
        return "quarantined"
    if state in {RecordingState.DISCARDING, RecordingState.DISCARDED}:
        return "destroyed"
    return "destroyed" if held is not None and held.stored.state not in THERE else "not-stored"


def _documents(call: CallRecord, subject: Subject, files: Mapping[str, str]) -> list[Told]:
    return [
        {
            "name": one.id,
            "kind": one.kind,
            "purpose": one.purpose,
            "added_at": _time(one.added_at),
            "kept_until": _time(subject.holdings[one.id].stored.due_at) if one.id in subject.holdings else None,
            "file": files.get(one.id),
            "absent": None if one.id in files else "destroyed",
        }
        for one in subject.documents
        if one.call_id == call.id
    ]


def _number(call: CallRecord, display_key: bytes) -> str | None:
    try:
        return unseal(call.customer_sealed, display_key) if call.customer_sealed is not None else None
    except SealBroken:
        return None


def _period(period: Period) -> Told:
    return asdict(period)


def _time(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds") if time else None


def _moment(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S UTC")
