"""The commands of accounts and tokens, run as people run them, on a real PostgreSQL."""

import getpass
from typing import Any

import psycopg
import pytest

from controller.runtime.passwords import matches
from tests.integration.commands import Run, rows, said

PASSWORD = "three invented words"
ANOTHER = "four other invented words"


def decided(database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT kind, reason, actor, facts ->> 'name', facts ->> 'roles' FROM decision ORDER BY seq"
        ).fetchall()


def kept(database: str) -> str:
    with psycopg.connect(database) as connection:
        [(password_hash,)] = connection.execute("SELECT password_hash FROM account").fetchall()
        return str(password_hash)


def test_an_account_for_the_provider_needs_no_password_and_its_decisions_do_not_say_who_that_is(run: Run) -> None:
    words = ("accounts", "add", "alice", "--role", "dpo", "--openid", "a-248289761001")
    assert said(run(*words)) == "account:alice is added\n"
    refused = run("accounts", "add", "bob", "--role", "dpo", "--openid", "a-248289761001")
    assert (refused.returncode, "openid: is another account's" in refused.stderr) == (2, True)
    refused = run("accounts", "add", "bob", "--role", "dpo", "--openid", " ")
    assert (refused.returncode, "openid: must be" in refused.stderr) == (2, True)
    assert said(run("accounts", "change", "alice", "--openid", "b-1")) == "account:alice is changed\n"
    assert rows(run("accounts", "list", "--format", "jsonl"))[0]["openid"] == "b-1"
    assert run("accounts", "change", "alice", "--openid", "b-1", "--password", given=f"{PASSWORD}\n").returncode == 2
    assert said(run("accounts", "change", "alice", "--password", given=f"{PASSWORD}\n")) == "account:alice is changed\n"
    assert rows(run("accounts", "list", "--format", "jsonl"))[0]["openid"] is None
    decisions = run("decisions", "--format", "jsonl")
    told = [(one["facts"].get("openid"), one["facts"].get("openid_changed")) for one in rows(decisions)]
    assert told == [(True, None), (True, True), (False, False)]
    assert "b-1" not in decisions.stdout


def test_an_account_is_added_changed_disabled_and_each_is_a_decision(run: Run, database: str) -> None:
    words = ("accounts", "add", "alice", "--role", "listener", "--purpose", "quality")
    assert said(run(*words, given=f"{PASSWORD}\n")) == "account:alice is added\n"
    assert matches(kept(database), PASSWORD)
    change = ("accounts", "change", "alice", "--role", "agent", "--extension", "201")
    assert said(run(*change)) == "account:alice is changed\n"
    assert said(run("accounts", "change", "alice", "--password", given=f"{ANOTHER}\n")) == "account:alice is changed\n"
    assert matches(kept(database), ANOTHER)
    assert said(run("accounts", "disable", "alice")) == "account:alice is disabled\n"
    [listed] = rows(run("accounts", "list", "--format", "jsonl"))
    assert (listed["roles"], listed["purposes"], listed["extension"], listed["pbx"]) == ("agent", "", "201", "main")
    assert listed["disabled_at"] is not None
    assert "password" not in str(listed)
    assert said(run("accounts", "change", "alice", "--enable")) == "account:alice is changed\n"
    [listed] = rows(run("accounts", "list", "--format", "jsonl"))
    assert listed["disabled_at"] is None
    who = f"cli:{getpass.getuser()}"
    assert decided(database) == [
        ("config", "account-added", who, "account:alice", "listener"),
        ("config", "account-changed", who, "account:alice", "agent"),
        ("config", "account-changed", who, "account:alice", "agent"),
        ("config", "account-disabled", who, "account:alice", "agent"),
        ("config", "account-changed", who, "account:alice", "agent"),
    ]
    with psycopg.connect(database) as connection:
        facts = connection.execute("SELECT facts FROM decision ORDER BY seq").fetchall()
    changes = [(one["password_changed"], one["enabled"]) for (one,) in facts if "enabled" in one]
    assert changes == [(False, False), (True, False), (False, True)]
    assert PASSWORD not in str(facts)
    assert "argon2id" not in str(facts)


