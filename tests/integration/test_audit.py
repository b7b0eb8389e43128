"""Somebody with every right on the database, triggers off, and an auditor who finds what they did."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from controller.audit.checkpoints import Checkpoint, append, copies
from controller.audit.keys import SigningKey
from controller.audit.own_chain import OwnChain
from controller.audit.verify import Damage, Finding, Proof, Report, verify
from controller.db.chains import PostgresChains, everything
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain import chain
from controller.domain.chain import Link, digest
from controller.domain.names import Token
from controller.errors import DatabaseAway
from controller.runtime.notary import Notary
from tests.integration.commands import Run, rows, said
from tests.integration.conftest import KEY
from tests.integration.entries import a_call, a_decision, a_question
from tests.unit.domain.test_chain import DECISION

ROWS = 10
SIGNER = SigningKey(bytes(32))
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
Tamper = Callable[[psycopg.Connection], object]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.jsonl"


@pytest.fixture
async def notary(engine: AsyncEngine, outside: Path) -> Notary:
    return Notary(chains=PostgresChains(engine), key=SIGNER, writer="daemon-1", file=outside)


def ledger_of(engine: AsyncEngine, writer: str = "daemon-1") -> PostgresLedger:
    return PostgresLedger(engine, sampling_key=KEY, writer=writer, timeout_s=10.0)


@pytest.fixture
async def written(engine: AsyncEngine, notary: Notary) -> None:
    """Ten decisions of two daemons each, signed after the fifth and at the end."""
    for writer in ("daemon-1", "daemon-2"):
        ledger = ledger_of(engine, writer)
        its_notary = replace(notary, writer=writer)
        for half in range(2):
            await ledger.write([a_decision(token=Token(f"{writer}/{half * 5 + n + 1}")) for n in range(ROWS // 2)])
            await its_notary.sign()


def audited(database: str, outside: Path | None = None, *, now: datetime = NOW) -> list[Report]:
    with everything(database) as (found, checkpoints):
        kept = list(copies(outside)) if outside is not None else []
        proof = Proof(checkpoints=checkpoints, copies=kept, keys=[SIGNER.public], now=now, grace=timedelta(hours=1))
        return verify(found, proof)


def tampered(database: str, tamper: Tamper | str) -> None:
    """Do something to the tables as a superuser whom no trigger stops."""
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE decision DISABLE TRIGGER ALL")
        connection.execute("ALTER TABLE checkpoint DISABLE TRIGGER ALL")
        if callable(tamper):
            tamper(connection)
        else:
            connection.execute(tamper)
        connection.execute("ALTER TABLE decision ENABLE TRIGGER ALL")


@pytest.mark.usefixtures("written")
async def test_what_nobody_has_touched_is_good(database: str, outside: Path) -> None:
    one, two = audited(database, outside)
    assert [(r.writer, r.rows, r.signed_upto, r.unsigned, r.findings) for r in (one, two)] == [
        ("daemon-1", ROWS, ROWS, 0, []),
        ("daemon-2", ROWS, ROWS, 0, []),
    ]
    assert (one.first, one.last) == (datetime(2026, 3, 2, 12, tzinfo=UTC),) * 2


CHANGES = {
    "token": "'another'",
    "at": "at + interval '1 microsecond'",
    "call_id": "NULL",
    "pbx": "'lyon'",
    "linkedid": "NULL",
    "kind": "'pause'",
    "verdict": "'allowed'",
    "reason": "'announced'",
    "rule": "NULL",
    "purpose": "'another'",
    "policy_version": "'b'",
    "actor": "'api'",
    "facts": "facts || '{\"calls\": 4}'",
    "hash": "sha256('another')",
}


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("column", CHANGES)
async def test_a_row_that_was_changed_is_named(database: str, column: str) -> None:
    change = f"UPDATE decision SET {column} = {CHANGES[column]}"  # noqa: S608 - words of our own
    tampered(database, f"{change} WHERE writer = 'daemon-1' AND position = 4")
    one, two = audited(database)
    token = "another" if column == "token" else "daemon-1/4"
    assert first(one) == (Damage.CHANGED, 4, 4, token)
    assert two.findings == []


def first(report: Report) -> tuple[Damage, int, int | None, str | None]:
    finding: Finding = report.findings[0]
    return finding.damage, finding.position, finding.seq, finding.token


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("how", "found"),
    [
        pytest.param(
            "DELETE FROM decision WHERE writer = 'daemon-1' AND position = 4",
            (Damage.REMOVED, 4, 5, "daemon-1/5"),
            id="a row in the middle removed",
        ),
        pytest.param(
            "DELETE FROM decision WHERE writer = 'daemon-1' AND position > 8",
            (Damage.TRUNCATED, 9, None, None),
            id="the newest rows removed",
        ),
        pytest.param(
            "DELETE FROM decision WHERE writer = 'daemon-1'", (Damage.TRUNCATED, 1, None, None), id="a whole chain gone"
        ),
        pytest.param("TRUNCATE decision", (Damage.TRUNCATED, 1, None, None), id="the table emptied"),
        pytest.param(
            "INSERT INTO decision (token, at, pbx, kind, verdict, reason, policy_version, actor, facts, writer,"
            " position, hash) SELECT 'forged', at, pbx, kind, verdict, reason, policy_version, actor, facts, writer,"
            " 11, sha256('forged') FROM decision WHERE token = 'daemon-1/3'",
            (Damage.CHANGED, 11, 21, "forged"),
            id="a row put at the end",
        ),
        pytest.param(
            "UPDATE decision SET position = 1000 + position WHERE writer = 'daemon-1' AND position IN (3, 4);"
            "UPDATE decision SET position = 3 WHERE position = 1004; UPDATE decision SET position = 4 WHERE"
            " position = 1003",
            (Damage.CHANGED, 3, 4, "daemon-1/4"),
            id="two rows exchanged",
        ),
        pytest.param(
            "ALTER TABLE decision ALTER seq DROP IDENTITY; ALTER TABLE decision DROP CONSTRAINT decision_pkey;"
            "UPDATE decision SET seq = CASE seq WHEN 3 THEN 4 ELSE 3 END WHERE seq IN (3, 4)",
            (Damage.REORDERED, 4, 3, "daemon-1/4"),
            id="the numbers of two rows exchanged",
        ),
        pytest.param(
            "DELETE FROM checkpoint WHERE writer = 'daemon-1' AND position = 5",
            (Damage.FORGED, 10, None, None),
            id="a checkpoint in the middle removed",
        ),
        pytest.param(
            "UPDATE checkpoint SET signature = sha256(signature) || sha256('x') WHERE writer = 'daemon-1'",
            (Damage.FORGED, 5, None, None),
            id="a signature of somebody else's",
        ),
        pytest.param(
            "UPDATE checkpoint SET at = at + interval '1 second' WHERE writer = 'daemon-1' AND position = 5",
            (Damage.FORGED, 5, None, None),
            id="a checkpoint with another time",
        ),
    ],
)
async def test_whatever_was_done_is_found_and_named(
    database: str, how: str, found: tuple[Damage, int, int | None, str | None]
) -> None:
    tampered(database, how)
    assert first(audited(database)[0]) == found


def rewritten(connection: psycopg.Connection) -> None:
    """Rows 3 and on written anew, so that they fit together."""
    row = connection.execute("SELECT hash FROM decision WHERE writer = 'daemon-1' AND position = 2").fetchone()
    assert row is not None
    head = Link(position=2, hash=row[0])
    for position in range(3, ROWS + 1):
        forged = replace(DECISION, token=Token(f"forged {position}"))
        head = Link(position=position, hash=digest("daemon-1", head, chain.said(forged)))
        connection.execute(
            "UPDATE decision SET token = %s, at = %s, call_id = %s, pbx = %s, linkedid = %s, kind = %s, verdict = %s,"
            " reason = %s, rule = %s, purpose = %s, policy_version = %s, actor = %s, facts = %s::jsonb, hash = %s"
            " WHERE writer = 'daemon-1' AND position = %s",
            (
                *(forged.token, forged.at, forged.call_id, forged.pbx, forged.linkedid, forged.kind, forged.verdict),
                *(forged.reason, forged.rule, forged.purpose, forged.policy_version, forged.actor),
                *('{"a": 0.25, "n": null, "é": true}', head.hash, position),
            ),
        )


@pytest.mark.usefixtures("written")
async def test_a_chain_that_was_written_anew_is_not_the_one_that_was_signed(database: str) -> None:
    tampered(database, rewritten)
    assert first(audited(database)[0])[:2] == (Damage.REWRITTEN, 5)


@pytest.mark.usefixtures("written")
async def test_rows_removed_with_their_checkpoints_are_missed_by_who_kept_a_copy(database: str, outside: Path) -> None:
    tampered(
        database,
        "DELETE FROM decision WHERE writer = 'daemon-1' AND position > 5;"
        "DELETE FROM checkpoint WHERE writer = 'daemon-1' AND position > 5",
    )
    assert audited(database)[0].findings == []
    damages = [(f.damage, f.position) for f in audited(database, outside)[0].findings]
    assert damages == [(Damage.TRUNCATED, 6), (Damage.REMOVED, 10)]


async def test_a_chain_that_nobody_signed_is_found_once_it_is_old(database: str, engine: AsyncEngine) -> None:
    await ledger_of(engine, "somebody").write([a_decision()])
    assert audited(database)[0].findings == []
    [later] = audited(database, now=NOW + timedelta(hours=2))
    assert first(later)[:2] == (Damage.UNSIGNED, 1)


@pytest.mark.usefixtures("written")
async def test_a_copy_that_says_something_else_is_found(database: str, outside: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    for point in copies(outside):
        append(other, replace(point, hash=bytes(32)) if point.position == 5 else point)
    assert first(audited(database, other)[0])[:2] == (Damage.REWRITTEN, 5)


async def test_a_chain_goes_on_after_a_restart_and_through_two_writers_of_one_name(
    database: str, engine: AsyncEngine, notary: Notary
) -> None:
    first_daemon, second_daemon = ledger_of(engine), ledger_of(engine)
    for _ in range(3):
        await first_daemon.write([a_decision()])
        await second_daemon.write([a_call(), a_decision(), a_question()])
    other = open_engine(database)
    commands = [PostgresLedger(other, sampling_key=KEY, timeout_s=30.0) for _ in range(4)]
    await asyncio.gather(*(command.write([a_decision()]) for command in commands for _ in range(5)))
    await other.dispose()
    await notary.sign()
    assert [(r.writer, r.rows, r.findings) for r in audited(database)] == [
        ("command-line", 20, []),
        ("daemon-1", 9, []),
    ]


async def test_what_was_written_and_never_learnt_of_is_not_written_again(database: str, engine: AsyncEngine) -> None:
    ledger = ledger_of(engine)
    batch = [a_decision(), a_decision()]
    [one, two] = await ledger.write(batch)
    again = await ledger_of(engine).write([a_decision(), *batch])
    assert [receipt.seq for receipt in again[1:]] == [one.seq, two.seq]
    assert [(r.rows, r.findings) for r in audited(database)] == [(3, [])]


@pytest.mark.parametrize(
    ("dated", "found"),
    [
        pytest.param([100 * 365, -30], True, id="one of long ago behind one of a time to come"),
        pytest.param([100 * 365], True, id="all of a time to come"),
        pytest.param([2 / 24, 0], False, id="by a clock that jumped ahead for a moment"),
    ],
)
async def test_what_nobody_signed_is_told_by_the_times_it_names(
    database: str, engine: AsyncEngine, notary: Notary, dated: list[float], *, found: bool
) -> None:
    await ledger_of(engine).write([a_decision(at=NOW + timedelta(days=days)) for days in dated])
    [report] = audited(database)
    assert [finding.position for finding in report.findings] == ([1] if found else [])
    await notary.sign()
    assert audited(database)[0].findings == []


class Daemon:
    """What of a daemon writes to its chain, from its start to its end, which nothing announces."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.own = OwnChain(folder)
        self.ledger = PostgresLedger(engine, sampling_key=KEY, own=self.own, timeout_s=10.0)
        self.notary = Notary(chains=PostgresChains(engine), key=SIGNER, own=self.own, file=folder / "checkpoints.jsonl")

    async def decides(self, *names: str) -> None:
        await self.ledger.write([a_decision(token=Token(name)) for name in names])


