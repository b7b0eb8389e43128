"""The document of the bench: which figures count for which target."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.bench.alone import Alone, Completed
from lab.bench.banner import Shown
from lab.bench.cost import Cpu
from lab.bench.keeping import Keeping, Step
from lab.bench.latency import Latencies
from lab.bench.load import Run, Way
from lab.bench.machine import Machine, kernel, processor
from lab.bench.replay import Replayed
from lab.bench.report import Figures, document, targets
from lab.bench.sipp import Load, Outcome, SippError, counted

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
MACHINE = Machine(
    cores=2,
    processor="A Processor",
    memory_gib=24,
    kernel="6.1",
    python="3.11.7",
    asterisk="Asterisk 22.10.1",
    niceness=0,
)


def latencies(*pauses: float) -> Latencies:
    return Latencies(pauses=pauses, confirmations=(4.0,), starts=(7.0, 9.0), unread=0)


def run(
    way: Way, asterisk_s: float, told: Latencies | None = None, *, daemon_s: float = 0, postgres_s: float = 0
) -> Run:
    return Run(
        way=way,
        began=AT,
        elapsed_s=40,
        cpu=Cpu(asterisk_s=asterisk_s, daemon_s=daemon_s, postgres_s=postgres_s),
        others_s=0.5,
        calls=Outcome(successful=200, failed=0, agents_successful=200, agents_failed=0),
        latencies=told,
    )


FIGURES = Figures(
    at=AT,
    machine=MACHINE,
    load=Load(),
    runs=[
        run(Way.PLAIN, 18),
        run(Way.MIXMONITOR, 25),
        run(Way.OURS, 20, latencies(8, 12), daemon_s=1, postgres_s=0.5),
        run(Way.PLAIN, 19),
        run(Way.MIXMONITOR, 27),
        run(Way.OURS, 22, latencies(9, 30), daemon_s=3, postgres_s=0.5),
    ],
    alone=Alone(
        completed=Completed(calls=3000, seconds=8, daemon_s=6),
        replayed=Replayed(calls=1000, events=14_000, events_a_second=25_000, bytes_a_call=4_000),
    ),
    keeping=Keeping(seconds=3600, steps=(Step(what="in", cpu_s=2, grew_mib=1), Step(what="out", cpu_s=4, grew_mib=0))),
    banner=Shown(changes=[30, 10, 20], returns=[150, 250], cuts=[2000]),
)


def test_every_target_is_held_against_the_figures_of_all_rounds() -> None:
    measured = [target.measured for target in targets(FIGURES)]
    # the middle of 21.5 and 25.5 against the middle of 25 and 27; the middle of 1 in 20 and 3 in 22
    assert measured == pytest.approx([30, 9, 100 * 23.5 / 26, 100 * (0.05 + 3 / 22) / 2, 25_000, 375, 4, 30, 250, 600])


def test_a_missed_target_stands_in_the_document() -> None:
    text = document(FIGURES)
    rows = [line for line in text.splitlines() if line.startswith("| Trigger to last recorded sample, p99 ")]
    assert [row.rstrip(" |").endswith("**no**") for row in rows] == [True]


def test_the_document_names_the_machine_the_date_and_the_load() -> None:
    text = document(FIGURES)
    assert "Measured on 2026-01-05 at 09:00 UTC: 2 cores (A Processor), 24 GiB" in text
    assert "200 calls of 20 s, 10 new ones a second, RTP both ways, each paused once for 2 s; 2 rounds" in text
    assert "Asterisk 22.10.1.\n" in text


def test_a_run_before_all_others_says_so() -> None:
    text = document(replace(FIGURES, machine=replace(MACHINE, niceness=-5)))
    assert "Asterisk 22.10.1, at niceness -5.\n" in text


def test_the_three_ways_stand_side_by_side_with_their_span() -> None:
    rows = {line.split("|")[1].strip(): line for line in document(FIGURES).splitlines() if line.startswith("| ")}
    assert "| 18.50 (18.00 to 19.00) |" in rows["plain Dial"]
    assert "| 26.00 (25.00 to 27.00) |" in rows["Dial + MixMonitor"]
    assert "| 2.00 (1.00 to 3.00) |" in rows["recording-controller"]


def test_where_sound_cannot_be_captured_the_document_says_so_and_the_target_is_not_reached() -> None:
    blind = [replace(one, latencies=latencies(), why_not="capturing is not allowed") for one in FIGURES.of(Way.OURS)]
    figures = replace(FIGURES, runs=[*FIGURES.of(Way.PLAIN), *FIGURES.of(Way.MIXMONITOR), *blind])
    assert not targets(figures)[0].reached
    assert "not measured: capturing is not allowed." in document(figures)


def test_a_pause_that_could_not_be_read_is_counted_in_the_document() -> None:
    unread = replace(FIGURES.runs[2], latencies=replace(latencies(8), unread=2))
    assert "2 pauses could not be read" in document(replace(FIGURES, runs=[*FIGURES.runs, unread]))


def test_a_processor_is_named_or_else_its_architecture() -> None:
    assert processor("processor\t: 0\nmodel name\t: A Processor\n") == "A Processor"
    assert processor("processor\t: 0\n")


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.1.0-25-amd64", "6.1"), ("6.18-rc1", "6.18"), ("6.18.44-somebodys-v669", "6.18"), ("unknown", "")],
)
def test_of_a_kernel_only_its_version_is_told(release: str, version: str) -> None:
    assert kernel(release) == version


def test_calls_are_counted_from_the_last_line_of_the_statistics() -> None:
    text = "CallRateC;SuccessfulCall(C);FailedCall(C);\n1;3;0;\n1;198;2;\n"
    assert counted(text) == (198, 2)
    with pytest.raises(SippError):
        counted("SuccessfulCall(C);FailedCall(C)\n")


def test_what_the_banner_shows_stands_there_with_its_spread() -> None:
    rows = [line for line in document(FIGURES).splitlines() if line.startswith("| a call has changed")]
    assert [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows] == [["3", "20", "30", "30"]]
