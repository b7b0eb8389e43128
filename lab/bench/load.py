"""The load on one PBX, in three ways side by side: plain Dial, Dial + MixMonitor, and ours.

Owns the bench's dialplan and configuration, and the order of one run: callers and agents, what is measured beside them.
The PBX is one and the same process for all three ways; without the daemon, nothing of ours is connected to it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from controller.db.embedded import running_url
from lab.bench import cost, sipp
from lab.bench.capture import FRAMES_A_SECOND, Capture, Sound, capturing
from lab.bench.cost import Cpu
from lab.bench.latency import Latencies, Recorded, latencies
from lab.bench.pauser import Trigger
from lab.bench.sipp import Callers, Load, Outcome
from lab.pbx import AGENTS_ADDRESS
from lab.sweep import moments
from lab.world import World, record_every_call

SETTLE_S = 1.5
"""After the last call: what it left behind (a file closed, decisions written) still belongs to the cost."""

ANNOUNCEMENT_S = 10.0
"""More than the announcement takes, and whatever else comes before the talk."""

_REPOSITORY = Path(__file__).parent.parent.parent


class Way(StrEnum):
    """A way to carry the same calls."""

    PLAIN = "plain Dial"
    MIXMONITOR = "Dial + MixMonitor"
    OURS = "recording-controller"


NUMBERS = {Way.PLAIN: "0199000030", Way.MIXMONITOR: "0199000031", Way.OURS: "0199000032"}
DIGITS = "0639980"
"""How the callers' numbers begin; the number of the call follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way, measured once. ``others_s`` is what all programs but ours, the PBX and SIPp spent meanwhile."""

    way: Way
    began: datetime
    elapsed_s: float
    cpu: Cpu
    others_s: float
    calls: Outcome
    latencies: Latencies | None = None
    why_not: str = ""


def dialplan(agents_port: int) -> str:
    """The three numbers. The agents are SIPp's, but their channels have an agent's name."""
    dial = f"Dial(PJSIP/201/sip:201@{AGENTS_ADDRESS}:{agents_port},30)"
    return f"""
[from-trunk](+)
exten => {NUMBERS[Way.PLAIN]},1,{dial}
 same => n,Hangup()
exten => {NUMBERS[Way.MIXMONITOR]},1,MixMonitor(bench-${{UNIQUEID}}.wav,b)
 same => n,{dial}
 same => n,Hangup()
exten => {NUMBERS[Way.OURS]},1,Gosub(recording-consent,s,1(every))
 same => n,{dial}
 same => n,Hangup()
"""


def configure(config: dict[str, Any]) -> None:
    """Record every call, after an announcement of a word or two: only the talk is to be long."""
    record_every_call(config)
    config["announcements"]["quality"]["text"] = {"fr": "Enregistré.", "en": "Recorded."}


def run(world: World, way: Way, load: Load, *, agents_port: int, folder: Path) -> Run:
    """Carry all calls one way. Raises SippError; for ours, the daemon is started before and stopped after."""
    if way is not Way.OURS:
        return _measured(world, way, load, agents_port=agents_port, folder=folder)
    frames = round(load.calls * (load.seconds + ANNOUNCEMENT_S) * FRAMES_A_SECOND)
    world.daemon.start()
    try:
        with capturing(sip_port=world.pbx.sip_port, frames=frames) as capture, _Pauser(world, load, folder) as pauser:
            measured = _measured(world, way, load, agents_port=agents_port, folder=folder)
            triggers = pauser.triggers()
        told = latencies(_recorded(world, load, capture, measured.began), triggers)
    finally:
        world.daemon.stop()
    return replace(measured, latencies=told, why_not=capture.missing)


def _measured(world: World, way: Way, load: Load, *, agents_port: int, folder: Path) -> Run:
    whom = Callers(pbx=(world.pbx.sip_address, world.pbx.sip_port), number=NUMBERS[way], digits=DIGITS)
    with sipp.agents(folder / "agents", load, agents_port) as answering:
        before, busy, own = _spent(world), cost.of_machine(), cost.of_us()
        began, clock = datetime.now(UTC), time.monotonic()
        with sipp.callers(folder / "callers", load, whom) as calling:
            sipp.wait(calling, load)
        sipp.wait(answering, load)
        elapsed = time.monotonic() - clock
        time.sleep(SETTLE_S)
        spent = _spent(world).since(before)
        others = cost.of_machine() - busy - (cost.of_us() - own) - spent.all_s
    calls = sipp.outcome(folder / "callers", folder / "agents")
    return Run(way=way, began=began, elapsed_s=elapsed, cpu=spent, others_s=others, calls=calls)


def _spent(world: World) -> Cpu:
    asterisk = cost.of_process(world.pbx.asterisk.pid)
    if world.daemon.process is None:
        return Cpu(asterisk_s=asterisk)
    postmaster = int((world.daemon.state / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
    return Cpu(
        asterisk_s=asterisk,
        daemon_s=cost.of_process(world.daemon.pid),
        postgres_s=cost.of_family(postmaster),
    )


def _recorded(world: World, load: Load, capture: Capture, since: datetime) -> list[Recorded]:
    """The calls of this run that were recorded, each with the sound of the caller who made it."""
    found = []
    for number in (f"{DIGITS}{serial}" for serial in range(1, load.calls + 1)):
        call = world.daemon.call_of(number)
        if call is not None and call["started_at"] >= since:
            found.extend(_of_call(world, call, capture.sound(number)))
    return found


def _of_call(world: World, call: Mapping[str, Any], sound: Sound | None) -> list[Recorded]:
    return [
        Recorded(
            call=str(call["id"]),
            answered_at=call["answered_at"],
            started_at=recording["started_at"],
            heard=moments(world.recording_file(recording["name"])),
            sound=sound,
        )
        for recording in world.daemon.recordings(call["id"])
        if recording["started_at"] is not None
    ]


class _Pauser:
    """The client that pauses, in a process of its own."""

    def __init__(self, world: World, load: Load, folder: Path) -> None:
        database = running_url(world.daemon.state / "postgresql")
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "triggers.json"
        self._job = json.dumps(
            {
                "api": f"http://127.0.0.1:{world.daemon.http_port}/api/v1",
                "database": database,
                "calls": load.calls,
                "talk_s": load.seconds,
                "limit_s": load.lasts_s + 30,
                "file": str(self._file),
            }
        )
        self._environ = os.environ | {"RC_BENCH_TOKEN": world.daemon.token}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "lab.bench.pauser", self._job]
        self._process = subprocess.Popen(command, cwd=_REPOSITORY, env=self._environ, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def triggers(self) -> tuple[Trigger, ...]:
        """What it did, once it has ended."""
        self._process.wait(60)
        return tuple(Trigger(**told) for told in json.loads(self._file.read_text()))
