"""Judges a round by what is in the files, in the database and on the PBX; never by what the daemon thinks."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from controller.audit.checkpoints import CHECKPOINTS, copies
from controller.audit.keys import SigningKey
from controller.audit.verify import Proof, verify
from controller.db.chains import everything
from controller.db.embedded import running_url
from controller.journal.segments import contents
from controller.runtime.clock import now
from lab.chaos.play import Speaker, Stage
from lab.sweep import moments
from lab.world import World

SETTLED_WITHIN_S = 20.0
"""How long after a round everything about it may take to be written."""
EDGE_S = 0.25
"""How far from the ends of a pause the audio is not judged: the sweep's own error, and that of the clocks here."""
UNFINISHED = frozenset({"starting", "recording", "paused", "quarantining", "discarding"})
HEARD = frozenset({"ended"})
"""States of recordings that somebody may listen to."""


def judged(stage: Stage, speakers: Sequence[Speaker]) -> list[str]:
    """What was violated, in words; empty where nothing was."""
    if not _settled(stage, speakers):
        return [f"a recording never ends: {_recordings(stage, speakers)}"]
    found = [fault for speaker in speakers for fault in _speaker(stage, speaker)]
    return [*found, *_pbx(stage.world), *_ledger(stage)]


def _settled(stage: Stage, speakers: Sequence[Speaker]) -> bool:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        ids = [speaker.call_id for speaker in speakers]
        unended = stage.daemon.rows("SELECT id FROM call WHERE id = ANY(%s::uuid[]) AND ended_at IS NULL", ids)
        states = [recording["state"] for recording in _recordings(stage, speakers)]
        if not unended and not UNFINISHED & set(states) and not _snoops(stage.world):
            return True
        time.sleep(0.2)
    return False


def _recordings(stage: Stage, speakers: Iterable[Speaker]) -> list[dict[str, Any]]:
    return [recording for speaker in speakers for recording in stage.daemon.recordings(speaker.call_id)]


def _speaker(stage: Stage, speaker: Speaker) -> list[str]:
    found = []
    decisions = stage.daemon.decisions(speaker.call_id)
    for recording in stage.daemon.recordings(speaker.call_id):
        name, started_at = recording["name"], recording["started_at"]
        allowing = [d for d in decisions if d["verdict"] == "allowed" and d["kind"] in {"record", "resume"}]
        allowed = [decision["written_at"] for decision in allowing]
        if started_at is not None and not any(at < started_at for at in allowed):
            found.append(f"{name} began before any decision that allows it")
        if not [d for d in decisions if d["kind"] in {"stop", "discard"}]:
            found.append(f"{name} has an end that nobody decided or told")
        file = stage.world.recording_file(name)
        if recording["state"] not in HEARD or not file.exists():
            continue
        for stretch in moments(file):
            for begin, end in speaker.silent:
                told = (begin - speaker.began + EDGE_S, end - speaker.began - EDGE_S)
                if stretch.begin_s < told[1] and stretch.end_s > told[0]:
                    found.append(f"{name} holds {stretch.begin_s:.2f} to {stretch.end_s:.2f} s of a pause {told}")
    tokens = [decision["token"] for decision in decisions]
    if len(set(tokens)) != len(tokens):
        found.append(f"a decision of call {speaker.call_id} is there twice")
    return found


def _snoops(world: World) -> list[str]:
    lines = world.pbx.asterisk.cli("core show channels concise").splitlines()
    return [line for line in lines if line.startswith("Snoop/")]


def _pbx(world: World) -> list[str]:
    return [f"a snoop channel is left: {line}" for line in _snoops(world)]


def _ledger(stage: Stage) -> list[str]:
    """Everything that was decided is in the database, as it was decided."""
    found = []
    journal = contents(stage.daemon.state / "journal")
    found += [f"the journal is broken: {fault}" for fault in journal.faults]
    if (stage.daemon.state / "journal" / "refused.jsonl").exists():
        found.append("the database has refused a decision")
    rows = stage.daemon.rows("SELECT name FROM recording")
    known = {str(row["name"]) for row in rows}
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
        proof = Proof(checkpoints=checkpoints, copies=outside, key=key, now=now(), grace=timedelta(hours=1))
        reports = verify(decided, proof)
    return [f"chain {report.writer}: {finding}" for report in reports for finding in report.findings]
