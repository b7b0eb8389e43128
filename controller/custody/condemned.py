"""Files on a PBX that are to be no more: out of hearing for as long as they may be, or erased at somebody's request.

What may hold card data is kept for a while, so that it can be found out what went wrong, and is then destroyed (PCI
DSS 3.3.1). Nobody listens to it meanwhile, and it is never stored.
"""

import time
from dataclasses import replace

import structlog

from controller.ari.client import Ari
from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.db.condemned import condemned, quarantined
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.records import CondemnedRecord, ErasureRecord, RecordingRecord, RecordingState
from controller.errors import PbxRefused
from controller.runtime import pbx_files
from controller.runtime.clock import now

EVERY_S = 60.0

_log = structlog.get_logger(__name__)


class Condemned:
    """Those of one PBX."""

    def __init__(self, custody: Custody, ari: Ari, pbx: str, *, every_s: float = EVERY_S) -> None:
        self._custody = custody
        self._ari = ari
        self._pbx = pbx
        self._every_s = every_s
        self._again_at = 0.0

    async def look(self) -> None:
        """Condemn what was out of hearing for long enough, and delete whatever is condemned, where it is time.

        Raises ``PbxError``, ``DatabaseError``, ``ErasureNotKept``.
        """
        if time.monotonic() < self._again_at:
            return
        at, kept = now(), self._custody.storage.quarantine_kept
        for one in await quarantined(self._custody.engine, self._pbx):
            ended = one.ended_at or one.started_at
            if ended is not None and kept.after(ended) <= at:
                await self._condemn(one)
        for one in await condemned(self._custody.engine, self._pbx):
            try:
                await self._delete(one)
            except PbxRefused as error:  # this one stays for now, and stops no other
                _log.error("condemned.not_deleted", pbx=self._pbx, recording=one.name, reason=str(error))
        self._again_at = time.monotonic() + self._every_s

    async def _condemn(self, one: RecordingRecord) -> None:
        """Alone with its call, where no hold stands."""
        async with alone_with(self._custody, one.call_id):
            if one.name not in {free.name for free in await quarantined(self._custody.engine, self._pbx)}:
                return
            erased = ErasureRecord(what=one.name, at=now(), reason=Reason.RETENTION_OVER.value)
            await self._custody.write([CondemnedRecord(recording=one.name), erased], self._decision(one))

    def _decision(self, one: RecordingRecord) -> Decision:
        since = one.quarantined_from.isoformat(timespec="milliseconds") if one.quarantined_from else None
        facts = {"recording": one.name, "quarantined_from": since}
        decision = self._custody.in_general(
            Kind.ERASE, Verdict.APPLIED, Reason.RETENTION_OVER, actor="retention", facts=facts
        )
        return replace(decision, call_id=one.call_id, pbx=one.pbx, purpose=one.purpose, rule="storage.quarantine_kept")

    async def _delete(self, one: RecordingRecord) -> None:
        await pbx_files.delete(self._ari, one.name)
        await self._custody.ledger.write([replace(one, state=RecordingState.DISCARDED)])
        _log.info("condemned.deleted", pbx=self._pbx, recording=one.name)
