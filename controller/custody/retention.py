"""Destroys what is due and archives what is old enough; and what an earlier run has not brought to its end.

One run at a time, whoever runs it. Each recording is looked at again, alone with its call, before anything is done to
it: a legal hold or an outcome that came meanwhile counts. A run that is killed leaves nothing that the next one does
not finish.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.custody.destroying import destroy, remove, unfinished
from controller.custody.judging import judged, plan, written
from controller.db.expiring import forget_accesses
from controller.db.holdings import Holding, holding
from controller.db.locks import tried
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.records import StoredRecord, StoredState, Tier
from controller.domain.retention import FINISH, Fate, Judgement
from controller.errors import StoreError, UnderWay
from controller.runtime import metrics
from controller.runtime.clock import now

LOCK = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was done, or in a dry run would be: a ``Fate``, or ``FINISH``. ``trouble`` says why it is not done yet."""

    what: str
    holding: Holding
    reason: Reason | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How often what was done, how often something was in the way, how many accesses were forgotten."""

    done: Counter[str]
    troubles: int
    accesses: int


Tell = Callable[[Step], None]


def _nobody(_step: Step) -> None:
    return


async def run(custody: Custody, *, at: datetime, dry_run: bool, actor: str, tell: Tell = _nobody) -> Report:
    """Do all that is to be done at a time, and ``tell`` each step; a dry run only tells.

    ``at`` may lie in the future: a legal hold that stands now holds all the same. What cannot be done to one recording
    stops no other. Raises ``DatabaseError``, ``UnderWay``.
    """
    if dry_run:
        return await _told(tell, 0, _foreseen(custody, at))
    async with tried(custody.engine, LOCK) as ours:
        if not ours:
            raise UnderWay("retention is run by somebody else at this moment")
        accesses = await forget_accesses(custody.engine, kept=custody.storage.access_kept, at=at)
        report = await _told(tell, accesses, _done(custody, at, actor))
        metrics.RETENTION_DUE.set(report.done[Fate.KEEP] + report.troubles)
        return report


async def _told(tell: Tell, accesses: int, steps: AsyncGenerator[Step, None]) -> Report:
    done: Counter[str] = Counter()
    troubles = 0
    async with aclosing(steps):
        async for step in steps:
            tell(step)
            if step.trouble is None:
                done[step.what] += 1
            else:
                troubles += 1
    return Report(done=done, troubles=troubles, accesses=accesses)


async def _foreseen(custody: Custody, at: datetime) -> AsyncGenerator[Step, None]:
    async with aclosing(unfinished(custody)) as waiting:
        async for left in waiting:
            yield Step(what=FINISH, holding=left)
    async with aclosing(plan(custody, at)) as planned:
        async for found, judgement in planned:
            yield _step(found, judgement)


async def _done(custody: Custody, at: datetime, actor: str) -> AsyncGenerator[Step, None]:
    async with aclosing(unfinished(custody)) as waiting:
        async for left in waiting:
            yield await _finish(custody, left)
    async with aclosing(plan(custody, at)) as planned:
        async for found, judgement in planned:
            step = await _carry_out(custody, found, judgement, at=at, actor=actor)
            if step is not None:
                yield step


async def _finish(custody: Custody, left: Holding) -> Step:
    try:
        await remove(custody, left.stored)
    except StoreError as error:
        return Step(what=FINISH, holding=left, trouble=str(error))
    return Step(what=FINISH, holding=left)


async def _carry_out(
    custody: Custody, found: Holding, judgement: Judgement, *, at: datetime, actor: str
) -> Step | None:
    """Judge once more, alone with the call and by the holds of today, and do it; None where there is nothing to do."""
    if judgement.fate is Fate.KEEP:
        return _step(found, judgement)
    async with alone_with(custody, found.call_id):
        found_again = await holding(custody.engine, found.name, at=min(at, now()))
        if found_again is None or found_again.stored.state is not StoredState.STORED:
            return None
        again = judged(custody, found_again, at)
        try:
            await _do(custody, found_again, again, at=at, actor=actor)
        except StoreError as error:
            return _step(found_again, again, trouble=str(error))
    return None if again.fate is Fate.NOTHING else _step(found_again, again)


async def _do(custody: Custody, found: Holding, judgement: Judgement, *, at: datetime, actor: str) -> None:
    facts = _facts(found, at)
    if judgement.fate is Fate.DESTROY and judgement.reason is not None:
        await destroy(custody, found, judgement.reason, actor=actor, facts=facts)
    if judgement.fate is Fate.ARCHIVE:
        decision = custody.about(found, Kind.RETAIN, Verdict.APPLIED, Reason.ARCHIVED, actor=actor, facts=facts)
        archived = StoredRecord(recording=found.name, state=StoredState.STORED, tier=Tier.ARCHIVE)
        await custody.write([archived], decision)


def _step(found: Holding, judgement: Judgement, *, trouble: str | None = None) -> Step:
    return Step(what=judgement.fate.value, holding=found, reason=judgement.reason, trouble=trouble)


def _facts(found: Holding, at: datetime) -> Mapping[str, Fact]:
    """When it was due, and the time for which this was done, where that was to come yet."""
    due = {"due_at": written(found.stored.due_at)}
    return {**due, "as_of": written(at)} if at > now() else due
