"""What came of a call: where no contract came of it, a purpose may keep its recordings for less long (R. 112-7)."""

from contextlib import aclosing

from controller.custody.calls import about_call, alone_with, known_call
from controller.custody.custody import Custody
from controller.custody.judging import dated, kept
from controller.db.expiring import IS_STORED
from controller.db.holdings import Holding, holdings
from controller.db.tables import recording
from controller.domain import retention
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import OutcomeRecord, StoredRecord
from controller.errors import RegisterRefused
from controller.runtime.clock import now


async def tell_outcome(custody: Custody, call_id: CallId, outcome: str, *, actor: str) -> int:
    """Say what came of a call, and set the dates of its stored recordings by it: how many changed.

    What is told again changes nothing. Raises ``RegisterRefused``, ``DatabaseError``.
    """
    if outcome not in retention.OUTCOMES:
        raise RegisterRefused(f"outcome: must be {' or '.join(retention.OUTCOMES)}")
    async with alone_with(custody, call_id):
        call = await known_call(custody, call_id)
        if call.outcome == outcome:
            return 0
        changes = await _changes(custody, call_id, outcome, actor)
        told = OutcomeRecord(call_id=call_id, outcome=outcome, at=now())
        why, facts = Reason.OUTCOME_KNOWN, {"outcome": outcome}
        about = about_call(custody, call, Kind.RETAIN, Verdict.APPLIED, why, actor=actor, facts=facts)
        decisions = [decision for _, decision in changes] or [about]
        await custody.write([told, *(record for record, _ in changes)], *decisions)
    return len(changes)


async def _changes(custody: Custody, call_id: CallId, outcome: str, actor: str) -> list[tuple[StoredRecord, Decision]]:
    here = (IS_STORED, recording.c.call_id == call_id)
    async with aclosing(holdings(custody.engine, *here, at=now())) as found:
        return [change async for one in found if (change := _change(custody, one, outcome, actor))]


def _change(custody: Custody, one: Holding, outcome: str, actor: str) -> tuple[StoredRecord, Decision] | None:
    due_at = retention.after_outcome(kept(one), custody.policy().purposes.get(one.purpose), outcome)
    if due_at is None:
        return None
    return dated(custody, one, due_at, Reason.OUTCOME_KNOWN, actor=actor, facts={"outcome": outcome})
