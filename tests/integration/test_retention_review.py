"""What another policy, an outcome and a hold change of what is stored, and the decisions that tell it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody import holds
from controller.custody.custody import Custody
from controller.custody.outcomes import tell_outcome
from controller.custody.retention import run
from controller.custody.reviewing import Changes, apply, review
from controller.db.ledger import PostgresLedger
from controller.domain.policy import Period, Purpose
from controller.domain.records import StoredState
from controller.errors import RegisterRefused
from controller.runtime.clock import now
from controller.store.vault import Vault
from tests.integration.entries import a_call_id
from tests.integration.stores import (
    INSURANCE,
    PURPOSES,
    QUALITY,
    a_custody,
    a_policy,
    after,
    ask,
    broken_chains,
    call_of,
    custody,
    decided,
    facts,
    put,
    put_call,
    seen,
    vault,
)
from tests.integration.test_register_commands import everything

__all__ = ["custody", "vault"]
WHY = "Mme Exemple's lawyer has written"


def by(custody: Custody, *purposes: Purpose) -> Custody:
    """The same custody, once these purposes are in force in place of those before."""
    policy = a_policy({**PURPOSES, **{purpose.name: purpose for purpose in purposes}})
    return replace(custody, policy=lambda: policy)


def iso(**lasts: int) -> str:
    return after(**lasts).isoformat(timespec="milliseconds")


async def test_a_policy_that_changes_nothing_is_not_worth_a_word(custody: Custody) -> None:
    await put(custody)
    await put(custody, "insurance")
    assert await review(custody) == []
    assert await apply(custody, lengthen=True, actor="cli:dpo") == 0


async def test_a_shorter_retention_is_told_and_applied_with_a_decision_for_each(
    custody: Custody, database: str
) -> None:
    made = [await put(custody), await put(custody, due_at=after(months=5))]
    shorter = by(custody, replace(QUALITY, retention=Period(months=3)))
    [found] = await review(shorter)
    assert found == Changes(
        purpose="quality", sooner=True, count=2, overdue=2, first=after(months=3), last=after(months=3)
    )
    assert [seen(database, one).due_at for one in made] == [after(months=6), after(months=5)]
    assert await apply(shorter, lengthen=False, actor="cli:dpo") == 2
    assert {seen(database, one).due_at for one in made} == {after(months=3)}
    assert decided(database) == [("retain", "applied", "retention-changed")] * 2
    assert [(f["due_at"], f["due_at_before"]) for f in facts(database, "retention-changed")] == [
        (iso(months=3), iso(months=6)),
        (iso(months=3), iso(months=5)),
    ]
    assert await review(shorter) == []
    assert broken_chains(database) == []


async def test_a_longer_retention_lengthens_nothing_until_somebody_says_so(custody: Custody, database: str) -> None:
    kept = await put(custody)
    longer = by(custody, replace(QUALITY, retention=Period(months=9)))
    [found] = await review(longer)
    assert (found.sooner, found.count) == (False, 1)
    assert await apply(longer, lengthen=False, actor="cli:dpo") == 0
    await run(longer, at=after(months=6) - timedelta(seconds=1), dry_run=False, actor="daemon")
    assert seen(database, kept).due_at == after(months=6)
    assert await apply(longer, lengthen=True, actor="cli:dpo") == 1
    assert seen(database, kept).due_at == after(months=9)


async def test_what_is_destroyed_has_no_date_to_change(custody: Custody, database: str) -> None:
    gone = await put(custody)
    await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    longer = by(custody, replace(QUALITY, retention=Period(months=9)))
    assert await review(longer) == []
    assert await apply(longer, lengthen=True, actor="cli:dpo") == 0
    assert seen(database, gone).state == "destroyed"


async def test_sooner_and_later_are_told_apart_by_purpose(custody: Custody) -> None:
    await put(custody)
    await put(custody, due_at=after(months=1))
    await put(custody, "insurance", due_at=after(days=1))
    shown = [(found.purpose, found.sooner, found.count) for found in await review(by(custody, QUALITY, INSURANCE))]
    assert shown == [("insurance", False, 1), ("quality", False, 1)]
    shorter = by(custody, replace(QUALITY, retention=Period(months=3)))
    told = [(found.purpose, found.sooner) for found in await review(shorter)]
    assert told == [("insurance", False), ("quality", True), ("quality", False)]


async def test_a_contract_lengthens_in_one_transaction_with_its_decision(custody: Custody, database: str) -> None:
    proof = await put(custody, "insurance")
    call = call_of(proof)
    listened_to = await put(custody, "quality", call)
    assert await tell_outcome(custody, call, "contract", actor="cli:sales") == 1
    assert seen(database, proof).due_at == after(years=2)
    assert seen(database, listened_to).due_at == after(months=6)
    [told] = facts(database, "outcome-known")
    assert (told["outcome"], told["due_at"], told["due_at_before"]) == ("contract", iso(years=2), iso(months=1))
    assert await tell_outcome(custody, call, "contract", actor="cli:sales") == 0
    assert len(decided(database)) == 1
    report = await run(custody, at=after(months=1), dry_run=False, actor="daemon")
    assert report.done == {}


async def test_without_a_contract_it_is_destroyed_for_want_of_one(custody: Custody, database: str) -> None:
    proof = await put(custody, "insurance")
    assert await tell_outcome(custody, call_of(proof), "none", actor="cli:sales") == 0
    assert seen(database, proof).due_at == after(months=1)
    assert ask(database, "SELECT outcome FROM outcome") == [("none",)]
    await run(custody, at=after(months=1), dry_run=False, actor="daemon")
    assert decided(database) == [("retain", "applied", "outcome-known"), ("erase", "applied", "no-contract")]


async def test_a_contract_that_was_none_after_all_is_kept_no_longer_than_without(
    custody: Custody, database: str
) -> None:
    proof = await put(custody, "insurance")
    await tell_outcome(custody, call_of(proof), "contract", actor="cli:sales")
    assert await tell_outcome(custody, call_of(proof), "none", actor="cli:sales") == 1
    assert seen(database, proof).due_at == after(months=1)


async def test_an_outcome_after_the_end_brings_nothing_back(custody: Custody, database: str) -> None:
    proof = await put(custody, "insurance")
    await run(custody, at=after(months=1), dry_run=False, actor="daemon")
    assert await tell_outcome(custody, call_of(proof), "contract", actor="cli:sales") == 0
    assert (seen(database, proof).state, seen(database, proof).has_key) == ("destroyed", False)


async def test_an_outcome_that_is_none_of_the_two_or_of_no_call_is_refused(custody: Custody, database: str) -> None:
    with pytest.raises(RegisterRefused, match="contract or none"):
        await tell_outcome(custody, await put_call(custody), "perhaps", actor="cli:sales")
    with pytest.raises(RegisterRefused, match="no such call"):
        await tell_outcome(custody, a_call_id(), "contract", actor="cli:sales")
    assert decided(database) == []


async def test_a_hold_is_decided_about_and_why_stands_nowhere_but_in_its_row(custody: Custody, database: str) -> None:
    call = await put_call(custody)
    until = now() + timedelta(days=30)
    hold = await holds.place(custody, call, WHY, until, actor="cli:dpo")
    assert await holds.holds(custody) == [hold]
    await holds.lift(custody, hold.id, actor="cli:dpo")
    assert await holds.holds(custody) == []
    assert decided(database) == [("hold", "applied", "hold-placed"), ("hold", "applied", "hold-lifted")]
    for reason in ("hold-placed", "hold-lifted"):
        assert facts(database, reason) == [{"hold": hold.id, "until": until.isoformat(timespec="milliseconds")}]
    assert everything(database).count("lawyer") == 1
    assert ask(database, "SELECT DISTINCT call_id::text, pbx, linkedid FROM decision") == [
        (call, "paris", "1772452800.1")
    ]


async def test_a_hold_waits_for_a_recording_that_is_still_on_its_way(custody: Custody, database: str) -> None:
    """Nothing is known of the call yet, not even that there was one."""
    call = a_call_id()
    await holds.place(custody, call, WHY, None, actor="cli:dpo")
    kept = await put(custody, "quality", call, state=StoredState.STORED)
    report = await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    assert report.done == {"keep": 1}
    assert seen(database, kept).has_key


async def test_a_hold_that_cannot_be_is_refused(custody: Custody, database: str) -> None:
    call = await put_call(custody)
    with pytest.raises(RegisterRefused, match="why"):
        await holds.place(custody, call, "  ", None, actor="cli:dpo")
    with pytest.raises(RegisterRefused, match="until"):
        await holds.place(custody, call, WHY, now() - timedelta(seconds=1), actor="cli:dpo")
    with pytest.raises(RegisterRefused, match="no such hold"):
        await holds.lift(custody, "none", actor="cli:dpo")
    hold = await holds.place(custody, call, WHY, None, actor="cli:dpo")
    await holds.lift(custody, hold.id, actor="cli:dpo")
    with pytest.raises(RegisterRefused, match="no such hold"):
        await holds.lift(custody, hold.id, actor="cli:dpo")
    assert len(decided(database)) == 2


async def test_two_holds_hold_until_both_are_lifted(custody: Custody, database: str) -> None:
    kept = await put(custody)
    first, second = [await holds.place(custody, call_of(kept), WHY, None, actor="cli:dpo") for _ in range(2)]
    await holds.lift(custody, first.id, actor="cli:dpo")
    await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    assert seen(database, kept).has_key
    await holds.lift(custody, second.id, actor="cli:dpo")
    await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    assert not seen(database, kept).has_key


async def test_a_restart_with_another_policy_keeps_the_dates_that_were_fixed(
    engine: AsyncEngine, ledger: PostgresLedger, vault: Vault, database: str
) -> None:
    kept = await put(a_custody(engine, ledger, vault), due_at=after(months=6))
    policy = a_policy({"quality": replace(QUALITY, retention=Period(days=1))})
    await run(a_custody(engine, ledger, vault, policy), at=after(months=5), dry_run=False, actor="daemon")
    assert seen(database, kept).has_key
