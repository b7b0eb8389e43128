"""What the sample came to, and why: the commands, run as people run them, on draws of a real ledger."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.cli.sample import REPORT_COLUMNS
from controller.db import queries, samples
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Reason, StoredDecision, Verdict
from controller.domain.policy import Sampling
from controller.runtime.ports import SampledDecision
from tests.integration.commands import Run, rows, said
from tests.integration.entries import NOON, a_call_id, a_decision, a_question

SUPPORT, SALES = "queue=support,agent=201", "queue=sales,agent=202"


def asked(number: int, stratum: str = SUPPORT, *, at: datetime = NOON, eligible: bool = True) -> list[SampledDecision]:
    """So many answered calls of a stratum, a minute apart."""
    verdict, reason = (Verdict.ALLOWED, Reason.EVERY_CALL) if eligible else (Verdict.REFUSED, Reason.OPTED_OUT)
    return [
        a_question(
            stratum,
            eligible=eligible,
            at=at + timedelta(minutes=minute),
            verdict=verdict,
            reason=reason,
            facts={"stratum": stratum},
        )
        for minute in range(number)
    ]


async def stored(engine: AsyncEngine) -> AsyncIterator[StoredDecision]:
    return (row async for row in queries.decisions(engine))


async def test_a_report_adds_up_each_purpose_stratum_and_week(ledger: PostgresLedger, run: Run) -> None:
    await ledger.write([a_decision(), *asked(100), *asked(10, eligible=False), *asked(40, SALES)])
    await ledger.write(asked(50, at=NOON + timedelta(days=7)))
    [sales, first, second] = rows(run("sample", "report", "--format", "jsonl"))
    assert {name: first[name] for name in ("purpose", "stratum", "week")} == {
        "purpose": "quality",
        "stratum": SUPPORT,
        "week": "2026-W10",
    }
    assert (first["answered"], first["eligible"], first["minimum"], first["maximum"]) == (110, 100, 0.2, 0.3)
    assert first["share"] == round(first["chosen"] / 110, 3)
    assert first["low"] < first["share"] < first["high"]
    assert first["limits"] == "within"
    assert (second["week"], second["answered"]) == ("2026-W11", 50)
    assert (sales["stratum"], sales["answered"]) == (SALES, 40)
    assert sum(row["chosen"] for row in (sales, first, second)) == 50


async def test_a_week_begins_on_a_monday_in_utc_and_belongs_to_its_iso_year(
    ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    sunday = datetime.fromisoformat("2027-01-03T23:59:00+00:00")
    await ledger.write(asked(2, at=sunday))
    assert [(week.week, week.answered) for week in await samples.weeks(engine)] == [("2026-W53", 1), ("2027-W01", 1)]


async def test_a_report_is_of_one_purpose_and_from_a_day_on(ledger: PostgresLedger, run: Run) -> None:
    await ledger.write([*asked(30), *asked(20, at=NOON + timedelta(days=7))])
    assert rows(run("sample", "report", "--purpose", "evidence", "--format", "jsonl")) == []
    [week] = rows(run("sample", "report", "--purpose", "quality", "--since", "2026-03-09", "--format", "jsonl"))
    assert week["answered"] == 20
    table = said(run("sample", "report"))
    assert table.count(SUPPORT) == 2
    assert table.splitlines()[0].split() == list(REPORT_COLUMNS)


async def test_a_week_in_which_the_limits_changed_has_a_row_for_each(
    ledger: PostgresLedger, engine: AsyncEngine
) -> None:
    wider = [replace(one, sampling=Sampling(rate=0.2, maximum=0.25)) for one in asked(30)]
    await ledger.write([*asked(40), *wider])
    found = await samples.weeks(engine)
    assert [(week.maximum, week.answered) for week in found] == [(0.25, 30), (0.3, 40)]


async def test_every_draw_of_a_stratum_is_explained_and_drawn_again(
    ledger: PostgresLedger, engine: AsyncEngine, run: Run
) -> None:
    for _ in range(6):
        await ledger.write([*asked(20), *asked(7, SALES), *asked(4, eligible=False)])
    calls = [row.call_id async for row in await stored(engine)]
    for call in calls[-5:]:
        [told] = rows(run("sample", "explain", str(call), "--format", "jsonl"))
        assert (told["replay"], told["again"]) == ("same", told["drawn"])
        assert told["why"][-1] == "Drawn again with the key, it comes out the same."
    text = said(run("sample", "explain", str(calls[-1])))
    assert text.splitlines()[0] == "2026-03-02T12:03:00Z purpose quality: opted-out"
    assert "Whatever the sample, it could not be recorded: opted-out." in text


async def test_a_replay_with_another_key_disagrees_and_says_so(engine: AsyncEngine, run: Run) -> None:
    other = PostgresLedger(engine, sampling_key=b"another", timeout_s=10.0)
    await other.write(asked(40))
    calls = [row.call_id async for row in await stored(engine)]
    told = [rows(run("sample", "explain", str(call), "--format", "jsonl"))[0] for call in calls[-8:]]
    assert {one["replay"] for one in told} == {"same", "different"}
    for one in told:
        assert (one["again"] == one["drawn"]) is (one["replay"] == "same")
        assert ("COMES OUT OTHERWISE" in one["why"][-1]) is (one["replay"] == "different")


async def test_a_call_without_a_sample_is_told_too(ledger: PostgresLedger, run: Run) -> None:
    call = a_call_id()
    await ledger.write([a_decision(call_id=call, purpose=None, reason=Reason.NO_MATCHING_ROUTE)])
    assert said(run("sample", "explain", call)) == ("2026-03-02T12:00:00Z no-matching-route\n  No sample was asked.\n")
    [row] = rows(run("sample", "explain", call, "--format", "jsonl"))
    assert (row["reason"], "drawn" in row) == ("no-matching-route", False)


@pytest.mark.parametrize(
    ("call", "code", "fault"),
    [
        (a_call_id(), 1, "nobody has asked whether call"),
        ("yesterday", 2, "'yesterday' is not a valid UUID"),
    ],
)
def test_a_call_that_is_not_there_is_told_in_one_line(run: Run, call: str, code: int, fault: str) -> None:
    done = run("sample", "explain", call)
    assert (done.returncode, done.stdout) == (code, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
