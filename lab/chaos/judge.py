"""Judges a round by what is in the files, in the database and on the PBX; never by what the daemon thinks."""

import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.audit.checkpoints import CHECKPOINTS, copies
from controller.audit.keys import SigningKey
from controller.audit.verify import Proof, verify
from controller.db.chains import everything
from controller.db.embedded import running_url
from controller.domain.names import RecordingName
from controller.domain.sides import STEREO, sides_of
from controller.journal.segments import contents
from controller.runtime.clock import now
from lab.chaos.play import Played, Speaker, Stage
from lab.sweep import WAV_HEADER, Stretch, moments_in, read_torn_wav

SETTLED_WITHIN_S = 20.0
"""How long after a round everything about it may take to be written."""
EDGE_S = 0.25
"""How far from the ends of a pause the audio is not judged: the sweep's own error, and that of the clocks here."""
WAITS_AT_MOST_S = 2.0
"""What is promised of a caller, beyond what they wait where nothing is broken."""
TELEPHONES_S = 0.5
"""What the lab's own telephones take, now more, now less."""
UNSIGNED_FOR = timedelta(hours=4)
"""How old what nobody has signed may look: clocks jump by up to two hours, and signing takes its turn."""
TICK = timedelta(milliseconds=10)
"""How far behind the clock of files may be."""
UNFINISHED = frozenset({"starting", "recording", "paused", "quarantining", "discarding"})
HEARD = frozenset({"ended"})
"""States of recordings that somebody may listen to."""

Row = Mapping[str, Any]


def judged(stage: Stage, played: Played) -> list[str]:
    """What was violated, in words; empty where nothing was."""
    if not _settled(stage, played.speakers):
        return [f"it never ends: {_recordings(stage, played.speakers)}; the journal holds {_waiting(stage)}"]
    found = [f"outlived its daemon: {channel}" for channel in played.outlived]
    found += waited_too_long(played.waited_s, stage.usual_wait_s)
    for speaker in played.speakers:
        found += _speaker(stage, speaker)
    return [*found, *(f"a snoop channel is left: {line}" for line in stage.trouble.snoops()), *_ledger(stage)]


def recorded_s(stage: Stage, played: Played) -> float:
    """How many seconds somebody may listen to: where that is nothing in every round, nothing was tried."""
    files = [file for row in _recordings(stage, played.speakers) for file in _files(stage, row)]
    return sum(len(read_torn_wav(file)) / 8000 for file in files)


def waited_too_long(waited_s: float | None, usual_s: float) -> Iterator[str]:
    """Callers never wait for us."""
    if waited_s is not None and waited_s > usual_s + WAITS_AT_MOST_S + TELEPHONES_S:
        yield f"a caller waited {waited_s:.1f} s for an agent, {usual_s:.1f} s is usual"


def heard_of_a_pause(
    name: str, stretches: Iterable[Stretch], silent: Iterable[tuple[float, float]], began: float
) -> Iterator[str]:
    """Where a file has audio of a time of which somebody was told that nothing is recorded."""
    pauses = [(begin - began + EDGE_S, end - began - EDGE_S) for begin, end in silent]
    for stretch in stretches:
        for begin, end in pauses:
            if stretch.begin_s < end and stretch.end_s > begin:
                yield f"{name} holds {stretch.begin_s:.2f} to {stretch.end_s:.2f} s of a pause {begin:.2f} to {end:.2f}"


def undecided(recording: Row, decisions: Sequence[Row], born_at: datetime | None) -> Iterator[str]:
    """What of a recording's beginning and end no decision tells.

    The n-th file of a purpose begins by the n-th decision at the earliest that allows it. ``born_at`` is when its file
    was made, None where there is none; when the daemon says that it began is by a clock that may have jumped.
    """
    name, purpose = recording["name"], recording["purpose"]
    serial = int(name.removesuffix(STEREO).rpartition("-")[2])
    allowing = [d for d in decisions if d["verdict"] == "allowed" and d["kind"] in {"record", "resume"}]
    before = [d for d in allowing if d["purpose"] == purpose and born_at is not None and d["written_at"] < born_at]
    if born_at is not None and len(before) < serial:
        yield f"{name} began by no decision of its own: {len(before)} before it"
    ends = {"stop", "discard", "retain"}
    if not [d for d in decisions if d["kind"] in ends and d["facts"].get("recording") == name]:
        yield f"{name} has an end that nobody decided or told"