def appended(database: str, writer: str) -> None:
    """A decision of last month put at the end of a chain, so that it fits."""

    def put(connection: psycopg.Connection) -> None:
        row = connection.execute(
            "SELECT position, hash FROM decision WHERE writer = %s ORDER BY position DESC LIMIT 1", (writer,)
        ).fetchone()
        assert row is not None
        forged = replace(DECISION, token=Token("forged"), at=NOW - timedelta(days=30))
        [linked] = chain.chained(writer, Link(position=row[0], hash=row[1]), [forged])
        connection.execute(
            "INSERT INTO decision (token, at, call_id, pbx, linkedid, kind, verdict, reason, rule, purpose,"
            " policy_version, actor, facts, writer, position, hash)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(forged.token, forged.at, forged.call_id, forged.pbx, forged.linkedid, forged.kind, forged.verdict),
                *(forged.reason, forged.rule, forged.purpose, forged.policy_version, forged.actor),
                *(json.dumps(dict(forged.facts)), writer, linked.link.position, linked.link.hash),
            ),
        )

    tampered(database, put)


def disturbed() -> float:
    return REGISTRY.get_sample_value("rc_chain_disturbed_total") or 0


LATER = NOW + timedelta(days=365)


@pytest.mark.parametrize("meanwhile", ["it runs", "it is down"])
async def test_a_row_put_at_the_end_of_a_daemons_chain_is_never_signed_and_named(
    database: str, engine: AsyncEngine, tmp_path: Path, meanwhile: str
) -> None:
    daemon, before = Daemon(engine, tmp_path), disturbed()
    chain_was = daemon.own.writer
    await daemon.decides("one")
    await daemon.notary.sign()
    await daemon.decides("two")
    appended(database, chain_was)
    if meanwhile == "it is down":
        daemon = Daemon(engine, tmp_path)
    await daemon.decides("three")
    await daemon.notary.sign()
    reports = {report.writer: report for report in audited(database, tmp_path / "checkpoints.jsonl", now=LATER)}
    assert disturbed() == before + 1
    assert first(reports[chain_was])[0::3] == (Damage.UNSIGNED, "forged")
    assert (reports[chain_was].signed_upto, len(reports[chain_was].findings)) == (2, 1)
    assert (reports[daemon.own.writer].signed_upto, reports[daemon.own.writer].findings) == (1, [])
    again = Daemon(engine, tmp_path)
    await again.decides("four")
    assert again.own.writer == daemon.own.writer


