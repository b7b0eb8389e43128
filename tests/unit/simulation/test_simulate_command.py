"""The command ``simulate``, as people run it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.__main__ import main
from tests.unit.config.conftest import FAULTLESS, write_sound
from tests.unit.simulation.test_call_log import LINE

MISSED = LINE.replace("ANSWERED", "NO ANSWER").replace("1772442000.1", "1772442001.1")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("told", "information", "choice"):
        for language in ("fr", "en"):
            write_sound(tmp_path / "sounds" / language / "rc" / f"{name}.wav")
    file = tmp_path / "recording-controller.yaml"
    file.write_text(FAULTLESS.replace("SOUNDS", str(tmp_path / "sounds")).replace("STATE", str(tmp_path / "state")))
    return file


def simulate(config: Path, log: str, *words: str) -> Result:
    calls = config.parent / "Master.csv"
    calls.write_text(log)
    return CliRunner().invoke(main, ["simulate", "--config", str(config), "--calls", str(calls), *words])


def calls_of(number: int) -> str:
    """So many calls of one customer each."""
    return "".join(
        LINE.replace("1772442000.1", f"1772442000.{n}").replace("0639980001", f"063998{n:04d}") for n in range(number)
    )


def test_calls_and_sums_are_printed_without_a_number(config: Path) -> None:
    done = simulate(config, calls_of(120) + MISSED, "--objecting", "0.1", "--format", "jsonl")
    assert (done.exit_code, done.stderr) == (0, "")
    *calls, nothing, quality = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(calls) == 120
    assert calls[0] == {
        "line": 1,
        "call": "1772442000.0",
        "at": "2026-03-02T09:00:12.000+00:00",
        "direction": "inbound",
        "queue": "support",
        "route": "support",
        "purpose": "quality",
        "recorded": False,
        "reason": calls[0]["reason"],
    }
    assert (nothing["reasons"], nothing["share"]) == ({"unanswered": 1}, 0)
    assert quality["calls"] == 120
    assert quality["share"] == round(sum(call["recorded"] for call in calls) / 120, 3)
    assert "63998" not in done.stdout
    assert "Ann" not in done.stdout


def test_a_table_has_both_and_a_summary_only_the_sums(config: Path) -> None:
    both, sums = simulate(config, calls_of(5)), simulate(config, calls_of(5), "--summary")
    assert both.stdout.count("1772442000.") == 5
    assert both.stdout.endswith(f"\n\n{sums.stdout}")
    assert sums.stdout.splitlines()[1].split()[:3] == ["quality", "queue=support,agent=201", "5"]


def test_an_excluded_call_shows_in_the_sums_alone(config: Path) -> None:
    config.write_text(config.read_text() + "never_recorded: {queues: [support]}\n")
    done = simulate(config, LINE, "--format", "jsonl")
    [total] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (total["purpose"], total["stratum"], total["reasons"]) == (None, None, {"excluded": 1})


def test_the_options_say_what_the_log_does_not(config: Path) -> None:
    dialled = LINE.replace("Queue", "Dial").replace("support,rt,,,60", "PJSIP/201,30")
    words = ("--inbound-context", "from-*", "--queue", "from-trunk=support", "--language", "en", "--seed", "3")
    [call, _] = simulate(config, dialled, *words, "--format", "jsonl").stdout.splitlines()
    assert (json.loads(call)["queue"], json.loads(call)["route"]) == ("support", "support")
    assert json.loads(simulate(config, dialled, "--format", "jsonl").stdout.splitlines()[0])["route"] is None


def test_lines_that_are_none_are_told_all_at_once(config: Path) -> None:
    done = simulate(config, f"a,b\n{LINE}c\n")
    assert (done.exit_code, done.stdout) == (2, "")
    log = config.parent / "Master.csv"
    assert done.stderr.splitlines() == [
        f"{log}:1: has 2 fields, not 16 to 21",
        f"{log}:3: has 1 fields, not 16 to 21",
    ]


def test_a_queue_without_its_context_is_a_wrong_option(config: Path) -> None:
    done = simulate(config, LINE, "--queue", "support")
    assert done.exit_code == 2
    assert "must be CONTEXT=QUEUE" in done.stderr


def test_an_empty_log_comes_to_nothing(config: Path) -> None:
    done = simulate(config, "")
    assert (done.exit_code, done.stdout) == (0, "")
