"""Which stored recordings and documents come to an end, or go to the archive, at a given time; another date for one.

A page is read in a transaction of its own, so that whoever acts on what was read keeps no cursor open meanwhile.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime

from sqlalchemy import ColumnElement

from controller.custody.custody import Custody
from controller.db.expiring import may_be_archived, may_be_due
from controller.db.holdings import Holding, holdings
from controller.db.tables import stored
from controller.domain import retention
from controller.domain.decision import NO_FACTS, Decision, Fact, Kind, Reason, Verdict
from controller.domain.records import StoredRecord, StoredState, Tier
from controller.domain.retention import Fate, Judgement, Kept

_PAGE = 200


def kept(holding: Holding) -> Kept:
    """What the retention of a holding depends on."""
    return Kept(
        is_document=holding.is_document,
        began=holding.ended_at or holding.started_at or holding.stored.taken_at,
        due_at=holding.stored.due_at,
        archived=holding.stored.tier is Tier.ARCHIVE,
        held=holding.held,
        restricted=holding.restricted,
        outcome=holding.outcome,
    )


def judged(custody: Custody, holding: Holding, at: datetime) -> Judgement:
    """What is to become of a holding at a time, by the date that was fixed and the policy in force."""
    purpose = custody.policy().purposes.get(holding.purpose)
    return retention.judge(kept(holding), purpose, at=at, archive_after=custody.storage.archive_after)


def dated(
    custody: Custody,
    one: Holding,
    due_at: datetime,
    reason: Reason,
    *,
    actor: str,
    facts: Mapping[str, Fact] = NO_FACTS,
) -> tuple[StoredRecord, Decision]:
    """Another date for a holding, and the decision to be written with it."""
    before = one.stored.due_at
    dates = {"due_at": written(due_at), "due_at_before": written(before)}
    decision = custody.about(one, Kind.RETAIN, Verdict.APPLIED, reason, actor=actor, facts={**facts, **dates})
    return StoredRecord(recording=one.name, state=StoredState.STORED, due_at=due_at), decision


def written(at: datetime | None) -> str | None:
    """A time as facts tell it."""
    return at.isoformat(timespec="milliseconds") if at else None


async def plan(custody: Custody, at: datetime) -> AsyncGenerator[tuple[Holding, Judgement], None]:
    """All that something is to become of at a time: first what is due, then what goes to the archive.

    By the legal holds that stand then. Raises ``DatabaseAway``.
    """
    purposes = [name for name, purpose in custody.policy().purposes.items() if retention.is_archived(purpose)]
    old = may_be_archived(at, custody.storage.archive_after, purposes)
    for chosen in (may_be_due(at), old):
        async with aclosing(paged(custody, chosen, at=at)) as found:
            async for holding in found:
                judgement = judged(custody, holding, at)
                if judgement.fate is not Fate.NOTHING:
                    yield holding, judgement


async def paged(custody: Custody, chosen: ColumnElement[bool], *, at: datetime) -> AsyncGenerator[Holding, None]:
    """Holdings by name, a page at a time, with what stands at ``at``. Raises ``DatabaseAway``."""
    last = ""
    while page := await _page(custody, chosen, last, at):
        for holding in page:
            yield holding
        last = page[-1].name


async def _page(custody: Custody, chosen: ColumnElement[bool], last: str, at: datetime) -> list[Holding]:
    page: list[Holding] = []
    async with aclosing(holdings(custody.engine, chosen, stored.c.recording > last, at=at)) as found:
        async for holding in found:
            page.append(holding)
            if len(page) == _PAGE:
                break
    return page
