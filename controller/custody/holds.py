"""Legal holds: nothing of a call is destroyed while one stands.

Why one was placed, and why it was lifted, is in its row and nowhere else, since it may name people: in no decision.
"""

from dataclasses import replace
from datetime import datetime

from controller.custody.calls import about_call, alone_with
from controller.custody.custody import Custody
from controller.custody.judging import written
from controller.db.on_file import CallOnFile, call_on_file, hold_on_file, holds_before, standing_holds
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import HoldRecord
from controller.errors import RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import new_id, now


async def place(custody: Custody, call_id: CallId, why: str, until: datetime | None, *, actor: str) -> HoldRecord:
    """Hold what is stored of a call, and what is still on its way; without ``until``, until it is lifted.

    Once this returns, nothing of the call is destroyed. Raises ``RegisterRefused``, ``DatabaseError``.
    """
    at = now()
    if not why.strip():
        raise RegisterRefused(Fault(Code.MISSING, "must say why", of="why"))
    if until is not None and until <= at:
        raise RegisterRefused(Fault(Code.PAST, "must lie in the future", of="until"))
    hold = HoldRecord(id=new_id(), call_id=call_id, why=why.strip(), placed_by=actor, placed_at=at, until=until)
    async with alone_with(custody, call_id):
        await custody.write([hold], await _about(custody, hold, Reason.HOLD_PLACED, actor))
    return hold


async def lift(custody: Custody, hold: str, why: str | None = None, *, actor: str) -> HoldRecord:
    """End a hold before its time; ``why`` is kept with it.

    Raises ``RegisterRefused`` where there is none to lift, ``DatabaseError``.
    """
    found = await hold_on_file(custody.engine, hold)
    if found is None or found.lifted_at is not None:
        raise RegisterRefused(Fault(Code.NO_HOLD, "no such hold is on file, or it was lifted before", of="hold"))
    lifted = replace(found, lifted_at=now(), lifted_why=(why or "").strip() or None)
    await custody.write([lifted], await _about(custody, lifted, Reason.HOLD_LIFTED, actor))
    return lifted


async def holds(custody: Custody) -> list[HoldRecord]:
    """The holds that stand now, the oldest first. Raises ``DatabaseAway``."""
    return await standing_holds(custody.engine, at=now())


async def newest_holds(custody: Custody, before: datetime | None, id_: str, *, limit: int) -> list[HoldRecord]:
    """Those that stand, the newest first: placed before a time (None: all), or then and before an id.

    Raises ``DatabaseAway``.
    """
    return await holds_before(custody.engine, before, id_, at=now(), limit=limit)


async def _about(custody: Custody, hold: HoldRecord, reason: Reason, actor: str) -> Decision:
    facts = {"hold": hold.id, "until": written(hold.until)}
    call = await call_on_file(custody.engine, hold.call_id) or CallOnFile(id=hold.call_id)
    return about_call(custody, call, Kind.HOLD, Verdict.APPLIED, reason, actor=actor, facts=facts)
