"""The database, the object store and the PBX held against one another: each difference is made, and named."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import prometheus_client
import pytest
import structlog

from controller.custody.reconciling import Reconciling, contradicting, told
from controller.domain.differences import Difference, Found
from controller.domain.names import RecordingName
from controller.domain.records import ErasureRecord, RecordingState, StoredRecord
from controller.domain.sides import STEREO, in_stereo, sides_of
from controller.errors import PbxUnreachable
from controller.runtime.clock import now
from controller.store.vault import derived_name
from tests.integration.stock import Stock, stock_on

PBX = "main"
LOG = (
    '"","+33199000001","100","support","","PJSIP/trunk-1","PJSIP/201-1","Queue","support",'
    '"2026-03-02 12:00:00","{answer}","2026-03-02 12:03:00",180,170,"{disposition}","DOCUMENTATION","{call}",""\n'
)


class Files:
    """The files of a PBX."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.asked = 0

    async def __call__(self) -> Sequence[str]:
        self.asked += 1
        return self.names


async def away() -> Sequence[str]:
    raise PbxUnreachable("no connection")


@pytest.fixture
async def stock(tmp_path: Path, database: str) -> AsyncIterator[Stock]:
    async with stock_on(tmp_path, database) as opened:
        yield opened


async def found(stock: Stock, files: Callable[[], Awaitable[Sequence[str]]]) -> list[tuple[str, str]]:
    reconciling = Reconciling(stock.custody, {PBX: files}, again_after_s=0)
    return [(one.difference, one.what) for one in await reconciling.differences()]


async def test_a_clean_store_gives_no_difference(stock: Stock) -> None:
    """Stored, destroyed, waiting on the PBX, under way, discarded, failed, out of hearing."""
    kept, gone, waits = await stock.stored(), await stock.stored(), await stock.recorded()
    await stock.destroy(gone)
    stock.custody.vault.put(derived_name(kept.recording, "silence.mp3"), [b"mp3"], stock.custody.vault.key(kept))
    under_way = await stock.recorded(state=RecordingState.RECORDING, ended_at=None)
    await stock.recorded(state=RecordingState.DISCARDED)
    await stock.recorded(state=RecordingState.FAILED, started_at=None)
    hidden = await stock.recorded(state=RecordingState.QUARANTINED)
    files = Files(waits.name, under_way.name, f"rc-quarantine/{hidden.name}")
    assert await found(stock, files) == []
    assert files.asked == 1


async def test_both_sides_of_a_recording_are_explained_by_it(stock: Stock) -> None:
    waits = await stock.recorded()
    waits = replace(waits, name=in_stereo(waits.name))
    await stock.custody.ledger.write([waits])
    names = list(sides_of(waits.name))
    assert ("recording-lost", waits.name) not in await found(stock, Files(*names[1:]))
    assert [what for _, what in await found(stock, Files(*names))] == [waits.name.removesuffix(STEREO)]


async def test_a_recording_that_no_decision_allows_is_named(stock: Stock) -> None:
    recording = await stock.recorded()
    await stock.sql("ALTER TABLE decision DISABLE TRIGGER ALL")
    await stock.sql("DELETE FROM decision")
    assert await found(stock, Files(recording.name)) == [("recording-undecided", recording.name)]


async def test_a_decision_about_another_purpose_allows_nothing(stock: Stock) -> None:
    recording = await stock.recorded()
    other = replace(recording, name=RecordingName(recording.name.replace("quality", "training")), purpose="training")
    await stock.custody.ledger.write([other])
    assert await found(stock, Files(recording.name, other.name)) == [("recording-undecided", other.name)]


async def test_a_recording_that_is_nowhere_is_named(stock: Stock) -> None:
    recording = await stock.recorded()
    assert await found(stock, Files()) == [("recording-lost", recording.name)]


async def test_what_a_pbx_that_is_away_may_have_is_not_called_lost(stock: Stock) -> None:
    await stock.recorded()
    assert await found(stock, away) == [("pbx-away", PBX)]


async def test_a_file_that_no_recording_knows_is_named_without_a_number(stock: Stock) -> None:
    names = ["call-from-0199000001-today", "+33 1 99 00 00 01", "ours"]
    assert sorted(what for _, what in await found(stock, Files(*names))) == ["call-from-…-today", "ours", "…"]


@pytest.mark.parametrize("folder", ["", "rc-quarantine/"])
async def test_a_file_of_a_recording_that_is_stored_or_destroyed_or_discarded_is_named(
    stock: Stock, folder: str
) -> None:
    kept, gone = await stock.stored(), await stock.stored()
    discarded = await stock.recorded(state=RecordingState.DISCARDED)
    await stock.destroy(gone)
    names = [folder + name for name in (kept.recording, gone.recording, discarded.name)]
    assert await found(stock, Files(*names)) == [("file-left", name) for name in sorted(names)]


async def lost_object(stock: Stock, one: StoredRecord) -> None:
    stock.custody.vault.objects.delete(str(one.object))


async def lost_row(stock: Stock, one: StoredRecord) -> None:
    await stock.sql("DELETE FROM stored WHERE recording = :name", name=one.recording)
    await stock.sql("UPDATE recording SET state = 'discarded' WHERE name = :name", name=one.recording)


async def key_on_a_destroyed_row(stock: Stock, one: StoredRecord) -> None:
    await stock.destroy(one)
    await stock.sql("ALTER TABLE stored DROP CONSTRAINT stored_sealed_key_check")
    await stock.sql("UPDATE stored SET sealed_key = :k WHERE recording = :n", k=one.sealed_key, n=one.recording)


