"""A whole lab: the PBX, the telephones around it, and the daemon beside it, all real.

Owns how the three are set up together, and how what was decided is read back. Does not own what is tried on them
(``lab.demo``, ``lab.bench``, the acceptance tests).
"""

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import yaml
from psycopg.rows import dict_row

from controller.db.embedded import running_url
from controller.numbers import hashed
from lab.asterisk import AriAccess
from lab.pbx import AGENTS, REPRESENTATIVE, Instance, PbxOptions, Plan, start_pbx, start_phones
from lab.ports import free_port
from lab.prompts import build, texts_of

EXAMPLE = Path(__file__).parent.parent / "examples" / "recording-controller.yaml"
READY_S = 90.0
STOP_S = 60.0
COUNTRY = "FR"
"""Of the example configuration: how numbers are read."""
INFORMED = (*AGENTS, REPRESENTATIVE)
"""The agents of the lab, all of whom know that they may be recorded."""

Change = Callable[[dict[str, Any]], None]
"""Changes the configuration before it is written."""

SHORT = {
    "quality": {"fr": "Appel enregistré pour la qualité. Touche un pour refuser, étoile pour savoir.",
                "en": "Recorded for quality. Press one to object, star for more."},
    "security": {"fr": "Appel enregistré. Étoile pour refuser.", "en": "Recorded. Star to object."},
    "orders": {"fr": "Commande enregistrée comme preuve. Touche un pour refuser.",
               "en": "Orders are recorded as evidence. Press one to object."},
    "orders-notice": {"fr": "Enregistré comme preuve.", "en": "Recorded as evidence."},
    "investment": {"fr": "La loi impose l'enregistrement.", "en": "The law requires recording."},
    "information": {"fr": "Responsable Exemple, six mois, droits auprès du délégué.",
                    "en": "Controller Exemple, six months, rights at the officer."},
    "choice": {"fr": "Et maintenant, souhaitez-vous refuser ? Sinon, patientez.",
               "en": "And now, do you object? Otherwise hold."},
}  # fmt: skip
"""What the lab says for short, where the whole text would only take time."""


def shorten(config: dict[str, Any]) -> None:
    """Say everything for short."""
    for name, announcement in config["announcements"].items():
        announcement["text"] = SHORT[name]


EVERY_CALL_NUMBER = "0199000020"
"""A number of the lab whose calls are all recorded, unless the caller objects: so that a story is sure to be told."""

ONE_AGENT_NUMBER = "0199000021"
"""The same for the line of one agent, who talks to any number of callers at once."""

_EVERY_CALL_DIALPLAN = f"""
[from-trunk](+)
exten => {EVERY_CALL_NUMBER},1,Gosub(recording-consent,s,1(every))
 same => n,Queue(support,rt,,,60)
 same => n,Hangup()
exten => {ONE_AGENT_NUMBER},1,Gosub(recording-consent,s,1(every))
 same => n,Dial(PJSIP/201,30,t)
 same => n,Hangup()
"""


def record_every_call(config: dict[str, Any]) -> None:
    """Record every call that comes by way of ``EVERY_CALL_NUMBER`` and some others, with the dialogue of ``quality``.

    Only a legal obligation allows that, so the lab pretends one.
    """
    purposes = config["purposes"]
    purposes["every"] = dict(purposes["quality"]) | {"basis": "legal-obligation", "sampling": "all"}
    queues = ["every", "direct", "behind-local", "outbound"]
    config["routes"].insert(0, {"name": "every", "queues": queues, "purposes": ["every"]})


