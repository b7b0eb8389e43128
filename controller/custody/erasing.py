"""What a data subject's request for erasure comes to (GDPR art. 17): each thing is destroyed, or kept by a rule.

First everything is judged, then it is done; a dry run only judges. Objections stay: without them nobody could respect
them. So do decisions, which name nobody.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from controller.custody.calls import about_call, alone_with
from controller.custody.custody import Custody
from controller.custody.destroying import destroy
from controller.custody.erasable import Thing, things_of
from controller.custody.subjects import THERE, found
from controller.db.erased import is_held
from controller.db.holdings import holding
from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import CallId, RecordingName
from controller.domain.records import (
    ERASED_NUMBER,
    CallRecord,
    CondemnedRecord,
    ErasureRecord,
    ForgottenRecord,
    LifeRecord,
    StoredRecord,
    StoredState,
)
from controller.errors import StoreAway
from controller.runtime.clock import now

RULE = "gdpr.17"


@dataclass(slots=True, kw_only=True)
class Erasure:
    """What came of a request, or (dry run) would.

    ``erased`` and ``condemned`` (their files are on a PBX, where a daemon deletes them) are names; ``forgotten`` are
    calls that name nobody any more, ``under_way`` those that are not over, ``waiting`` names whose key is destroyed
    and whose objects are still to be removed.
    """

    erased: list[str] = field(default_factory=list)
    condemned: list[str] = field(default_factory=list)
    kept: list[Thing] = field(default_factory=list)
    under_way: list[CallId] = field(default_factory=list)
    forgotten: list[CallId] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    objections: int = 0

    @property
    def nothing(self) -> bool:
        """Whether nothing of them was found but what they object to."""
        return not (self.erased or self.condemned or self.kept or self.under_way or self.forgotten)


async def erase(custody: Custody, number: str, *, actor: str, dry_run: bool = False) -> Erasure:
    """Erase what is stored of whoever has this number, as far as it may be.

    Raises ``RegisterRefused`` where this is no number, ``DatabaseError``: what was done by then is done, and asking
    again does the rest.
    """
    at = now()
    subject = await found(custody, number, at=at)
    things = list(things_of(custody, subject, at))
    comes_to = Erasure(objections=sum(one.until > at for one in subject.objections))
    for thing in things:
        async with nullcontext() if dry_run else alone_with(custody, thing.call.id):
            await _settle(custody, thing, comes_to, actor=actor, dry_run=dry_run)
    remaining = {one.call.id for one in comes_to.kept}
    for call in subject.calls:
        if call.ended_at is None or any(one.going for one in things if one.call.id == call.id):
            comes_to.under_way.append(call.id)
            continue
        free = call.id not in remaining and call.id not in subject.held
        if free and (dry_run or await _forgotten(custody, call, actor)):
            comes_to.forgotten.append(call.id)
    return comes_to


async def _settle(custody: Custody, thing: Thing, comes_to: Erasure, *, actor: str, dry_run: bool) -> None:
    """Destroy something, or say why not."""
    if thing.going:
        return
    if not dry_run:
        thing = await _looked_at_again(custody, thing)
    if thing.kept is not None:
        comes_to.kept.append(thing)
        if not dry_run:
            await custody.write([], _about(custody, thing, Verdict.REFUSED, thing.kept, actor))
        return
    if thing.holding is not None:
        comes_to.erased.append(thing.name)
    if thing.on_pbx:
        comes_to.condemned.append(thing.name)
    if not dry_run and not await _destroyed(custody, thing, actor):
        comes_to.waiting.append(thing.name)


async def _looked_at_again(custody: Custody, thing: Thing) -> Thing:
    """A hold may have been placed since, or the recording stored; whoever destroys looks last."""
    if await is_held(custody.engine, thing.call.id, at=now()):
        return replace(thing, kept=Reason.LEGAL_HOLD)
    again = await holding(custody.engine, thing.name, at=now())
    stored = again if again is not None and again.stored.state in THERE else None
    return replace(thing, holding=stored)


async def _destroyed(custody: Custody, thing: Thing, actor: str) -> bool:
    """Destroy it; whether its objects are removed too."""
    if thing.on_pbx:
        await custody.write(*_condemned(custody, thing, actor))
    if thing.holding is None:
        return True
    try:
        await destroy(custody, thing.holding, Reason.SUBJECT_REQUEST, actor=actor, rule=RULE)
    except StoreAway:
        return False
    return True


def _condemned(custody: Custody, thing: Thing, actor: str) -> tuple[list[LifeRecord], Decision]:
    """Its file is to be deleted. Whoever is just about to store it finds that it is destroyed, and its key with it."""
    at, decision = now(), _about(custody, thing, Verdict.APPLIED, Reason.SUBJECT_REQUEST, actor, where="pbx")
    records: list[LifeRecord] = [CondemnedRecord(recording=RecordingName(thing.name))]
    if thing.holding is None:  # else destroying it says so
        records += [
            StoredRecord(recording=thing.name, state=StoredState.DESTROYED, destroyed_at=at),
            ErasureRecord(what=thing.name, at=at, reason=Reason.SUBJECT_REQUEST.value),
        ]
    return records, decision


async def _forgotten(custody: Custody, call: CallRecord, actor: str) -> bool:
    """Forget the number of a call; False where a hold has been placed since."""
    async with alone_with(custody, call.id):
        if await is_held(custody.engine, call.id, at=now()):
            return False
        await _forget(custody, call, actor)
        return True


async def _forget(custody: Custody, call: CallRecord, actor: str) -> None:
    erased = ErasureRecord(what=f"{ERASED_NUMBER}{call.id}", at=now(), reason=Reason.SUBJECT_REQUEST.value)
    facts: dict[str, Fact] = {"what": "number"}
    decision = about_call(custody, call, Kind.ERASE, Verdict.APPLIED, Reason.SUBJECT_REQUEST, actor=actor, facts=facts)
    await custody.write([ForgottenRecord(call_id=call.id), erased], replace(decision, rule=RULE))


def _about(
    custody: Custody, thing: Thing, verdict: Verdict, reason: Reason, actor: str, *, where: str = "store"
) -> Decision:
    facts: dict[str, Fact] = {"recording": thing.name, "where": where, "request": "subject"}
    decision = about_call(
        custody, thing.call, Kind.ERASE, verdict, reason, actor=actor, purpose=thing.purpose, facts=facts
    )
    return replace(decision, rule=RULE)
