"""The registers over HTTP."""

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any, cast

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from controller.runtime.reloading import Reloading
from controller.web import server
from tests.unit.registers import CUSTOMER, MemoryRegister, a_registration, customer_of

TOKEN = "a token of sixteen"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CSV = "agent,informed_at,version\n201,2026-09-01,2026-09\n"
A_NOTICE = {"agent": "201", "informed_at": "2026-09-01", "version": "2026-09"}

Client = TestClient[Any, Any]


@pytest.fixture
def register() -> MemoryRegister:
    return MemoryRegister()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def client(register: MemoryRegister, told: list[str]) -> AsyncIterator[Client]:
    app = server.build(
        pbxs=[],
        token=TOKEN,
        troubles=dict,
        registration=a_registration(register, told),
        reloading=cast("Reloading", None),
    )
    async with TestClient(TestServer(app), headers=BEARER) as opened:
        yield opened


async def post_csv(client: Client, text: str) -> ClientResponse:
    return await client.post("/api/v1/notices", data=BytesIO(text.encode()), headers={"Content-Type": "text/csv"})


async def problem(response: ClientResponse, status: int) -> dict[str, Any]:
    assert (response.status, response.content_type) == (status, "application/problem+json")
    document: dict[str, Any] = await response.json()
    assert document["status"] == status
    return document


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/notices"),
        ("POST", "/notices"),
        ("DELETE", "/notices/201"),
        ("GET", "/objections"),
        ("POST", "/objections"),
        ("POST", "/objections/end"),
        ("DELETE", "/objections/00"),
    ],
)
async def test_nobody_sees_a_register_without_the_token(client: Client, method: str, path: str) -> None:
    response = await client.request(method, f"/api/v1{path}", headers={"Authorization": "Bearer none"})
    await problem(response, 401)


async def test_notices_come_in_as_csv_or_json_and_the_daemon_is_told(client: Client, told: list[str]) -> None:
    response = await post_csv(client, CSV)
    assert (response.status, await response.json()) == (200, {"added": 1, "corrected": 0, "unchanged": 0})
    assert told == ["notices"]
    response = await client.post("/api/v1/notices", json=[A_NOTICE])
    assert await response.json() == {"added": 0, "corrected": 0, "unchanged": 1}
    listed = await client.get("/api/v1/notices")
    assert await listed.json() == {"notices": [A_NOTICE], "next": None}


async def test_a_faulty_list_changes_nothing_and_every_fault_is_told(
    client: Client, register: MemoryRegister, told: list[str]
) -> None:
    document = await problem(await post_csv(client, CSV + "PJSIP/202,2026-09-01,2026-09\n203,now,2026-09\n"), 400)
    assert [fault.split(": ")[:2] for fault in document["faults"]] == [["body:3", "agent"], ["body:4", "informed_at"]]
    assert document["detail"] == document["faults"][0]
    assert (register.batches, told) == (0, [])


async def test_a_list_of_another_kind_or_without_end_is_refused(client: Client) -> None:
    await problem(await client.post("/api/v1/notices", data=b"%PDF", headers={"Content-Type": "application/pdf"}), 415)
    await problem(await post_csv(client, CSV + "\n" * 1024 * 1024), 413)


async def test_a_long_list_is_taken(client: Client) -> None:
    lines = "".join(f"{extension},2026-09-01,2026-09\n" for extension in range(10000, 20000))
    response = await post_csv(client, f"agent,informed_at,version\n{lines}")
    assert (await response.json())["added"] == 10000


async def test_notices_are_withdrawn(client: Client, told: list[str]) -> None:
    await post_csv(client, CSV + "201,2025-01-01,2025-01\n")
    response = await client.delete("/api/v1/notices/201", params={"version": "2025-01"})
    assert [notice["version"] for notice in await response.json()] == ["2025-01"]
    response = await client.delete("/api/v1/notices/201")
    assert await response.json() == [A_NOTICE]
    await problem(await client.delete("/api/v1/notices/201"), 404)
    assert len(told) == 3


async def test_an_objection_is_kept_and_shown_without_a_number(client: Client, register: MemoryRegister) -> None:
    response = await client.post("/api/v1/objections", json={"number": CUSTOMER, "purpose": "quality"})
    assert response.status == 201
    objection = await response.json()
    assert (objection["customer"], objection["scope"]) == (customer_of(CUSTOMER).hex(), "quality")
    listed = await client.get("/api/v1/objections")
    assert await listed.json() == {"objections": [objection], "next": None}
    assert "199000001" not in await listed.text()
    [decision] = register.decisions
    assert decision.actor == "api"


async def test_an_objection_to_everything_lasts_until_it_is_said_to_end(client: Client) -> None:
    until = "2126-11-24T00:00:00.000+00:00"
    response = await client.post("/api/v1/objections", json={"number": CUSTOMER, "until": until})
    objection = await response.json()
    assert (objection["scope"], objection["until"]) == ("*", until)


async def test_objections_end_by_number_or_by_customer(client: Client) -> None:
    for ending in ("number", "customer"):
        for purpose in ("quality", "orders"):
            await client.post("/api/v1/objections", json={"number": CUSTOMER, "purpose": purpose})
        path = f"/api/v1/objections/{customer_of(CUSTOMER).hex()}"
        if ending == "number":
            one = await client.post("/api/v1/objections/end", json={"number": CUSTOMER, "purpose": "orders"})
            rest = await client.post("/api/v1/objections/end", json={"number": CUSTOMER})
            none = await client.post("/api/v1/objections/end", json={"number": CUSTOMER})
        else:
            one = await client.delete(path, params={"purpose": "orders"})
            rest = await client.delete(path)
            none = await client.delete(path)
        assert [objection["scope"] for objection in await one.json()] == ["orders"]
        assert [objection["scope"] for objection in await rest.json()] == ["quality"]
        await problem(none, 404)


async def test_a_customer_that_is_none_has_no_objection(client: Client) -> None:
    await problem(await client.delete("/api/v1/objections/nobody"), 404)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param("{}", id="no number"),
        pytest.param('{"number": 199000017}', id="a number that is no text"),
        pytest.param('{"number": "01 99 00 00 17", "screen": "on"}', id="a member that nobody knows"),
        pytest.param('{"number": "anonymous"}', id="who hides theirs"),
        pytest.param('{"number": "01 99 00 00 17", "purpose": "investment"}', id="what cannot be refused"),
        pytest.param('{"number": "01 99 00 00 17", "until": "tomorrow"}', id="no time"),
        pytest.param('{"number": "01 99 00 00 17", "until": "2126-11-24T00:00:00"}', id="a time of nowhere"),
        pytest.param('{"number": "01 99 00 00 17", "until": "2026-01-01T00:00:00Z"}', id="a time that is over"),
        pytest.param(
            '{"number": "01 99 00 00 17", "until": "9999-12-31T23:59:59-14:00"}', id="a time beyond all years"
        ),
        pytest.param("[" * 10_000, id="JSON without end"),
    ],
)
async def test_what_is_no_objection_is_refused_without_repeating_the_number(
    client: Client, register: MemoryRegister, body: str
) -> None:
    response = await client.post("/api/v1/objections", data=body, headers={"Content-Type": "application/json"})
    document = await problem(response, 400)
    assert "00 00 17" not in document["detail"]
    assert register.batches == 0


@pytest.mark.parametrize("path", ["/notices", "/objections"])
async def test_a_database_that_is_away_is_told(client: Client, register: MemoryRegister, path: str) -> None:
    register.away = True
    await problem(await client.get(f"/api/v1{path}"), 503)
