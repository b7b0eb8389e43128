"""The second act of ``make demo``: what becomes of the recordings, by the commands that people use.

They are taken in and sealed; one is heard as MP3, and opened by ``age`` itself; a customer gets a copy and is erased; a
backup is restored, which brings the erased one back, and it is erased again; and at last their time is over.
"""

import asyncio
import csv
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from controller.audit.checkpoints import CHECKPOINTS
from controller.db.embedded import EmbeddedPostgres, running_url
from controller.db.postgres_programs import programs_for
from lab.sweep import missing, moments_in
from lab.world import Daemon, World

TAKEN_IN_S = 60.0
"""How long it may take until the PBX has no recording any more."""

LATER = timedelta(days=20 * 365)
"""When no recording may be kept any more, whatever it is for."""

_UNTAKEN = """
SELECT count(*) AS number FROM recording LEFT JOIN stored ON stored.recording = recording.name
WHERE recording.state = 'ended' AND recording.quarantined_from IS NULL AND stored.off_pbx_at IS NULL
"""
_PAUSED = """
SELECT stored.recording, stored.sha256, "end" - "begin" AS lasted FROM stored
JOIN recording_span USING (recording) WHERE kind = 'paused' AND stored.state = 'stored'
ORDER BY lasted DESC LIMIT 1
"""
_STORED = "SELECT count(*) AS number FROM stored WHERE state = 'stored'"


