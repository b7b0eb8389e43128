"""One Asterisk in the foreground, from an instance folder of its own.

Owns the process: start, readiness, signals, restart, stop, and that nothing of it is left behind, even when this
program is killed. Does not own the configuration: ``INSTANCE/etc`` is written before the start (``lab.pbx``).
Runs in the root that ``lab/setup/asterisk`` made, or in a container where a Docker engine runs.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from signal import SIGCONT, SIGTERM, Signals
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithPriorAuth, ProxyHandler, build_opener

from lab.console import run_command
from lab.sip import SipPort

IMAGE = "recording-controller-asterisk"
_HERE = Path(__file__).parent
_FOLDERS = ("spool/recording", "spool/tmp", "run", "log", "lib", "data/agi-bin", "data/sounds/en", "data/sounds/fr")
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02
_COMPLAINTS = 8


class AsteriskError(RuntimeError):
    """Asterisk did not start, or ended by itself; the message ends with its log's tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AriAccess:
    """How to reach one Asterisk's ARI, for example ``http://127.0.0.1:8088/ari``."""

    url: str
    username: str
    password: str


class Asterisk:
    """A context manager: Asterisk answers ARI and SIP inside the block and is gone after it.

    ``directory`` is the instance folder, ``folders`` are others that it must see, all at their own paths.
    Whatever fails inside the block is told with what Asterisk said meanwhile.
    """

    def __init__(
        self, directory: Path, *, ari: AriAccess, sip: Sequence[SipPort] = (), folders: Sequence[Path] = ()
    ) -> None:
        self.directory = directory
        self.ari = ari
        self._sip = tuple(sip)
        self._folders = tuple(folders)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        _running.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _running.discard(self)
        try:
            if error is not None:
                error.add_note(self.state())
        finally:
            self.stop()

    @property
    def pid(self) -> int:
        """Asterisk's own process id, as its host (the container, under Docker) sees it."""
        return int((self.directory / "run" / "pid").read_text())

    def start(self) -> None:
        """Start and wait until ARI and SIP answer. Raises AsteriskError when that does not happen."""
        for folder in _FOLDERS:
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        (self.directory / "run" / "pid").unlink(missing_ok=True)
        shutil.copy(_HERE / "asterisk-inside.sh", self.directory)
        with (self.directory / "log" / "console").open("ab") as console:
            # Standard input is the thread that it hangs by: closed, by us or by our death, Asterisk ends.
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop, at once where Asterisk does not listen; harmless when it has ended already."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.poll() is None and self._has_pid():
                self._kill(SIGTERM)
                self._kill(SIGCONT)
                process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(_STOP_SECONDS)

    def restart(self) -> None:
        """Stop, start, and wait until ARI and SIP answer again."""
        self.stop()
        self.start()

    def signal(self, number: Signals) -> None:
        """Send Asterisk a signal, for example SIGSTOP or SIGKILL."""
        self._kill(number)

    def cli(self, command: str) -> str:
        """Run a command of Asterisk's command line and return what it prints."""
        return run_command(self.directory / "run" / "asterisk.ctl", command)

    def log(self) -> str:
        """Return Asterisk's log so far: notices, warnings and errors."""
        path = self.directory / "log" / "messages"
        return path.read_text(errors="replace") if path.exists() else ""

    def state(self) -> str:
        """Say what does not answer, and what Asterisk last complained of; for whoever looks into what failed."""
        missing = self._missing()
        complaints = [line for line in self.log().splitlines() if " NOTICE" not in line][-_COMPLAINTS:]
        return "\n".join(
            [f"{self.directory.name}: {f'{missing} does not answer' if missing else 'answers'}", *complaints]
        )

    def _command(self) -> list[str]:
        folders = [str(self.directory), *map(str, self._folders)]
        user = f"{os.getuid()}:{os.getgid()}"
        if docker_engine():
            return [
                *("docker", "run", "--rm", "--interactive", "--network", "host", "--name", self._container),
                *("--user", user, "--ulimit", "nofile=65536:65536"),
                *(f"--volume={folder}:{folder}" for folder in folders),
                *("--entrypoint", "/bin/sh", IMAGE, str(self.directory / "asterisk-inside.sh"), folders[0]),
            ]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
        outside = ["/bin/sh", str(_HERE / "asterisk-outside.sh"), str(asterisk_root()), user, *folders]
        return [*([] if os.getuid() == 0 else ["sudo", "-n"]), *unshare, *outside]

    @property
    def _container(self) -> str:
        return f"recording-controller-{self.directory.name}"

    def _has_pid(self) -> bool:
        return (self.directory / "run" / "pid").exists()

    def _kill(self, number: Signals) -> None:
        if docker_engine():
            inside = ["sh", "-c", f"kill -{number.value} {self.pid}"]
            subprocess.run(["docker", "exec", self._container, *inside], check=False, capture_output=True)
            return
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while missing := self._missing():
            if self._process is None or self._process.poll() is not None:
                raise AsteriskError(f"Asterisk ended while starting\n{self._tail()}")
            if time.monotonic() > deadline:
                raise AsteriskError(f"{missing} did not answer after {_START_SECONDS:.0f} s\n{self._tail()}")
            time.sleep(_POLL_SECONDS)

    def _missing(self) -> str:
        """Name the first that does not answer; empty where all do."""
        if not self._is_booted():
            return "Asterisk"
        if not self._ari_answers():
            return "ARI"
        return next((str(port) for port in self._sip if not port.answers()), "")

    def _is_booted(self) -> bool:
        try:
            return "fully booted" in self.cli("core waitfullybooted")
        except OSError:
            return False

    def _ari_answers(self) -> bool:
        passwords = HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, self.ari.url, self.ari.username, self.ari.password, is_authenticated=True)
        opener = build_opener(ProxyHandler({}), HTTPBasicAuthHandler(passwords))
        try:
            with opener.open(f"{self.ari.url}/asterisk/info", timeout=2) as answer:
                return bool(answer.status == 200)
        except HTTPError as refusal:
            refusal.close()
            return False
        except (URLError, OSError, HTTPException):
            return False

    def _tail(self) -> str:
        console = (self.directory / "log" / "console").read_text(errors="replace")
        return "\n".join((console + self.log()).splitlines()[-30:])


def asterisk_root() -> Path:
    """Return the root that ``lab/setup/asterisk`` makes."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "recording-controller" / "asterisk"


_running: set[Asterisk] = set()


def states() -> list[str]:
    """The state of every Asterisk that runs now."""
    return [asterisk.state() for asterisk in tuple(_running)]


@cache
def docker_engine() -> bool:
    """Say whether a Docker engine runs here; asked once."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
