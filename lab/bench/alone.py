"""The daemon without a PBX: complete calls a second, events a second, and the weight of a live call.

Owns the order of these measurements. The daemon is the real one with its own PostgreSQL, the PBX is ``stub``, in a
process of its own; what a replay measures is ``replay``'s.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from lab.asterisk import AriAccess
from lab.bench import cost
from lab.bench.load import configure
from lab.bench.replay import Replayed
from lab.ports import free_port
from lab.world import Daemon, daemon_beside, example, sounds_of

COLD = 8
"""Calls at once of a daemon that has carried none yet."""

AT_ONCE = 64
"""Calls under way at any time, where calls are placed one after the other."""

_PATIENCE_S = 240
_START_S = 10.0
_REPOSITORY = Path(__file__).parent.parent.parent
_ENDED = "SELECT count(*) AS calls FROM recording WHERE state = 'ended'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """Complete calls: how many in how many seconds, until the last of them was in PostgreSQL; and the daemon's CPU."""

    calls: int
    seconds: float
    daemon_s: float

    @property
    def a_second(self) -> float:
        """Complete calls a second."""
        return self.calls / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """What the daemon does on its own."""

    completed: Completed
    replayed: Replayed


def measure(*, calls: int, live: int) -> Alone:
    """Carry ``calls`` from beginning to end, then replay the events of ``live`` calls that are live at once."""
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as made:
        directory = Path(made).resolve()
        directory.chmod(0o755)
        config = example()
        configure(config)
        port, fastagi_port = free_port(), free_port()
        ari = AriAccess(url=f"http://127.0.0.1:{port}/ari", username="bench", password="none")  # noqa: S106
        sounds = sounds_of(config)
        daemon = daemon_beside(ari, config, directory=directory, fastagi_port=fastagi_port, sounds=sounds)
        with _stub(port) as url:
            return Alone(completed=_complete(daemon, url, calls), replayed=_replay(daemon, url, live, directory))


def _complete(daemon: Daemon, stub: str, calls: int) -> Completed:
    daemon.start()
    try:
        for _ in range(AT_ONCE // COLD):
            _place(stub, daemon, COLD)
        _wait_until_written(daemon, AT_ONCE)
        spent, began = cost.of_process(daemon.pid), time.monotonic()
        _place(stub, daemon, calls)
        _wait_until_written(daemon, AT_ONCE + calls)
        seconds = time.monotonic() - began
        return Completed(calls=calls, seconds=seconds, daemon_s=cost.of_process(daemon.pid) - spent)
    finally:
        daemon.stop()


def _place(stub: str, daemon: Daemon, calls: int) -> None:
    query = urlencode({"calls": calls, "at_once": AT_ONCE, "fastagi": daemon.fastagi_port})
    with urlopen(Request(f"{stub}/lab/calls?{query}", method="POST"), timeout=_PATIENCE_S) as answer:
        answer.read()


def _wait_until_written(daemon: Daemon, calls: int) -> None:
    """Wait until PostgreSQL knows the end of so many recordings. Raises RuntimeError when that does not come."""
    deadline = time.monotonic() + _PATIENCE_S
    while daemon.rows(_ENDED)[0]["calls"] < calls:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all calls came to an end\n{daemon.tail()}")
        time.sleep(0.02)


def _replay(daemon: Daemon, stub: str, live: int, directory: Path) -> Replayed:
    job = json.dumps({"config": str(daemon.config), "stub": stub, "calls": live, "folder": str(directory)})
    command = [sys.executable, "-m", "lab.bench.replay", job]
    done = subprocess.run(
        command, cwd=_REPOSITORY, env=daemon.environ, check=True, stdout=subprocess.PIPE, timeout=_PATIENCE_S
    )
    return Replayed(**json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def _stub(port: int) -> Iterator[str]:
    """Run the PBX that is not there; its address. Raises RuntimeError where it does not start."""
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "lab.bench.stub", json.dumps({"port": port})]
    process = subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.DEVNULL)
    try:
        _wait_until_answering(process, f"{url}/ari/channels")
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_until_answering(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("the PBX that is not there did not start")
