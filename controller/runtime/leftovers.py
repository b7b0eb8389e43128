"""What a daemon that is no more has left on a PBX and in the database, and what becomes of it.

Of its recordings nobody knows how they ended, and it is said so; what it was about to discard is discarded.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.records import RecordingRecord, RecordingState
from controller.runtime.clock import now
from controller.runtime.link import PbxLink
from controller.runtime.writer import Writer


class Leftovers:
    """Those of one PBX. ``policy_version`` is of the policy that is in force when they are found."""

    def __init__(self, *, link: PbxLink, writer: Writer, policy_version: str) -> None:
        self._link = link
        self._writer = writer
        self._policy_version = policy_version

    def close(self, unfinished: Sequence[RecordingRecord]) -> None:
        """Say of each recording that nobody saw it end."""
        for recording in unfinished:
            facts: dict[str, Fact] = {"state": recording.state.value}
            self._log(recording, Kind.STOP, Reason.CONTROLLER_LOST, facts)
            self._writer.log(replace(recording, state=RecordingState.ENDED, ended_at=now()))

    def discard(self, condemned: Sequence[RecordingRecord]) -> None:
        """Have deleted what was to be deleted, however long the PBX takes to let us."""
        for recording in condemned:
            self._link.discard(recording.name, partial(self._gone, recording))

    def _gone(self, recording: RecordingRecord) -> None:
        self._log(recording, Kind.DISCARD, Reason.CONTROLLER_LOST, {"milliseconds": recording.milliseconds})
        self._writer.log(replace(recording, state=RecordingState.DISCARDED))

    def _log(self, recording: RecordingRecord, kind: Kind, reason: Reason, facts: dict[str, Fact]) -> None:
        decision = Decision(
            token=Token(f"{reason.value}:{kind.value}:{recording.name}"),
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
