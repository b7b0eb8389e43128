"""Holds, outcomes, documents, retention and data subjects' requests over HTTP, on a real store and database."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4
from zipfile import ZipFile

import psycopg
import pytest
import soundfile
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.config.settings import DataController
from controller.custody.custody import Custody
from controller.domain.policy import Basis, Period
from controller.domain.principal import Role
from controller.domain.records import StoredState
from controller.runtime.clock import now
from controller.runtime.identities import Scope
from controller.runtime.reloading import Reloading
from controller.web import server
from tests.integration.holdings import CUSTOMER, a_custody, a_purpose, a_stored_recording
from tests.integration.identities import a_keyring
from tests.unit.registers import MemoryRegister, a_registration

QUALITY = a_purpose(analyses=Period(years=1))
INSURANCE = a_purpose("insurance", basis=Basis.CONTRACT, retention=Period(years=2), without_contract=Period(months=1))

Client = TestClient[Any, Any]


@pytest.fixture
def custody(engine: AsyncEngine, tmp_path: Path) -> Custody:
    return a_custody(engine, tmp_path, QUALITY, INSURANCE)


@pytest.fixture
async def client(custody: Custody) -> AsyncIterator[Client]:
    tokens = await a_keyring(custody, dpo=Scope(roles=frozenset({Role.DPO})))
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=a_registration(MemoryRegister(), []),
        reloading=cast("Reloading", None),
        custody=custody,
        data_controller=DataController(name="Exemple SA", contact="dpo@exemple.example"),
        keyring=tokens.keyring,
    )
    async with TestClient(TestServer(app), headers=tokens.bearer("dpo")) as opened:
        yield opened


def rows(database: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(question.encode()).fetchall()


def reasons(database: str) -> list[str]:
    return [f"{kind} {verdict} {reason}" for kind, verdict, reason in rows(
        database, "SELECT kind, verdict, reason FROM decision WHERE actor = 'token:dpo' ORDER BY seq"
    )]  # fmt: skip


def call_of(name: str) -> str:
    return name.removeprefix("rc-")[:36]


async def told(response: ClientResponse, status: int = 200) -> Any:
    assert response.status == status, await response.text()
    return await response.json()


async def problem(response: ClientResponse, status: int) -> str:
    assert (response.status, response.content_type) == (status, "application/problem+json"), await response.text()
    return str((await response.json()).get("detail", ""))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/holds"),
        ("POST", "/holds"),
        ("DELETE", "/holds/1"),
        ("POST", "/outcomes"),
        ("GET", "/documents"),
        ("POST", "/documents"),
        ("GET", "/documents/1"),
        ("GET", "/retention"),
        ("GET", "/retention/review"),
        ("POST", "/retention/review"),
        ("POST", "/subjects/export"),
        ("POST", "/subjects/erase"),
        ("POST", "/subjects/restrict"),
        ("POST", "/subjects/rectify"),
        ("GET", "/recordings"),
        ("POST", "/recordings/search"),
        ("GET", "/recordings/1"),
        ("GET", "/recordings/1/audio.mp3"),
        ("GET", "/recordings/1/peaks"),
        ("GET", "/recordings/1/timeline"),
    ],
)
async def test_nobody_gets_anything_without_the_token(client: Client, method: str, path: str) -> None:
    response = await client.request(method, f"/api/v1{path}", headers={"Authorization": "Bearer another"})
    assert response.status == 401


async def test_a_hold_is_placed_keeps_what_is_due_and_is_lifted(
    client: Client, custody: Custody, database: str
) -> None:
    name = await a_stored_recording(custody, stored={"due_at": now() - timedelta(days=1)})
    hold = await told(
        await client.post("/api/v1/holds", json={"call": call_of(name), "why": "dispute with somebody"}), 201
    )
    assert [one["id"] for one in (await told(await client.get("/api/v1/holds")))["holds"]] == [hold["id"]]
    foreseen = await told(await client.get("/api/v1/retention"))
    assert [(one["what"], one["reason"]) for one in foreseen["steps"]] == [("keep", "legal-hold")]
    await told(await client.delete(f"/api/v1/holds/{hold['id']}"))
    assert await told(await client.get("/api/v1/holds")) == {"holds": [], "next": None}
    foreseen = await told(await client.get("/api/v1/retention"))
    assert [(one["what"], one["reason"]) for one in foreseen["steps"]] == [("destroy", "retention-over")]
    assert rows(database, "SELECT state FROM stored") == [("stored",)]
    assert reasons(database) == ["hold applied hold-placed", "hold applied hold-lifted"]
    assert not rows(database, "SELECT 1 FROM decision WHERE facts::text LIKE '%dispute%'")
    assert "lifted before" in await problem(await client.delete(f"/api/v1/holds/{hold['id']}"), 404)
    again = await client.post(f"/api/v1/holds/{hold['id']}/lift", json={"why": "it is settled"})
    assert "lifted before" in await problem(again, 404)


async def test_a_contract_lets_a_recording_be_kept_for_longer(client: Client, custody: Custody) -> None:
    began = now() - timedelta(days=3)
    name = await a_stored_recording(custody, purpose="insurance", began=began)
    body = {"call": call_of(name), "outcome": "contract"}
    assert await told(await client.post("/api/v1/outcomes", json=body)) == {"changed": 1}
    assert await told(await client.post("/api/v1/outcomes", json=body)) == {"changed": 0}
    shown = await told(await client.get(f"/api/v1/recordings/{name}"))
    assert shown["outcome"] == "contract"
    assert shown["due_at"][:4] == str(began.year + 2)
    assert await problem(await client.post("/api/v1/outcomes", json=body | {"outcome": "perhaps"}), 400)
    assert await problem(await client.post("/api/v1/outcomes", json=body | {"call": "1"}), 400)


async def test_a_document_of_analysis_is_kept_and_read_again(client: Client, custody: Custody, database: str) -> None:
    name = await a_stored_recording(custody)
    query = {"call": call_of(name), "purpose": "quality", "kind": "evaluation"}
    text = {"Content-Type": "text/plain"}
    added = await told(await client.post("/api/v1/documents", params=query, data=b"friendly", headers=text), 201)
    [listed] = await told(await client.get("/api/v1/documents", params={"call": call_of(name)}))
    assert (listed["id"], listed["kind"]) == (added["id"], "evaluation")
    read = await client.get(f"/api/v1/documents/{added['id']}", params={"reason": "appraisal"})
    assert (read.status, await read.read()) == (200, b"friendly")
    assert rows(database, "SELECT who, action, what, why FROM access") == [
        ("token:dpo", "fetch", added["id"], "appraisal")
    ]
    assert await problem(await client.post("/api/v1/documents", params={"call": call_of(name)}, data=b"x"), 400)
    assert await problem(
        await client.post("/api/v1/documents", params=query | {"purpose": "insurance"}, data=b"x", headers=text), 400
    )
    assert await problem(await client.get("/api/v1/documents/none"), 404)


async def test_a_shorter_retention_is_reported_before_it_is_applied(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody, began=now(), stored={"due_at": now() + timedelta(days=400)})
    [change] = await told(await client.get("/api/v1/retention/review"))
    assert (change["purpose"], change["sooner"], change["count"]) == ("quality", True, 1)
    before = (await told(await client.get(f"/api/v1/recordings/{name}")))["due_at"]
    assert await told(await client.post("/api/v1/retention/review", json={})) == {"changed": 1}
    assert (await told(await client.get(f"/api/v1/recordings/{name}")))["due_at"] < before
    assert await told(await client.get("/api/v1/retention/review")) == []
    assert await problem(await client.post("/api/v1/retention/review", json={"lengthen": "yes"}), 400)
    assert await problem(await client.get("/api/v1/retention", params={"at": "soon"}), 400)


async def test_a_customer_gets_their_copy_once_each_recording_was_decided_about(
    client: Client, custody: Custody, database: str
) -> None:
    mine = await a_stored_recording(custody)
    kept_back = await a_stored_recording(custody)
    await a_stored_recording(custody, number="+33199000018")
    told_of = await told(await client.post("/api/v1/subjects/export", json={"number": CUSTOMER}))
    assert {one["name"] for call in told_of["calls"] for one in call["recordings"]} == {mine, kept_back}
    half = {"number": CUSTOMER, "release": {mine: "yes"}}
    assert kept_back in await problem(await client.post("/api/v1/subjects/export", json=half), 400)
    whole = {"number": CUSTOMER, "release": {mine: "yes", kept_back: "no"}}
    response = await client.post("/api/v1/subjects/export", json=whole)
    assert (response.status, response.content_type) == (200, "application/zip")
    with ZipFile(io.BytesIO(await response.read())) as zipped:
        assert [one for one in zipped.namelist() if one.startswith("audio/")] == [f"audio/{mine}.mp3"]
        heard, rate = soundfile.read(io.BytesIO(zipped.read(f"audio/{mine}.mp3")))
    assert len(heard) / rate == pytest.approx(1, abs=0.05)
    assert await problem(await client.post("/api/v1/subjects/export", json={"number": "+33199000019"}), 404)
    assert await problem(await client.post("/api/v1/subjects/export", json={"number": "anonymous"}), 400)
    assert await problem(await client.post("/api/v1/subjects/export", json={"who": "me"}), 400)
    assert "access applied subject-request" in reasons(database)


async def test_a_customer_is_erased_but_for_what_the_law_keeps(
    client: Client, custody: Custody, database: str, tmp_path: Path
) -> None:
    quality = await a_stored_recording(custody)
    insurance = await a_stored_recording(
        custody, purpose="insurance", began=now(), stored={"due_at": now() + timedelta(days=30)}
    )
    foreseen = await told(await client.post("/api/v1/subjects/erase", json={"number": CUSTOMER, "dry_run": "yes"}))
    assert foreseen["erased"] == [quality]
    assert len(list((tmp_path / "recordings").rglob("*.age"))) == 2
    done = await told(await client.post("/api/v1/subjects/erase", json={"number": CUSTOMER}))
    assert (done["erased"], [(one["name"], one["reason"]) for one in done["kept"]]) == (
        [quality],
        [(insurance, "evidence")],
    )
    assert len(list((tmp_path / "recordings").rglob("*.age"))) == 1
    states = dict(rows(database, "SELECT recording, state FROM stored"))
    assert states == {quality: StoredState.DESTROYED, insurance: StoredState.STORED}
    assert await problem(await client.post("/api/v1/subjects/erase", json={"number": CUSTOMER, "dry_run": "?"}), 400)


async def test_a_customer_restricts_what_is_done_with_what_is_stored(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody)
    body = {"number": CUSTOMER}
    assert await told(await client.post("/api/v1/subjects/restrict", json=body)) == {"changed": True}
    assert (await client.get(f"/api/v1/recordings/{name}/audio.wav")).status == 403
    assert await problem(await client.post("/api/v1/subjects/restrict", json=body | {"lift": "true"}), 400)
    assert await told(await client.post("/api/v1/subjects/restrict", json=body | {"lift": "yes"})) == {"changed": True}
    assert (await client.get(f"/api/v1/recordings/{name}/audio.wav")).status == 200


async def test_what_is_wrong_about_a_call_is_put_right(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody)
    body = {"call": call_of(name), "agent": "207"}
    assert await told(await client.post("/api/v1/subjects/rectify", json=body)) == {"rectified": ["agent"]}
    assert (await told(await client.get(f"/api/v1/recordings/{name}")))["agent"] == "207"
    nothing = await client.post("/api/v1/subjects/rectify", json={"call": call_of(name)})
    assert await problem(nothing, 400)
    assert (await nothing.json())["errors"] == [{"code": "nothing-to-rectify", "field": None, "values": {}}]
    assert await problem(await client.post("/api/v1/subjects/rectify", json=body | {"call": str(uuid4())}), 400)
