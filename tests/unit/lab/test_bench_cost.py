"""What /proc says of processes and of the machine."""

import os
import subprocess
import sys

import pytest

from lab.bench.cost import Cpu, busy, of_family, of_machine, of_process, of_us, parent, resident_bytes, times

TICKS = os.sysconf("SC_CLK_TCK")
STAT = "4211 (a) b (c) S 17 4211 4211 0 -1 4194560 1 2 3 4 700 300 50 25 20 0 9 0 12345 999 88"


def test_times_are_read_behind_a_name_that_holds_brackets() -> None:
    told = times(STAT)
    assert told.own_s == pytest.approx(1000 / TICKS)
    assert told.waited_for_s == pytest.approx(75 / TICKS)
    assert parent(STAT) == 17


def test_the_machine_is_busy_with_all_but_idling_and_waiting() -> None:
    assert busy("cpu  100 20 30 9000 800 4 6 70 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n") == pytest.approx(160 / TICKS)


def test_what_was_spent_since_is_a_difference_program_by_program() -> None:
    before, after = Cpu(asterisk_s=1, daemon_s=2, postgres_s=3), Cpu(asterisk_s=11, daemon_s=2.5, postgres_s=3.25)
    assert after.since(before) == Cpu(asterisk_s=10, daemon_s=0.5, postgres_s=0.25)
    assert after.since(before).all_s == pytest.approx(10.75)


def test_a_family_costs_its_first_process_and_the_children_that_it_has() -> None:
    work = "import time\nwhile time.process_time() < 0.2: pass\n"
    parents = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {work!r}])\nprint(flush=True)\ninput()"
    command = [sys.executable, "-c", parents]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - ourselves
        assert process.stdout is not None
        process.stdout.readline()
        assert of_family(process.pid) >= of_process(process.pid) + 0.19
        assert resident_bytes(process.pid) > 0
        process.communicate(b"\n")


def test_what_we_spend_the_machine_spends() -> None:
    machine, own = of_machine(), of_us()
    while of_us() < own + 0.1:
        pass
    assert of_machine() >= machine + 0.05