def test_a_token_is_shown_once_and_revoked(run: Run, database: str) -> None:
    issued = run("tokens", "new", "crm", "--role", "integration", "--purpose", "*", "--days", "30")
    assert issued.returncode == 0
    token = issued.stdout.strip()
    assert token.startswith("rc_")
    assert token not in issued.stderr
    [listed] = rows(run("tokens", "list", "--format", "jsonl"))
    assert (listed["name"], listed["roles"], listed["purposes"]) == ("crm", "integration", "*")
    assert token not in str(listed)
    assert said(run("tokens", "revoke", "crm")) == "token:crm is revoked\n"
    [listed] = rows(run("tokens", "list", "--format", "jsonl"))
    assert listed["revoked_at"] is not None
    reasons = [(reason, name) for _, reason, _, name, _ in decided(database)]
    assert reasons == [("token-issued", "token:crm"), ("token-revoked", "token:crm")]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        pytest.param(("accounts", "add", "alice"), "role: must be one at least", id="no role"),
        pytest.param(("accounts", "add", "Alice A.", "--role", "dpo"), "name: must have", id="no name of ours"),
        pytest.param(("accounts", "add", "alice", "--role", "agent"), "extension: goes with", id="no extension"),
        pytest.param(
            ("accounts", "add", "alice", "--role", "dpo", "--extension", "201"),
            "extension: goes with",
            id="an extension for nothing",
        ),
        pytest.param(
            ("accounts", "add", "alice", "--role", "agent", "--extension", "PJSIP/201"),
            "extension: must be one",
            id="no extension but a channel",
        ),
        pytest.param(
            ("accounts", "add", "alice", "--role", "agent", "--extension", "201", "--pbx", "nice"),
            "pbx: goes with an extension, and is one of the file's: main",
            id="a PBX that is none",
        ),
        pytest.param(("accounts", "add", "alice", "--role", "listener"), "purpose: goes with", id="no purpose"),
        pytest.param(
            ("accounts", "add", "alice", "--role", "listener", "--purpose", "qualty"),
            "purpose: qualty is none of the file's: quality",
            id="a purpose that is none",
        ),
        pytest.param(("accounts", "change", "alice", "--enable"), "no such account", id="nobody"),
        pytest.param(("accounts", "change", "alice"), "nothing is to be changed", id="no change"),
        pytest.param(("accounts", "disable", "alice"), "no such account", id="nobody to disable"),
        pytest.param(("tokens", "revoke", "crm"), "no such token", id="no token"),
        pytest.param(("tokens", "new", "crm", "--role", "dpo", "--days", "1000"), "--days", id="too long a token"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run: Run, database: str, words: tuple[str, ...], fault: str) -> None:
    done = run(*words, given=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert decided(database) == []


def test_a_password_that_is_too_short_and_a_name_that_is_taken_are_refused(run: Run) -> None:
    words = ("accounts", "add", "alice", "--role", "dpo")
    done = run(*words, given="short\n")
    assert (done.returncode, done.stderr) == (2, "password: must have 12 to 1024 characters\n")
    assert said(run(*words, given=f"{PASSWORD}\n"))
    again = run(*words, given=f"{PASSWORD}\n")
    assert again.returncode == 2
    assert "name: is taken" in again.stderr
    assert said(run("accounts", "disable", "alice"))
    twice = run("accounts", "disable", "alice")
    assert (twice.returncode, twice.stderr) == (2, "name: this account is disabled already\n")


def test_what_is_wrong_with_a_scope_is_told_before_the_password_is_read(run: Run) -> None:
    done = run("accounts", "add", "alice", "--role", "agent", given="short\n")
    assert (done.returncode, done.stderr) == (2, "extension: goes with the role agent, and with no other\n")
