"""What is erased, put right and restricted when a data subject asks, on a real database and sealed audio."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody import erasing
from controller.custody.erasable import things_of
from controller.custody.erasing import Erasure, erase
from controller.custody.rectifying import lift, rectify, restrict
from controller.custody.subjects import found
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Reason
from controller.domain.policy import Basis, Period
from controller.domain.records import OutcomeRecord, RecordingState
from controller.errors import ObjectGone, RegisterRefused
from controller.runtime.clock import new_call_id, now
from controller.sealed_numbers import display_key, unseal
from tests.integration.archive import ADA, BEN, NUMBERS_KEY, Archive
from tests.integration.entries import an_objection
from tests.unit.domain.stories import policy, purpose


@pytest.fixture
def archive(engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path) -> Archive:
    return Archive(engine, ledger, database=database, folder=tmp_path)


def named(archive: Archive) -> set[str]:
    """The calls that name somebody still."""
    rows = archive.rows("SELECT id, customer_hash, customer_sealed FROM call")
    return {str(row["id"]) for row in rows if row["customer_hash"] or row["customer_sealed"]}


async def test_a_request_for_erasure_destroys_what_is_theirs_and_nothing_else(archive: Archive) -> None:
    hers, his = await archive.call(ADA), await archive.call(BEN)
    gone, document = await archive.stored(hers), await archive.document(hers, b"an evaluation")
    stays = await archive.stored(his)
    stored = (await found(archive.custody, ADA, at=now())).holdings[gone].stored
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert (sorted(done.erased), done.kept, done.forgotten) == (sorted([gone, document]), [], [hers.id])
    assert archive.states() == {gone: "destroyed", document: "destroyed", stays: "stored"}
    assert list(archive.custody.vault.objects.names()) == [f"{stays}.age"]
    assert named(archive) == {his.id}
    with pytest.raises(ObjectGone):
        list(archive.custody.vault.pieces(replace(stored, sealed_key=None)))
    erased = {row["what"] for row in archive.rows("SELECT what FROM erasure")}
    assert erased == {gone, document, f"number:{hers.id}"}


async def test_what_must_be_kept_is_kept_and_it_is_said_why(archive: Archive) -> None:
    held, bought, obliged = [await archive.call(ADA) for _ in range(3)]
    names = [
        await archive.stored(held),
        await archive.stored(bought, "orders"),
        await archive.stored(obliged, "duty"),
        await archive.stored(obliged, "unheard-of"),
    ]
    await archive.hold(held.id)
    reasons = [Reason.LEGAL_HOLD, Reason.EVIDENCE, Reason.LEGAL_OBLIGATION, Reason.PURPOSE_UNKNOWN]
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert {one.name: one.kept for one in done.kept} == dict(zip(names, reasons, strict=True))
    assert (done.erased, done.forgotten) == ([], [])
    assert named(archive) == {held.id, bought.id, obliged.id}
    assert set(archive.states().values()) == {"stored"}
    told = [("refused", reason.value, name) for name, reason in zip(names, reasons, strict=True)]
    assert sorted(archive.decided("erase")) == sorted(told)


async def test_of_one_call_what_may_go_goes_and_its_number_stays_with_what_is_kept(archive: Archive) -> None:
    call = await archive.call(ADA)
    kept, gone = await archive.stored(call, "orders"), await archive.stored(call)
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert (done.erased, [one.name for one in done.kept], done.forgotten) == ([gone], [kept], [])
    assert named(archive) == {call.id}
    assert archive.rows("SELECT what FROM erasure") == [{"what": gone}]


async def test_evidence_of_no_contract_and_evidence_whose_time_is_over_are_erased(archive: Archive) -> None:
    none, over = await archive.call(ADA), await archive.call(ADA)
    await archive.custody.write([OutcomeRecord(call_id=none.id, outcome="none", at=now())])
    names = {await archive.stored(none, "orders"), await archive.stored(over, "orders", due=timedelta(days=-1))}
    assert set((await erase(archive.custody, ADA, actor="cli:somebody")).erased) == names


async def test_what_is_still_on_the_pbx_is_marked_for_the_daemon_to_delete(archive: Archive) -> None:
    ended, hidden = await archive.call(ADA), await archive.call(ADA)
    waiting = await archive.recording(ended)
    quarantined = await archive.recording(hidden, state=RecordingState.QUARANTINED)
    proof = await archive.recording(ended, "orders", name=f"rc-{ended.id}-orders-1")
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert sorted(done.condemned) == sorted([waiting.name, quarantined.name])
    assert [(one.name, one.kept) for one in done.kept] == [(proof.name, Reason.EVIDENCE)]
    states = {row["name"]: row["state"] for row in archive.rows("SELECT name, state FROM recording")}
    assert states == {waiting.name: "discarding", quarantined.name: "discarding", proof.name: "ended"}
    assert done.forgotten == [hidden.id]
    assert {waiting.name, quarantined.name} < {row["what"] for row in archive.rows("SELECT what FROM erasure")}


async def test_what_is_stored_while_it_is_erased_cannot_be_opened(archive: Archive) -> None:
    """Whoever fetched it from the PBX a moment before must not bring it back."""
    call = await archive.call(ADA)
    recording = await archive.recording(call)
    await erase(archive.custody, ADA, actor="cli:somebody")
    await archive.store(recording.name)
    assert archive.rows("SELECT state, sealed_key FROM stored") == [{"state": "destroyed", "sealed_key": None}]


async def test_a_call_under_way_is_left_alone_and_named(archive: Archive) -> None:
    call = await archive.call(ADA, ended_at=None)
    await archive.recording(call, state=RecordingState.RECORDING)
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert (done.under_way, done.condemned, done.forgotten) == ([call.id], [], [])
    assert named(archive) == {call.id}


async def test_a_dry_run_says_the_same_and_does_nothing(archive: Archive) -> None:
    call = await archive.call(ADA)
    gone, kept = await archive.stored(call), await archive.stored(call, "orders")
    done = await erase(archive.custody, ADA, actor="cli:somebody", dry_run=True)
    assert (done.erased, [one.name for one in done.kept]) == ([gone], [kept])
    assert archive.decided("erase") == []
    assert set(archive.states().values()) == {"stored"}
    assert archive.rows("SELECT * FROM erasure") == []


async def test_a_number_that_was_erased_does_not_come_back_with_a_late_snapshot(archive: Archive) -> None:
    call = await archive.call(ADA)
    await erase(archive.custody, ADA, actor="cli:somebody")
    await archive.custody.ledger.write([call])
    assert named(archive) == set()
    with pytest.raises(RegisterRefused, match="does not come back"):
        await rectify(archive.custody, call.id, number=ADA, actor="cli:somebody")


async def test_the_time_of_what_is_on_the_pbx_is_over_sooner_without_a_contract(
    engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path
) -> None:
    rules = policy(replace(purpose("orders", basis=Basis.CONTRACT), without_contract=Period(months=1)))
    archive = Archive(engine, ledger, database=database, folder=tmp_path, rules=rules)
    long_ago = now() - timedelta(days=40)
    untold, sold = [await archive.call(ADA, started_at=long_ago, ended_at=long_ago) for _ in range(2)]
    await archive.custody.write([OutcomeRecord(call_id=sold.id, outcome="contract", at=now())])
    names = [(await archive.recording(call, "orders")).name for call in (untold, sold)]
    judged = things_of(archive.custody, await found(archive.custody, ADA, at=now()), now())
    assert {one.name: one.kept for one in judged} == dict(zip(names, [None, Reason.EVIDENCE], strict=True))


async def test_a_hold_that_was_placed_meanwhile_holds(archive: Archive) -> None:
    """Whoever destroys looks last: what was judged a moment ago may be held by now."""
    call = await archive.call(ADA)
    name = await archive.stored(call)
    [judged] = things_of(archive.custody, await found(archive.custody, ADA, at=now()), now())
    await archive.hold(call.id)
    done = Erasure()
    await erasing._settle(archive.custody, judged, done, actor="cli:somebody", dry_run=False)
    assert (judged.kept, [(one.name, one.kept) for one in done.kept]) == (None, [(name, Reason.LEGAL_HOLD)])
    assert archive.states() == {name: "stored"}


async def test_a_store_that_is_away_keeps_nothing_alive(archive: Archive) -> None:
    """The key is gone, so nobody hears it; what removes objects does the rest later."""
    call = await archive.call(ADA)
    name = await archive.stored(call)
    objects = archive.folder / "recordings"
    moved = objects.rename(archive.folder / "elsewhere")
    objects.write_text("no folder")
    done = await erase(archive.custody, ADA, actor="cli:somebody")
    assert (done.erased, done.waiting, archive.states()) == ([name], [name], {name: "destroying"})
    assert archive.rows("SELECT sealed_key FROM stored") == [{"sealed_key": None}]
    assert [one.name for one in moved.iterdir()] == [f"{name}.age"]


async def test_an_objection_survives_the_erasure_that_it_protects_from(archive: Archive) -> None:
    await archive.call(ADA)
    subject = await found(archive.custody, ADA, at=now())
    customer = subject.calls[0].customer_hash
    await archive.custody.ledger.write([an_objection(customer_hash=customer)])
    assert (await erase(archive.custody, ADA, actor="cli:somebody")).objections == 1
    assert len(archive.rows("SELECT * FROM objection")) == 1
    assert (await found(archive.custody, ADA, at=now())).calls == ()


@pytest.mark.parametrize("number", ["anonymous", "", "restricted", "+", "not a number"])
async def test_a_withheld_number_matches_nobody(archive: Archive, number: str) -> None:
    call = await archive.call(None)
    await archive.stored(call)
    for work in (erase, restrict, lift):
        with pytest.raises(RegisterRefused, match="must be a telephone number"):
            await work(archive.custody, number, actor="cli:somebody")
    assert (await found(archive.custody, ADA, at=now())).is_unknown


async def test_what_is_wrong_about_a_call_is_put_right_and_no_number_is_told(archive: Archive) -> None:
    call = await archive.call(ADA)
    await rectify(archive.custody, call.id, agent="202", queue="sales", number=BEN, actor="cli:somebody")
    [row] = archive.rows("SELECT * FROM call")
    assert (row["agent"], row["queue"]) == ("202", "sales")
    assert unseal(row["customer_sealed"], display_key(NUMBERS_KEY)) == BEN
    [theirs] = (await found(archive.custody, BEN, at=now())).calls
    assert theirs.id == call.id
    assert (await found(archive.custody, ADA, at=now())).is_unknown
    told = archive.rows("SELECT verdict, reason, facts FROM decision WHERE kind = 'retain' ORDER BY seq")
    assert [(row["verdict"], row["reason"], row["facts"]) for row in told] == [
        ("applied", "rectified", {"attribute": name}) for name in ("agent", "queue", "number")
    ]


@pytest.mark.parametrize(
    ("changes", "wanted", "fault"),
    [
        ({"ended_at": None}, {"agent": "202"}, "call: is not over yet"),
        ({"linkedid": "", "customer_hash": None}, {"agent": "202"}, "call: is excluded, and names nobody"),
        ({}, {"agent": "two words"}, "agent: must be one word"),
        ({}, {"queue": ""}, "queue: must be one word"),
        ({}, {"number": "anonymous"}, "number: must be a telephone number"),
    ],
)
async def test_what_cannot_be_put_right_is_refused(
    archive: Archive, changes: dict[str, object], wanted: dict[str, str], fault: str
) -> None:
    call = await archive.call(ADA, **changes)
    with pytest.raises(RegisterRefused, match=fault):
        await rectify(archive.custody, call.id, actor="cli:somebody", **wanted)
    assert archive.decided("retain") == []


async def test_a_call_that_there_is_not_cannot_be_put_right(archive: Archive) -> None:
    with pytest.raises(RegisterRefused, match="no such call"):
        await rectify(archive.custody, new_call_id(), agent="202", actor="cli:somebody")


async def test_processing_is_restricted_once_and_lifted_once(archive: Archive) -> None:
    hers, his = await archive.call(ADA), await archive.call(BEN)
    mine, other = await archive.stored(hers), await archive.stored(his)

    async def restricted() -> list[bool]:
        return [
            (await found(archive.custody, who, at=now())).holdings[name].restricted
            for who, name in ((ADA, mine), (BEN, other))
        ]

    assert [await restrict(archive.custody, ADA, actor="cli:somebody") for _ in range(2)] == [True, False]
    assert await restricted() == [True, False]
    assert [await lift(archive.custody, ADA, actor="cli:somebody") for _ in range(2)] == [True, False]
    assert await restricted() == [False, False]
    told = archive.rows("SELECT call_id, reason FROM decision WHERE kind = 'retain' ORDER BY seq")
    assert [(str(row["call_id"]), row["reason"]) for row in told] == [
        (hers.id, "restricted"),
        (hers.id, "restriction-lifted"),
    ]


async def test_a_customer_of_whom_no_call_is_kept_may_be_restricted_too(archive: Archive) -> None:
    assert await restrict(archive.custody, ADA, actor="cli:somebody")
    assert archive.rows("SELECT call_id, reason FROM decision") == [{"call_id": None, "reason": "restricted"}]
