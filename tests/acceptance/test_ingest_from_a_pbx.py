"""From a real PBX into the object store: what was recorded is sealed there, and gone from the PBX."""

import asyncio
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from controller.ari.client import Ari
from controller.config import load
from controller.custody.custody import custody_of
from controller.custody.unexplained import Unexplained
from controller.db.embedded import running_url
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from lab.disks import Disk, small_disk
from lab.phones import Phones
from lab.stories import Staff, converse, live_call, written
from lab.world import EVERY_CALL_NUMBER, Daemon, World, record_every_call, shorten
from tests.acceptance.conversations import decided
from tests.acceptance.own_lab import phones

__all__ = ["phones"]

GONE_WITHIN_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Store:
    """The folder where recordings are kept, on a disk of its own."""

    folder: Path
    disk: Disk


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    folder = Path(tempfile.mkdtemp(prefix="rc-store-"))
    with small_disk(folder, kibibytes=32 * 1024) as disk:
        yield Store(folder=folder, disk=disk)
    folder.rmdir()


@pytest.fixture(scope="module")
def lab(store: Store) -> Iterator[World]:
    """A lab whose recordings leave the PBX."""

    def kept(config: dict[str, Any]) -> None:
        config["storage"] = {"url": store.folder.as_uri(), "least_free_megabytes": 4}

    with World.running(shorten, record_every_call, kept) as running:
        yield running


@contextmanager
def nothing_taken(daemon: Daemon) -> Iterator[None]:
    """As if somebody else took recordings from the PBX just now."""
    with psycopg.connect(running_url(daemon.state / "postgresql") or "", autocommit=True) as connection:
        key = "hashtextextended('recording-controller/intake/lab', 0)"
        connection.execute(f"SELECT pg_advisory_lock({key})")
        yield


async def recorded(lab: World, phones: Phones, staff: Staff, number: str) -> tuple[dict[str, Any], Path]:
    """A call that was recorded, once it is over; its recording and the file of it."""
    talk = await converse(phones, staff, lab.daemon, caller=number)
    await live_call(lab.daemon, queue="every", state="recording")
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    call = await written(lab.daemon, number)
    [recording] = lab.daemon.recordings(call["id"])
    return recording, lab.recording_file(recording["name"])


async def until(look: Callable[[], Any], *, within_s: float = GONE_WITHIN_S) -> Any:
    """Look again and again until there is something."""
    deadline = time.monotonic() + within_s
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return found


def off_the_pbx(daemon: Daemon, recording: dict[str, Any]) -> list[dict[str, Any]]:
    """The row of what is stored, once the file has left the PBX."""
    query = "SELECT * FROM stored WHERE recording = %s AND off_pbx_at IS NOT NULL"
    return daemon.rows(query, recording["name"])


def opened_by_age(lab: World, store: Store, row: dict[str, Any], folder: Path) -> bytes:
    """What is in the object, by nothing but the program ``age``, the row, and the master key."""
    master, sealed_key, key = lab.daemon.state / "secrets" / "master-key", folder / "key.age", folder / "key"
    sealed_key.write_bytes(row["sealed_key"])
    key.write_bytes(decrypted(master, sealed_key))
    return decrypted(key, store.folder / row["object"])


def decrypted(identity: Path, file: Path) -> bytes:
    command = ["age", "--decrypt", "--identity", str(identity), str(file)]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - age, on files of our own