async def object_of_a_destroyed_row(stock: Stock, one: StoredRecord) -> None:
    raw = b"".join(stock.custody.vault.objects.pieces(str(one.object)))
    await stock.destroy(one)
    stock.custody.vault.objects.put(str(one.object), iter([raw]))


async def derived_of_a_destroyed_row(stock: Stock, one: StoredRecord) -> None:
    key = stock.custody.vault.key(one)
    await stock.destroy(one)
    stock.custody.vault.put(derived_name(one.recording, "silence.mp3"), [b"mp3"], key)


async def derived_of_nothing(stock: Stock, one: StoredRecord) -> None:
    stock.custody.vault.put(derived_name("rc-nobody", "silence.mp3"), [b"mp3"], stock.custody.vault.key(one))


async def erased_by_the_file_alone(stock: Stock, one: StoredRecord) -> None:
    stock.custody.erasures.append([ErasureRecord(what=one.recording, at=now(), reason="retention-over")])


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (lost_object, ["object-missing"]),
        (lost_row, ["object-unknown"]),
        (key_on_a_destroyed_row, ["key-of-erased", "key-of-destroyed"]),
        (object_of_a_destroyed_row, ["object-of-erased"]),
        (derived_of_a_destroyed_row, ["object-of-erased"]),
        (derived_of_nothing, ["derived-orphan"]),
        (erased_by_the_file_alone, ["key-of-erased", "object-of-erased"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "-".join(value),
)
async def test_what_rows_objects_and_erasures_say_against_one_another_is_named(
    stock: Stock, make: Callable[[Stock, StoredRecord], Awaitable[None]], kinds: list[str]
) -> None:
    await stock.stored()
    await make(stock, await stock.stored())
    assert [kind for kind, _ in await found(stock, Files())] == kinds


async def test_what_was_on_its_way_is_no_difference(stock: Stock) -> None:
    """A recording that ended after the PBX was asked, and is there when it is asked again."""
    there = Files()

    async def files() -> Sequence[str]:
        names = list(await there())
        if there.asked == 1:
            there.names.append((await stock.recorded()).name)
        return names

    assert await found(stock, files) == []
    assert there.asked == 2


async def test_calls_that_only_the_call_log_knows_are_counted(stock: Stock) -> None:
    known = await stock.recorded()
    calls = ["1772452800.7", "1772452800.8", f"linked.{known.call_id}"]
    reconciling = Reconciling(stock.custody, {PBX: Files(known.name)}, calls=lambda: calls, again_after_s=0)
    differences = await reconciling.differences()
    assert [(one.difference, one.what) for one in differences] == [("call-unknown", call) for call in calls[:2]]
    assert not contradicting(differences)


async def test_the_command_reads_the_call_log_and_says_that_the_pbx_is_away(stock: Stock, tmp_path: Path) -> None:
    (tmp_path / "state" / "secrets").mkdir(exist_ok=True)
    password = tmp_path / "state" / "secrets" / "ari-password"
    password.write_text("invented\n")
    password.chmod(0o600)
    log = tmp_path / "Master.csv"
    log.write_text(
        LOG.format(call="1.1", answer="2026-03-02 12:00:10", disposition="ANSWERED")
        + LOG.format(call="1.2", answer="", disposition="NO ANSWER")
        + LOG.format(call="1.3", answer="2026-03-01 12:00:10", disposition="ANSWERED")
        + "no leg\n"
    )
    done = stock.run("reconcile", "--cdr", str(log), "--since", "2026-03-02", "--format", "jsonl")
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["difference"], one["what"]) for one in lines] == [("pbx-away", "main"), ("call-unknown", "1.1")]
    assert done.stderr == "2 differences\n"


async def test_the_daily_job_counts_each_kind_and_logs_no_name(stock: Stock) -> None:
    recording = await stock.recorded()
    with structlog.testing.capture_logs() as logs:
        told(await Reconciling(stock.custody, {PBX: Files()}, again_after_s=0).differences())
        counted = prometheus_client.REGISTRY.get_sample_value("rc_differences", {"kind": "recording-lost"})
        told([])
    assert counted == 1
    assert prometheus_client.REGISTRY.get_sample_value("rc_differences", {"kind": "recording-lost"}) == 0
    assert [(log["event"], log.get("kind"), log.get("count")) for log in logs] == [
        ("reconciling.difference", "recording-lost", 1),
        ("reconciling.done", None, None),
        ("reconciling.done", None, None),
    ]
    assert recording.name not in str(logs)


async def test_the_daily_job_goes_on_after_a_day_on_which_it_could_not_be_done(stock: Stock) -> None:
    stock.erasures.mkdir()
    asked = Files()
    with structlog.testing.capture_logs() as logs:
        job = asyncio.create_task(
            Reconciling(stock.custody, {PBX: asked}, again_after_s=0).run(first_after_s=0, every_s=0.01)
        )
        while not logs:
            await asyncio.sleep(0.01)
        stock.erasures.rmdir()
        while logs[-1]["event"] != "reconciling.done":
            await asyncio.sleep(0.01)
        job.cancel()
    assert logs[0] == {"event": "reconciling.not_done", "reason": "ErasureNotKept", "log_level": "warning"}


def test_only_calls_that_never_came_to_us_are_nothing_to_worry_about() -> None:
    harmless = {kind for kind in Difference if not contradicting([Found(difference=kind, what="what")])}
    assert harmless == {Difference.CALL_UNKNOWN}
