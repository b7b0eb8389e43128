"""What a data subject may have put right or restricted: a call's facts (GDPR art. 16), and all processing (art. 18)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from controller.config.text import WORD
from controller.custody.calls import NOT_ON_FILE, about_call
from controller.custody.custody import Custody
from controller.custody.subjects import found, known_number
from controller.db import queries
from controller.db.subjects import number_was_erased
from controller.domain.decision import Decision, Fact, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import CallRecord, LifeRecord, RectifiedRecord, RestrictionRecord
from controller.errors import RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import now
from controller.sealed_numbers import display_key, seal

_WORD = re.compile(WORD)
_AT_A_TIME = 100


async def rectify(
    custody: Custody,
    call_id: CallId,
    *,
    actor: str,
    agent: str | None = None,
    queue: str | None = None,
    number: str | None = None,
) -> None:
    """Change facts of a call that is over; the decision names which, and no number.

    Raises ``RegisterRefused``, ``DatabaseError``.
    """
    for name, value in (("agent", agent), ("queue", queue)):
        if value is not None and not _WORD.fullmatch(value):
            raise RegisterRefused(Fault(Code.NO_WORD, "must be one word, such as 201 or support", of=name))
    call = await _rectifiable(custody, call_id, number)
    change = RectifiedRecord(call_id=call.id, agent=agent, queue=queue)
    if number is not None:
        known, customer = known_number(custody, number)
        change = replace(change, customer_hash=customer, customer_sealed=seal(known, display_key(custody.numbers_key)))
    changed = {"agent": agent, "queue": queue, "number": number}
    decisions = [_rectified(custody, call, name, actor) for name, value in changed.items() if value is not None]
    await custody.write([change], *decisions)


async def restrict(custody: Custody, number: str, *, actor: str) -> bool:
    """From now on what is stored of this customer is only stored; whether that is new.

    Raises ``RegisterRefused``, ``DatabaseError``.
    """
    at = now()
    subject = await found(custody, number, at=at)
    if any(one.lifted_at is None for one in subject.restrictions):
        return False
    _, customer = known_number(custody, number)
    decisions = _decisions(custody, subject.calls, Reason.RESTRICTED, actor)
    await _written(custody, [RestrictionRecord(customer_hash=customer, at=at)], decisions)
    return True


async def lift(custody: Custody, number: str, *, actor: str) -> bool:
    """What is stored of this customer may be used again; whether it was restricted.

    They are told before (art. 18(3)). Raises ``RegisterRefused``, ``DatabaseError``.
    """
    subject = await found(custody, number, at=now())
    standing = [one for one in subject.restrictions if one.lifted_at is None]
    if not standing:
        return False
    lifted = [replace(one, lifted_at=max(now(), one.at)) for one in standing]
    await _written(custody, lifted, _decisions(custody, subject.calls, Reason.RESTRICTION_LIFTED, actor))
    return True


async def _rectifiable(custody: Custody, call_id: CallId, number: str | None) -> CallRecord:
    call = await queries.call_of(custody.engine, call_id)
    if call is None:
        raise RegisterRefused(NOT_ON_FILE)
    if call.ended_at is None:
        raise RegisterRefused(Fault(Code.CALL_UNDER_WAY, "is not over yet", of="call"))
    if not call.linkedid:
        raise RegisterRefused(Fault(Code.CALL_EXCLUDED, "is excluded, and names nobody", of="call"))
    if number is not None and await number_was_erased(custody.engine, call_id):
        raise RegisterRefused(Fault(Code.NUMBER_ERASED, "its number was erased, and does not come back", of="call"))
    return call


def _rectified(custody: Custody, call: CallRecord, attribute: str, actor: str) -> Decision:
    facts: dict[str, Fact] = {"attribute": attribute}
    return about_call(custody, call, Kind.RETAIN, Verdict.APPLIED, Reason.RECTIFIED, actor=actor, facts=facts)


async def _written(custody: Custody, records: Sequence[LifeRecord], decisions: Sequence[Decision]) -> None:
    """A few at a time, so that no call waits for those of a customer who has called a thousand times."""
    await custody.write(records, *decisions[:_AT_A_TIME])
    for first in range(_AT_A_TIME, len(decisions), _AT_A_TIME):
        await custody.write([], *decisions[first : first + _AT_A_TIME])


def _decisions(custody: Custody, calls: tuple[CallRecord, ...], reason: Reason, actor: str) -> list[Decision]:
    """One for each call; where there is none, one that names nobody."""
    about = [about_call(custody, call, Kind.RETAIN, Verdict.APPLIED, reason, actor=actor) for call in calls]
    return about or [custody.in_general(Kind.RETAIN, Verdict.APPLIED, reason, actor=actor)]
