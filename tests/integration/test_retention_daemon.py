"""A daemon destroys what is due by itself, and says what a new policy would change."""

import asyncio
import json
import signal
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

from controller.audit.keys import SigningKey
from controller.config import Settings, load
from controller.custody.custody import custody_of
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.records import StoredRecord
from controller.runtime.clock import now
from tests.integration.conftest import KEY
from tests.integration.stores import ask, broken_chains, put, seen
from tests.integration.test_command_line import Machine


async def a_due_recording(settings: Settings, database: str) -> StoredRecord:
    engine = open_engine(database)
    custody = custody_of(
        settings, engine, PostgresLedger(engine, sampling_key=KEY, timeout_s=10.0), lambda: settings.policy
    )
    made = await put(custody, due_at=now())
    await put(custody, due_at=now() + timedelta(days=999))
    await engine.dispose()
    return made


def logged(daemon: Popen[str], event: str) -> dict[str, Any]:
    """Wait for a line of the daemon's log."""
    assert daemon.stderr is not None
    found: dict[str, Any] = next(line for text in daemon.stderr if (line := json.loads(text))["event"] == event)
    return found


def test_a_daemon_destroys_what_is_due_and_says_what_another_policy_would_change(tmp_path: Path, database: str) -> None:
    machine = Machine(tmp_path)
    machine.config["storage"] = {}
    machine.config["purposes"]["quality"]["retention"] = "6 months"
    machine.run("check-config", database=database)
    settings = load(machine.file)
    due = asyncio.run(a_due_recording(settings, database))
    with machine.started("run", database=database) as daemon:
        try:
            assert logged(daemon, "retention.done")["destroyed"] == 1
            assert seen(database, due).state == "destroyed"
            machine.config["purposes"]["quality"]["retention"] = "3 months"
            machine.file.write_text(json.dumps(machine.config, default=str))
            daemon.send_signal(signal.SIGHUP)
            differs = logged(daemon, "retention.policy_differs")
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)
    assert (differs["purpose"], differs["change"], differs["recordings"]) == ("quality", "sooner", 1)
    erased = "SELECT actor FROM decision WHERE kind = 'erase' AND reason = 'retention-over'"
    assert ask(database, erased) == [("retention",)]
    assert broken_chains(database, SigningKey(settings.secrets.audit_key()).public) == []