def _settled(stage: Stage, speakers: Sequence[Speaker]) -> bool:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        ids = [speaker.call_id for speaker in speakers]
        unended = stage.daemon.rows("SELECT id FROM call WHERE id = ANY(%s::uuid[]) AND ended_at IS NULL", ids)
        states = {recording["state"] for recording in _recordings(stage, speakers)}
        if not unended and not UNFINISHED & states and not stage.trouble.snoops() and not _waiting(stage):
            return True
        time.sleep(0.2)
    return False


def _waiting(stage: Stage) -> int:
    """How many entries of the journal have not reached the database."""
    return len(contents(stage.daemon.state / "journal").waiting)


def _recordings(stage: Stage, speakers: Iterable[Speaker]) -> list[dict[str, Any]]:
    return [recording for speaker in speakers for recording in stage.daemon.recordings(speaker.call_id)]


def _speaker(stage: Stage, speaker: Speaker) -> Iterator[str]:
    decisions = stage.daemon.decisions(speaker.call_id)
    for recording in stage.daemon.recordings(speaker.call_id):
        name, heard = recording["name"], recording["state"] in HEARD
        files = _files(stage, recording)
        yield from undecided(recording, decisions, min(map(_born_at, files), default=None))
        if heard and recording["started_at"] is not None and not files:
            yield f"the file of {name} is lost"
        for file in files:
            if heard and file.stat().st_size > WAV_HEADER:
                yield from heard_of_a_pause(file.stem, moments_in(read_torn_wav(file)), speaker.silent, speaker.began)
    tokens = [decision["token"] for decision in decisions]
    if len(set(tokens)) != len(tokens):
        yield f"a decision of call {speaker.call_id} is there twice"
    if speaker.silent and not [d for d in decisions if d["kind"] in {"pause", "stop"}]:
        yield f"somebody was told of a pause that is nowhere decided: {speaker.call_id}"


def _files(stage: Stage, recording: Row) -> list[Path]:
    """The files of a recording that are where recordings are: one of each side."""
    files = [stage.world.recording_file(side) for side in sides_of(RecordingName(recording["name"]))]
    return [file for file in files if file.exists()]


def _born_at(file: Path) -> datetime:
    """When a file was made, by the clock of the machine, which does not jump."""
    told = subprocess.run(["stat", "--format=%.W", str(file)], check=True, capture_output=True, text=True)
    return datetime.fromtimestamp(float(told.stdout), UTC) + TICK


def _ledger(stage: Stage) -> list[str]:
    """Everything that was decided is in the database, as it was decided."""
    journal = contents(stage.daemon.state / "journal")
    found = [f"the journal is broken: {fault}" for fault in journal.faults]
    if (stage.daemon.state / "journal" / "refused.jsonl").exists():
        found.append("the database has refused a decision")
    rows = stage.daemon.rows("SELECT name FROM recording")
    known = {str(side) for row in rows for side in sides_of(RecordingName(row["name"]))}
    names = {path.stem for path in stage.world.pbx.recordings.glob("rc-*.wav")}
    found += [f"a file that nobody knows: {name}" for name in names - known]
    return [*found, *_chains(stage)]


def _chains(stage: Stage) -> list[str]:
    url = running_url(stage.daemon.state / "postgresql")
    if url is None:
        return ["the database does not run"]
    key = SigningKey(bytes.fromhex((stage.daemon.state / "secrets" / "audit-key").read_text().strip())).public
    kept = stage.daemon.state / CHECKPOINTS
    outside = list(copies(kept)) if kept.exists() else []
    with everything(url) as (decided, checkpoints):
        proof = Proof(checkpoints=checkpoints, copies=outside, keys=[key], now=now(), grace=UNSIGNED_FOR)
        reports = verify(decided, proof)
    return [f"chain {report.writer}: {finding}" for report in reports for finding in report.findings]