@dataclass(slots=True, kw_only=True)
class Deed:
    """One thing that is done with the recordings: what came of it, and what is not as it should be."""

    title: str
    told: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def expect(self, right: object, otherwise: str) -> None:
        """Note a fault unless it is right."""
        if not right:
            self.faults.append(otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The lab, and a folder of one's own for what is fetched. ``customers`` are numbers with a recording to erase."""

    world: World
    folder: Path
    customers: tuple[str, ...]
    kept_customer: str

    @property
    def daemon(self) -> Daemon:
        """The daemon."""
        return self.world.daemon

    @property
    def store(self) -> Path:
        """The object store."""
        return self.daemon.directory / "store"

    def run(self, *words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command as the people who use it do."""
        command = [sys.executable, "-m", "controller", *words, "--config", str(self.daemon.config)]
        return subprocess.run(
            command, env=self.daemon.environ, input=given, capture_output=True, text=True, check=False
        )

    def done(self, deed: Deed, *words: str, given: str = "", code: int = 0) -> str:
        """Run a command that must end with ``code``; what it printed."""
        result = self.run(*words, given=given)
        said = (result.stdout + result.stderr).strip()
        deed.expect(result.returncode == code, f"{' '.join(words[:2])} ended with {result.returncode}: {said[-300:]}")
        return said


def live_on(scene: Scene, say: Callable[[str], None]) -> list[Deed]:
    """Do everything, one thing after the other; each that fails says so, and the others are done all the same."""
    deeds = []
    scene.folder.mkdir()
    backup = scene.folder / "backup"
    steps: list[tuple[str, Callable[[Scene, Deed], None]]] = [
        ("taken in", _take_in),
        ("heard as MP3, and opened by age", _hear),
        ("a backup", lambda scene, deed: _back_up(scene, deed, backup)),
        ("a customer's copy, and their erasure", _serve_subjects),
        ("the backup restored", lambda scene, deed: _restore(scene, deed, backup)),
        ("a retention run in twenty years", _let_time_pass),
    ]
    for title, step in steps:
        deed = Deed(title=title)
        try:
            step(scene, deed)
        except Exception as error:  # noqa: BLE001 - the deed's own boundary
            deed.faults.append(f"{type(error).__name__}: {error}")
        say(f"{title}: {'; '.join(deed.faults) or 'as it should be'}")
        deeds.append(deed)
    return deeds


def _take_in(scene: Scene, deed: Deed) -> None:
    """Give the daemon a store, and wait until the PBX has nothing any more."""
    daemon = scene.daemon
    config = json.loads(daemon.config.read_text())
    config["storage"] = {"url": scene.store.as_uri(), "gaps": "silence", "least_free_megabytes": 0}
    daemon.stop()
    daemon.config.write_text(json.dumps(config, ensure_ascii=False, indent=1))
    daemon.start()
    deadline = time.monotonic() + TAKEN_IN_S
    while daemon.rows(_UNTAKEN)[0]["number"] and time.monotonic() < deadline:
        time.sleep(0.2)
    left = list(scene.world.pbx.recordings.glob("rc-*.wav"))
    objects = list(scene.store.rglob("*.age"))
    stored = daemon.rows(_STORED)[0]["number"]
    deed.told.append(f"{stored} recordings in the store, each under a key of its own; {len(left)} on the PBX")
    deed.expect(stored > 0, "nothing was taken in")
    deed.expect(len(objects) == stored, f"{len(objects)} objects for {stored} recordings")
    deed.expect(not left, f"{len(left)} files are still on the PBX")
    plain = [file for file in objects if not file.read_bytes().startswith(b"age-encryption.org/v1\n")]
    deed.expect(not plain, f"{len(plain)} objects are not sealed")


def _hear(scene: Scene, deed: Deed) -> None:
    [row] = scene.daemon.rows(_PAUSED)
    name, lasted = row["recording"], row["lasted"].total_seconds()
    mp3, sealed = scene.folder / "call.mp3", scene.folder / "call.age"
    scene.done(deed, "recordings", "fetch", name, "--to", str(mp3), "--reason", "demonstration")
    heard, rate = soundfile.read(mp3)
    gaps = [gap for gap in missing(moments_in(heard)) if abs(gap.seconds - lasted) < 0.3]
    ends = [gap.at_s for gap in gaps]  # what is missing stands there as silence, up to where the sweep goes on
    silent = [np.abs(heard[round((end - lasted + 0.2) * rate) : round((end - 0.2) * rate)]).max() for end in ends]
    deed.told.append(f"{mp3.stat().st_size} bytes of MP3, {len(heard) / rate:.1f} s, silent for {lasted:.2f} s of them")
    deed.expect(len(gaps) == 1, f"{len(gaps)} pauses in the MP3 instead of one of {lasted:.2f} s")
    deed.expect(all(level < 0.01 for level in silent), "the pause is not silent")
    scene.done(deed, "recordings", "fetch", name, "--as", "sealed", "--to", str(sealed), "--reason", "demonstration")
    opened = subprocess.run(
        ["age", "--decrypt", "--identity", f"{sealed}.key", str(sealed)], capture_output=True, check=False
    )
    same = hashlib.sha256(opened.stdout).digest() == bytes(row["sha256"])
    deed.told.append("age opens the object with its key: the SHA-256 is the one in the database")
    deed.expect(same, "what age opens is not what was stored")


def _back_up(scene: Scene, deed: Deed, backup: Path) -> None:
    """The database as pg_dump has it, and the objects, as an administrator would."""
    backup.mkdir()
    url = running_url(scene.daemon.state / "postgresql")
    if url is None:
        raise RuntimeError("the daemon's database does not run")
    _postgres(scene, "pg_dump", "--format=custom", f"--dbname={url}", output=backup / "dump")
    shutil.copytree(scene.store, backup / "store")
    deed.told.append(
        f"pg_dump: {(backup / 'dump').stat().st_size} bytes; the store: {_count(backup / 'store')} objects"
    )


def _serve_subjects(scene: Scene, deed: Deed) -> None:
    number, copy = scene.customers[0], scene.folder / "copy"
    scene.done(deed, "subject", "export", "-", "--to", str(copy), given=number)
    refused = scene.run("subject", "release", str(copy))
    deed.expect(refused.returncode != 0, "a copy was released that nobody had reviewed")
    _review(copy)
    scene.done(deed, "subject", "release", str(copy))
    [archive] = [*copy.parent.glob("copy*.zip"), *copy.glob("*.zip")]
    with zipfile.ZipFile(archive) as zipped:
        names = zipped.namelist()
    tracks = [name for name in names if name.endswith(".mp3")]
    deed.told.append(f"a copy for a customer, reviewed by a person: {len(tracks)} MP3, {len(names)} files in the zip")
    deed.expect(tracks, "there is no MP3 in the copy")
    erased = scene.done(deed, "subject", "erase", "-", given=number)
    kept = scene.done(deed, "subject", "erase", "-", given=scene.kept_customer)
    deed.told += [f"erased: {erased.splitlines()[-1]}", f"somebody else: {kept.splitlines()[-1]}"]
    deed.expect(_stored_of(scene, number) == 0, "their recording is still there")
    deed.expect(_stored_of(scene, scene.kept_customer) > 0, "what the law has kept is gone")


def _restore(scene: Scene, deed: Deed, backup: Path) -> None:
    """Bring back yesterday, and take out again what was erased since."""
    scene.daemon.stop()
    shutil.rmtree(scene.store)
    shutil.copytree(backup / "store", scene.store)
    asyncio.run(_restore_database(scene, backup / "dump"))
    back = scene.run("restore", "check")
    deed.expect(back.returncode == 1, "nobody noticed that what was erased is back")
    # What was signed since the backup is not in it: for an auditor to look at, and no more for the commands.
    (scene.daemon.state / CHECKPOINTS).rename(scene.folder / CHECKPOINTS)
    scene.done(deed, "restore", "reapply")
    scene.done(deed, "restore", "check")
    scene.daemon.start()
    deed.told.append("the erased recording was back, was named, and is destroyed again; all fits together")
    deed.expect(_stored_of(scene, scene.customers[0]) == 0, "what was erased is back")
    scene.done(deed, "audit", "verify")


def _let_time_pass(scene: Scene, deed: Deed) -> None:
    then = (datetime.now(UTC) + LATER).strftime("%Y-%m-%dT%H:%M:%S")
    before = scene.daemon.rows(_STORED)[0]["number"]
    scene.done(deed, "retention", "run", "--dry-run", "--at", then)
    deed.expect(scene.daemon.rows(_STORED)[0]["number"] == before, "a dry run has destroyed something")
    scene.done(deed, "retention", "run", "--at", then)
    deed.told.append(f"{before} recordings destroyed: keys, objects, and what was made of them")
    deed.expect(scene.daemon.rows(_STORED)[0]["number"] == 0, "something is still stored")
    deed.expect(_count(scene.store) == 0, f"{_count(scene.store)} objects are still in the store")
    scene.done(deed, "audit", "verify")


def customers_of(world: World, numbers: list[str], purpose: str) -> list[str]:
    """Those of these numbers of whom a recording for this purpose is stored, or will be."""
    found = []
    for number in numbers:
        call = world.daemon.call_of(number)
        recordings = world.daemon.recordings(call["id"]) if call else []
        if any(row["purpose"] == purpose and row["state"] == "ended" for row in recordings):
            found.append(number)
    return found


def _review(copy: Path) -> None:
    """A person has listened, and says of each recording whether others' rights stand against it."""
    sheet = copy / "review.csv"
    with sheet.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with sheet.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "release": "yes"} for row in rows)


