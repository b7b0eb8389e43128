"""The migrations: forward, back and forward again, to exactly what the code works with."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from controller.db import migrate
from controller.db.tables import metadata
from controller.errors import DatabaseAway, DatabaseRefused

CATALOGUE = """
SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || ' '
    || coalesce(column_default, identity_generation, '') || ' ' || coalesce(character_maximum_length, 0)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
TRIGGERS = """
SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'decision'::regclass AND NOT tgisinternal ORDER BY 1
"""


def read(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return sorted(connection.execute(question.encode()).fetchall())


def write(url: str, statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statements.encode())


def without_alembic(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row for row in rows if "alembic_version" not in row[1]]


def test_forward_back_and_forward_again_ends_where_it_was(empty_database: str) -> None:
    assert migrate.current(empty_database) is None
    migrate.upgrade(empty_database)
    first = read(empty_database, CATALOGUE), read(empty_database, TRIGGERS)
    migrate.downgrade(empty_database, "base")
    assert without_alembic(read(empty_database, CATALOGUE)) == []
    assert read(empty_database, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []
    assert not migrate.is_current(empty_database)
    migrate.upgrade(empty_database)
    assert (read(empty_database, CATALOGUE), read(empty_database, TRIGGERS)) == first
    assert migrate.is_current(empty_database)


def test_what_keeps_decisions_fires_in_every_session(database: str) -> None:
    assert read(database, TRIGGERS) == [("decision_keep_rows", "A"), ("decision_keep_table", "A")]


def test_autogenerate_finds_nothing_to_do(database: str) -> None:
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_tables_of_the_code_are_those_of_the_migrations(database: str, empty_database: str) -> None:
    """Checks too, and with them every enum: autogenerate does not look at those."""
    metadata.create_all(create_engine(empty_database, poolclass=NullPool))
    assert without_alembic(read(database, CATALOGUE)) == read(empty_database, CATALOGUE)


def test_the_script_for_who_migrates_by_hand_does_the_same(database: str, empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(migrate.as_sql().encode())
    for question in (CATALOGUE, TRIGGERS):
        assert read(empty_database, question) == read(database, question)
    assert migrate.is_current(empty_database)


def test_daemons_that_migrate_at_the_same_time_do_not_clash(empty_database: str) -> None:
    with ThreadPoolExecutor(6) as daemons:
        for done in [daemons.submit(migrate.upgrade, empty_database) for _ in range(6)]:
            done.result()
    assert migrate.is_current(empty_database)


def test_migrating_a_current_database_changes_nothing(database: str) -> None:
    before = read(database, CATALOGUE)
    migrate.upgrade(database)
    assert read(database, CATALOGUE) == before


def test_a_database_of_a_newer_program_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert not migrate.is_current(database)
    with pytest.raises(DatabaseRefused, match="another version of this program"):
        migrate.upgrade(database)


def test_a_database_that_is_nowhere_is_away() -> None:
    with pytest.raises(DatabaseAway):
        migrate.is_current("postgresql://nobody@127.0.0.1:1/none")


ROWS_OF_0001 = """
INSERT INTO recording (name, call_id, pbx, purpose, state, started_at)
SELECT 'old ' || state, gen_random_uuid(), 'paris', 'quality', state, '2026-03-02 12:00Z'
FROM unnest(ARRAY['starting', 'recording', 'paused', 'ended', 'failed']) AS state
"""
ROWS_OF_0002 = """
INSERT INTO recording (name, call_id, pbx, purpose, state, started_at, quarantined_from) VALUES
    ('thrown away', gen_random_uuid(), 'paris', 'quality', 'discarded', '2026-03-02 12:00Z', NULL),
    ('to be thrown away', gen_random_uuid(), 'paris', 'quality', 'discarding', '2026-03-02 12:00Z', now());
INSERT INTO objection VALUES (decode(repeat('00', 32), 'hex'), '*', '2026-03-02 12:00Z', '2027-03-02 12:00Z');
INSERT INTO agent_notice (agent, version, informed_at) VALUES ('201', '2026-1', '2026-03-01');
"""
STATES = "SELECT name, state, quarantined_from = started_at FROM recording"


def test_a_step_forward_and_back_keeps_the_recordings_and_never_unlocks_one_that_was_thrown_away(
    empty_database: str,
) -> None:
    migrate.upgrade(empty_database, "0001")
    write(empty_database, ROWS_OF_0001)
    before = read(empty_database, STATES)
    migrate.upgrade(empty_database, "0002")
    assert read(empty_database, STATES) == before
    write(empty_database, ROWS_OF_0002)
    migrate.downgrade(empty_database, "0001")
    thrown_away = [("thrown away", "ended", True), ("to be thrown away", "ended", True)]
    assert read(empty_database, STATES) == sorted([*before, *thrown_away])
    migrate.upgrade(empty_database)
    assert read(empty_database, STATES) == sorted([*before, *thrown_away])


def test_no_number_can_stand_where_a_hash_belongs(database: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        write(database, "INSERT INTO objection VALUES ('0199000001', '*', now(), now())")