def ingest(daemon: Daemon) -> str:
    """Take recordings by command."""
    command = [sys.executable, "-m", "controller", "recordings", "ingest", "--config", str(daemon.config)]
    done = subprocess.run(command, env=daemon.environ, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout


async def test_a_recorded_call_is_sealed_in_the_store_and_leaves_the_pbx(
    lab: World, store: Store, phones: Phones, staff: Staff, tmp_path: Path
) -> None:
    number = "0639980601"
    with nothing_taken(lab.daemon):
        recording, file = await recorded(lab, phones, staff, number)
        await asyncio.sleep(3)  # it would have been taken by now
        written_by_asterisk = file.read_bytes()
    [row] = await until(lambda: off_the_pbx(lab.daemon, recording))
    assert not file.exists()
    assert opened_by_age(lab, store, row, tmp_path) == written_by_asterisk
    assert row["sha256"] == hashlib.sha256(written_by_asterisk).digest()
    assert (row["state"], row["partial"], row["octets"]) == ("stored", False, len(written_by_asterisk))
    [decision] = [d for d in lab.daemon.decisions(recording["call_id"]) if d["kind"] == "retain"]
    assert (decision["verdict"], decision["reason"]) == ("applied", "stored")
    assert decision["facts"]["sha256"] == hashlib.sha256(written_by_asterisk).hexdigest()
    assert written_by_asterisk[1000:1200] not in (store.folder / row["object"]).read_bytes()
    assert 'rc_ingested_total{pbx="lab"}' in lab.daemon.metrics()


async def test_a_file_that_asterisk_did_not_finish_is_taken_by_command_and_made_right(
    lab: World, store: Store, phones: Phones, staff: Staff, tmp_path: Path
) -> None:
    with nothing_taken(lab.daemon):
        recording, file = await recorded(lab, phones, staff, "0639980602")
        lab.daemon.stop()
    whole = file.read_bytes()
    with file.open("r+b") as header:  # as it is where Asterisk was killed: a test on the PBX itself shows it
        header.seek(4)
        header.write(bytes(4))
        header.seek(40)
        header.write(bytes(4))
    try:
        assert await asyncio.to_thread(ingest, lab.daemon) == "lab: 1 taken, 0 left\n"
    finally:
        lab.daemon.start()
    [row] = off_the_pbx(lab.daemon, recording)
    assert row["partial"] is True
    assert opened_by_age(lab, store, row, tmp_path) == whole
    assert not file.exists()


async def test_a_file_that_no_decision_explains_is_put_out_of_hearing(lab: World, phones: Phones, staff: Staff) -> None:
    """What is being recorded meanwhile, and what others record, is left alone."""
    folder, daemon = lab.pbx.recordings, lab.daemon
    talk = await converse(phones, staff, daemon, caller="0639980603")
    call = await live_call(daemon, queue="every", state="recording")
    [live] = [path for path in folder.glob("rc-*.wav") if call["id"] in path.name]
    for name in ("rc-01950000-0000-7000-8000-000000000001-every-1", "voicemail-1"):
        (folder / f"{name}.wav").write_bytes(live.read_bytes())
    settings = load(daemon.config, daemon.environ)
    engine = open_engine(running_url(daemon.state / "postgresql") or "")
    ledger = PostgresLedger(engine, sampling_key=settings.secrets.sampling_key(), timeout_s=10)
    custody = custody_of(settings, engine, ledger, lambda: settings.policy)
    pbx = lab.pbx.asterisk.ari
    async with Ari(url=pbx.url, username=pbx.username, password=pbx.password, application="unexplained") as ari:
        unexplained = Unexplained(custody, ari, "lab", every_s=0)
        await unexplained.look()
        assert (
            folder / "rc-01950000-0000-7000-8000-000000000001-every-1.wav"
        ).exists()  # what explains it may be on its way
        await unexplained.look()
        await unexplained.look()
    await engine.dispose()
    assert not (folder / "rc-01950000-0000-7000-8000-000000000001-every-1.wav").exists()
    assert (folder / "rc-quarantine" / "rc-01950000-0000-7000-8000-000000000001-every-1.wav").exists()
    assert (folder / "voicemail-1.wav").exists()
    assert live.exists()
    await talk.caller.hang_up()
    query = "SELECT kind, verdict, pbx, facts FROM decision WHERE reason = 'unexplained'"
    [decision] = daemon.rows(query)
    assert (decision["kind"], decision["verdict"], decision["pbx"]) == ("retain", "refused", "lab")
    assert decision["facts"]["recording"] == "rc-01950000-0000-7000-8000-000000000001-every-1"
    assert daemon.rows("SELECT 1 FROM stored WHERE recording = 'rc-01950000-0000-7000-8000-000000000001-every-1'") == []


async def test_without_room_no_recording_begins_and_those_that_have_begun_go_on(
    lab: World, store: Store, phones: Phones, staff: Staff
) -> None:
    daemon = lab.daemon
    first = await converse(phones, staff, daemon, caller="0639980604")
    await live_call(daemon, queue="every", state="recording")
    store.disk.fill()
    try:
        assert "storage" in (await until(lambda: said(daemon)))
        assert "rc_storage_full 1.0" in daemon.metrics()
        second = await phones.call(EVERY_CALL_NUMBER, caller="0639980605")
        await second.answered()
        await staff.next_call()
        await asyncio.sleep(1)
        [state] = [call["state"] for call in daemon.live() if call["id"] == str(first.call["id"])]
        assert state == "recording"
        await second.hang_up()
        assert ("record", "refused", "storage-full") in await decided(lab, "0639980605")
        await first.caller.hang_up()
        call = await written(daemon, "0639980604")
        [recording] = daemon.recordings(call["id"])
        assert recording["state"] == "ended"
        assert lab.recording_file(recording["name"]).exists()
    finally:
        store.disk.relieve()
    await until(lambda: off_the_pbx(daemon, recording), within_s=90)
    assert daemon.readiness()[0] == 200


def said(daemon: Daemon) -> str:
    """Why the daemon is not ready; nothing where it is."""
    status, text = daemon.readiness()
    return text if status == 503 else ""
