"""``python -m lab.bench.audit``: how fast chains of decisions are written, and verified by the auditors' command.

Then somebody with every right on the database changes them, and the command has to name the first row that is broken.
Everything is made in a folder of its own and is gone at the end.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from controller.audit.checkpoints import CHECKPOINTS
from controller.audit.keys import SigningKey
from controller.audit.own_chain import OwnChain
from controller.config import load
from controller.db import migrate
from controller.db.chains import PostgresChains
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId, Token
from controller.runtime.notary import Notary
from lab.asterisk import AriAccess
from lab.ports import free_port
from lab.world import Daemon, daemon_beside, example, sounds_of

WRITERS = 2
BATCH = 1000
SIGNED_EVERY = 100
"""Batches."""

CUT = 1000
"""Rows that are cut off the end."""

_DECISION = Decision(
    token=Token(""),
    at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    call_id=CallId("01950000-0000-7000-8000-000000000001"),
    pbx="paris",
    linkedid="1772452800.1",
    kind=Kind.RECORD,
    verdict=Verdict.ALLOWED,
    reason=Reason.SAMPLED,
    rule="routes.support",
    purpose="quality",
    policy_version="a" * 64,
    actor="policy",
    facts={"agent": "201", "answered": True, "share": 0.25, "calls": 3, "queue": None},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """What somebody does to the rows from ``first`` to ``last`` of a chain, and what it is called.

    ``broken`` is the position that has to be named, or None where any will do.
    """

    name: str
    first: int
    last: int
    statement: str
    broken: int | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, verify, tamper, verify; exit with 1 where the command does not say what it must."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.audit", description="Measure chains of decisions.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="decisions to write and verify")
    asyncio.run(_measure(parser.parse_args(arguments).rows))


async def _measure(rows: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rc-bench-")))
        folder.chmod(0o711)
        daemon = _installed(folder)
        async with EmbeddedPostgres(daemon.state / "postgresql") as server:
            await asyncio.to_thread(migrate.upgrade, server.url)
            began = time.perf_counter()
            writer = await _write(server.url, daemon, rows)
            print(f"{rows} decisions written, {rows / (time.perf_counter() - began):.0f} a second", flush=True)
            good = await asyncio.to_thread(_verified, daemon, server.url, writer, rows)
    if not good:
        sys.exit(1)


def _installed(folder: Path) -> Daemon:
    config = example()
    nowhere = AriAccess(url="http://127.0.0.1:9/ari", username="lab", password="unused")  # noqa: S106
    return daemon_beside(nowhere, config, directory=folder, fastagi_port=free_port(), sounds=sounds_of(config))


async def _write(url: str, daemon: Daemon, rows: int) -> str:
    """Decisions by several daemons at once, signed every now and then; the name of one's chain."""
    engine = open_engine(url)
    key = SigningKey(load(daemon.config, daemon.environ).secrets.audit_key())
    chains = [OwnChain(daemon.state), *(OwnChain(daemon.directory / f"other-{n}") for n in range(1, WRITERS))]
    ledgers = [PostgresLedger(engine, sampling_key=b"", own=own, timeout_s=60) for own in chains]
    file = daemon.state / CHECKPOINTS
    notaries = [Notary(chains=PostgresChains(engine), key=key, own=own, file=file) for own in chains]
    for batch, first in enumerate(range(0, rows, BATCH)):
        tokens = (Token(str(number)) for number in range(first, min(first + BATCH, rows)))
        at = datetime.now(UTC)
        await ledgers[batch % WRITERS].write([replace(_DECISION, token=token, at=at) for token in tokens])
        if batch % SIGNED_EVERY < WRITERS:
            await notaries[batch % WRITERS].sign()
    for notary in notaries:
        await notary.sign()
    await engine.dispose()
    return chains[0].writer


