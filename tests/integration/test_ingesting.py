"""The rounds that take recordings from a PBX: what is away is tried again, and where there is no room nothing is."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody import due
from controller.custody.ingesting import Ingesting, take_round
from controller.custody.room import Room
from controller.db import queries
from controller.db.intake import alone
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Period
from controller.domain.records import OutcomeRecord, StoredState
from controller.errors import PbxRefused, StoreAway
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.store.keys import MasterKeys, new_master_key
from controller.store.objects import ObjectStore
from controller.store.vault import Vault
from lab.disks import small_disk
from tests.integration.entries import a_decision
from tests.integration.intakes import ENDED, POLICY, STORAGE, Place, Spool, Tripwire, wav
from tests.unit.store.conftest import BUCKET

LONG = wav(seconds=1200)
"""More than an object store takes at a time."""


class Faulty:
    """Stands before an object store, and does wrong as long as it is told to."""

    def __init__(self, endpoint: str) -> None:
        self.fault = ""
        self.faults = 0
        faulty = self
        behind = urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _relay(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if faulty.does_wrong(self, body):
                    return
                connection = HTTPConnection(behind.hostname or "", behind.port or 0)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                connection.request(self.command, self.path, body, headers | {"Host": self.headers["Host"]})
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                half = faulty.fault == "breaks off its answers" and self.command == "GET"
                self.wfile.write(content[: len(content) // 2] if half else content)
                if half:
                    faulty.faults += 1
                    self.connection.close()

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _relay  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def does_wrong(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        if self.fault == "answers 500":
            handler.send_error(500)
        elif self.fault == "breaks off in the middle" and len(body) > 100_000 and "partNumber=1" not in handler.path:
            handler.close_connection = True
            handler.connection.close()
        else:
            return False
        self.faults += 1
        return True

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def faulty(s3_endpoint: str) -> Iterator[Faulty]:
    standing = Faulty(s3_endpoint)
    yield standing
    standing.close()


@pytest.fixture
def place(tmp_path: Path, engine: AsyncEngine, ledger: PostgresLedger) -> Place:
    folder = tmp_path / "spool"
    folder.mkdir()
    store = ObjectStore((tmp_path / "recordings").as_uri())
    return Place(folder=folder, engine=engine, ledger=ledger, vault=Vault(store, MasterKeys.read(new_master_key())))


@asynccontextmanager
async def job(place: Place, *, may: Any = lambda: True, files: Any = None) -> AsyncGenerator[Ingesting]:
    ingest = place.ingest() if files is None else replace(place.ingest(), files=files)
    running = Ingesting(ingest, "paris", chores=[], may=may)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def off_the_pbx(*files: Path) -> None:
    async with asyncio.timeout(60):
        while any(file.exists() for file in files):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", ["answers 500", "breaks off in the middle", "breaks off its answers"])
async def test_a_store_that_fails_is_tried_again_until_it_does_not(
    place: Place, faulty: Faulty, fault: str, request: pytest.FixtureRequest
) -> None:
    prefix = request.node.name.replace("[", "-").replace("]", "").replace(" ", "-")
    store = ObjectStore(f"s3://{BUCKET}/{prefix}", {"endpoint": faulty.endpoint, "region": "eu-west-3"})
    at_s3 = replace(place, vault=Vault(store, place.vault.masters))
    recording = await at_s3.ended(LONG)
    faulty.fault = fault
    with pytest.raises(StoreAway):
        await at_s3.round()
    assert faulty.faults > 0
    assert at_s3.file(recording).read_bytes() == LONG
    held = await at_s3.held(recording)
    assert held is not None
    assert held.stored.state is StoredState.TAKING
    faulty.fault = ""
    await at_s3.round()
    assert await at_s3.opened(recording) == LONG
    assert list(store.names()) == [held.stored.object]
    found = [d.reason async for d in queries.decisions(at_s3.engine, call=recording.call_id)]
    assert found == ["sampled", "stored"]
    assert not at_s3.file(recording).exists()


async def test_the_job_goes_on_by_itself_after_whatever_failed(place: Place) -> None:
    class Unwilling(Spool):
        refusals = 2

        async def delete(self, recording: str) -> None:
            if self.refusals:
                self.refusals -= 1
                raise PbxRefused("not just now")
            await super().delete(recording)

    first, second = await place.ended(), await place.ended()
    async with job(place, files=Unwilling(place.folder, Tripwire())):
        await off_the_pbx(place.file(first), place.file(second))


async def test_the_job_is_woken_when_a_call_has_ended(place: Place) -> None:
    async with job(place) as running:
        await asyncio.sleep(0.5)  # it has looked, and found nothing
        recording = await place.ended(started_at=now())
        running.wake()
        await off_the_pbx(place.file(recording))


async def test_one_that_fails_by_itself_keeps_no_other_from_being_taken(place: Place) -> None:
    class Unwilling(Spool):
        def opened(self, recording: str) -> Any:
            if recording == first.name:
                raise PbxRefused("never")
            return super().opened(recording)

    first, second = await place.ended(), await place.ended()
    done = await take_round(replace(place.ingest(), files=Unwilling(place.folder, Tripwire())), "paris")
    assert done is not None
    assert (done.taken, done.failed, done.left) == (1, 1, 1)
    assert place.file(first).exists()
    assert not place.file(second).exists()
    assert metrics.INGEST_WAITING.labels("paris")._value.get() == 1


async def test_nobody_takes_where_somebody_does(place: Place) -> None:
    recording = await place.ended()
    async with alone(place.engine, "paris"):
        assert await take_round(place.ingest(), "paris") is None
    assert place.file(recording).exists()


async def test_without_room_nothing_is_taken_and_it_is_said(place: Place, tmp_path: Path) -> None:
    told: list[bool] = []
    with small_disk(tmp_path / "small", kibibytes=4096) as disk:
        storage = replace(STORAGE, url=(tmp_path / "small").as_uri(), least_free_bytes=2 * 2**20)
        room = Room(storage, tell=told.append)
        await room.look()
        assert (room.scarce, told) == (False, [])
        disk.fill()
        await room.look()
        assert room.trouble == "0 MB are free where recordings are kept, less than 2: nothing new is recorded"
        recording = await place.ended()
        async with job(place, may=lambda: not room.scarce) as running:
            await asyncio.sleep(1)
            assert place.file(recording).exists()
            assert await place.held(recording) is None
            disk.relieve()
            await room.look()
            running.wake()
            await off_the_pbx(place.file(recording))
    assert told == [True, False]


async def test_a_disk_that_fills_meanwhile_loses_nothing(place: Place, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", kibibytes=1024) as disk:
        small = replace(place, vault=Vault(ObjectStore((tmp_path / "small").as_uri()), place.vault.masters))
        recording = await small.ended()
        disk.fill()
        with pytest.raises(StoreAway):
            await small.round()
        assert small.file(recording).read_bytes() == wav()
        disk.relieve()
        await small.round()
        assert await small.opened(recording) == wav()


def test_an_object_store_elsewhere_has_room() -> None:
    room = Room(replace(STORAGE, url="s3://recordings", least_free_bytes=2**60), tell=lambda _: None)
    asyncio.run(room.look())
    assert not room.scarce


FORMER = "purposes:\n  {purpose}: {{retention: {retention}}}\n"


@pytest.mark.parametrize(
    ("version", "texts", "purpose", "wanted"),
    [
        pytest.param(POLICY.version, {}, "quality", Period(months=6), id="the present policy"),
        pytest.param("a" * 64, {"a" * 64: ("quality", "3 months")}, "quality", Period(months=3), id="a former policy"),
        pytest.param("a" * 64, {"a" * 64: ("other", "3 months")}, "quality", Period(months=6), id="says nothing of it"),
        pytest.param("a" * 64, {}, "quality", Period(months=6), id="a policy whose text is lost"),
        pytest.param(
            POLICY.version,
            {"a" * 64: ("gone", "3 months"), "b" * 64: ("gone", "5 months"), "c" * 64: ("gone", "90 days")},
            "gone",
            Period(months=5),
            id="a purpose that is no more is kept as long as it ever was",
        ),
    ],
)
async def test_until_when_it_is_kept(
    place: Place, version: str, texts: dict[str, tuple[str, str]], purpose: str, wanted: Period
) -> None:
    for known, (named, retention) in texts.items():
        text = FORMER.format(purpose=named, retention=retention)
        await queries.remember_policy(place.engine, version=known, text=text)
    recording = await place.ended(purpose=purpose)
    allowed = {"kind": Kind.RECORD, "verdict": Verdict.ALLOWED, "reason": Reason.SAMPLED, "purpose": purpose}
    await place.ledger.write([a_decision(call_id=recording.call_id, policy_version=version, **allowed)])
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert held.stored.due_at == wanted.after(ENDED)


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [(None, Period(months=1)), ("none", Period(months=1)), ("contract", Period(years=2))],
)
async def test_without_a_contract_it_is_kept_for_less(place: Place, outcome: str | None, wanted: Period) -> None:
    text = "purposes:\n  sales: {retention: 2 years, without_contract: 1 month}\n"
    await queries.remember_policy(place.engine, version="a" * 64, text=text)
    recording = await place.ended(purpose="sales")
    if outcome is not None:
        await place.custody().write([OutcomeRecord(call_id=recording.call_id, outcome=outcome, at=ENDED)])
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert held.stored.due_at == wanted.after(ENDED)


async def test_where_no_policy_ever_knew_its_purpose_no_end_is_invented(place: Place) -> None:
    recording = await place.ended(purpose="unheard-of")
    await place.round()
    held = await place.held(recording)
    assert held is not None
    assert (held.stored.state, held.stored.due_at) == (StoredState.STORED, None)
    assert await due.due_at(place.custody(), replace(held, ended_at=None, started_at=None)) is None
