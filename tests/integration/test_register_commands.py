"""The commands of the registers, run as people run them, on a real PostgreSQL."""

import getpass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.commands import Run, rows, said

NUMBER = "01 99 00 00 17"
CSV = "agent,informed_at,version\n201,2026-01-01,2026-01\n202,2026-01-01,2026-01\n"


def decided(database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT kind, verdict, reason, actor FROM decision ORDER BY seq").fetchall()


def test_a_list_of_agents_is_put_on_file_once_and_leaves_its_decisions(run: Run, database: str, tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text(CSV)
    assert said(run("notices", "import", "agents.csv")) == "agents.csv: 2 added, 0 corrected, 0 unchanged\n"
    assert said(run("notices", "import", "-", given=CSV)) == "<stdin>: 0 added, 0 corrected, 2 unchanged\n"
    assert said(run("notices", "withdraw", "202")) == "1 withdrawn\n"
    listed = rows(run("notices", "list", "--format", "jsonl"))
    assert listed == [{"agent": "201", "version": "2026-01", "informed_at": "2026-01-01"}]
    who = f"cli:{getpass.getuser()}"
    informed = ("config", "applied", "agent-informed", who)
    assert decided(database) == [informed, informed, ("config", "applied", "notice-withdrawn", who)]


def test_a_list_by_another_version_of_the_notice_is_warned_of(run: Run) -> None:
    """It may be for the next one; but whoever expects to be recorded by it now is not."""
    done = run("notices", "import", "-", given=CSV.replace("2026-01\n", "2026-09\n"))
    assert done.returncode == 0
    assert done.stderr == "warning: version 2026-09 does not count: 2026-01 is in force\n"


def test_a_faulty_list_puts_nobody_on_file(run: Run, database: str) -> None:
    done = run("notices", "import", "-", given=CSV + "203;2026-01-01;2026-01\n,soon,2026-01\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "<stdin>:4: must have 3 fields, not 1",
        "<stdin>:5: agent: must be an extension, such as the 201 of PJSIP/201",
        "<stdin>:5: informed_at: must be a day, such as 2026-09-01",
    ]
    assert "2026-01" not in everything(database)


def test_an_objection_is_kept_and_ended_by_number_and_no_number_is_stored(run: Run, database: str) -> None:
    assert said(run("objections", "add", NUMBER, "--purpose", "quality")).startswith("objects to quality until 20")
    assert said(run("objections", "add", "-", "--everything", "--until", "2126-01-01", given=f"{NUMBER}\n")) == (
        "objects to * until 2126-01-01T00:00:00+00:00\n"
    )
    listed = rows(run("objections", "list", "--format", "jsonl"))
    assert [row["scope"] for row in listed] == ["quality", "*"]
    assert "199000017" not in everything(database)
    assert said(run("objections", "end", "+33199000017")) == "2 ended\n"
    assert [reason for _, _, reason, _ in decided(database)] == ["objection-added"] * 2 + ["objection-ended"] * 2


def everything(database: str) -> str:
    """All that is stored, as text."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return "".join(
            str(connection.execute(f"SELECT t::text FROM {table} AS t".encode()).fetchall())  # noqa: S608 - our tables
            for (table,) in tables
        )


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("objections", "end", NUMBER), "number: no such objection is on file"),
        (("objections", "add", NUMBER), "either --purpose or --everything"),
        (("notices", "withdraw", "201"), "agent: no such notice is on file"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run: Run, database: str, words: tuple[str, ...], fault: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert decided(database) == []
