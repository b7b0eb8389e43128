"""``make bench``: measures under load, prints how it goes, and writes docs/benchmarks.md.

Ends with 0 when it could measure, whatever the figures are: a target that is missed is said in the document.
"""

import argparse
import asyncio
import os
import socket
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lab.bench import alone, banner, keeping
from lab.bench.load import Run, Way, configure, dialplan, run
from lab.bench.machine import this_machine
from lab.bench.report import Figures, document
from lab.bench.sipp import Load
from lab.pbx import AGENTS_ADDRESS, PbxOptions
from lab.ports import free_port
from lab.world import World

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says."""
    chosen = _chosen(arguments)
    at = datetime.now(UTC)
    load = Load(calls=chosen.calls, seconds=chosen.seconds, rate=chosen.rate)
    runs, asterisk = _rounds(load, chosen.rounds)
    _say(f"the daemon without a PBX: {chosen.complete} complete calls, {chosen.live} live ones")
    own = alone.measure(calls=chosen.complete, live=chosen.live)
    _say(f"a recording of {chosen.hours:g} h, kept")
    kept = keeping.measure(chosen.hours)
    _say(f"the banner: {chosen.cuts} cuts")
    shown = asyncio.run(banner.measure(cuts=chosen.cuts))
    machine = this_machine(asterisk)
    figures = Figures(at=at, machine=machine, load=load, runs=runs, alone=own, keeping=kept, banner=shown)
    chosen.document.write_text(document(figures))
    print(chosen.document.read_text())
    _say(f"written to {chosen.document}")


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.bench", description="Measure under load.")
    parser.add_argument("--calls", type=int, default=200, help="calls of each run")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each call is")
    parser.add_argument("--rate", type=int, default=10, help="new calls a second")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each way")
    parser.add_argument("--complete", type=int, default=5000, help="complete calls against a PBX that is not there")
    parser.add_argument("--live", type=int, default=10_000, help="calls that are live at once in the replay")
    parser.add_argument("--hours", type=float, default=keeping.HOURS, help="how long the recording is that is kept")
    parser.add_argument("--cuts", type=int, default=banner.CUTS, help="how often the network to the banner is cut")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="where to write the figures")
    return parser.parse_args(arguments)


def _rounds(load: Load, rounds: int) -> tuple[list[Run], str]:
    """Every way in turn, so many times; and which Asterisk that was."""
    agents_port = free_port(socket.SOCK_DGRAM, AGENTS_ADDRESS)
    options = PbxOptions(dialplan=dialplan(agents_port))
    done = []
    with (
        World.running(configure, options=options, daemon=False) as world,
        tempfile.TemporaryDirectory(prefix="rc-bench-") as made,
    ):
        asterisk = world.pbx.asterisk.cli("core show version")
        for serial in range(1, rounds + 1):
            for way in Way:
                _say(f"round {serial} of {rounds}, {way.value}: {load.calls} calls of {load.seconds:g} s")
                folder = Path(made) / f"{serial}-{way.name}"
                one = run(world, way, load, agents_port=agents_port, folder=folder)
                done.append(one)
                _say(f"  {one.calls.successful} calls in {one.elapsed_s:.0f} s, {one.cpu.all_s:.2f} CPU-s")
    return done, asterisk


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} (load {os.getloadavg()[0]:.1f}) {what}", flush=True)


if __name__ == "__main__":
    main()