@dataclass(slots=True)
class Daemon:
    """The daemon in a process of its own, as a user runs it."""

    directory: Path
    http_port: int
    fastagi_port: int
    token: str
    environ: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    module: str = "controller"
    """What Python runs."""

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.directory / "recording-controller.yaml"

    @property
    def state(self) -> Path:
        """Its state directory."""
        return self.directory / "state"

    @property
    def log(self) -> Path:
        """What it wrote to standard error."""
        return self.directory / "daemon.log"

    @property
    def pid(self) -> int:
        """Its process id."""
        if self.process is None:
            raise RuntimeError("the daemon does not run")
        return self.process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environ,
                cwd=EXAMPLE.parent.parent,
            )
        if wait:
            self.wait_until_ready()
            self.inform(*INFORMED)

    def inform(self, *agents: str) -> None:
        """Put on file that these agents have been told, by the notice of the policy, that they may be recorded."""
        version = yaml.safe_load(self.config.read_text())["agents"]["notice"]
        lines = [f"{agent},2026-01-05,{version}\n" for agent in agents]
        body = "".join(["agent,informed_at,version\n", *lines]).encode()
        status, answer = self.request("POST", "/api/v1/notices", body, content_type="text/csv")
        if status != 200:
            raise RuntimeError(f"the notices are not taken: {answer}")

    def wait_until_ready(self) -> None:
        """Wait for ``/readyz``. Raises RuntimeError with its reasons when that does not come."""
        deadline = time.monotonic() + READY_S
        said = "no answer"
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended:\n{self.tail()}")
            status, said = self.readiness()
            if status == 200:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the daemon is not ready after {READY_S:g} s: {said}\n{self.tail()}")

    def readiness(self) -> tuple[int, str]:
        """What ``/readyz`` answers; status 0 where nobody listens."""
        try:
            with urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (URLError, OSError) as error:
            return 0, str(error)

    def metrics(self) -> str:
        """What it counts of itself, in the text format of Prometheus."""
        with urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Ask the API; the status and the decoded body."""
        request = Request(f"http://127.0.0.1:{self.http_port}{path}", data=body, method=method)
        request.add_header("Authorization", f"Bearer {self.token if token is None else token}")
        request.add_header("Content-Type", content_type)
        try:
            with urlopen(request, timeout=5) as answer:
                return answer.status, yaml.safe_load(answer.read())
        except HTTPError as error:
            with error:
                return error.code, yaml.safe_load(error.read())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def stop(self) -> None:
        """End it as a service manager would; harmless where it has ended."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
            raise RuntimeError(f"the daemon did not end within {STOP_S:g} s:\n{self.tail()}") from None

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_S)
            self.process = None

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read from its database while it runs."""
        url = running_url(self.state / "postgresql")
        if url is None:
            raise RuntimeError("the daemon's database does not run")
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def calls_of(self, number: str) -> list[dict[str, Any]]:
        """The calls of a customer's number, as the database knows them, the earliest first."""
        key = bytes.fromhex((self.state / "secrets" / "numbers-key").read_text().strip())
        customer = hashed(number, country=COUNTRY, key=key)
        return self.rows("SELECT * FROM call WHERE customer_hash = %s ORDER BY started_at", customer)

    def call_of(self, number: str) -> dict[str, Any] | None:
        """The latest call of a customer's number, as the database knows it."""
        found = self.calls_of(number)
        return found[-1] if found else None

    def decisions(self, call_id: object) -> list[dict[str, Any]]:
        """The decisions of a call, as they were written."""
        return self.rows("SELECT * FROM decision WHERE call_id = %s ORDER BY seq", call_id)

    def recordings(self, call_id: object) -> list[dict[str, Any]]:
        """The recordings of a call."""
        return self.rows("SELECT * FROM recording WHERE call_id = %s ORDER BY name", call_id)

    def live(self) -> list[dict[str, Any]]:
        """The calls under way, as the API tells them."""
        status, calls = self.request("GET", "/api/v1/calls")
        if status != 200:
            raise RuntimeError(f"the API answers {status}")
        return list(calls)


@dataclass(slots=True, kw_only=True)
class World:
    """A lab that runs."""

    plan: Plan
    pbx: Instance
    phones: Instance
    daemon: Daemon
    sounds: Path
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def running(cls, *changes: Change, options: PbxOptions | None = None, daemon: bool = True) -> Iterator[Self]:
        """Run everything; ``changes`` are made to the example configuration, ``daemon`` False leaves it to start."""
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rc-lab-"))).resolve()
            directory.chmod(0o755)
            plan = Plan.free()
            config = example()
            for change in changes:
                change(config)
            sounds = sounds_of(config)
            options = options or PbxOptions()
            given = replace(options, sounds=sounds, dialplan=_EVERY_CALL_DIALPLAN + options.dialplan)
            phones = stack.enter_context(start_phones(plan, agents=options.agents))
            pbx = stack.enter_context(start_pbx(plan, given))
            made = daemon_beside(
                pbx.asterisk.ari, config, directory=directory, fastagi_port=plan.fastagi, sounds=sounds
            )
            world = cls(plan=plan, pbx=pbx, phones=phones, daemon=made, sounds=sounds, config=config)
            stack.callback(made.stop)
            if daemon:
                made.start()
            yield world

    def recording_file(self, name: str) -> Path:
        """The file of a recording on the PBX."""
        return self.pbx.recordings / f"{name}.wav"

    def prompt_file(self, name: str, language: str) -> Path:
        """The file of an announcement."""
        return self.sounds / language / f"{self.config['announcements'][name]['sound']}.wav"


def example() -> dict[str, Any]:
    """The example's configuration; but recordings stay on the PBX, where they are judged, unless a change says more."""
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    config.pop("storage")
    return config


def sounds_of(config: Mapping[str, Any]) -> Path:
    """Speak the announcements of a configuration, into a folder that the next lab finds again."""
    texts = texts_of(config)
    digest = hashlib.sha256("\x1f".join(f"{t.sound}\x1e{t.language}\x1e{t.text}" for t in texts).encode()).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recording-controller" / "prompts"
    folder = cache / digest[:16]
    build(texts, folder)
    return folder


def written_as_file(config: Mapping[str, Any]) -> str:
    """A configuration as a file: JSON is YAML, and quotes what looks like a number."""
    return json.dumps(config, ensure_ascii=False, indent=1, default=str)


def daemon_beside(
    ari: AriAccess, config: dict[str, Any], *, directory: Path, fastagi_port: int, sounds: Path
) -> Daemon:
    """A daemon beside the PBX that answers there, its configuration completed and written; not started yet."""
    http_port, token = free_port(), secrets.token_urlsafe(24)
    state = directory / "state"
    state.mkdir(mode=0o755)
    config["state_directory"] = str(state)
    config["pbxs"] = [
        {
            "name": "lab",
            "ari": {"url": ari.url, "username": ari.username, "application": "recording-controller"},
            "fastagi_clients": ["127.0.0.1"],
            "sounds": str(sounds),
        }
    ]
    config["fastagi"] = {"listen": "127.0.0.1", "port": fastagi_port}
    config["http"] = {"listen": "127.0.0.1", "port": http_port}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RECORDING_CONTROLLER_")}
    environ |= {"RECORDING_CONTROLLER_ARI_PASSWORD": ari.password, "RECORDING_CONTROLLER_HTTP_TOKEN": token}
    daemon = Daemon(directory, http_port, fastagi_port, token, environ)
    daemon.config.write_text(written_as_file(config))
    return daemon
