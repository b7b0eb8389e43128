"""What a daemon that is no more has left on a PBX and in the database, and what becomes of it.

Its calls are gone on with where that is safe (``controller.domain.inheritance``). Of its other recordings nobody knows
how they ended, and it is said so; what it was about to discard or to move out of hearing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from controller.domain.call import Call
from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import CallId, RecordingName
from controller.domain.policy import Policy
from controller.domain.records import CallRecord, LiveCallRecord, RecordingRecord, RecordingState
from controller.runtime import succession
from controller.runtime.clock import new_token, now
from controller.runtime.link import PbxLink
from controller.runtime.writer import Writer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database says of one PBX.

    ``calls`` can perhaps be gone on with, ``unended`` are all calls that nobody has seen end; the rest are recordings
    that nobody has seen end, that are to be deleted, and that are to be moved out of hearing.
    """

    calls: Sequence[LiveCallRecord]
    unended: Sequence[CallRecord]
    unfinished: Sequence[RecordingRecord]
    condemned: Sequence[RecordingRecord]
    tainted: Sequence[RecordingRecord]


class Leftovers:
    """Those of one PBX. ``policy_version`` is of the policy that is in force when they are found."""

    def __init__(self, *, link: PbxLink, writer: Writer, policy_version: str) -> None:
        self._link = link
        self._writer = writer
        self._policy_version = policy_version
        self._found = Found(calls=(), unended=(), unfinished=(), condemned=(), tainted=())
        self._taken_over: set[RecordingName | CallId] = set()
        self._said: set[str] = set()

    def take(self, found: Found) -> None:
        """Take charge of it: what must not be heard is dealt with now, the rest once the PBX says what goes on."""
        self._found = found
        self._taken_over = set()
        self._link.estate = self
        for recording in found.condemned:
            self._link.discard(recording.name, partial(self._gone, recording))
        for recording in found.tainted:
            self._link.quarantine(recording.name, partial(self._hidden, recording))

    def calls(self, policy: Policy) -> Sequence[Call]:
        """The calls that can be gone on with under this policy; the others are forgotten."""
        calls = []
        for record in self._found.calls:
            call = succession.read(record.state or "", policy)
            if call is None:
                _log.warning("leftovers.call_not_taken_over", call=record.call_id)
                self._writer.log(replace(record, state=None))
                continue
            calls.append(call)
            self._taken_over.add(call.id)
            self._taken_over.update(track.recording.name for track in call.tracks if track.recording is not None)
        return calls

    def settle(self) -> None:
        """Say of each recording and call that is not gone on with that nobody saw it end."""
        for call in self._found.unended:
            if call.id not in self._taken_over:
                self._writer.log(replace(call, ended_at=now()))
        for recording in self._found.unfinished:
            if recording.name not in self._taken_over:
                self._close(recording)

    def _close(self, recording: RecordingRecord) -> None:
        facts: dict[str, Fact] = {"state": recording.state.value}
        self._log(recording, Kind.STOP, Reason.CONTROLLER_LOST, facts)
        self._writer.log(replace(recording, state=RecordingState.ENDED, ended_at=now()))

    def _gone(self, recording: RecordingRecord) -> None:
        self._log(recording, Kind.DISCARD, Reason.CONTROLLER_LOST, {"milliseconds": recording.milliseconds})
        self._writer.log(replace(recording, state=RecordingState.DISCARDED))

    def _hidden(self, recording: RecordingRecord) -> None:
        self._log(recording, Kind.RETAIN, Reason.PAUSE_UNCONFIRMED, {"milliseconds": recording.milliseconds})
        self._writer.log(replace(recording, state=RecordingState.QUARANTINED, ended_at=recording.ended_at or now()))

    def _log(self, recording: RecordingRecord, kind: Kind, reason: Reason, facts: dict[str, Fact]) -> None:
        about = f"{reason.value}:{kind.value}:{recording.name}"
        if about in self._said:
            return
        self._said.add(about)
        decision = Decision(
            token=new_token(about),
            at=now(),
            call_id=recording.call_id,
            pbx=recording.pbx,
            linkedid=None,
            kind=kind,
            verdict=Verdict.APPLIED,
            reason=reason,
            rule=None,
            purpose=recording.purpose,
            policy_version=self._policy_version,
            actor="daemon",
            facts={"recording": recording.name, **facts},
        )
        self._writer.log(decision)
