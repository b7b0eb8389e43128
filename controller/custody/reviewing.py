"""What the policy in force would change of the dates that were fixed by an earlier one, and how that is applied.

A date is never changed silently: sooner where somebody has it applied, later only where they ask for that too, and
never later than the policy says.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from controller.custody.calls import alone_with
from controller.custody.custody import Custody
from controller.custody.judging import dated, kept, paged
from controller.db.expiring import IS_STORED
from controller.db.holdings import Holding, holding
from controller.domain import retention
from controller.domain.decision import Reason
from controller.domain.records import StoredState
from controller.domain.retention import Revision
from controller.runtime.clock import now


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a review finds for one purpose, sooner or later: how many, and the first and the last of the new dates.

    ``overdue`` of them would be destroyed by the next run.
    """

    purpose: str
    sooner: bool
    count: int
    overdue: int
    first: datetime
    last: datetime


async def review(custody: Custody) -> list[Changes]:
    """What the policy in force would change, by purpose, what is sooner first. Raises ``DatabaseAway``."""
    at = now()
    found: dict[tuple[str, bool], Changes] = {}
    async with aclosing(_revised(custody, at)) as revised:
        async for one, revision in revised:
            key = (one.purpose, not revision.sooner)
            found[key] = _added(found.get(key), one.purpose, revision, at)
    return [found[key] for key in sorted(found)]


async def apply(custody: Custody, *, lengthen: bool, actor: str) -> int:
    """Have the policy in force applied to the dates that were fixed before: how many changed.

    Later dates only with ``lengthen``. Raises ``DatabaseError``; what was applied until then stays so.
    """
    done = 0
    async with aclosing(_revised(custody, now())) as revised:
        async for one, revision in revised:
            if revision.sooner or lengthen:
                done += await _apply(custody, one, lengthen=lengthen, actor=actor)
    return done


async def _apply(custody: Custody, one: Holding, *, lengthen: bool, actor: str) -> bool:
    """Look again, alone with the call: an outcome may have come meanwhile."""
    async with alone_with(custody, one.call_id):
        again = await holding(custody.engine, one.name, at=now())
        revision = _revision(custody, again) if again else None
        if again is None or revision is None or not (revision.sooner or lengthen):
            return False
        change, decision = dated(custody, again, revision.due_at, Reason.RETENTION_CHANGED, actor=actor)
        await custody.write([change], decision)
    return True


async def _revised(custody: Custody, at: datetime) -> AsyncGenerator[tuple[Holding, Revision], None]:
    async with aclosing(paged(custody, IS_STORED, at=at)) as found:
        async for one in found:
            revision = _revision(custody, one)
            if revision is not None:
                yield one, revision


def _revision(custody: Custody, one: Holding) -> Revision | None:
    if one.stored.state is not StoredState.STORED:
        return None
    return retention.revision(kept(one), custody.policy().purposes.get(one.purpose))


def _added(before: Changes | None, purpose: str, revision: Revision, at: datetime) -> Changes:
    due = revision.due_at
    return Changes(
        purpose=purpose,
        sooner=revision.sooner,
        count=1 + (before.count if before else 0),
        overdue=(due <= at) + (before.overdue if before else 0),
        first=min(due, before.first) if before else due,
        last=max(due, before.last) if before else due,
    )
