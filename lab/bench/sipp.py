"""SIPp: callers and agents by the hundred, each with RTP both ways.

Owns SIPp's processes, command lines and statistics. Does not know what the calls are for (``load``); the scenarios are
in ``lab/sipp``.
"""

import csv
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.pbx import AGENTS_ADDRESS, TRUNK_ADDRESS
from lab.ports import free_port
from lab.sweep import RATE, SWEEP_S, write_ulaw

SCENARIOS = Path(__file__).parent.parent / "sipp"
CALLER_MEDIA_PORT, AGENT_MEDIA_PORT = 20_000, 20_000
"""Each side has an address of its own, so the two do not meet."""

_ULAW_SILENCE = b"\xff"
_PATIENCE_S = 60
_STOP_S = 5.0


class SippError(RuntimeError):
    """SIPp did not start, or did not end by itself; the message holds the end of what it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many ``calls`` of ``seconds`` seconds each, ``rate`` new ones a second."""

    calls: int = 200
    seconds: float = 20.0
    rate: int = 10

    @property
    def lasts_s(self) -> float:
        """How long it takes if every call is answered at once."""
        return self.calls / self.rate + self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many calls SIPp counts as successful and failed, on the side of the callers and of the agents."""

    successful: int
    failed: int
    agents_successful: int
    agents_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Whom the callers call: the PBX's address and port, the number, and how their own numbers begin."""

    pbx: tuple[str, int]
    number: str
    digits: str


@contextmanager
def agents(folder: Path, load: Load, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run agents who answer on ``port``, talk for as long as the load says, and hang up."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "silence.ulaw").write_bytes(_ULAW_SILENCE * round(SWEEP_S * RATE))
    address = ["-i", AGENTS_ADDRESS, "-mi", AGENTS_ADDRESS, "-p", str(port), "-mp", str(AGENT_MEDIA_PORT)]
    with _sipp(folder, "agent.xml", load, [*address, "-d", str(round(load.seconds * 1000))]) as process:
        _wait_until_bound(process, AGENTS_ADDRESS, port)
        yield process


@contextmanager
def callers(folder: Path, load: Load, whom: Callers) -> Iterator[subprocess.Popen[bytes]]:
    """Run callers, each of whom plays the sweep from the moment of the answer on."""
    folder.mkdir(parents=True, exist_ok=True)
    write_ulaw(folder / "sweep.ulaw")
    port = free_port(socket.SOCK_DGRAM, TRUNK_ADDRESS)
    address = ["-i", TRUNK_ADDRESS, "-mi", TRUNK_ADDRESS, "-p", str(port), "-mp", str(CALLER_MEDIA_PORT)]
    keys = ["-key", "number", whom.number, "-key", "digits", whom.digits]
    pace = ["-r", str(load.rate), "-l", str(load.calls)]
    with _sipp(folder, "caller.xml", load, [*address, *pace, *keys, f"{whom.pbx[0]}:{whom.pbx[1]}"]) as process:
        yield process


def wait(process: subprocess.Popen[bytes], load: Load) -> None:
    """Wait for the end of one side. It sets itself a limit, which is waited for a little longer. Raises SippError."""
    try:
        process.wait(load.lasts_s + _PATIENCE_S + _STOP_S)
    except subprocess.TimeoutExpired as error:
        raise SippError("SIPp does not end") from error


def outcome(callers_folder: Path, agents_folder: Path) -> Outcome:
    """Read what both sides counted, once they have ended."""
    successful, failed = counted((callers_folder / "statistics.csv").read_text())
    agents_successful, agents_failed = counted((agents_folder / "statistics.csv").read_text())
    return Outcome(
        successful=successful, failed=failed, agents_successful=agents_successful, agents_failed=agents_failed
    )


def counted(statistics: str) -> tuple[int, int]:
    """Successful and failed calls, from the last line of SIPp's statistics. Raises SippError where there is none."""
    rows = list(csv.DictReader(statistics.splitlines(), delimiter=";"))
    if not rows:
        raise SippError("SIPp wrote no statistics")
    return int(rows[-1]["SuccessfulCall(C)"]), int(rows[-1]["FailedCall(C)"])


@contextmanager
def _sipp(folder: Path, scenario: str, load: Load, options: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run SIPp in a folder; what still runs at the end is ended."""
    program = shutil.which("sipp")
    if program is None:
        raise SippError("sipp is not installed: apt-get install sip-tester")
    limits = ["-m", str(load.calls), "-timeout", f"{round(load.lasts_s) + _PATIENCE_S}s", "-timeout_error"]
    traces = ["-trace_stat", "-stf", "statistics.csv", "-fd", "5", "-trace_err", "-error_file", "errors.log"]
    command = [program, "-sf", str(SCENARIOS / scenario), "-nostdin", *limits, *traces, *options]
    with (folder / "screen.log").open("wb") as screen:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(_STOP_S)


def _wait_until_bound(process: subprocess.Popen[bytes], address: str, port: int) -> None:
    """Wait until SIPp listens, which is when nobody else may. Raises SippError."""
    deadline = time.monotonic() + _STOP_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return
        time.sleep(0.05)
    raise SippError("SIPp does not listen")
