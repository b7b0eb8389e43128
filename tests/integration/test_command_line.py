"""What the command line says and how it ends, mostly where something is wrong. Each command runs as a user runs it."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen
from typing import Any

import numpy as np
import pytest
import yaml

from controller.db.ledger import PostgresLedger
from lab.ports import free_port
from lab.sweep import write_wav
from lab.world import EXAMPLE
from tests.integration.entries import a_decision, a_recording

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


class Machine:
    """The shipped example on a machine of its own, with silence for announcements."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "recording-controller.yaml"
        self.config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
        self.config["state_directory"] = str(folder / "state")
        self.config["pbxs"][0]["sounds"] = str(folder / "sounds")
        self.config["fastagi"]["port"], self.config["http"]["port"] = free_port(), free_port()
        for announcement in self.config["announcements"].values():
            for language in announcement["text"]:
                sound = folder / "sounds" / language / f"{announcement['sound']}.wav"
                sound.parent.mkdir(parents=True, exist_ok=True)
                write_wav(sound, np.zeros(800))

    def run(self, *arguments: str, database: str = NOWHERE) -> CompletedProcess[str]:
        """Run a command to its end, with this database."""
        with self.started(*arguments, database=database) as process:
            out, err = process.communicate(timeout=60)
        return CompletedProcess(arguments, process.returncode, out, err)

    def started(self, *arguments: str, database: str) -> Popen[str]:
        """A command that has begun."""
        self.config["database"] = {"url": database}
        # JSON is YAML too, and leaves no number without its quotes
        self.file.write_text(json.dumps(self.config, default=str))
        return Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "controller", *arguments],
            env={**os.environ, "RC_CONFIG": str(self.file), "RECORDING_CONTROLLER_ARI_PASSWORD": "invented"},
            stdout=PIPE,
            stderr=PIPE,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of loopback that somebody else listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("listener", ["http", "fastagi"])
def test_a_port_that_is_taken_is_told_in_one_line(machine: Machine, taken: int, database: str, listener: str) -> None:
    machine.config[listener]["port"] = taken
    result = machine.run("run", database=database)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"recording-controller: {listener} cannot listen: ")
    assert "address already in use" in last


def test_a_pbx_that_is_away_is_named_in_the_log(machine: Machine, database: str) -> None:
    machine.config["pbxs"][0]["ari"]["url"] = f"http://127.0.0.1:{free_port()}/ari"
    with machine.started("run", database=database) as daemon:
        assert daemon.stderr is not None
        logged = (json.loads(line) for line in daemon.stderr)
        away = next(line for line in logged if line["event"] == "ari.unavailable")
        daemon.terminate()
        daemon.communicate(timeout=60)
    assert (away["pbx"], daemon.returncode) == ("main", 0)


def test_a_reload_before_the_daemon_is_ready_does_not_end_it(machine: Machine) -> None:
    with machine.started("run", database=NOWHERE) as daemon:
        assert daemon.stderr is not None
        next(line for line in daemon.stderr if json.loads(line)["event"] == "app.database_not_ready")
        daemon.send_signal(signal.SIGHUP)
        daemon.terminate()
        daemon.communicate(timeout=60)
    assert daemon.returncode == 0


def test_a_database_that_is_not_migrated_is_told_with_what_to_do(machine: Machine, empty_database: str) -> None:
    result = machine.run("decisions", database=empty_database)
    told = "recording-controller: the database is not migrated: run recording-controller migrate\n"
    assert (result.returncode, result.stderr) == (1, told)


def test_a_database_that_is_away_is_told_in_one_line(machine: Machine) -> None:
    result = machine.run("recordings")
    assert result.returncode == 1
    assert result.stderr.startswith("recording-controller: connection failed: ")
    assert result.stderr.count("\n") == 1


def test_what_is_no_id_of_a_call_is_a_wrong_command_line(machine: Machine) -> None:
    result = machine.run("decisions", "--call", "1795480137.4")
    assert result.returncode == 2
    assert "'1795480137.4' is not a valid UUID" in result.stderr


@pytest.mark.parametrize("command", ["decisions", "recordings"])
@pytest.mark.parametrize(("shape", "told"), [("table", "nothing found\n"), ("jsonl", "")])
def test_nothing_found_leaves_standard_output_empty(
    machine: Machine, database: str, command: str, shape: str, told: str
) -> None:
    result = machine.run(command, "--format", shape, database=database)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", told)


async def test_a_row_fits_one_line_of_a_table_and_is_whole_in_json(
    machine: Machine, database: str, ledger: PostgresLedger
) -> None:
    recording = a_recording()
    await ledger.write([a_decision(call_id=recording.call_id), recording])
    for command, own in (("decisions", "opted-out"), ("recordings", recording.name)):
        table = await asyncio.to_thread(machine.run, command, database=database)
        assert [own in line for line in table.stdout.splitlines()] == [False, True]
        rows = await asyncio.to_thread(machine.run, command, "--format", "jsonl", database=database)
        assert json.loads(rows.stdout)["call_id"] == recording.call_id


def test_a_file_that_is_not_there_is_told_as_a_fault(machine: Machine) -> None:
    result = machine.run("check-config", "policy.yaml")
    assert (result.returncode, result.stderr) == (
        2,
        "policy.yaml:1: file: cannot be read: No such file or directory\n",
    )