@pytest.mark.parametrize("signed", [True, False])
async def test_a_daemon_that_was_killed_goes_on_with_its_chain(
    database: str, engine: AsyncEngine, tmp_path: Path, *, signed: bool
) -> None:
    before = disturbed()
    for life in range(3):
        daemon = Daemon(engine, tmp_path)
        await daemon.decides(f"{life}")
        if signed:
            await daemon.notary.sign()
        await daemon.decides(f"{life} too")
    await Daemon(engine, tmp_path).notary.sign()
    [report] = audited(database, tmp_path / "checkpoints.jsonl", now=LATER)
    assert (disturbed(), report.rows, report.signed_upto, report.findings) == (before, 6, 6, [])


async def test_a_daemon_that_was_killed_before_it_had_written_goes_on_with_its_chain(
    database: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    daemon = Daemon(engine, tmp_path)
    await daemon.decides("one")
    daemon.own.expect(Link(position=2, hash=bytes(32)))
    daemon.own.note()
    daemon = Daemon(engine, tmp_path)
    await daemon.decides("two")
    await daemon.notary.sign()
    [report] = audited(database, now=LATER)
    assert (report.signed_upto, report.findings) == (2, [])


async def test_a_chain_whose_last_rows_are_gone_is_not_gone_on_with(
    database: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    daemon = Daemon(engine, tmp_path)
    chain_was = daemon.own.writer
    await daemon.decides("one", "two")
    await daemon.decides("three", "four")
    await daemon.notary.sign()
    tampered(database, "DELETE FROM decision WHERE position > 2")
    daemon = Daemon(engine, tmp_path)
    await daemon.decides("five")
    await daemon.notary.sign()
    reports = {report.writer: report for report in audited(database, now=LATER)}
    assert first(reports[chain_was])[:2] == (Damage.TRUNCATED, 3)
    assert reports[daemon.own.writer].findings == []


async def test_where_the_end_cannot_be_noted_decisions_are_written_all_the_same(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    daemon = Daemon(engine, tmp_path)
    (tmp_path / "chain-ends").mkdir()
    with capture_logs() as logs:
        await daemon.decides("one")
    assert [line["event"] for line in logs] == ["chain.end_not_noted"]


@pytest.mark.parametrize("text", [b"", b"[1]\n", b'["another",[[1,"00"]]]\n'])
def test_a_note_that_says_nothing_of_this_chain_is_none(tmp_path: Path, text: bytes) -> None:
    name = OwnChain(tmp_path).writer
    (tmp_path / "chain-ends").write_bytes(text)
    own = OwnChain(tmp_path)
    assert (own.writer, own.ends) == (name, (chain.BEGINNING,))


async def test_the_notary_signs_only_what_is_new_and_says_when_something_signed_is_gone(
    database: str, engine: AsyncEngine, notary: Notary, outside: Path
) -> None:
    await notary.sign()
    assert not outside.exists()
    await ledger_of(engine).write([a_decision()])
    await notary.sign()
    await notary.sign()
    assert [point.position for point in copies(outside)] == [1]
    await notary.begin()
    tampered(database, "TRUNCATE decision")
    with capture_logs() as logs:
        await notary.begin()
    assert [(line["event"], line["log_level"]) for line in logs] == [("notary.signed_decision_is_gone", "critical")]


class Away:
    """Chains of a database that is away."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def last_checkpoint(self, _writer: str) -> Checkpoint | None:
        self.asked.set()
        raise DatabaseAway("away")

    head = last_checkpoint


async def test_the_notary_goes_on_when_the_database_is_back(outside: Path) -> None:
    away = Away()
    notary = Notary(chains=cast("PostgresChains", away), key=SIGNER, writer="daemon-1", file=outside)
    work = asyncio.create_task(notary.run(every_s=0.01))
    async with asyncio.timeout(10):
        for _ in range(2):
            await away.asked.wait()
            away.asked.clear()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def test_a_daemon_keeps_its_name(tmp_path: Path) -> None:
    name = OwnChain(tmp_path / "state").writer
    assert name.startswith("daemon-")
    assert OwnChain(tmp_path / "state").writer == name


async def test_an_auditor_verifies_by_command_with_nothing_but_the_public_key(
    run: Run, database: str, tmp_path: Path
) -> None:
    assert "no secret audit-key" in run("audit", "verify").stderr
    said(run("objections", "add", "01 99 00 00 17", "--everything"))
    [report] = [row for row in verified(run) if row["writer"] == "command-line"]
    assert (report["rows"], report["signed"], report["damage"]) == (1, 1, None)
    pem = said(run("audit", "public-key"))
    (tmp_path / "key.pem").write_text(pem)
    shutil.rmtree(tmp_path / "state" / "secrets")
    assert verified(run, "--public-key", "key.pem") == [report]
    tampered(database, "UPDATE decision SET actor = 'nobody'")
    done = run("audit", "verify", "--public-key", "key.pem", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (1, "1 decisions in 1 chains: 1 broken\n")
    assert '"damage": "changed", "position": 1, "seq": 1' in done.stdout
    (tmp_path / "none.pem").write_text("none")
    refused = run("audit", "verify", "--public-key", "none.pem")
    assert (refused.returncode, refused.stderr) == (1, "Error: none.pem: this is no public key in PEM\n")


async def test_who_signed_by_keys_of_their_own_is_verified_by_all_of_their_keys_and_copies(
    run: Run, tmp_path: Path
) -> None:
    for name, scope in (("one", ("--purpose", "quality")), ("two", ("--everything",))):
        said(run("objections", "add", "01 99 00 00 17", *scope))
        (tmp_path / f"{name}.pem").write_text(said(run("audit", "public-key")))
        (tmp_path / "state" / "checkpoints.jsonl").rename(tmp_path / f"{name}.jsonl")
        shutil.rmtree(tmp_path / "state" / "secrets")
    both = ("--public-key", "one.pem", "--public-key", "two.pem", "--checkpoints", "one.jsonl", "--checkpoints")
    [report] = verified(run, *both, "two.jsonl")
    assert (report["rows"], report["signed"], report["damage"]) == (2, 2, None)
    for key, position in (("one", 2), ("two", 1)):
        done = run("audit", "verify", "--public-key", f"{key}.pem", "--format", "jsonl")
        assert (done.returncode, done.stderr) == (1, "2 decisions in 1 chains: 1 broken\n")
        assert f'"damage": "forged", "position": {position}' in done.stdout
    changed = (tmp_path / "two.jsonl").read_text().replace('"position":2', '"position":3')
    (tmp_path / "three.jsonl").write_text(changed)
    done = run("audit", "verify", *both, "three.jsonl", "--format", "jsonl")
    assert '"damage": "truncated", "position": 3' in done.stdout


def verified(run: Run, *options: str) -> list[dict[str, Any]]:
    """What the command says of chains that are good."""
    done = run("audit", "verify", "--format", "jsonl", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("all good\n")
    done.stderr = ""
    return rows(done)


def test_a_checkpoint_of_another_key_is_not_trusted() -> None:
    other = SigningKey(bytes([1]) * 32)
    point = Checkpoint(writer="w", position=1, hash=bytes(32), at=NOW, key_id=SIGNER.public.id, signature=bytes(64))
    signed = replace(point, signature=SIGNER.sign(point.text(None)))
    assert signed.signed_by(SIGNER.public, None)
    assert not signed.signed_by(other.public, None)