def _verified(daemon: Daemon, url: str, writer: str, rows: int) -> bool:
    """Whether the command says of the whole chains, and of each that somebody has been at, what it must."""
    good = _whole(daemon, rows)
    return all([good, *(_found(daemon, url, writer, tampering) for tampering in _tamperings(rows // WRITERS))])


def _whole(daemon: Daemon, rows: int) -> bool:
    began = time.perf_counter()
    answer = _audit(daemon)
    took = time.perf_counter() - began
    print(
        f"audit verify: {answer.stderr.strip()}; exit {answer.returncode}, {rows / took:.0f} rows a second", flush=True
    )
    return answer.returncode == 0


def _found(daemon: Daemon, url: str, writer: str, tampering: Tampering) -> bool:
    with _tampered(url, writer, tampering):
        answer = _audit(daemon)
    reports = [json.loads(line) for line in answer.stdout.splitlines()]
    first = next((report for report in reports if report["damage"]), None)
    named = f"{first['damage']} at position {first['position']}" if first else "nothing"
    print(f"after {tampering.name}: found {named}; exit {answer.returncode}", flush=True)
    right = first is not None and first["writer"] == writer and tampering.broken in {None, first["position"]}
    return right and answer.returncode == 1


def _audit(daemon: Daemon) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "audit", "verify", "--format", "jsonl", "--config"]
    return subprocess.run(
        [*command, str(daemon.config)], env=daemon.environ, capture_output=True, text=True, check=False
    )


def _tamperings(rows: int) -> Iterator[Tampering]:
    place = rows // 3
    here = f"writer = %(writer)s AND position = {place}"
    yield Tampering(
        name="UPDATE of a reason",
        first=place,
        last=place,
        statement=f"UPDATE decision SET reason = 'payment' WHERE {here}",  # noqa: S608 - numbers of our own
        broken=place,
    )
    yield Tampering(
        name="DELETE of a row",
        first=place,
        last=place,
        statement=f"DELETE FROM decision WHERE {here}",  # noqa: S608
        broken=None,
    )
    yield Tampering(
        name="INSERT of a row",
        first=rows + 1,
        last=rows + 1,
        statement=(
            "INSERT INTO decision OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(decision, jsonb_build_object("  # noqa: S608
            f"'seq', -1, 'token', 'inserted', 'position', {rows + 1}))).* FROM decision"
            f" WHERE writer = %(writer)s AND position = {rows}"
        ),
        broken=rows + 1,
    )
    yield Tampering(
        name="exchange of two rows",
        first=place,
        last=place + 1,
        statement=(
            f"UPDATE decision SET position = {rows + CUT} WHERE {here};"  # noqa: S608
            f"UPDATE decision SET position = {place} WHERE writer = %(writer)s AND position = {place + 1};"
            f"UPDATE decision SET position = {place + 1} WHERE writer = %(writer)s AND position = {rows + CUT}"
        ),
        broken=place,
    )
    yield Tampering(
        name=f"a cut of the last {CUT} rows",
        first=rows - CUT + 1,
        last=rows,
        statement=f"DELETE FROM decision WHERE writer = %(writer)s AND position > {rows - CUT}",  # noqa: S608
        broken=None,
    )


@contextmanager
def _tampered(url: str, writer: str, tampering: Tampering) -> Iterator[None]:
    """The chain as somebody has left it whom no trigger stops, and as it was before, afterwards."""
    these = f"writer = %(writer)s AND position BETWEEN {tampering.first} AND {tampering.last}"
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        as_writer = {"writer": writer}
        connection.execute("ALTER TABLE decision DISABLE TRIGGER ALL")
        connection.execute(f"CREATE TABLE kept AS SELECT * FROM decision WHERE {these}".encode(), as_writer)  # noqa: S608
        connection.execute(tampering.statement.encode(), as_writer)
        try:
            yield
        finally:
            connection.execute(f"DELETE FROM decision WHERE {these}".encode(), as_writer)  # noqa: S608
            connection.execute("INSERT INTO decision OVERRIDING SYSTEM VALUE SELECT * FROM kept")
            connection.execute("DROP TABLE kept")


if __name__ == "__main__":
    main()
