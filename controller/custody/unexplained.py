"""Files among Asterisk's recordings that are named as ours are, and that no decision explains.

They are put out of hearing, once they have stood unexplained for a while: what is decided may take its time to be
written. Nobody listens to them, and they are never stored. What is named otherwise is not ours, and left alone.
"""

import time
from dataclasses import replace

import structlog

from controller.ari.client import Ari
from controller.custody.custody import Custody
from controller.db.intake import unknown
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.names import Side
from controller.domain.sides import recording_of
from controller.errors import Gone
from controller.runtime import metrics, pbx_files
from controller.runtime.listener import is_ours

EVERY_S = 600.0
"""How often the PBX is asked; a file that is unexplained two times in a row stays so."""

_log = structlog.get_logger(__name__)


class Unexplained:
    """Those of one PBX."""

    def __init__(self, custody: Custody, ari: Ari, pbx: str, *, every_s: float = EVERY_S) -> None:
        self._custody = custody
        self._ari = ari
        self._pbx = pbx
        self._every_s = every_s
        self._again_at = 0.0
        self._seen: set[str] = set()
        self._decided: set[str] = set()

    async def look(self) -> None:
        """Look where it is time. Raises ``PbxError``, ``DatabaseError``."""
        if time.monotonic() < self._again_at:
            return
        ours = {name for name in await self._ari.stored_recordings() if is_ours(name)}
        recordings = await unknown(self._custody.engine, {recording_of(Side(name)) for name in ours})
        found = {name for name in ours if recording_of(Side(name)) in recordings}
        for name in sorted(found & self._seen):
            if not await self._live(name):
                await self._hide(name)
        self._seen = found
        self._again_at = time.monotonic() + self._every_s

    async def _live(self, name: str) -> bool:
        try:
            await self._ari.live_recording(name)
        except Gone:
            return False
        return True

    async def _hide(self, name: str) -> None:
        """Copied, said, deleted: whatever ends in between, the next look finds it again."""
        await pbx_files.copy_to_quarantine(self._ari, name)
        if name not in self._decided:
            facts = {"recording": name, "file": pbx_files.hidden(name)}
            decision = self._custody.in_general(
                Kind.RETAIN, Verdict.REFUSED, Reason.UNEXPLAINED, actor="daemon", facts=facts
            )
            await self._custody.write([], replace(decision, pbx=self._pbx))
            self._decided.add(name)
            metrics.UNEXPLAINED.labels(self._pbx).inc()
            _log.error("ingest.unexplained_file", pbx=self._pbx, recording=name)
        await pbx_files.remove(self._ari, name)
