"""A Mosquitto of the lab's own, on loopback, that ends when we do; and somebody who asks over it.

Owns the process and its configuration. ``asking`` asks for something and hears the answer, as an agent's screen would.
"""

import asyncio
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM, Signals
from typing import Any, Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.db import bound_process
from lab.ports import free_port

ADDRESS = "127.0.0.1"
USERNAME = "recording-controller"
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])


class BrokerError(RuntimeError):
    """Mosquitto did not start; the message ends with its log's tail."""


@dataclass(slots=True, kw_only=True)
class Broker:
    """One Mosquitto. ``password`` is that of ``USERNAME``; None lets everybody in."""

    directory: Path
    port: int
    password: str | None
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls, *settings: str, password: bool = False, keeps: bool = False) -> Iterator[Self]:
        """Run one until the block ends; ``settings`` are more lines of its configuration.

        One that ``keeps`` what is retained has it again when it is started again.
        """
        with tempfile.TemporaryDirectory(prefix="rc-broker-") as folder:
            word = secrets.token_urlsafe(12) if password else None
            broker = cls(directory=Path(folder), port=free_port(), password=word)
            kept = (f"persistence_location {folder}/",) if keeps else ()
            broker.configure((f"persistence {str(keeps).lower()}", *kept, *settings))
            try:
                broker.start()
                yield broker
            finally:
                broker.end(SIGTERM)

    def configure(self, settings: Sequence[str]) -> None:
        """Write its configuration, for the user that it runs as."""
        lines = [
            f"listener {self.port} {ADDRESS}",
            "set_tcp_nodelay true",
            "log_dest stderr",
            *settings,
        ]
        lines.append(f"allow_anonymous {str(self.password is None).lower()}")
        if self.password is not None:
            words = self.directory / "passwords"
            words.write_text(f"{USERNAME}:{self.password}\n")
            words.chmod(0o600)
            subprocess.run([_program("mosquitto_passwd"), "-U", str(words)], check=True, capture_output=True)
            lines.append(f"password_file {words}")
        (self.directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        account = _account()
        for path in (self.directory, *self.directory.iterdir()):
            shutil.chown(path, account.pw_uid, account.pw_gid)

    def start(self) -> None:
        """Start, and wait until it listens. Raises BrokerError."""
        account = _account()
        bound = [sys.executable, "-I", "-S", bound_process.__file__, os.getpid(), SIGKILL.value]
        command = [
            *bound,
            account.pw_uid,
            account.pw_gid,
            _program("mosquitto"),
            "-c",
            self.directory / "mosquitto.conf",
        ]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise BrokerError(f"Mosquitto did not start\n{self.log()}")
            time.sleep(0.01)

    def signal(self, number: Signals) -> None:
        """Send it a signal, for example SIGSTOP."""
        if self.process is not None:
            self.process.send_signal(number)

    def end(self, number: Signals) -> None:
        """End it by SIGTERM, as a service manager would, or by SIGKILL, as a crash would."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(SIGCONT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)

    def log(self) -> str:
        """What it said."""
        return (self.directory / "log").read_text(errors="replace")

    @asynccontextmanager
    async def asking(self) -> AsyncIterator["Asker"]:
        """Somebody who asks over this broker."""
        given = None if self.password is None else USERNAME
        version = aiomqtt.ProtocolVersion.V5
        client = aiomqtt.Client(
            ADDRESS,
            self.port,
            protocol=version,
            username=given,
            password=self.password,
            # or a question that follows an answer waits 40 ms in the kernel, for the answer's receipt
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)],
        )
        async with client:
            asker = Asker(client)
            await client.subscribe(asker.reply_to, qos=1)
            listening = asyncio.create_task(asker.listen())
            try:
                yield asker
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    @asynccontextmanager
    async def hearing(self, topic: str) -> AsyncIterator["asyncio.Queue[bytes]"]:
        """Somebody who hears what is published there, in its order."""
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def hear(client: aiomqtt.Client) -> None:
            async for message in client.messages:
                heard.put_nowait(message.payload)

        given = None if self.password is None else USERNAME
        version = aiomqtt.ProtocolVersion.V5
        async with aiomqtt.Client(
            ADDRESS, self.port, protocol=version, username=given, password=self.password
        ) as client:
            await client.subscribe(topic, qos=1)
            listening = asyncio.create_task(hear(client))
            try:
                yield heard
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.port)) == 0


class Asker:
    """Asks, and hears the answers; each belongs to its question by the correlation data."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.reply_to = f"answers/{secrets.token_hex(8)}"
        self.unasked: list[Any] = []
        """Answers to questions that nobody waits for."""
        self._client = client
        self._waiting: dict[bytes, asyncio.Future[Any]] = {}

    async def listen(self) -> None:
        """Bring each answer to its question, until cancelled."""
        async for message in self._client.messages:
            correlation = getattr(message.properties, "CorrelationData", b"")
            answer = json.loads(message.payload)
            waiting = self._waiting.pop(correlation, None)
            if waiting is None:
                self.unasked.append(answer)
            else:
                waiting.set_result(answer)

    async def ask(self, topic: str, payload: object, *, correlation: bytes | None = None) -> Any:  # noqa: ANN401 - JSON
        """Ask, and wait for the answer. A payload that is not bytes is sent as JSON."""
        correlation = correlation or secrets.token_bytes(8)
        waiting = self._waiting[correlation] = asyncio.get_running_loop().create_future()
        await self.tell(topic, payload, reply_to=self.reply_to, correlation=correlation)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await waiting

    async def ask_until_heard(self, topic: str, payload: object) -> Any:  # noqa: ANN401 - JSON
        """Ask again until somebody answers, as after a restart of the broker."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                asking = asyncio.create_task(self.ask(topic, payload))
                done, _ = await asyncio.wait({asking}, timeout=0.5)
                if done:
                    return asking.result()
                asking.cancel()

    async def tell(
        self,
        topic: str,
        payload: object,
        *,
        reply_to: str | None = None,
        correlation: bytes | None = None,
        retain: bool = False,
    ) -> None:
        """Send, and wait for nothing but the broker's receipt."""
        properties = Properties(PacketTypes.PUBLISH)
        if reply_to is not None:
            properties.ResponseTopic = reply_to
        if correlation is not None:
            properties.CorrelationData = correlation
        data = payload if isinstance(payload, bytes) else json.dumps(payload)
        await self._client.publish(topic, data, qos=1, retain=retain, properties=properties)


def _account() -> pwd.struct_passwd:
    """Whom it runs as: not root."""
    return pwd.getpwnam("mosquitto") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise BrokerError(f"{name} is not installed: make packages installs it")
    return found
