"""The OpenAPI document is true of the real server: schemathesis asks whatever it allows, and what it forbids.

As somebody who may do everything, and as somebody who may little. With a fixed seed, so that a run is like the last.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import reduce
from pathlib import Path

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.db.identities import PostgresIdentities
from controller.domain.principal import Role
from controller.runtime.clock import now
from controller.runtime.identities import Identities, Scope
from controller.web.openapi.document import OPERATIONS
from controller.web.openapi.oneself import BESIDE
from controller.web.openapi.reading import PAGE, STYLE
from controller.web.routes import PREFIX
from tests.integration.documented import COMMITTED, document
from tests.integration.offices import AGENTS, Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

EVERYTHING = Scope(roles=frozenset(Role), purposes=frozenset({"*"}), extension="201", pbx="main")
LITTLE = Scope(roles=frozenset({Role.LISTENER, Role.INTEGRATION}), purposes=frozenset({"quality"}))
CONFIGURATION = """
seed = 1
continue-on-failure = true
base-url = "URL"
request-timeout = 30
warnings = false
hooks = "tests/integration/another_key.py"
headers = { Authorization = "Bearer TOKEN" }

[cache]
enabled = false

[generation]
max-examples = 2
with-security-parameters = false
no-shrink = true
database = "none"

[phases]
examples.enabled = false
coverage.enabled = COVERAGE
stateful.enabled = false

[checks]
# No Asterisk confirms a pause here.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]

[[operations]]
# What they name must be on file, a number be one that somebody may have, a day be of this year: no schema says so.
include-operation-id = [
    "post-accounts", "post-accounts-name", "post-accounts-name-disable", "post-me-password", "post-tokens",
    "post-tokens-name-revoke", "post-documents", "post-holds", "post-notices", "post-objections",
    "post-objections-end", "post-outcomes", "post-recordings-search", "post-subjects-export", "post-subjects-erase",
    "post-subjects-restrict", "post-subjects-rectify", "get-sampling",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409, 503]

[[operations]]
# A stream that does not end: it is tried below.
include-path = "/api/v1/live"
enabled = false
"""


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


async def a_token(office: Office, scope: Scope) -> str:
    book = PostgresIdentities(office.custody.engine)
    identities = Identities(ledger=office.custody.ledger, book=book, policy=office.custody.policy, pbxs=["main"])
    token = await identities.issue_token("schemathesis", scope, now() + timedelta(days=1), actor="test")
    await office.tokens.keyring.refresh()
    return token


def routes_of(app: web.Application) -> set[str]:
    """Every request that this server answers; each ``GET`` has a ``HEAD`` beside it."""
    routes = [route for route in app.router.routes() if route.resource is not None and route.method != "HEAD"]
    return {f"{route.method} {route.resource.canonical}" for route in routes if route.resource is not None}


async def test_every_request_that_the_server_answers_is_described_and_no_other(office: Office) -> None:
    app = office.client.server.app  # type: ignore[attr-defined]
    described = {asked.replace(" ", f" {PREFIX}") for asked in OPERATIONS} | BESIDE.keys()
    assert {asked for asked in routes_of(app) if asked in BESIDE or PREFIX in asked} == described
    assert {f"GET {PAGE}", f"GET {STYLE}"} <= routes_of(app)


async def test_what_is_said_as_it_happens_is_as_described(office: Office) -> None:
    call = office.call("quality")
    [content] = document()["paths"][f"{PREFIX}/live"]["get"]["responses"]["200"]["content"]
    shape = {**document()["components"]["schemas"]["Call"], "components": document()["components"]}
    headers = office.tokens.bearer("supervisor-of-all")
    async with office.client.get(f"{PREFIX}/live", headers=headers) as stream:
        assert (stream.status, stream.content_type) == (200, content)
        while (line := (await stream.content.readline()).decode()) != "event: calls\n":
            assert line, "the stream has ended"
        calls = json.loads((await stream.content.readline()).decode().removeprefix("data: "))
    assert [one["id"] for one in calls] == [call]
    assert list(Draft202012Validator(shape).iter_errors(calls[0])) == []


@pytest.mark.parametrize(("scope", "coverage"), [(EVERYTHING, "true"), (LITTLE, "false")], ids=["everything", "little"])
async def test_schemathesis_finds_nothing(office: Office, tmp_path: Path, scope: Scope, coverage: str) -> None:
    for purpose in AGENTS:
        office.call(purpose)
        await office.recording(purpose)
    configuration = tmp_path / "schemathesis.toml"
    url = str(office.client.make_url("/"))
    words = {"URL": url.rstrip("/"), "TOKEN": await a_token(office, scope), "COVERAGE": coverage}
    configuration.write_text(reduce(lambda text, word: text.replace(*word), words.items(), CONFIGURATION))
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run", str(COMMITTED)]
    running = await asyncio.create_subprocess_exec(
        *program, "--no-color", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()
