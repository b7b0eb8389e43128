"""A daemon, whole, brings what is decided to the broker and to a webhook, whoever decides it."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from subprocess import Popen

import psycopg
from prometheus_client import REGISTRY

from controller import outward
from controller.config import load
from controller.domain.decision import Kind, Reason, StoredDecision, Verdict
from controller.domain.names import CallId, Token
from controller.runtime.feed import Told
from lab.broker import ADDRESS, Broker
from lab.ports import free_port
from tests.integration.entries import NOON
from tests.integration.heard import PATIENCE_S, hearing
from tests.integration.receiver import SECRET, receiving
from tests.integration.test_command_line import Machine
from tests.integration.test_mqtt_publishing import service_of


def a_secret(folder: Path) -> None:
    folder.mkdir(parents=True)
    file = folder / "webhook-crm"
    file.touch(0o600)
    file.write_text(f"{SECRET}\n")


def ended(daemon: Popen[str]) -> tuple[int, str]:
    daemon.terminate()
    _, log = daemon.communicate(timeout=60)
    return daemon.returncode, log


async def test_what_a_command_decides_is_told_by_the_daemon(tmp_path: Path, database: str) -> None:
    machine = Machine(tmp_path)
    machine.config["pbxs"][0]["ari"]["url"] = f"http://127.0.0.1:{free_port()}/ari"
    a_secret(tmp_path / "state" / "secrets")
    with Broker.running() as broker:
        async with receiving() as receiver, hearing(broker) as listener:
            machine.config["mqtt"] = {"url": f"mqtt://{ADDRESS}:{broker.port}", "topic": "rc", "name": "one"}
            machine.config["mqtt"]["publish"] = {"decisions": ["consent"]}
            machine.config["webhooks"] = [{"name": "crm", "url": receiver.url, "kinds": ["consent"]}]
            with machine.started("run", database=database) as daemon:
                try:
                    await listener.until(lambda: listener.of("daemons/one/metrics") != [])
                    await begun(database, 2)
                    added = await told_by(machine, database)
                    await receiver.until(lambda: len(receiver.taken) == 1)
                    await listener.until(lambda: listener.of("rc/decisions") != [])
                finally:
                    code, log = await asyncio.to_thread(ended, daemon)
            await listener.until(lambda: listener.of("daemons/one/status")[-1] == {"status": "offline"})
    assert code == 0, log
    assert receiver.taken[0]["data"] == listener.of("rc/decisions")[0]
    assert (receiver.taken[0]["type"], receiver.taken[0]["data"]["reason"]) == ("decision.consent", "objection-added")
    assert "0199000017" not in log + str(receiver.came) + str(listener.said) + added
    assert SECRET not in log


async def begun(database: str, feeds: int) -> None:
    """Wait until the feeds have begun: who is new is told what is decided from then on."""
    async with (
        asyncio.timeout(PATIENCE_S),
        await psycopg.AsyncConnection.connect(database, autocommit=True) as connection,
    ):
        while await (await connection.execute("SELECT count(*) FROM feed")).fetchone() != (feeds,):
            await asyncio.sleep(0.05)


async def told_by(machine: Machine, database: str) -> str:
    """Put an objection on file."""
    done = await asyncio.to_thread(machine.run, *["objections", "add", "0199000017", "--everything"], database=database)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_broker_is_not_asked_to_tell_that_it_cannot_be_told(tmp_path: Path, database: str) -> None:
    """What a webhook was not told has people look at the call; the broker is where they would see that."""
    machine = Machine(tmp_path)
    machine.config["webhooks"] = [{"name": "crm", "url": "https://crm.example/hook"}]
    machine.file.write_text(json.dumps(machine.config, default=str))
    a_secret(tmp_path / "state" / "secrets")
    settings = load(machine.file, {"RECORDING_CONTROLLER_ARI_PASSWORD": "invented"})
    alerts: list[tuple[str, CallId, Reason]] = []
    mqtt = service_of(free_port(), decisions=frozenset(Kind))
    async with AsyncExitStack() as stack:
        deliveries = await outward.opened(stack, settings, database, mqtt=mqtt, alert=lambda *said: alerts.append(said))
        before = counted()
        for delivery in deliveries:
            delivery._on_given_up(a_loss())
    assert [delivery.name for delivery in deliveries] == ["mqtt", "webhook:crm"]
    assert alerts == [("paris", CallId("1"), Reason.NOT_DELIVERED)]
    assert counted() == before + 2


def counted() -> float:
    return REGISTRY.get_sample_value("rc_alerts_total", {"reason": "not-delivered"}) or 0


def a_loss() -> Told:
    stored = StoredDecision(
        seq=1,
        at=NOON,
        call_id=CallId("1"),
        pbx="paris",
        linkedid=None,
        kind=Kind.STOP,
        verdict=Verdict.APPLIED,
        reason="call-ended",
        rule=None,
        purpose="quality",
        policy_version="a" * 64,
        actor="policy",
        facts={},
    )
    return Told(token=Token("token"), writer="one", position=1, written_at=NOON, decision=stored)


async def test_a_webhook_without_its_secret_is_said_before_anything_runs(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.config["webhooks"] = [{"name": "crm", "url": "https://crm.example/hook"}]
    checked = await asyncio.to_thread(machine.run, "check-config", str(machine.file))
    assert checked.returncode == 2
    assert "secret webhook-crm is missing" in checked.stderr
