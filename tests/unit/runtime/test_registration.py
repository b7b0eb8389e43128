"""What people change in the registers, and the decision that each change leaves."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.records import EVERY_PURPOSE, NoticeRecord
from controller.errors import DatabaseAway, RegisterRefused
from controller.runtime.clock import now
from controller.runtime.registration import Imported
from tests.unit.registers import CUSTOMER, MemoryRegister, a_registration, customer_of


@pytest.fixture
def register() -> MemoryRegister:
    return MemoryRegister()


def notice(agent: str, day: int = 1, version: str = "2026-09") -> NoticeRecord:
    return NoticeRecord(agent=agent, version=version, informed_at=date(2026, 9, day))


def reasons(register: MemoryRegister) -> list[Reason]:
    return [decision.reason for decision in register.decisions]


async def test_an_import_leaves_a_decision_for_each_agent_in_the_same_transaction(register: MemoryRegister) -> None:
    registration = a_registration(register)
    done = await registration.import_notices([notice("201"), notice("202")], actor="cli:dpo")
    assert done == Imported(added=2, corrected=0, unchanged=0)
    assert await registration.notices() == [notice("201"), notice("202")]
    assert register.batches == 1
    for agent, decision in zip(("201", "202"), register.decisions, strict=True):
        assert (decision.kind, decision.verdict, decision.reason) == (
            Kind.CONFIG,
            Verdict.APPLIED,
            Reason.AGENT_INFORMED,
        )
        assert (decision.actor, decision.policy_version, decision.call_id) == ("cli:dpo", "a" * 64, None)
        assert decision.facts == {
            "agent": agent,
            "version": "2026-09",
            "informed_at": "2026-09-01",
            "informed_at_before": None,
        }


async def test_an_import_that_is_repeated_changes_and_decides_nothing(register: MemoryRegister) -> None:
    told: list[str] = []
    registration = a_registration(register, told)
    await registration.import_notices([notice("201")], actor="api")
    done = await registration.import_notices([notice("201")], actor="api")
    assert done == Imported(added=0, corrected=0, unchanged=1)
    assert len(register.decisions) == register.batches == len(told) == 1


async def test_a_correction_says_what_stood_there_before(register: MemoryRegister) -> None:
    registration = a_registration(register)
    await registration.import_notices([notice("201"), notice("202")], actor="api")
    done = await registration.import_notices([notice("201", day=5), notice("202"), notice("203")], actor="api")
    assert done == Imported(added=1, corrected=1, unchanged=1)
    facts = register.decisions[2].facts
    assert (facts["informed_at_before"], facts["informed_at"]) == ("2026-09-01", "2026-09-05")


async def test_the_daemon_is_told_once_the_notices_are_on_file(register: MemoryRegister) -> None:
    told: list[str] = []
    registration = a_registration(register, told)
    register.away = True
    with pytest.raises(DatabaseAway):
        await registration.import_notices([notice("201")], actor="api")
    assert told == []
    register.away = False
    await registration.import_notices([notice("201")], actor="api")
    await registration.withdraw_notices("201", None, actor="api")
    assert told == ["notices", "notices"]


async def test_a_notice_is_withdrawn_for_one_version_or_for_all(register: MemoryRegister) -> None:
    registration = a_registration(register)
    old, new, other = notice("201", version="2025-01"), notice("201"), notice("202")
    await registration.import_notices([old, new, other], actor="api")
    assert await registration.withdraw_notices("201", "2025-01", actor="api") == [old]
    assert await registration.notices() == [new, other]
    assert await registration.withdraw_notices("201", None, actor="api") == [new]
    assert await registration.notices() == [other]
    assert reasons(register)[3:] == [Reason.NOTICE_WITHDRAWN] * 2
    assert register.decisions[-1].facts["informed_at_before"] == "2026-09-01"
    assert register.decisions[-1].facts["informed_at"] is None


async def test_what_is_not_on_file_cannot_be_withdrawn(register: MemoryRegister) -> None:
    assert await a_registration(register).withdraw_notices("201", None, actor="api") == []
    assert register.decisions == []


async def test_an_objection_is_kept_for_the_number_however_it_is_written(register: MemoryRegister) -> None:
    registration = a_registration(register)
    objection = await registration.add_objection("+33 1 99 00 00 01", "quality", None, actor="cli:dpo")
    assert objection.customer_hash == customer_of(CUSTOMER)
    assert await registration.objections() == [objection]


async def test_an_objection_lasts_as_long_as_the_policy_remembers_or_as_is_said(register: MemoryRegister) -> None:
    registration = a_registration(register)
    remembered = await registration.add_objection(CUSTOMER, "quality", None, actor="api")
    assert remembered.until > remembered.at + timedelta(days=364)
    until = now() + timedelta(days=2)
    said = await registration.add_objection(CUSTOMER, None, until, actor="api")
    assert (said.scope, said.until) == (EVERY_PURPOSE, until)


async def test_the_decision_about_an_objection_names_no_customer(register: MemoryRegister) -> None:
    registration = a_registration(register)
    objection = await registration.add_objection(CUSTOMER, "quality", None, actor="api")
    await registration.end_objections(objection.customer_hash, None, actor="api")
    added, ended = register.decisions
    assert (added.kind, added.verdict, added.reason) == (Kind.CONSENT, Verdict.REFUSED, Reason.OBJECTION_ADDED)
    assert (ended.kind, ended.verdict, ended.reason) == (Kind.CONSENT, Verdict.APPLIED, Reason.OBJECTION_ENDED)
    for decision in (added, ended):
        assert decision.purpose == "quality"
        shown = repr(decision)
        for secret in ("199000001", objection.customer_hash.hex(), repr(objection.customer_hash)):
            assert secret not in shown


async def test_objections_end_for_one_purpose_or_altogether(register: MemoryRegister) -> None:
    registration = a_registration(register)
    for purpose in ("quality", "orders", None):
        await registration.add_objection(CUSTOMER, purpose, None, actor="api")
    another = await registration.add_objection("01 99 00 00 02", "quality", None, actor="api")
    customer = customer_of(CUSTOMER)
    [ended] = await registration.end_objections(customer, "quality", actor="api")
    assert ended.scope == "quality"
    assert len(await registration.end_objections(customer, None, actor="api")) == 2
    assert await registration.objections() == [another]
    assert await registration.end_objections(customer, None, actor="api") == []
    assert reasons(register).count(Reason.OBJECTION_ENDED) == 3


async def test_an_end_is_later_than_the_objection_even_by_a_clock_that_is_behind(register: MemoryRegister) -> None:
    registration = a_registration(register)
    objection = await registration.add_objection(CUSTOMER, "quality", None, actor="api")
    ahead = now() + timedelta(hours=1)
    await register.write([replace(objection, at=ahead)])
    await registration.end_objections(objection.customer_hash, None, actor="api")
    assert register.decisions[-1].at == ahead


@pytest.mark.parametrize("number", ["", "anonymous", "*31#", "Madame Exemple"])
async def test_only_a_number_can_object(register: MemoryRegister, number: str) -> None:
    with pytest.raises(RegisterRefused, match="must be a telephone number") as refused:
        await a_registration(register).add_objection(number, None, None, actor="api")
    assert not number or number not in str(refused.value)


@pytest.mark.parametrize("purpose", ["investment", "training", EVERY_PURPOSE])
async def test_nobody_objects_to_what_cannot_be_refused(register: MemoryRegister, purpose: str) -> None:
    with pytest.raises(RegisterRefused, match="one that may be refused: quality, orders"):
        await a_registration(register).add_objection(CUSTOMER, purpose, None, actor="api")


async def test_an_objection_ends_in_the_future(register: MemoryRegister) -> None:
    with pytest.raises(RegisterRefused, match="until: must lie in the future"):
        await a_registration(register).add_objection(CUSTOMER, None, now(), actor="api")
    assert register.batches == 0
