"""What was measured, as a document: the targets first, then the figures that they were held against.

Pure. Owns the words and the tables, and which figures count for which target. The targets are the design's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from lab.bench.alone import Alone
from lab.bench.banner import Shown
from lab.bench.banner import section as banner_section
from lab.bench.figures import Distribution, Target, Wanted, number, rank, table
from lab.bench.keeping import Keeping
from lab.bench.load import Run, Way
from lab.bench.machine import Machine
from lab.bench.sipp import Load

_INTRODUCTION = """# Benchmarks

`make bench` writes this document, whatever the figures are. [How to read it](#how-it-is-measured) stands at the end.
"""

_METHOD = """## How it is measured

The three ways carry the same calls through the same Asterisk process, one after the other, each round anew. Callers and
agents are SIPp, both send RTP all the time, everything runs on the same machine. CPU is what Linux counts for each
process from before the first call until 1.5 s after the last. Our calls are longer by the announcement, about 1.5 s,
that the other ways do not have. "Others" is what all programs on the machine spent, less the PBX, the daemon,
PostgreSQL, SIPp and the bench itself: what disturbed the run. Only our calls are captured, and their client looks for
new calls in PostgreSQL twice a second: both are counted against us.

- **Trigger to last recorded sample.** A client asks `POST /api/v1/calls/{id}/pause` and notes the time just before. The
  caller plays a sweep whose frequency tells its own time, so the recorded file says which RTP frame was the last before
  the pause, and the kernel's capture says when that frame reached the PBX. Below zero: nothing after the trigger was
  recorded.
- **Answer to RecordingStarted.** From the moment that the daemon reads that the agent is in the bridge with the
  customer to the moment that it reads `RecordingStarted`, as it stored both. The decision is committed in between.
- **Complete calls.** The daemon with its own PostgreSQL against a PBX that is not there: dialogue by FastAGI, answer,
  decision, snoop channel, dead man's switch, recording, end; until the last is in PostgreSQL.
- **ARI events.** Events of calls that are all live at once, down a websocket, through the daemon's parts up to the
  commands, which nobody carries out. The weight of a live call is what the process grew by, divided by those calls.
- **A recording that is kept.** One long WAV, sealed into a folder and read back, then opened, made into MP3, and that
  sealed and read back. CPU of all threads together, so it is what one core would need.
- **What the banner shows.** A real Chromium shows it through a relay. From just before the dispatcher is told that the
  PBX has confirmed a pause, or a resume, until the page's DOM says so. A cut carries nothing more either way, does not
  tell the browser, and never carries again what was open or is opened meanwhile; a call changes while it lasts. From
  the moment that the relay carries what is opened anew, until the DOM says what is so by then. Where a network drops
  what opens a connection, and does not only keep it, TCP's own waiting may come on top; that was not measured.
"""

_WHY = """## Where the daemon's CPU goes

A call of the load costs the daemon several times what a complete call costs it at full speed. Part of that is more
work: a pause, a resume, refreshes of the dead man's switch. The rest was not taken apart; the likely reason is that at
ten calls a second nothing shares a wake-up, a write or a transaction, which at full speed many calls do. Nor was the
tail of the answers: what delays the slowest was not found.

A profile of 100 such calls (py-spy, 200 samples a second, 2026-11-24, the machine shared with other programs) put the
main thread's time to the event loop and its system calls (41 %), PostgreSQL (17 %), ARI over HTTP (14 %), reading
events and deciding (8 %), the HTTP API (5 %) and FastAGI (4 %). No single place is worth a remedy of its own. A call of
20 s makes some eleven requests to Asterisk, and about half of them refresh the dead man's switch: that is the price of
"nobody watching, nothing recorded". An idle daemon used 0.03 s in 20 s.

Tried and not taken: to gather for 50 ms what no recording waits for, so that more of it shares a transaction. The
daemon used 15 % less (one run of each, the second on a quieter machine), and what is gathered is lost with the daemon.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that one run of the bench has measured."""

    at: datetime
    machine: Machine
    load: Load
    runs: Sequence[Run]
    alone: Alone
    keeping: Keeping
    banner: Shown

    def of(self, way: Way) -> list[Run]:
        """The runs of one way."""
        return [run for run in self.runs if run.way is way]

    def milliseconds(self, which: str) -> list[float]:
        """One kind of latency, of all rounds."""
        return [value for run in self.of(Way.OURS) if run.latencies for value in getattr(run.latencies, which)]


def document(figures: Figures) -> str:
    """The whole document."""
    parts = [_INTRODUCTION, _where(figures), _targets(figures), _ways(figures), _times(figures)]
    parts += [_alone(figures), _keeping(figures.keeping), banner_section(figures.banner)]
    return "\n".join([*parts, _WHY, _METHOD])


def targets(figures: Figures) -> list[Target]:
    """The design's targets, each with what was measured."""
    ours, mixmonitor = figures.of(Way.OURS), figures.of(Way.MIXMONITOR)
    alone = figures.alone
    at_most, at_least = Wanted.AT_MOST, Wanted.AT_LEAST
    return [
        _target("Trigger to last recorded sample, p99", at_most, 20, _p99(figures, "pauses"), "ms"),
        _target("Answer to RecordingStarted, p99", at_most, 15, _p99(figures, "starts"), "ms"),
        _target(
            "Asterisk, daemon and PostgreSQL together, against Dial + MixMonitor",
            at_most,
            100,
            100 * _middle(ours, lambda run: run.cpu.all_s) / _middle(mixmonitor, lambda run: run.cpu.all_s),
            "%",
        ),
        _target(
            "The daemon, against Asterisk",
            at_most,
            5,
            100 * _middle(ours, lambda run: run.cpu.daemon_s / run.cpu.asterisk_s),
            "%",
        ),
        _target("ARI events, replayed", at_least, 20_000, alone.replayed.events_a_second, "a second"),
        _target("Complete calls", at_least, 300, alone.completed.a_second, "a second"),
        _target("A live call", at_most, 10, alone.replayed.bytes_a_call / 1000, "kB"),
        _target("A change on an agent's banner, p95", at_most, 200, _p95(figures.banner.changes), "ms"),
        _target("The banner once a cut is over, p95", at_most, 200, _p95(figures.banner.returns), "ms"),
        _target("A recording kept, MP3 included, on one core", at_least, 300, figures.keeping.times, "times real time"),
    ]


def _target(what: str, wanted: Wanted, limit: float, measured: float, unit: str) -> Target:
    return Target(what=what, wanted=wanted, limit=limit, measured=measured, unit=unit)


def _p99(figures: Figures, which: str) -> float:
    return Distribution.of(figures.milliseconds(which)).p99


def _p95(values: Sequence[float]) -> float:
    return rank(sorted(values), 95)


def _where(figures: Figures) -> str:
    machine, load = figures.machine, figures.load
    rounds = len(figures.of(Way.OURS))
    priority = f", at niceness {machine.niceness}" if machine.niceness else ""
    return (
        f"Measured on {figures.at:%Y-%m-%d at %H:%M} UTC: {machine.cores} cores ({machine.processor}), "
        f"{machine.memory_gib:.0f} GiB, Linux {machine.kernel}, Python {machine.python}, "
        f"{machine.asterisk}{priority}.\n"
        f"The load: {load.calls} calls of {load.seconds:g} s, {load.rate} new ones a second, RTP both ways, "
        f"each paused once for 2 s; {rounds} {'round' if rounds == 1 else 'rounds'} of each way.\n"
    )


def _targets(figures: Figures) -> str:
    rows = [target.row() for target in targets(figures)]
    return f"## Targets\n\n{table(('what', 'target', 'measured', 'reached'), rows)}\n"


def _ways(figures: Figures) -> str:
    head = ("CPU-s", "Asterisk", "daemon", "PostgreSQL", "together", "others", "calls", "failed")
    rows = [_way(way, figures.of(way)) for way in Way]
    return (
        f"## Three ways to carry the same calls\n\nThe middle of the rounds, and their span.\n\n{table(head, rows)}\n"
    )


def _way(way: Way, runs: Sequence[Run]) -> tuple[str, ...]:
    return (
        way.value,
        _spread(run.cpu.asterisk_s for run in runs),
        _spread(run.cpu.daemon_s for run in runs),
        _spread(run.cpu.postgres_s for run in runs),
        _spread(run.cpu.all_s for run in runs),
        _spread(run.others_s for run in runs),
        str(sum(run.calls.successful for run in runs)),
        str(sum(run.calls.failed for run in runs)),
    )


def _times(figures: Figures) -> str:
    rows = [
        _time("trigger to last recorded sample", figures, "pauses"),
        _time("trigger to confirmation, as the client sees it", figures, "confirmations"),
        _time("answer to RecordingStarted", figures, "starts"),
    ]
    head = ("ms", "calls", "p50", "p99", "max", "p99 of each round")
    unread = sum(run.latencies.unread for run in figures.of(Way.OURS) if run.latencies)
    reasons = {run.why_not for run in figures.of(Way.OURS) if run.why_not}
    notes = [f"{unread} pauses could not be read from the audio."] if unread else []
    notes += [f"The arrival of the callers' sound was not measured: {reason}." for reason in sorted(reasons)]
    return "\n".join(["## Times\n", table(head, rows), *(f"\n{note}" for note in notes)]) + "\n"


def _time(what: str, figures: Figures, which: str) -> tuple[str, ...]:
    whole = Distribution.of(figures.milliseconds(which))
    rounds = [Distribution.of(getattr(run.latencies, which)) for run in figures.of(Way.OURS) if run.latencies]
    each = ", ".join(number(one.p99) for one in rounds)
    return (what, str(whole.count), number(whole.p50), number(whole.p99), number(whole.most), each)


def _alone(figures: Figures) -> str:
    completed, replayed = figures.alone.completed, figures.alone.replayed
    rows = [
        (
            "complete calls",
            f"{completed.calls:,} in {completed.seconds:.1f} s",
            f"{number(completed.a_second)} a second",
        ),
        ("the daemon's CPU for one", "", f"{number(1000 * completed.daemon_s / completed.calls)} ms"),
        ("and for one call of the load", "", f"{number(1000 * _daemon_a_call(figures))} ms"),
        ("ARI events", f"{replayed.events:,}", f"{number(replayed.events_a_second)} a second"),
        ("a live call", f"{replayed.calls:,} at once", f"{number(replayed.bytes_a_call / 1000)} kB"),
    ]
    return f"## The daemon without a PBX\n\n{table(('what', 'measured over', 'figure'), rows)}\n"


def _keeping(keeping: Keeping) -> str:
    rows = [
        (step.what, f"{step.cpu_s:.1f} s", f"{keeping.seconds / step.cpu_s:.0f}", f"{step.grew_mib:.1f} MiB")
        for step in keeping.steps
    ]
    head = (f"a recording of {keeping.seconds / 3600:g} h", "CPU", "times real time", "memory grew by")
    return f"## A recording that is kept\n\n{table(head, rows)}\n"


def _daemon_a_call(figures: Figures) -> float:
    return _middle(figures.of(Way.OURS), lambda run: run.cpu.daemon_s) / figures.load.calls


def _middle(runs: Iterable[Run], figure: Callable[[Run], float]) -> float:
    return median(figure(run) for run in runs)


def _spread(values: Iterable[float]) -> str:
    """The middle, and from where to where where that differs."""
    ordered = sorted(values)
    if len(ordered) == 1 or ordered[0] == ordered[-1]:
        return f"{ordered[0]:.2f}"
    return f"{median(ordered):.2f} ({ordered[0]:.2f} to {ordered[-1]:.2f})"
