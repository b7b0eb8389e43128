"""Destroys again what an old copy brought back: of the database with its keys, or of the object store.

What was destroyed stands in the file of erasures, that no restore touches.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from controller.custody.custody import Custody
from controller.custody.destroying import destroy, finish
from controller.custody.erasures import BrokenLine
from controller.custody.restoring import stock
from controller.db.erased import has_number, is_held, waits_on_pbx
from controller.db.holdings import holding
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.differences import Difference
from controller.domain.names import CallId
from controller.domain.records import ERASED_NUMBER, ErasureRecord, ForgottenRecord, RecordingState, StoredState
from controller.runtime.clock import now
from controller.threads import off_the_loop

WITH_KEY = {StoredState.TAKING, StoredState.STORED}


@dataclass(slots=True, kw_only=True)
class Reapplied:
    """What became of what the file of erasures names.

    ``destroyed`` came back with their keys, ``removed`` only with their objects; the files of ``condemned`` may be on a
    PBX, where the daemon that starts next deletes them; ``numbers`` names calls. What is ``held`` by a legal hold is
    left alone, and lines that are ``broken`` are not heeded.
    """

    destroyed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    condemned: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    broken: list[BrokenLine] = field(default_factory=list)


async def reapply(custody: Custody, done: Reapplied, *, actor: str) -> None:
    """Destroy again whatever the file of erasures names and is there again. Done twice it does nothing more.

    Raises ``DatabaseError``, ``StoreAway``, ``ErasureNotKept``; ``done`` says what was done by then.
    """
    for record in await off_the_loop(_named, custody, done.broken):
        if record.what.startswith(ERASED_NUMBER):
            await _number(custody, record, done, actor)
        else:
            await _with_key(custody, record, done, actor)
    await finish(custody)
    for name in await _with_object(custody):
        await _remove(custody, name, done, actor)


def _named(custody: Custody, broken: list[BrokenLine]) -> list[ErasureRecord]:
    """Each thing once, as it was erased first."""
    first: dict[str, ErasureRecord] = {}
    for line in custody.erasures.lines():
        if isinstance(line, BrokenLine):
            broken.append(line)
        else:
            first.setdefault(line.what, line)
    return list(first.values())


async def _with_key(custody: Custody, record: ErasureRecord, done: Reapplied, actor: str) -> None:
    there = await holding(custody.engine, record.what, at=now())
    if there is None:
        await _condemn(custody, record, done, actor)
        return
    if there.stored.state not in WITH_KEY:
        return
    if there.held:
        done.held.append(record.what)
        return
    await destroy(custody, there, Reason.ERASED_BEFORE, actor=actor, facts=_facts(record))
    done.destroyed.append(record.what)


async def _condemn(custody: Custody, record: ErasureRecord, done: Reapplied, actor: str) -> None:
    """It had been erased before it was in the store, or its rows there are lost: nobody takes it from the PBX again."""
    waiting = await waits_on_pbx(custody.engine, record.what)
    if waiting is None:
        return
    if await is_held(custody.engine, waiting.call_id, at=now()):
        done.held.append(waiting.name)
        return
    general = custody.in_general(
        Kind.ERASE,
        Verdict.APPLIED,
        Reason.ERASED_BEFORE,
        actor=actor,
        facts={"recording": waiting.name, "where": "pbx", **_facts(record)},
    )
    decision = replace(general, call_id=waiting.call_id, pbx=waiting.pbx, purpose=waiting.purpose)
    await custody.ledger.write([replace(waiting, state=RecordingState.DISCARDING), decision])
    done.condemned.append(waiting.name)


async def _number(custody: Custody, record: ErasureRecord, done: Reapplied, actor: str) -> None:
    call = CallId(record.what.removeprefix(ERASED_NUMBER))
    if not await has_number(custody.engine, call) or await is_held(custody.engine, call, at=now()):
        return
    facts: Mapping[str, Fact] = {"call": call, **_facts(record)}
    decision = custody.in_general(Kind.ERASE, Verdict.APPLIED, Reason.ERASED_BEFORE, actor=actor, facts=facts)
    await custody.write([ForgottenRecord(call_id=call)], decision)
    done.numbers.append(call)


async def _with_object(custody: Custody) -> list[str]:
    async with stock(custody) as (lists, _), aclosing(lists.found(Difference.OBJECT_OF_ERASED)) as found:
        return sorted({one.what async for one in found})


async def _remove(custody: Custody, name: str, done: Reapplied, actor: str) -> None:
    there = await holding(custody.engine, name, at=now())
    if there is None or there.stored.state is not StoredState.DESTROYED:
        return
    decision = custody.about(there, Kind.ERASE, Verdict.APPLIED, Reason.ERASED_BEFORE, actor=actor)
    await custody.write([], decision)
    await off_the_loop(custody.vault.remove, there.stored)
    done.removed.append(name)


def _facts(record: ErasureRecord) -> Mapping[str, Fact]:
    """Why and when it was erased the first time."""
    return {"erased_for": record.reason, "erased_at": record.at.isoformat(timespec="milliseconds")}
