"""How a recording is destroyed: its key first, which destroys every copy of it; then its objects.

Whatever ends in between is taken up again by ``finish``: a recording that is ``destroying`` has no key any more, so
nothing is lost by waiting, and nothing can be heard.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from controller.custody.custody import Custody
from controller.custody.judging import paged
from controller.db.holdings import Holding
from controller.db.tables import stored
from controller.domain.decision import NO_FACTS, Fact, Kind, Reason, Verdict
from controller.domain.records import ErasureRecord, StoredRecord, StoredState
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.threads import off_the_loop


async def destroy(
    custody: Custody,
    holding: Holding,
    reason: Reason,
    *,
    actor: str,
    rule: str | None = None,
    facts: Mapping[str, Fact] = NO_FACTS,
) -> None:
    """Destroy the key, with the decision and the entry of the erasure ledger in one transaction; then the objects.

    The file of erasures has it before the key goes. Whoever calls has seen that nothing holds it. Raises
    ``ErasureNotKept`` and ``DatabaseError``: nothing is destroyed; ``StoreAway``: the key is, and ``finish`` does the
    rest.
    """
    at = now()
    decision = custody.about(holding, Kind.ERASE, Verdict.APPLIED, reason, actor=actor, rule=rule, facts=facts)
    gone = StoredRecord(recording=holding.name, state=StoredState.DESTROYING)
    await custody.write([gone, ErasureRecord(what=holding.name, at=at, reason=reason.value)], decision)
    metrics.DESTROYED.labels(reason.value).inc()
    await remove(custody, holding.stored)


def unfinished(custody: Custody) -> AsyncGenerator[Holding, None]:
    """What has no key any more, and objects perhaps. Raises ``DatabaseAway``."""
    return paged(custody, stored.c.state == StoredState.DESTROYING, at=now())


async def finish(custody: Custody) -> None:
    """Remove the objects of all these. Raises ``DatabaseError``, ``StoreAway``."""
    async with aclosing(unfinished(custody)) as found:
        async for one in found:
            await remove(custody, one.stored)


async def remove(custody: Custody, gone: StoredRecord) -> None:
    """Remove the objects of one that has no key any more. Raises ``DatabaseError``, ``StoreAway``."""
    await off_the_loop(custody.vault.remove, gone)
    done = StoredRecord(recording=gone.recording, state=StoredState.DESTROYED, destroyed_at=now())
    await custody.write([done])
