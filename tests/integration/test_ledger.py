"""Writing to PostgreSQL: what is written is there, once, in order, and the sample is right whoever draws it."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from itertools import chain
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import queries
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain import sampling
from controller.domain.decision import Reason, StoredDecision
from controller.domain.records import CallRecord, RecordingState
from controller.domain.sampling import WINDOW, Draw, Stratum
from controller.errors import DatabaseRefused
from controller.runtime.ports import Entry, SampledDecision
from tests.integration.conftest import KEY
from tests.integration.entries import QUARTER, a_call, a_decision, a_question, a_recording, a_span, at


async def stored(engine: AsyncEngine) -> list[StoredDecision]:
    return [row async for row in queries.decisions(engine)]


async def test_a_decision_reads_back_as_it_was_taken(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    decision = a_decision(
        at=at(0.123456), facts={"text": "élan \\ \"'", "yes": True, "share": 0.1, "n": 2**40, "x": None}
    )
    [receipt] = await ledger.write([decision])
    [row] = await stored(engine)
    assert row.seq == receipt.seq
    for field in ("at", "call_id", "pbx", "linkedid", "kind", "verdict", "reason", "rule", "purpose", "actor", "facts"):
        assert getattr(row, field) == getattr(decision, field), field


async def test_a_decision_about_no_call_is_taken(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    await ledger.write([a_decision(call_id=None, linkedid=None, rule=None, purpose=None, facts={})])
    [row] = await stored(engine)
    assert (row.call_id, row.linkedid, row.rule, row.purpose, row.facts) == (None, None, None, None, {})


async def test_receipts_come_in_the_order_of_the_entries(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    entries: list[Entry] = [
        a_decision(),
        a_call(),
        a_question(),
        a_recording(),
        *(a_decision() for _ in range(20)),
        a_question(),
    ]
    receipts = await ledger.write(entries)
    by_seq = {row.seq: row for row in await stored(engine)}
    assert len(by_seq) == 23
    numbers = [receipt.seq for receipt in receipts if receipt.seq is not None]
    assert numbers == sorted(numbers)
    for entry, receipt in zip(entries, receipts, strict=True):
        assert (receipt.draw is not None) == isinstance(entry, SampledDecision)
        decision = entry.question if isinstance(entry, SampledDecision) else entry
        assert receipt.seq is None or by_seq[receipt.seq].call_id == getattr(decision, "call_id", None)


async def test_nothing_to_write_needs_no_database() -> None:
    nowhere = PostgresLedger(open_engine("postgresql://nobody@127.0.0.1:1/none"), sampling_key=KEY)
    assert await nowhere.write([]) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"rule": "a\x00b"}, id="a NUL byte"),
        pytest.param({"facts": {"agent": "a\x00b"}}, id="a NUL byte in a fact"),
        pytest.param({"actor": "\udcff"}, id="half a character"),
        pytest.param({"facts": {"share": float("nan")}}, id="a fact that is no number"),
        pytest.param({"kind": "nonsense"}, id="a kind that does not exist"),
        pytest.param({"verdict": "maybe"}, id="a verdict that does not exist"),
        pytest.param({"reason": "Because I say so"}, id="a reason that is no constant"),
        pytest.param({"call_id": "not-a-call"}, id="an id that is none"),
        pytest.param({"pbx": None}, id="no PBX"),
    ],
)
@pytest.mark.parametrize("beside", [(), (a_call(),), (a_question(),)], ids=["alone", "with a record", "with a draw"])
async def test_what_can_never_be_stored_is_refused_with_its_batch_and_the_next_is_taken(
    ledger: PostgresLedger, engine: AsyncEngine, changes: dict[str, object], beside: tuple[CallRecord, ...]
) -> None:
    with pytest.raises(DatabaseRefused):
        await ledger.write([a_decision(), *beside, a_decision(**changes)])
    assert await stored(engine) == []
    assert await queries.sampling_strata(engine) == {}
    assert (await ledger.write([a_decision()]))[0].seq is not None


async def test_the_refusal_does_not_repeat_the_data(ledger: PostgresLedger) -> None:
    with pytest.raises(DatabaseRefused) as refusal:
        await ledger.write([a_decision(kind="nonsense", actor="agent:201")])
    assert "decision_kind_check" in str(refusal.value)
    assert "201" not in str(refusal.value)


async def test_the_last_snapshot_of_a_call_wins_also_within_a_batch(ledger: PostgresLedger, database: str) -> None:
    first = a_call()
    await ledger.write([first, a_call(id=first.id, agent="PJSIP/201"), a_call(id=first.id, agent="PJSIP/202")])
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT agent, customer_hash, started_at FROM call").fetchall()
    assert rows == [("PJSIP/202", first.customer_hash, first.started_at)]


async def test_a_call_that_has_ended_stays_so(ledger: PostgresLedger, database: str) -> None:
    ended = a_call(ended_at=at(60))
    await ledger.write([ended, a_call(id=ended.id, agent="PJSIP/201")])
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT agent, ended_at FROM call").fetchall() == [("PJSIP/201", at(60))]


async def test_a_call_that_was_answered_stays_so(ledger: PostgresLedger, database: str) -> None:
    answered = a_call(answered_at=at(5), ended_at=at(60))
    await ledger.write([answered, a_call(id=answered.id)])
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT answered_at, ended_at FROM call").fetchall() == [(at(5), at(60))]


async def test_the_sealed_number_of_a_call_is_kept_beside_its_hash(ledger: PostgresLedger, database: str) -> None:
    call = a_call(customer_sealed=b"sealed")
    await ledger.write([call])
    await ledger.write([replace(call, ended_at=at(9))])
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT customer_hash, customer_sealed FROM call").fetchall()
    assert rows == [(call.customer_hash, b"sealed")]


async def test_an_older_snapshot_of_a_call_that_was_excluded_names_nobody_again(
    ledger: PostgresLedger, database: str
) -> None:
    older = a_call(agent="PJSIP/201", customer_sealed=b"sealed")
    nobody = replace(older, linkedid="", queue="", route=None, agent=None, customer_hash=None, customer_sealed=None)
    names = "SELECT linkedid, queue, route, agent, customer_hash, customer_sealed FROM call"
    for batch in ([older, nobody], [older], [replace(older, ended_at=at(9))]):
        await ledger.write(batch)
        with psycopg.connect(database) as connection:
            assert connection.execute(names).fetchall() == [("", "", None, None, None, None)]


@pytest.mark.parametrize("apart", [True, False])
async def test_a_recording_that_has_ended_never_goes_on(
    ledger: PostgresLedger, engine: AsyncEngine, *, apart: bool
) -> None:
    going = a_recording()
    fields = {"name": going.name, "call_id": going.call_id}
    ended = a_recording(**fields, state=RecordingState.ENDED, ended_at=at(9), milliseconds=9000, quarantined_from=at(5))
    for batch in ([going], [ended], [going]) if apart else ([going, ended, going],):
        await ledger.write(batch)
    [row] = [row async for row in queries.recordings(engine)]
    assert row.recording == ended


S = RecordingState
LIVES = [
    pytest.param([S.STARTING, S.RECORDING, S.STARTING], S.RECORDING, id="what records does not start again"),
    pytest.param([S.RECORDING, S.PAUSED, S.RECORDING], S.RECORDING, id="a pause may end"),
    pytest.param([S.RECORDING, S.PAUSED], S.PAUSED, id="a pause may come"),
    pytest.param([S.PAUSED, S.FAILED, S.RECORDING], S.FAILED, id="what failed does not go on"),
    pytest.param([S.FAILED, S.ENDED, S.FAILED], S.ENDED, id="where somebody says so there is a file"),
    pytest.param([S.ENDED, S.DISCARDING, S.ENDED], S.DISCARDING, id="what is to be thrown away stays so"),
    pytest.param([S.RECORDING, S.DISCARDING, S.PAUSED], S.DISCARDING, id="and never records"),
    pytest.param([S.DISCARDING, S.DISCARDED, S.DISCARDING, S.ENDED], S.DISCARDED, id="what is gone is gone"),
]


@pytest.mark.parametrize(("states", "last"), LIVES)
@pytest.mark.parametrize("apart", [True, False])
async def test_the_state_of_a_recording_never_goes_back(
    ledger: PostgresLedger, engine: AsyncEngine, states: list[RecordingState], last: RecordingState, *, apart: bool
) -> None:
    first = a_recording(state=states[0])
    snapshots: list[Entry] = [a_recording(name=first.name, call_id=first.call_id, state=state) for state in states]
    for batch in ([snapshot] for snapshot in snapshots) if apart else (snapshots,):
        await ledger.write(batch)
    [row] = [row async for row in queries.recordings(engine)]
    assert row.recording.state is last


@pytest.mark.parametrize("state", [S.DISCARDING, S.DISCARDED])
@pytest.mark.parametrize("known", [None, 5, -5])
async def test_of_a_recording_that_is_thrown_away_nobody_hears_anything(
    ledger: PostgresLedger, engine: AsyncEngine, state: RecordingState, known: int | None
) -> None:
    begun = a_recording(quarantined_from=None if known is None else at(known))
    await ledger.write([begun, a_recording(name=begun.name, call_id=begun.call_id, state=state)])
    await ledger.write([a_recording(name=begun.name, call_id=begun.call_id, state=S.ENDED)])
    [row] = [row async for row in queries.recordings(engine)]
    assert row.recording.quarantined_from == at(min(known or 0, 0))


async def test_what_never_began_is_thrown_away_without_a_moment(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    await ledger.write([a_recording(state=S.DISCARDING, started_at=None)])
    [row] = [row async for row in queries.recordings(engine)]
    assert (row.recording.state, row.recording.quarantined_from) == (S.DISCARDING, None)


async def test_a_quarantine_only_grows(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    first = a_recording(quarantined_from=at(5))
    for begin in (7, 3, None):
        begun = None if begin is None else at(begin)
        await ledger.write([first, a_recording(name=first.name, call_id=first.call_id, quarantined_from=begun)])
    [row] = [row async for row in queries.recordings(engine)]
    assert row.recording.quarantined_from == at(3)


async def test_a_span_written_again_is_one_span(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    recording = a_recording()
    spans = [a_span(recording.name, 0, 4), a_span(recording.name, 4, 6)]
    await ledger.write([recording, *spans])
    await ledger.write([recording, *spans])
    [row] = [row async for row in queries.recordings(engine)]
    assert row.spans == tuple(spans)


async def test_draws_are_those_that_an_auditor_replays(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    eligible = [Random(7).random() < 0.8 for _ in range(250)]
    receipts = []
    for begin in range(0, 250, 25):
        batch = [a_question(eligible=one) for one in eligible[begin : begin + 25]]
        receipts += await ledger.write(batch)
    state = Stratum()
    for one, receipt in zip(eligible, receipts, strict=True):
        state, expected = sampling.draw(state, QUARTER, key=KEY, purpose="quality", stratum="support/201", eligible=one)
        assert receipt.draw == expected
    assert await queries.sampling_strata(engine) == {("quality", "support/201"): state}


async def test_a_drawn_decision_says_how_it_was_drawn(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    receipts = await ledger.write([a_question() for _ in range(40)])
    for row, receipt in zip(await stored(engine), receipts, strict=True):
        draw = receipt.draw
        assert draw is not None
        assert row.verdict == ("allowed" if draw.chosen else "refused")
        assert (row.reason, row.facts["block"], row.facts["position"]) == (draw.reason, draw.block, draw.position)


async def test_several_daemons_draw_from_the_same_strata_without_a_gap_or_a_deadlock(
    database: str, engine: AsyncEngine
) -> None:
    """Each writer names the strata in an order of its own; every position is drawn once, the maximum holds."""
    strata = [f"support/20{n}" for n in range(6)]

    async def daemon(number: int) -> list[tuple[str, Draw]]:
        chance = Random(number)
        own = open_engine(database, pool_size=3)
        ledger = PostgresLedger(own, sampling_key=KEY, writer=f"daemon-{number}", timeout_s=60.0)

        async def writer() -> list[tuple[str, Draw]]:
            drawn = []
            for _ in range(15):
                batch = [a_question(chance.choice(strata), eligible=chance.random() < 0.9) for _ in range(8)]
                receipts = await ledger.write([a_decision(), *batch])
                drawn += [(entry.stratum, r.draw) for entry, r in zip(batch, receipts[1:], strict=True) if r.draw]
            return drawn

        drawn = list(chain.from_iterable(await asyncio.gather(*(writer() for _ in range(3)))))
        await own.dispose()
        return drawn

    drawn: dict[str, list[Draw]] = defaultdict(list)
    for stratum, draw in chain.from_iterable(await asyncio.gather(*(daemon(number) for number in range(3)))):
        drawn[stratum].append(draw)
    state = await queries.sampling_strata(engine)
    assert sum(len(draws) for draws in drawn.values()) == 3 * 3 * 15 * 8
    for stratum, draws in drawn.items():
        in_order = sorted(draws, key=lambda draw: (draw.block, draw.position))
        assert [draw.block * QUARTER.block + draw.position for draw in in_order] == list(range(len(draws)))
        assert state["quality", stratum].answered == len(draws)
        chosen = [draw.chosen for draw in in_order]
        for begin in range(len(chosen) - WINDOW + 1):
            assert sum(chosen[begin : begin + WINDOW]) <= QUARTER.maximum * WINDOW


async def test_a_decision_tells_when_it_was_written_too(ledger: PostgresLedger, database: str) -> None:
    await ledger.write([a_decision()])
    with psycopg.connect(database) as connection:
        [(written_at, now)] = connection.execute("SELECT written_at, clock_timestamp() FROM decision").fetchall()
    assert isinstance(written_at, datetime)
    assert at(0) < written_at <= now


async def test_a_decision_that_is_written_twice_is_kept_once_and_keeps_its_number(engine: AsyncEngine) -> None:
    ledger = PostgresLedger(engine, sampling_key=KEY)
    first, second = a_decision(), a_decision()
    [receipt] = await ledger.write([first])
    again, new = await ledger.write([first, second])
    assert again.seq == receipt.seq
    assert [d.seq async for d in queries.decisions(engine)] == [receipt.seq, new.seq]


@pytest.mark.parametrize("beside", [(), (a_call(),)], ids=["alone", "with a record"])
async def test_a_decision_that_is_twice_in_a_batch_is_kept_once_and_holds_up_nothing(
    ledger: PostgresLedger, engine: AsyncEngine, beside: tuple[CallRecord, ...]
) -> None:
    await ledger.write([a_decision()])
    one, other = a_decision(), a_decision()
    receipts = await ledger.write([one, *beside, other, one])
    first, *_, second, again = [receipt.seq for receipt in receipts]
    assert first == again
    assert [row.seq for row in await stored(engine)][1:] == [first, second]


@pytest.mark.parametrize("changes", [{"reason": Reason.ANNOUNCED}, {"at": at(1)}, {"call_id": None}])
@pytest.mark.parametrize("apart", [True, False])
async def test_a_decision_whose_token_another_has_is_refused_and_never_taken_for_it(
    ledger: PostgresLedger, engine: AsyncEngine, changes: dict[str, Any], *, apart: bool
) -> None:
    one = a_decision()
    await ledger.write([one] if apart else [a_decision()])
    with pytest.raises(DatabaseRefused, match="another decision"):
        await ledger.write([replace(one, **changes)] if apart else [one, replace(one, **changes)])
    assert len(await stored(engine)) == 1
    assert (await ledger.write([a_decision()]))[0].seq is not None


async def test_what_is_said_to_be_durable_is_on_disk_whatever_the_database_is_set_to(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit TO off', current_database()); END $$"
        )
    with psycopg.connect(database) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchall() == [("off",)]
    engine = open_engine(database)
    async with engine.connect() as ours:
        assert (await ours.execute(text("SHOW synchronous_commit"))).scalar_one() == "on"
    await engine.dispose()
