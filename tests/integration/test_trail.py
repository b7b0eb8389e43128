"""How it came to what is stored: the decisions about a call, for whom a recording of it exists; and who had it."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody.custody import Custody
from controller.custody.listening import Listener, granted
from controller.custody.trail import accesses_to, decisions_about, standing_of
from controller.domain.decision import Reason
from controller.domain.names import CallId, RecordingName
from controller.domain.records import RestrictionRecord, Tier
from controller.errors import ObjectGone
from tests.integration.entries import NOON, a_decision, an_objection
from tests.integration.holdings import CUSTOMER, a_custody, a_purpose, a_stored_recording, customer_hash

QUALITY = frozenset({"quality"})
EVIDENCE = frozenset({"evidence"})


@pytest.fixture
def custody(engine: AsyncEngine, tmp_path: Path) -> Custody:
    return a_custody(engine, tmp_path, a_purpose(), a_purpose("evidence"))


def call_of(name: RecordingName) -> CallId:
    return CallId(name.removeprefix("rc-")[:36])


async def decided(custody: Custody, call: CallId, **changes: Any) -> None:
    await custody.ledger.write([a_decision(call_id=call, **changes)])


async def reasons(custody: Custody, call: CallId, **of: Any) -> list[str]:
    return [one.reason for one in await decisions_about(custody, call, Listener(who="somebody", **of))]


async def test_decisions_of_other_purposes_are_left_out_and_those_of_none_are_there(custody: Custody) -> None:
    name = await a_stored_recording(custody)
    call = call_of(name)
    await decided(custody, call, purpose=None, reason=Reason.ANNOUNCED)
    await decided(custody, call, purpose="evidence", reason=Reason.TRIGGER)
    await decided(custody, call, purpose="quality", reason=Reason.SAMPLED, at=NOON - timedelta(hours=1))
    await decided(custody, call_of(await a_stored_recording(custody)), purpose="quality", reason=Reason.EVERY_CALL)
    assert await reasons(custody, call) == ["announced", "trigger", "sampled"]
    assert await reasons(custody, call, purposes=QUALITY) == ["announced", "sampled"]


async def test_a_call_of_which_no_recording_is_theirs_is_not_there(custody: Custody) -> None:
    name = await a_stored_recording(custody, stored={"tier": Tier.ARCHIVE})
    await decided(custody, call_of(name))
    excluded = call_of(RecordingName("rc-01950000-0000-7000-8000-0000000fffff-quality-1"))
    await decided(custody, excluded, purpose=None, reason=Reason.REPRESENTATIVE)
    for call, of in ((call_of(name), {"purposes": EVIDENCE}), (call_of(name), {"archive": False}), (excluded, {})):
        with pytest.raises(ObjectGone, match="no recording of such a call"):
            await reasons(custody, call, **of)


async def test_of_what_is_in_the_archive_nothing_is_told_to_who_may_not_open_it(custody: Custody) -> None:
    name = await a_stored_recording(custody)
    call = call_of(name)
    archived = await a_stored_recording(custody, call={"id": call}, purpose="evidence", stored={"tier": Tier.ARCHIVE})
    await decided(custody, call, purpose=None, reason=Reason.ANNOUNCED)
    await decided(custody, call, purpose="evidence", reason=Reason.TRIGGER)
    await decided(custody, call, purpose="quality", reason=Reason.SAMPLED)
    await decided(custody, call, purpose=None, reason=Reason.OTHER_PROOF, facts={"recording": archived})
    assert await reasons(custody, call) == ["announced", "trigger", "sampled", "other-proof"]
    assert await reasons(custody, call, archive=False) == ["announced", "sampled"]


async def test_who_had_a_recording_is_said_the_newest_first(custody: Custody) -> None:
    name, other = await a_stored_recording(custody), await a_stored_recording(custody)
    for who, what in (("account:alice", name), ("account:bob", other), ("account:carol", name)):
        await granted(custody, what, Listener(who=who, why="training"))
    found = [asdict(one) for one in await accesses_to(custody, name)]
    assert [(one["who"], one["action"], one["why"]) for one in found] == [
        ("account:carol", "listen", "training"),
        ("account:alice", "listen", "training"),
    ]


async def test_what_a_customer_has_on_file_is_theirs_alone(custody: Custody) -> None:
    theirs = an_objection(customer_hash=customer_hash())
    restriction = RestrictionRecord(customer_hash=customer_hash(), at=NOON)
    await custody.ledger.write([theirs, an_objection(), restriction])
    standing = await standing_of(custody, CUSTOMER)
    assert (standing.objections, standing.restrictions) == ((theirs,), (restriction,))
