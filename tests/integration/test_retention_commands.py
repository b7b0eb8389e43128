"""The commands about what is kept, run as people run them, on a real store and database."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controller.config import Settings, load
from controller.custody.custody import Custody, custody_of
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.names import CallId
from controller.domain.records import StoredRecord
from controller.runtime.clock import now
from tests.integration.commands import Run, rows, said
from tests.integration.conftest import KEY
from tests.integration.stores import after, ask, call_of, decided, put, put_call, seen
from tests.integration.test_register_commands import everything

T = TypeVar("T")
FILE = "recording-controller.yaml"
ACTOR = f"cli:{getpass.getuser()}"
STORED = """storage: {}
purposes:
  insurance:
    basis: contract
    starts: on-trigger
    sampling: all
    notice: choice
    consent: {mode: opt-out, announcement: told}
    retention: 2 years
    without_contract: 1 month
    listeners: [lawyers]
    assessed: 2026-01-31
    consulted: 2026-02-28
"""


@pytest.fixture
def settings(run: Run, tmp_path: Path) -> Settings:  # noqa: ARG001 - makes the file
    """The configuration of the commands, with a store, a purpose by outcome and documents of analysis."""
    change(tmp_path, "purposes:\n", STORED)
    change(tmp_path, "    retention: 6 months\n", "    retention: 6 months\n    analyses: 1 year\n")
    return load(tmp_path / FILE)


def change(folder: Path, before: str, after: str) -> None:
    """Change the configuration file."""
    text = (folder / FILE).read_text()
    assert before in text
    (folder / FILE).write_text(text.replace(before, after))


def with_store(settings: Settings, database: str, work: Callable[[Custody], Awaitable[T]]) -> T:
    """Do something with the store that the commands use."""

    async def do() -> T:
        engine = open_engine(database)
        try:
            return await work(
                custody_of(settings, engine, PostgresLedger(engine, sampling_key=KEY), lambda: settings.policy)
            )
        finally:
            await engine.dispose()

    return asyncio.run(do())


def a_stored(settings: Settings, database: str, of: str = "quality", **changes: Any) -> StoredRecord:
    return with_store(settings, database, lambda custody: put(custody, of, **changes))


def a_call(settings: Settings, database: str) -> CallId:
    return with_store(settings, database, put_call)


def test_a_run_lists_what_it_did_and_signs_what_it_decided(run: Run, settings: Settings, database: str) -> None:
    due = a_stored(settings, database)
    a_stored(settings, database, due_at=now() + timedelta(days=999))
    done = run("retention", "run", "--dry-run", "--at", "2026-09-02T12:00:00", "--format", "jsonl")
    assert done.stderr == "would be: 1 destroyed, 0 finished, 0 archived, 0 kept\n"
    assert seen(database, due).has_key
    done = run("retention", "run", "--at", "2026-09-02T12:00:00", "--format", "jsonl")
    assert done.returncode == 0
    assert done.stderr == ("1 destroyed, 0 finished, 0 archived, 0 kept, 0 in trouble, 0 accesses forgotten\n")
    assert f'"recording": "{due.recording}"' in done.stdout
    assert '"what": "destroy", "reason": "retention-over"' in done.stdout
    assert (seen(database, due).state, seen(database, due).has_key) == ("destroyed", False)
    assert decided(database) == [("erase", "applied", "retention-over")]
    assert ask(database, "SELECT actor FROM decision") == [(ACTOR,)]
    assert said_on_stderr(run, "audit", "verify") == "1 decisions in 1 chains: all good\n"


def said_on_stderr(run: Run, *words: str) -> str:
    done = run(*words)
    assert done.returncode == 0
    return done.stderr


def test_a_run_for_a_time_to_come_says_what_that_means(run: Run, settings: Settings, database: str) -> None:
    a_stored(settings, database, due_at=now() + timedelta(days=2))
    assert said_on_stderr(run, "retention", "run") == (
        "nothing found\n0 destroyed, 0 finished, 0 archived, 0 kept, 0 in trouble, 0 accesses forgotten\n"
    )
    told = said_on_stderr(run, "retention", "run", "--at", "2126-01-01").splitlines()
    assert told[0] == "what is due by 2126-01-01T00:00:00+00:00 is destroyed now"
    assert told[1].startswith("1 destroyed")


def test_a_run_that_could_not_do_all_says_so_by_its_exit_code(
    run: Run, settings: Settings, database: str, tmp_path: Path
) -> None:
    stuck = a_stored(settings, database)
    assert stuck.object is not None
    path = tmp_path / "state" / "recordings" / stuck.object
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    done = run("retention", "run", "--at", "2026-09-02T12:00:00", "--format", "jsonl")
    assert done.returncode == 1
    assert "1 in trouble" in done.stderr
    assert "Traceback" not in done.stderr
    assert '"trouble": "the object store does not answer as it should' in done.stdout


def test_a_review_tells_and_applies_what_the_policy_in_force_would_change(
    run: Run, settings: Settings, database: str, tmp_path: Path
) -> None:
    kept = a_stored(settings, database)
    assert rows(run("retention", "review", "--format", "jsonl")) == []
    change(tmp_path, "retention: 6 months", "retention: 3 months")
    [row] = rows(run("retention", "review", "--format", "jsonl"))
    assert row == {
        "purpose": "quality",
        "change": "sooner",
        "recordings": 1,
        "overdue": 1,
        "first": "2026-06-02T12:00:00.000+00:00",
        "last": "2026-06-02T12:00:00.000+00:00",
    }
    assert seen(database, kept).due_at == after(months=6)
    assert said_on_stderr(run, "retention", "review", "--apply") == "1 dates changed\n"
    assert seen(database, kept).due_at == after(months=3)
    change(tmp_path, "retention: 3 months", "retention: 5 months")
    assert said_on_stderr(run, "retention", "review", "--apply") == "0 dates changed\n"
    assert said_on_stderr(run, "retention", "review", "--apply", "--lengthen") == "1 dates changed\n"
    assert seen(database, kept).due_at == after(months=5)
    assert decided(database) == [("retain", "applied", "retention-changed")] * 2
    assert run("retention", "review", "--lengthen").returncode == 2


def test_a_hold_is_placed_listed_and_lifted(run: Run, settings: Settings, database: str) -> None:
    kept = a_stored(settings, database)
    placed = said(run("holds", "place", call_of(kept), "--why", "a claim", "--until", "2126-01-01"))
    assert placed.endswith("stands until 2126-01-01T00:00:00+00:00\n")
    [row] = rows(run("holds", "list", "--format", "jsonl"))
    assert (row["call_id"], row["why"], row["placed_by"]) == (call_of(kept), "a claim", ACTOR)
    assert f"hold {row['id']} " in placed
    done = run("retention", "run", "--at", "2026-09-02T12:00:00")
    assert "legal-hold" in done.stdout
    assert seen(database, kept).has_key
    assert said(run("holds", "lift", row["id"])) == f"hold {row['id']} is lifted\n"
    assert rows(run("holds", "list", "--format", "jsonl")) == []
    again = run("holds", "lift", row["id"])
    assert (again.returncode, again.stderr) == (2, "hold: no such hold is on file, or it was lifted before\n")
    run("retention", "run", "--at", "2026-09-02T12:00:00")
    assert not seen(database, kept).has_key


def test_an_outcome_sets_the_dates_of_its_call(run: Run, settings: Settings, database: str) -> None:
    kept = a_stored(settings, database, "insurance")
    assert said(run("outcome", call_of(kept), "contract")) == "1 dates changed\n"
    assert seen(database, kept).due_at == after(years=2)
    assert run("outcome", call_of(kept), "perhaps").returncode == 2


def test_a_document_is_added_listed_and_fetched(run: Run, settings: Settings, database: str, tmp_path: Path) -> None:
    call = a_call(settings, database)
    (tmp_path / "evaluation.txt").write_text("listened well")
    added = said(run("documents", "add", call, "evaluation.txt", "--purpose", "quality", "--kind", "evaluation"))
    name = added.strip()
    [row] = rows(run("documents", "list", "--call", call, "--format", "jsonl"))
    assert (row["id"], row["kind"], row["octets"], row["added_by"]) == (name, "evaluation", 13, ACTOR)
    assert said(run("documents", "fetch", name, "--why", "the interview")) == "listened well"
    assert said(run("documents", "fetch", name, "--output", "copy.txt")) == ""
    assert (tmp_path / "copy.txt").read_text() == "listened well"
    assert ask(database, "SELECT who, action, why FROM access ORDER BY at") == [
        (ACTOR, "fetch", "the interview"),
        (ACTOR, "fetch", None),
    ]
    assert "listened well" not in everything(database)


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("documents", "fetch", "none"), 1, "no such document is stored"),
        (("outcome", "01960000-0000-7000-8000-000000000000", "none"), 2, "call: no such call is on file"),
        (("holds", "place", "not-a-call", "--why", "a claim"), 2, "is not a valid UUID"),
        (("holds", "place", "01960000-0000-7000-8000-000000000000"), 2, "--why"),
    ],
)
@pytest.mark.usefixtures("settings")
def test_what_cannot_be_is_told_in_one_line(
    run: Run, database: str, words: tuple[str, ...], code: int, fault: str
) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert decided(database) == []


def test_without_a_store_there_is_nothing_to_keep(run: Run) -> None:
    done = run("retention", "run")
    assert done.returncode == 1
    assert done.stderr == "recording-controller: storage: is not given, so recordings stay on the PBX\n"
