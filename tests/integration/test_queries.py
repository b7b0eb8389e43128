"""Reading back what the command line and a restart ask for."""

from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import queries
from controller.db.engine import READ_WITHIN, open_readers
from controller.db.failures import in_our_terms
from controller.db.ledger import PostgresLedger
from controller.domain.decision import StoredDecision
from controller.domain.records import LiveCallRecord, RecordingState, SpanKind
from controller.errors import DatabaseAway, DatabaseRefused
from tests.integration.entries import a_call, a_call_id, a_decision, a_recording, a_span, at


async def seqs(engine: AsyncEngine, **filters: Any) -> list[int]:
    return [row.seq async for row in queries.decisions(engine, **filters)]


async def names(engine: AsyncEngine, **filters: Any) -> list[str]:
    return [row.recording.name async for row in queries.recordings(engine, **filters)]


async def test_who_looks_takes_no_connection_of_who_decides_and_is_not_waited_for(database: str) -> None:
    readers = open_readers(database)
    try:
        async with readers.connect() as connection:
            assert (await connection.scalar(text("SHOW statement_timeout"))) == READ_WITHIN
            await connection.execute(text("SET statement_timeout = '50ms'"))
            with pytest.raises(DatabaseAway), in_our_terms():
                await connection.execute(text("SELECT pg_sleep(60)"))
    finally:
        await readers.dispose()


def test_a_decision_has_the_fields_that_others_rely_on() -> None:
    assert [field.name for field in fields(StoredDecision)] == (
        [
            "seq",
            "at",
            "call_id",
            "pbx",
            "linkedid",
            "kind",
            "verdict",
            "reason",
            "rule",
            "purpose",
            "policy_version",
            "actor",
            "facts",
        ]
    )


async def test_decisions_are_found_by_call_and_by_time(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    call = a_call_id()
    await ledger.write([a_decision(at=at(n), call_id=call if n % 2 else a_call_id()) for n in range(6)])
    assert await seqs(engine) == [1, 2, 3, 4, 5, 6]
    assert await seqs(engine, call=call) == [2, 4, 6]
    assert await seqs(engine, since=at(3)) == [4, 5, 6]
    assert await seqs(engine, call=call, since=at(3), limit=1) == [6]
    assert await seqs(engine, limit=2) == [5, 6]
    assert await seqs(engine, call=a_call_id()) == []


async def test_an_id_that_is_none_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(DatabaseRefused):
        await seqs(engine, call="yesterday")


async def test_many_decisions_are_streamed_and_leaving_early_is_fine(
    ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    await ledger.write([a_decision() for _ in range(3000)])
    assert await seqs(engine) == list(range(1, 3001))
    rows = queries.decisions(engine)
    assert (await anext(rows)).seq == 1
    await rows.aclose()
    assert (await ledger.write([a_decision()]))[0].seq == 3001


async def test_recordings_come_with_their_spans(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    first, second, third = (a_recording(started_at=at(n)) for n in range(3))
    spans = [a_span(first.name, 0, 4), a_span(first.name, 4, 6, kind=SpanKind.PAUSED), a_span(first.name, 6, 9)]
    await ledger.write([third, *spans, first, second, a_span(third.name, 2, 3)])
    rows = [row async for row in queries.recordings(engine)]
    assert [row.recording for row in rows] == [first, second, third]
    assert [len(row.spans) for row in rows] == [3, 0, 1]
    assert rows[0].spans == tuple(spans)
    assert await names(engine, call=second.call_id) == [second.name]
    assert await names(engine, since=at(1)) == [second.name, third.name]
    assert await names(engine, limit=1) == [third.name]


async def test_unfinished_recordings_are_those_of_one_pbx_that_nobody_saw_end(
    ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    here = [a_recording(state=state) for state in RecordingState]
    await ledger.write([*here, a_recording(pbx="lyon")])
    unfinished = await queries.unfinished_recordings(engine, "paris")
    assert {recording.state for recording in unfinished} == {"starting", "recording", "paused"}
    assert len(unfinished) == 3


async def test_what_is_to_be_thrown_away_is_told_apart(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    here = [a_recording(state=state) for state in RecordingState]
    await ledger.write([*here, a_recording(pbx="lyon", state=RecordingState.DISCARDING)])
    [found] = await queries.recordings_to_discard(engine, "paris")
    assert found.name == here[list(RecordingState).index(RecordingState.DISCARDING)].name
    [hidden] = await queries.recordings_to_hide(engine, "paris")
    assert hidden.name == here[list(RecordingState).index(RecordingState.QUARANTINING)].name


async def test_the_next_daemon_finds_what_the_former_one_was_doing(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    over, lasting, elsewhere = a_call(ended_at=at(60)), a_call(), a_call(pbx="lyon")
    first = [LiveCallRecord(call_id=call.id, pbx=call.pbx, state='{"step": 1}') for call in (over, lasting, elsewhere)]
    await ledger.write([over, lasting, elsewhere, *first])
    second = replace(first[1], state='{"step": 2}')
    await ledger.write([replace(first[0], state=None), second])
    assert await queries.live_calls(engine, "paris") == [second]
    assert await queries.unended_calls(engine, "paris") == [lasting]


async def test_a_policy_is_remembered_once(engine: AsyncEngine) -> None:
    for _ in range(2):
        await queries.remember_policy(engine, version="a" * 64, text="purposes: {}")
    with pytest.raises(DatabaseRefused):
        await queries.remember_policy(engine, version="latest", text="purposes: {}")


async def test_what_is_read_of_one_moment_fits_together(ledger: PostgresLedger, engine: AsyncEngine) -> None:
    """A recording that ends between two readings is in neither of them, or in both as it was."""
    call, recording = a_call(), a_recording()
    await ledger.write([call, recording])
    async with queries.one_moment(engine) as moment:
        assert await queries.unended_calls(moment, "paris") == [call]
        discarding = replace(recording, state=RecordingState.DISCARDING)
        await ledger.write([replace(call, ended_at=at(9)), discarding])
        assert await queries.recordings_to_discard(moment, "paris") == []
        assert await queries.unfinished_recordings(moment, "paris") == [recording]
        assert await queries.unended_calls(moment, "paris") == [call]
    assert len(await queries.recordings_to_discard(engine, "paris")) == 1
    assert await queries.unfinished_recordings(engine, "paris") == []
