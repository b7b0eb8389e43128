"""Commands by MQTT over a real Mosquitto: what is heard, what is answered, and what a broker may do to us."""

import asyncio
import json
import logging
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

import pytest
from structlog.testing import capture_logs

from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.mqtt import alarm
from controller.mqtt import client as client_module
from controller.mqtt.api import MqttApi
from controller.mqtt.client import MOST_UNSENT, PACKET_LIMIT, Asked, Companion, MqttClient, Serve
from controller.mqtt.command import MOST_BYTES, Answer, Done
from controller.runtime import metrics
from controller.runtime.requests import CallState
from lab.broker import ADDRESS, USERNAME, Broker
from tests.integration.conftest import program
from tests.unit.mqtt.office import Office

PATIENCE_S = 20.0
CALL = "rc/lab/calls/17/command"
STATUS = "rc/daemons/one/status"
FILTERS = ("rc/lab/calls/+/command", "rc/lab/agents/+/command")
OWNER = """
import signal
from lab.broker import Broker

with Broker.running() as broker:
    print("says", broker.process.pid, broker.directory, flush=True)
    signal.pause()
"""


class Desk:
    """Hears what comes and answers: not before ``free`` what it ``holds``, and with a fault what it ``fails`` at."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.free = asyncio.Event()
        self.holds: frozenset[bytes] = frozenset()
        self.fails: frozenset[bytes] = frozenset()

    async def serve(self, asked: Asked) -> Answer | None:
        self.heard.append(asked.payload)
        if asked.payload in self.fails:
            raise LookupError("a fault of ours")
        if asked.payload in self.holds:
            await self.free.wait()
        return Done(call=asked.topic, state=CallState.PAUSED)  # type: ignore[arg-type] # the topic shows in the answer

    async def until(self, *heard: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.heard != list(heard):
                await asyncio.sleep(0.005)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.running() as running:
        yield running


@pytest.fixture
def desk() -> Desk:
    return Desk()


@asynccontextmanager
async def serving(
    broker: Broker, serve: Serve, *, password: str | None = None, host: str = ADDRESS, tls: bool = False
) -> AsyncIterator[MqttClient]:
    """Run a client beside the test."""
    async with running(client_of(broker, serve, password=password, host=host, tls=tls)) as client:
        yield client


def client_of(
    broker: Broker,
    serve: Serve,
    *,
    password: str | None = None,
    host: str = ADDRESS,
    tls: bool = False,
    companions: Sequence[Companion] = (),
    status: str | None = None,
) -> MqttClient:
    """A client that does not run yet."""
    return MqttClient(
        host=host,
        port=broker.port,
        tls=tls,
        username=None if password is None else USERNAME,
        password=password,
        filters=FILTERS,
        serve=serve,
        random=lambda: 0.0,
        companions=companions,
        status=status,
    )


@asynccontextmanager
async def running(client: MqttClient) -> AsyncIterator[MqttClient]:
    """The same, running beside the test."""
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


@asynccontextmanager
async def pretending(broker: Broker, serve: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
    """Somebody else where the broker was."""
    broker.end(SIGTERM)
    links: list[asyncio.StreamWriter] = []

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        links.append(writer)
        await serve(reader, writer)
        await reader.read()

    async with await asyncio.start_server(link, ADDRESS, broker.port):
        yield
        for writer in links:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in links), return_exceptions=True)


@contextmanager
def at_the_answer(answer: str, do: Callable[[], object]) -> Iterator[None]:
    """Do it as this packet of the broker's is read, before anybody is told: the library writes that to its log."""
    log = logging.getLogger(client_module.__name__)

    def look(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith(f"Received {answer}"):
            do()
        return True

    level = log.level
    log.setLevel(logging.DEBUG)
    log.addFilter(look)
    try:
        yield
    finally:
        log.removeFilter(look)
        log.setLevel(level)


async def connected(client: MqttClient, *, yes: bool = True) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while client.connected is not yes:
            await asyncio.sleep(0.005)


async def failed(client: MqttClient) -> str:
    """Wait until it could not connect; why."""
    async with asyncio.timeout(PATIENCE_S):
        while not client.last_error:
            await asyncio.sleep(0.005)
    return client.last_error


async def test_a_command_is_answered_to_its_topic_with_its_correlation_data(broker: Broker, desk: Desk) -> None:
    agent = "rc/lab/agents/201/command"
    async with serving(broker, desk.serve) as client, broker.asking() as asker:
        await connected(client)
        answers = [await asker.ask(CALL, b"1"), await asker.ask(agent, b"2")]
        await asker.tell("rc/lab/calls/17/state", b"3")
        await asker.tell(CALL, b"4")
        await desk.until(b"1", b"2", b"4")
    assert answers == [{"call": CALL, "state": "paused"}, {"call": agent, "state": "paused"}]
    assert asker.unasked == []


async def test_a_call_is_paused_and_resumed(broker: Broker) -> None:
    office = Office()
    call = await office.recorded()
    api = MqttApi(root="rc", pbxs=[office])
    topic = f"rc/lab/calls/{call.id}/command"
    async with serving(broker, api.serve) as client, broker.asking() as asker:
        await connected(client)
        paused = await asker.ask(topic, {"command": "pause"})
        resumed = await asker.ask("rc/lab/agents/201/command", {"command": "resume"})
        too_long = await asker.ask(topic, b"x" * (MOST_BYTES + 1))
        garbage = await asker.ask(topic, b"\xff\x00")
        unknown = await asker.ask(CALL, {"command": "pause"})
    assert paused == {"call": call.id, "state": "paused"}
    assert resumed == {"call": call.id, "state": "recording"}
    assert [problem["status"] for problem in (too_long, garbage, unknown)] == [413, 400, 404]
    assert office.state(call) is CallState.RECORDING


async def test_a_command_that_waits_for_asterisk_holds_up_no_other(broker: Broker, desk: Desk) -> None:
    desk.holds = frozenset({b"slow"})
    async with serving(broker, desk.serve) as client, broker.asking() as asker:
        await connected(client)
        slow = asyncio.create_task(asker.ask(CALL, b"slow"))
        await desk.until(b"slow")
        await asker.ask(CALL, b"quick")
        assert not slow.done()
        desk.free.set()
        await slow


async def test_a_broker_that_was_killed_is_found_again(broker: Broker, desk: Desk) -> None:
    with capture_logs() as log:
        async with serving(broker, desk.serve) as client, broker.asking() as asker:
            await connected(client)
            await asker.ask(CALL, b"before")
            await asyncio.to_thread(broker.end, SIGKILL)
            await connected(client, yes=False)
            await asyncio.to_thread(broker.start)
            await connected(client)
            assert client.last_error == ""
            async with broker.asking() as other:
                await other.ask(CALL, b"after")
    assert desk.heard == [b"before", b"after"]
    assert log[0]["event"] == log[-1]["event"] == "mqtt.connected"
    assert {line["event"] for line in log[1:-1]} == {"mqtt.unavailable"}


async def test_a_broker_that_comes_after_us_is_found(broker: Broker, desk: Desk) -> None:
    broker.end(SIGTERM)
    async with serving(broker, desk.serve) as client:
        assert "refused" in await failed(client)
        await asyncio.to_thread(broker.start)
        await connected(client)


async def test_what_is_under_way_is_done_though_the_broker_dies(broker: Broker, desk: Desk) -> None:
    done: list[bytes] = []

    async def serve(asked: Asked) -> Answer | None:
        answer = await desk.serve(asked)
        done.append(asked.payload)
        return answer

    desk.holds = frozenset({b"pause"})
    async with serving(broker, serve) as client, broker.asking() as asker:
        await connected(client)
        await asker.tell(CALL, b"pause", reply_to="nobody")
        await desk.until(b"pause")
        await asyncio.to_thread(broker.end, SIGKILL)
        await connected(client, yes=False)
        desk.free.set()
        async with asyncio.timeout(PATIENCE_S):
            while not done:
                await asyncio.sleep(0.005)


async def test_a_broker_that_hangs_is_found_out_and_found_again(broker: Broker, desk: Desk) -> None:
    async with serving(broker, desk.serve) as client:
        await connected(client)
        broker.signal(SIGSTOP)
        await connected(client, yes=False)
        broker.signal(SIGCONT)
        await connected(client)


async def test_we_end_though_the_broker_does_not_take_our_leave(broker: Broker, desk: Desk) -> None:
    async with serving(broker, desk.serve) as client:
        await connected(client)
        broker.signal(SIGSTOP)


@pytest.mark.parametrize(
    ("answer", "said"), [("CONNACK", []), ("SUBACK", []), ("PUBACK", ["online", "offline"])], ids=str
)
async def test_we_end_though_the_broker_answers_just_then(
    broker: Broker, desk: Desk, answer: str, said: list[str]
) -> None:
    """Each is an answer that is waited for before we are connected; nothing stays that says that we are there."""
    async with broker.hearing("#") as heard, broker.asking() as asker:
        task = asyncio.create_task(client_of(broker, desk.serve, status=STATUS).run())
        async with asyncio.timeout(PATIENCE_S):
            with at_the_answer(answer, task.cancel):
                await asyncio.wait([task])
            await asker.tell(CALL, b"{}")
            told = [json.loads(await heard.get()) for _ in [*said, "asked"]]
    assert task.cancelled()
    assert told == [*({"status": one} for one in said), {}]


async def test_one_who_asks_what_is_kept_ends_though_the_broker_answers_just_then(broker: Broker, desk: Desk) -> None:
    begun = asyncio.Event()

    async def asks(client: MqttClient) -> None:
        begun.set()
        await client.hear(["rc/#"])

    task = asyncio.create_task(client_of(broker, desk.serve, companions=[asks]).run())
    async with asyncio.timeout(PATIENCE_S):
        await begun.wait()
        with at_the_answer("SUBACK", task.cancel):
            await asyncio.wait([task])
    assert task.cancelled()


async def test_a_retained_message_is_no_command_whenever_we_connect(broker: Broker, desk: Desk) -> None:
    async with broker.asking() as asker:
        await asker.tell(CALL, b"stale", retain=True)
        for word in (b"first", b"second"):
            async with serving(broker, desk.serve) as client:
                await connected(client)
                await asker.ask(CALL, word)
    assert desk.heard == [b"first", b"second"]


async def test_a_message_that_is_also_retained_is_a_command_once(broker: Broker, desk: Desk) -> None:
    """Whoever sends a pause with the wrong flag still means it."""
    async with broker.asking() as asker:
        async with serving(broker, desk.serve) as client:
            await connected(client)
            await asker.tell(CALL, b"pause", retain=True)
            await desk.until(b"pause")
        async with serving(broker, desk.serve) as client:
            await connected(client)
            await asker.ask(CALL, b"next")
    assert desk.heard == [b"pause", b"next"]


async def test_a_message_beyond_the_limit_does_not_reach_us_and_the_next_one_does(broker: Broker, desk: Desk) -> None:
    async with serving(broker, desk.serve) as client, broker.asking() as asker:
        await connected(client)
        await asker.tell(CALL, b"x" * PACKET_LIMIT)
        await asker.ask(CALL, b"next")
        assert (desk.heard, client.connected) == ([b"next"], True)


@pytest.mark.parametrize("reply_to", ["", "#", "a/+", "$SYS/broker", CALL, "x" * 40_000], ids=lambda name: name[:8])
async def test_no_topic_for_the_answer_costs_the_connection(broker: Broker, desk: Desk, reply_to: str) -> None:
    with capture_logs() as log:
        async with serving(broker, desk.serve) as client, broker.asking() as asker:
            await connected(client)
            await asker.tell(CALL, b"odd", reply_to=reply_to, correlation=b"x")
            await asker.ask(CALL, b"next")
            assert desk.heard == [b"odd", b"next"]
    assert [line["event"] for line in log if line["event"] != "mqtt.answer_lost"] == ["mqtt.connected"]


async def test_a_fault_of_ours_is_answered_and_logged_without_what_was_asked(broker: Broker, desk: Desk) -> None:
    desk.fails = frozenset({b"0199000001"})
    with capture_logs() as log:
        async with serving(broker, desk.serve) as client, broker.asking() as asker:
            await connected(client)
            answer = await asker.ask(CALL, b"0199000001")
            await asker.ask(CALL, b"next")
    assert answer["status"] == 500
    assert [line["event"] for line in log] == ["mqtt.connected", "mqtt.command_failed"]
    assert "0199000001" not in json.dumps(log)


async def test_a_wrong_password_is_said_once_and_the_right_one_is_let_in(desk: Desk) -> None:
    with Broker.running(password=True) as broker:
        assert broker.password is not None
        with capture_logs() as log:
            async with (
                serving(broker, desk.serve, password="wrong"),
                serving(broker, desk.serve, password="wrong") as c,
            ):
                assert "does not accept the user or its password" in await failed(c)
                await asyncio.sleep(0.3)
        assert [line["event"] for line in log] == ["mqtt.unavailable"] * 2
        assert "wrong" not in json.dumps(log)
        async with serving(broker, desk.serve, password=broker.password) as client, broker.asking() as asker:
            await connected(client)
            await asker.ask(CALL, b"pause")


async def test_a_broker_that_does_not_let_us_subscribe_is_named(broker: Broker, desk: Desk) -> None:
    """No rule of Mosquitto's own files does that; other brokers' do."""
    welcome, not_authorized = b"\x20\x03\x00\x00\x00", b"\x90\x05\x00\x01\x00\x87\x87"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (welcome, not_authorized):
            await reader.read(1024)
            writer.write(answer)

    async with pretending(broker, refuse), serving(broker, desk.serve) as client:
        assert "does not let us subscribe: Not authorized" in await failed(client)


async def test_a_peer_that_says_nothing_is_no_broker(broker: Broker, desk: Desk) -> None:
    async def listen(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with pretending(broker, listen), serving(broker, desk.serve) as client:
        assert "timed out" in await failed(client)


@pytest.mark.parametrize("host", ["a..b", "nowhere.invalid"])
async def test_a_host_that_does_not_exist_is_tried_again(broker: Broker, desk: Desk, host: str) -> None:
    async with serving(broker, desk.serve, host=host) as client:
        assert await failed(client)
        client.last_error = ""
        assert await failed(client)


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_an_encrypted_link_needs_a_certificate_that_is_trusted(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=lab"]
    files = ["-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, [*request, *files], check=True, capture_output=True)
    for path in (key, tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)  # Mosquitto is somebody else
    with Broker.running(f"certfile {certificate}", f"keyfile {key}") as broker:
        async with serving(broker, desk.serve, tls=True) as client:
            assert "CERTIFICATE_VERIFY_FAILED" in await failed(client)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with serving(broker, desk.serve, tls=True) as client:
            await connected(client)


async def test_the_labs_broker_does_not_outlive_the_program_that_was_killed() -> None:
    async with program(OWNER) as (owner, said):
        pid, folder = said.split()
        there = Path(f"/proc/{pid}")
        assert there.exists()
        owner.kill()
        async with asyncio.timeout(PATIENCE_S):
            while there.exists() and "(zombie)" not in (there / "status").read_text():
                await asyncio.sleep(0.01)
    shutil.rmtree(folder)


async def test_what_is_announced_before_there_is_a_connection_is_kept_and_comes_in_its_order(
    broker: Broker, desk: Desk
) -> None:
    client = client_of(broker, desk.serve)
    for number in (b"1", b"2"):
        client.announce("rc/lab/alerts", number)
    async with asyncio.timeout(PATIENCE_S), broker.hearing("rc/lab/alerts") as heard, running(client):
        assert [await heard.get(), await heard.get()] == [b"1", b"2"]
        client.announce("rc/lab/alerts", b"3")
        assert await heard.get() == b"3"


async def test_an_announcement_outlasts_the_connection_that_it_was_not_sent_on(broker: Broker, desk: Desk) -> None:
    async with (
        asyncio.timeout(PATIENCE_S),
        broker.hearing("rc/lab/alerts") as heard,
        serving(broker, desk.serve) as client,
    ):
        await connected(client)
        broker.signal(SIGSTOP)
        client.announce("rc/lab/alerts", b"1")
        await connected(client, yes=False)
        client.announce("rc/lab/alerts", b"2")
        broker.signal(SIGCONT)
        came = {await heard.get()}
        while came != {b"1", b"2"}:
            came.add(await heard.get())


def test_an_alert_says_what_about_which_call_and_when() -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    written = json.loads(alarm.written(CallId("17"), Reason.PAUSE_UNCONFIRMED, at))
    assert written == {"alert": "pause-unconfirmed", "call": "17", "at": "2026-03-02T12:00:00Z"}


async def test_of_more_announcements_than_are_kept_the_oldest_are_lost_and_counted(broker: Broker, desk: Desk) -> None:
    client, before = client_of(broker, desk.serve), metrics.MQTT_DROPPED._value.get()
    for number in range(MOST_UNSENT + 3):
        client.announce("rc/lab/alerts", str(number).encode())
    assert metrics.MQTT_DROPPED._value.get() - before == 3
    async with asyncio.timeout(PATIENCE_S), broker.hearing("rc/lab/alerts") as heard, running(client):
        assert [int(await heard.get()) for _ in range(MOST_UNSENT)] == list(range(3, MOST_UNSENT + 3))


async def test_a_fault_in_what_is_published_is_logged_and_it_is_begun_again(broker: Broker, desk: Desk) -> None:
    begun: list[MqttClient] = []

    async def companion(client: MqttClient) -> None:
        begun.append(client)
        if len(begun) == 1:
            raise LookupError("a fault of ours")
        await client.publish("rc/lab/alerts", b"published")

    client = client_of(broker, desk.serve, companions=[companion])
    with capture_logs() as log:
        async with asyncio.timeout(PATIENCE_S), broker.hearing("rc/lab/alerts") as heard, running(client):
            assert await heard.get() == b"published"
    assert [line["event"] for line in log] == ["mqtt.connected", "mqtt.not_said"]
