"""Over HTTP nobody comes to what is not theirs by an account of another name, by its password, or by a token."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db import queries
from controller.runtime.clock import now
from tests.integration.offices import PEOPLE, TOKEN, Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

PASSWORD = "an invented password"
LISTENER = {"roles": ["listener"], "purposes": ["quality"]}
SUPERVISOR = {"roles": ["supervisor"], "purposes": ["*"]}
DPO, ADMINISTRATOR = {"roles": ["dpo"]}, {"roles": ["administrator"]}
AGENT = {"roles": ["agent"], "extension": "203", "pbx": "main"}
FILE = "file"
"""Who shows the secret of the configuration."""


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        opened.tokens.tokens[FILE] = TOKEN
        yield opened


async def asks(office: Office, who: str, path: str, **body: Any) -> int:
    return (await office.ask(who, "POST", path, json=body))[0]


async def said(office: Office) -> list[tuple[str, str]]:
    return [
        (one.reason, str(one.facts["name"]))
        async for one in queries.decisions(office.custody.engine)
        if one.actor.startswith(("token:", "api"))
    ]


@pytest.mark.parametrize(
    ("who", "scope"),
    [
        pytest.param("administrator", LISTENER, id="an administrator lets nobody listen"),
        pytest.param("administrator", SUPERVISOR, id="nor supervise"),
        pytest.param("administrator", DPO, id="nor serve data subjects"),
        pytest.param(FILE, LISTENER, id="nor does the secret of the configuration"),
        pytest.param("dpo", ADMINISTRATOR, id="the DPO lets nobody run the system"),
    ],
)
async def test_nobody_gives_out_what_they_have_not(office: Office, who: str, scope: dict[str, Any]) -> None:
    await office.identities.add_account("ada", PASSWORD, PEOPLE["agent-203"], actor="test")
    assert await asks(office, who, "/accounts", name="bob", password=PASSWORD, **scope) == 403
    assert await asks(office, who, "/tokens", name="player", days=1, **scope) == 403
    assert await asks(office, who, "/accounts/ada", **scope) == 403
    [ada] = await office.identities.accounts()
    assert ada.roles == PEOPLE["agent-203"].roles
    assert "player" not in {one.name for one in await office.identities.tokens()}
    assert await said(office) == []


@pytest.mark.parametrize(
    ("who", "whose"),
    [
        pytest.param("administrator", "listener-of-quality", id="an administrator, of who listens"),
        pytest.param("administrator", "dpo", id="an administrator, of the DPO"),
        pytest.param("dpo", "administrator", id="the DPO, of an administrator"),
    ],
)
async def test_an_account_that_reaches_further_is_taken_away_and_not_taken_over(
    office: Office, who: str, whose: str
) -> None:
    """Who sets its password, or takes it into use again, could be whom it is for."""
    account = await office.identities.add_account("ada", PASSWORD, PEOPLE[whose], actor="test")
    for body in ({"password": "another invented one"}, AGENT, {"enable": True}):
        assert await asks(office, who, "/accounts/ada", **body) == 403, body
    assert await office.identities.accounts() == [replace(account, new=False)]
    assert await asks(office, who, "/accounts/ada/disable") == 200
    assert await asks(office, who, "/accounts/ada", enable=True) == 403
    await office.identities.issue_token("player", PEOPLE[whose], now() + timedelta(days=1), actor="test")
    assert await asks(office, who, "/tokens/player/revoke") == 200
    assert await said(office) == [("account-disabled", "account:ada"), ("token-revoked", "token:player")]


async def test_what_is_theirs_is_given_out(office: Office) -> None:
    assert await asks(office, "dpo", "/accounts", name="nora", password=PASSWORD, **LISTENER) == 201
    assert await asks(office, "dpo", "/accounts/nora", password="another invented one") == 200
    assert await asks(office, "dpo", "/tokens", name="player", days=1, **SUPERVISOR) == 201
    assert await asks(office, "administrator", "/tokens", name="another", days=1, **ADMINISTRATOR) == 201
    assert await asks(office, FILE, "/tokens", name="banner", days=1, **AGENT) == 201
    status, text = await office.ask("administrator", "GET", "/accounts")
    assert (status, [one["name"] for one in json.loads(text)]) == (200, ["nora"])