def _stored_of(scene: Scene, number: str) -> int:
    calls = [row["id"] for row in scene.daemon.calls_of(number)]
    found: list[dict[str, Any]] = scene.daemon.rows(
        "SELECT count(*) AS number FROM stored JOIN recording ON recording.name = stored.recording"
        " WHERE stored.state = 'stored' AND recording.call_id = ANY(%s)",
        calls,
    )
    return int(found[0]["number"])


async def _restore_database(scene: Scene, dump: Path) -> None:
    async with EmbeddedPostgres(scene.daemon.state / "postgresql") as server:
        await asyncio.to_thread(
            _postgres, scene, "pg_restore", "--clean", "--if-exists", f"--dbname={server.url}", given=dump
        )


def _postgres(scene: Scene, program: str, *words: str, given: Path | None = None, output: Path | None = None) -> None:
    """One of PostgreSQL's programs."""
    programs = programs_for(pwd.getpwuid(os.geteuid()), major=None, copies=scene.folder)
    with (
        given.open("rb") if given else open(os.devnull, "rb") as source,  # noqa: PTH123
        output.open("wb") if output else open(os.devnull, "wb") as target,  # noqa: PTH123
    ):
        subprocess.run(
            [str(programs / program), *words],
            stdin=source,
            stdout=target,
            check=True,
        )


def _count(store: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(1 for _ in store.rglob("*.age"))
    return 0
