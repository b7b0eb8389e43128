"""What came of a call: where no contract came of it, a purpose may keep its recordings for less long (R. 112-7)."""

from contextlib import aclosing

from controller.custody.calls import NOT_ON_FILE, about_call, alone_with, known_call, purposes_of
from controller.custody.custody import Custody
from controller.custody.judging import dated, kept
from controller.custody.listening import Listener
from controller.db.expiring import IS_STORED
from controller.db.holdings import Holding, holdings
from controller.db.tables import recording
from controller.domain import retention
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import OutcomeRecord, StoredRecord
from controller.errors import RegisterRefused
from controller.runtime.clock import now


async def tell_outcome(
    custody: Custody, call_id: CallId, outcome: str, *, actor: str, listener: Listener | None = None
) -> int:
    """Say what came of a call, and set the dates of its stored recordings by it: how many changed.

    It sets the dates of all of them, so a call of which anything does not exist for who tells it is not on file;
    ``listener`` None: everything exists for them. What is told again changes nothing. Raises ``RegisterRefused``,
    ``DatabaseError``.
    """
    if outcome not in retention.OUTCOMES:
        raise RegisterRefused(f"outcome: must be {' or '.join(retention.OUTCOMES)}")
    async with alone_with(custody, call_id):
        call = await known_call(custody, call_id)
        if listener is not None and not await _all_theirs(custody, call_id, listener):
            raise RegisterRefused(NOT_ON_FILE)
        if call.outcome == outcome:
            return 0
        changes = await _changes(custody, call_id, outcome, actor)
        told = OutcomeRecord(call_id=call_id, outcome=outcome, at=now())
        why, facts = Reason.OUTCOME_KNOWN, {"outcome": outcome}
        about = about_call(custody, call, Kind.RETAIN, Verdict.APPLIED, why, actor=actor, facts=facts)
        decisions = [decision for _, decision in changes] or [about]
        await custody.write([told, *(record for record, _ in changes)], *decisions)
    return len(changes)


async def _all_theirs(custody: Custody, call_id: CallId, listener: Listener) -> bool:
    """Whether all that the call was recorded for, and all that is stored of it, exists for them."""
    purposes = await purposes_of(custody, call_id)
    if not purposes:
        return listener.purposes is None
    tiers = {one.stored.tier for one in await _stored(custody, call_id)} or {None}
    return all(listener.may_know(purpose, tier) for purpose in purposes for tier in tiers)


async def _changes(custody: Custody, call_id: CallId, outcome: str, actor: str) -> list[tuple[StoredRecord, Decision]]:
    found = await _stored(custody, call_id)
    return [change for one in found if (change := _change(custody, one, outcome, actor))]


async def _stored(custody: Custody, call_id: CallId) -> list[Holding]:
    async with aclosing(holdings(custody.engine, IS_STORED, recording.c.call_id == call_id, at=now())) as found:
        return [one async for one in found]


def _change(custody: Custody, one: Holding, outcome: str, actor: str) -> tuple[StoredRecord, Decision] | None:
    due_at = retention.after_outcome(kept(one), custody.policy().purposes.get(one.purpose), outcome)
    if due_at is None:
        return None
    return dated(custody, one, due_at, Reason.OUTCOME_KNOWN, actor=actor, facts={"outcome": outcome})
