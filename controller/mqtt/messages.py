"""What is published, as JSON: decisions, states, metrics, and whether a daemon is there. Nothing in it is personal.

Owns the payloads; ``asyncapi`` makes the document of them. Telephone numbers are in none of the things that they are
made of. An excluded call is a state without anything that could tell whose call it is.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated, Final

import msgspec
from prometheus_client import CollectorRegistry

from controller.domain.call import Call
from controller.domain.decision import Reason, StoredDecision
from controller.domain.names import CallId, RecordingName
from controller.domain.parties import Role
from controller.domain.recording import Phase
from controller.runtime.requests import CallState, state_of

OURS: Final = "rc_"
"""How the names of our own metrics begin."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone, UTC."""

_TALKING: Final = frozenset({Role.AGENT, Role.UNINFORMED})
"""Whose screen may be told: not those whose calls are their own business."""


class LiveRecording(msgspec.Struct, frozen=True, kw_only=True):
    """A recording under way: its name, its purpose, and its phase; named as over HTTP."""

    name: RecordingName
    purpose: str
    state: Phase


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """What the recordings of a call are now, why it is paused, and the daemon that says so; named as over HTTP."""

    id: CallId
    state: CallState
    pauses: tuple[Reason, ...]
    recordings: tuple[LiveRecording, ...]
    daemon: str


class LiveAgent(msgspec.Struct, frozen=True, kw_only=True):
    """The calls in which somebody at this extension talks to a customer."""

    agent: str
    calls: tuple[LiveCall, ...]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of docs/reference/metrics.md with its labels."""

    name: str
    labels: Mapping[str, str]
    value: float


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of a daemon at a moment."""

    at: Moment
    samples: tuple[Sample, ...]


class Presence(StrEnum):
    """``offline`` is said by the daemon as it ends, or by the broker once it does not hear from it."""

    ONLINE = "online"
    OFFLINE = "offline"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a daemon is connected to the broker."""

    status: Presence


Message = StoredDecision | LiveCall | LiveAgent | Vitals | Status


def written(message: Message) -> bytes:
    """A message as JSON."""
    return msgspec.json.encode(message)


def live_call(call: Call, daemon: str) -> LiveCall:
    """What is said of a call under way; of an excluded one, only whether it is recorded."""
    excluded = call.excluded is not None
    return LiveCall(
        id=call.id,
        state=state_of(call),
        pauses=() if excluded else tuple(dict.fromkeys(pause.cause for pause in call.suspensions)),
        recordings=tuple(
            LiveRecording(name=track.recording.name, purpose=track.purpose.name, state=track.recording.phase)
            for track in call.tracks
            if track.recording is not None and not excluded
        ),
        daemon=daemon,
    )


def agents_of(call: Call) -> frozenset[str]:
    """The extensions of those who talk in it; of an excluded call, nobody's."""
    if call.excluded is not None or call.ended_at is not None:
        return frozenset()
    return frozenset(party.extension for party in call.parties if party.role in _TALKING)


def vitals(registry: CollectorRegistry, at: datetime) -> Vitals:
    """The metrics of our own; buckets and times of creation are for Prometheus alone.

    What is not known yet has no number: JSON has none that is infinite.
    """
    samples = (sample for family in registry.collect() for sample in family.samples if isfinite(sample.value))
    kept = (s for s in samples if s.name.startswith(OURS) and not s.name.endswith(("_bucket", "_created")))
    return Vitals(
        at=at, samples=tuple(Sample(name=one.name, labels=dict(one.labels), value=float(one.value)) for one in kept)
    )
