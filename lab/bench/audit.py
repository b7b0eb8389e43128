"""``python -m lab.bench.audit``: how fast chains of decisions are written and verified, on a PostgreSQL of its own."""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.audit.keys import SigningKey
from controller.audit.verify import Proof, verify
from controller.db import migrate
from controller.db.chains import everything
from controller.db.embedded import EmbeddedPostgres
from controller.db.engine import open_engine
from controller.db.ledger import PostgresLedger
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId, Token

WRITERS = 2
BATCH = 1000
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, verify, and say how long it took."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.audit", description="Measure chains of decisions.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="decisions to write and verify")
    asyncio.run(_measure(parser.parse_args(arguments).rows))


async def _measure(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        async with EmbeddedPostgres(folder / "postgresql") as server:
            await asyncio.to_thread(migrate.upgrade, server.url)
            began = time.perf_counter()
            await _write(server.url, rows)
            print(f"{rows} decisions written, {rows / (time.perf_counter() - began):.0f} a second")
            await asyncio.to_thread(_verify, server.url)


async def _write(url: str, rows: int) -> None:
    engine = open_engine(url)
    ledgers = [PostgresLedger(engine, sampling_key=b"", writer=f"daemon-{n}", timeout_s=60) for n in range(WRITERS)]
    for batch, first in enumerate(range(0, rows, BATCH)):
        tokens = (Token(str(number)) for number in range(first, min(first + BATCH, rows)))
        await ledgers[batch % WRITERS].write([replace(_DECISION, token=token) for token in tokens])
    await engine.dispose()


def _verify(url: str) -> None:
    began = time.perf_counter()
    key, now = SigningKey(bytes(32)).public, datetime.now(UTC)
    with everything(url) as (found, points):
        unsigned = now - _DECISION.at + timedelta(days=1)
        reports = verify(found, Proof(checkpoints=points, copies=[], keys=[key], now=now, grace=unsigned))
    rows = sum(report.rows for report in reports)
    assert not any(report.findings for report in reports)  # noqa: S101 - what is wrong is not worth measuring
    rate = rows / (time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{rows} rows in {len(reports)} chains verified, {rate:.0f} a second; {memory} MiB at most")


if __name__ == "__main__":
    main()
