"""Takes a recording from the PBX: sealed in the object store first, gone from the PBX last.

Each step is durable before the next begins, and the next is found by looking how far the last one came. So whatever
ends in between is gone on with, nothing is lost, and nothing is decided twice:

1. ``taking`` is written, with the key, before anything is put;
2. the file is sealed under that key into the object, read back and compared;
3. ``stored`` is written, with the decision that says so;
4. only then is the file deleted on the PBX, and that is written.

Whoever calls sees to it that one at a time does this for a PBX (``controller.db.intake.alone``).
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.custody.due import due_at
from controller.custody.files import PbxFiles
from controller.custody.putting import Put, content_of, object_name, object_of, put
from controller.db.holdings import Holding, holding
from controller.db.intake import Waiting
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.names import RecordingName
from controller.domain.records import RecordingState, StoredRecord, StoredState, Tier
from controller.domain.sides import sides_of
from controller.errors import Gone, SealBroken
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.store.keys import new_key
from controller.store.vault import Content
from controller.threads import off_the_loop

LOST_AFTER = timedelta(hours=1)
"""How long after its end a recording whose file the PBX does not have is asked for again."""

_GOING = (StoredState.DESTROYING, StoredState.DESTROYED)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """One PBX's. ``actor`` is who has it done."""

    custody: Custody
    files: PbxFiles
    actor: str = "daemon"
    lost_after: timedelta = LOST_AFTER

    async def take(self, one: Waiting) -> None:
        """Take a recording all the way, from wherever it stands; done twice it does nothing.

        Raises ``PbxError``, ``StoreError``, ``DatabaseError``: it stands where it stood, or further.
        """
        put_by_us = False
        while True:
            found = await holding(self.custody.engine, one.name, at=now())
            if found is None:
                await self._begin(one)
            elif found.stored.state is StoredState.TAKING:
                if not _may_be_taken(found):
                    return
                await self._store(found)
                put_by_us = True
            else:
                if not put_by_us:
                    await self._assure(found)
                await self._clear(found)
                return

    async def _begin(self, one: Waiting) -> None:
        wrapped = self.custody.vault.masters.wrap(new_key())
        taking = StoredRecord(
            recording=one.name,
            state=StoredState.TAKING,
            object=object_name(one.purpose, one.began_at, one.name),
            sealed_key=wrapped.sealed,
            master=wrapped.master,
            tier=Tier.ACTIVE,
            taken_at=now(),
        )
        await self.custody.write([taking])

    async def _store(self, found: Holding) -> None:
        """A recording that is not on the PBX is in the store already, or lost."""
        try:
            taken = await put(self.custody, self.files, found)
        except Gone as gone:
            content = await content_of(self.custody, found)
            if content is None:
                await self._lost(found, gone)
                return
            taken = Put(content=content, partial=None)
        await self._stored(found, taken)

    async def _assure(self, found: Holding) -> None:
        """Before the PBX's file is deleted, what was put by somebody else, or long ago, is as it was; else put anew."""
        stored = found.stored
        if stored.state is not StoredState.STORED or stored.off_pbx_at is not None:
            return
        if _is(await content_of(self.custody, found), stored):
            return
        _log.error("ingest.object_damaged", recording=found.name)
        try:
            taken = await put(self.custody, self.files, found)
        except Gone:
            return
        if not _is(taken.content, stored):
            raise SealBroken("the file on the PBX is not what was stored of it")

    async def _stored(self, found: Holding, taken: Put) -> None:
        """Whoever has had it destroyed meanwhile has the last word: a state never goes back.

        Alone with the call: an outcome that is told meanwhile counts for the day on which it is due.
        """
        async with alone_with(self.custody, found.call_id):
            standing = await holding(self.custody.engine, found.name, at=now())
            if standing is None or standing.stored.state is not StoredState.TAKING or not _may_be_taken(standing):
                return
            due = await due_at(self.custody, standing)
            if due is None:
                _log.error("ingest.no_retention_known", recording=found.name, purpose=found.purpose)
            stored = StoredRecord(
                recording=found.name,
                state=StoredState.STORED,
                sha256=taken.content.sha256,
                octets=taken.content.octets,
                partial=taken.partial,
                stored_at=now(),
                due_at=due,
            )
            facts: dict[str, Fact] = {
                "sha256": taken.content.sha256.hex(),
                "octets": taken.content.octets,
                "partial": taken.partial,
                "due_at": due.isoformat() if due is not None else None,
                "object": object_of(found),
            }
            decision = self.custody.about(
                standing, Kind.RETAIN, Verdict.APPLIED, Reason.STORED, actor=self.actor, facts=facts
            )
            await self.custody.write([stored], decision)
            metrics.INGESTED.labels(found.pbx).inc()

    async def _lost(self, found: Holding, gone: Gone) -> None:
        """Nothing is left to keep, so nothing is left to destroy: no erasure, and never looked for again.

        A PBX whose disk is not there yet says the same for a while, so that is waited for, from when it was first
        looked for; and for ever where a legal hold stands. Raises ``Gone`` meanwhile.
        """
        since = max(filter(None, (found.ended_at, found.started_at, found.stored.taken_at)), default=None)
        if found.held or (since is not None and now() - since < self.lost_after):
            raise gone
        lost = StoredRecord(recording=found.name, state=StoredState.DESTROYED, off_pbx_at=now(), destroyed_at=now())
        decision = self.custody.about(found, Kind.RETAIN, Verdict.REFUSED, Reason.RECORDING_LOST, actor=self.actor)
        await self.custody.write([lost], decision)
        _log.error("ingest.recording_lost", recording=found.name)

    async def _clear(self, found: Holding) -> None:
        """What is stored, or was destroyed before it was taken, leaves the PBX."""
        if found.stored.state in _GOING:  # a put that was under way meanwhile leaves an object that nobody can open
            await off_the_loop(lambda: self.custody.vault.remove(found.stored))
        if found.stored.off_pbx_at is None:
            for side in sides_of(RecordingName(found.name)):
                await self.files.delete(side)
            off = StoredRecord(recording=found.name, state=found.stored.state, off_pbx_at=now())
            await self.custody.write([off])


def _may_be_taken(found: Holding) -> bool:
    return found.state is RecordingState.ENDED and found.quarantined_from is None


def _is(content: Content | None, stored: StoredRecord) -> bool:
    return content is not None and (content.sha256, content.octets) == (stored.sha256, stored.octets)
