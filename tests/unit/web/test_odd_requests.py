"""What nobody's browser sends, from somebody who need not be known: an answer that says so, and no failure of ours."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from controller.config.settings import DataController
from controller.custody.custody import Custody
from controller.runtime.keyring import Keyring
from controller.runtime.ports import IdentityBook
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.sessions import Sessions
from controller.web import server
from controller.web.session import belongs, csrf_of

Client = TestClient[Request, Application]

FIELD = b'Content-Disposition: form-data; name="token"'
MULTIPART = "multipart/form-data; boundary=b"
ENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Of a server that knows nobody."""
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
        custody=cast("Custody", object()),
        data_controller=DataController(name="Exemple SA", contact="dpo@exemple.example"),
        keyring=Keyring(cast("IdentityBook", object())),
        sessions=cast("Sessions", object()),
    )
    async with TestClient(TestServer(app)) as ready:
        yield ready


def part(*headers: bytes, content: bytes = b"x") -> bytes:
    """A form of one field, with these headers."""
    return b"\r\n".join([b"--b", *headers, b"", content, b"--b--", b""])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("multipart/form-data", part(FIELD), id="no boundary"),
        pytest.param(f"multipart/form-data; boundary={'b' * 80}", part(FIELD), id="a long boundary"),
        pytest.param(MULTIPART, b"garbage", id="garbage"),
        pytest.param(MULTIPART, part(FIELD)[:20], id="cut off"),
        pytest.param(MULTIPART, part(b"Content-Disposition: form-data"), id="a field without a name"),
        pytest.param(MULTIPART, part(b"nothing"), id="a header that is none"),
        pytest.param(MULTIPART, part(FIELD, b"A: " + b"x" * 9000), id="a long header"),
        pytest.param(MULTIPART, part(FIELD, *[b"A: b"] * 200), id="many headers"),
        pytest.param(MULTIPART, part(FIELD, b"Content-Transfer-Encoding: base64", content=b"Q"), id="no base64"),
        pytest.param(MULTIPART, part(FIELD, b"Content-Transfer-Encoding: nonsense"), id="an unknown encoding"),
        pytest.param(MULTIPART, part(FIELD, b"Content-Type: text/plain; charset=nonsense"), id="a field's charset"),
        pytest.param(MULTIPART, part(FIELD, b"Content-Type: multipart/mixed; boundary=c"), id="a form in a form"),
        pytest.param(MULTIPART, part(FIELD, content=b"\xff"), id="a field that is no text"),
        pytest.param(f"{ENCODED}; charset=nonsense", b"token=x", id="an unknown charset"),
        pytest.param(f"{ENCODED}; charset=hex", b"token=x", id="a charset that makes no text"),
        pytest.param(f"{ENCODED}; charset=unicode_escape", rb"token=\ud800", id="half of a character"),
        pytest.param(ENCODED, b"\xff", id="no text"),
        pytest.param(ENCODED, b"token=%00", id="a NUL"),
    ],
)
async def test_a_form_that_cannot_be_read_is_told_so_by_a_page(client: Client, kind: str, body: bytes) -> None:
    async with client.post("/console/customers", data=body, headers={"Content-Type": kind}) as answer:
        assert (answer.status, answer.content_type) == (400, "text/html")
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("place", "kind"), [("/console/customers", ENCODED), ("/api/v1/session", "application/json")])
async def test_a_body_that_is_not_compressed_as_it_says_is_none(client: Client, place: str, kind: str) -> None:
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    assert await status_of(client, f"POST {place}", headers, b"no gzip") == b"400"


@pytest.mark.parametrize(("asked", "status"), [("GET /api/v1/me", b"401"), ("GET /console", b"303")])
async def test_a_cookie_that_is_no_text_is_nobodys(client: Client, asked: str, status: bytes) -> None:
    assert await status_of(client, asked, {"Cookie": "rc_session=\xff"}) == status


async def status_of(client: Client, asked: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """What is answered; each sign of a header is sent as one byte."""
    assert client.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    lines = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **headers}
    head = "\r\n".join([f"{asked} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""])
    writer.write(head.encode("latin-1") + body)
    _, status, _ = (await reader.readline()).split(b" ", 2)
    writer.close()
    return status


def test_a_secret_that_is_no_text_has_a_second_word_like_any_other() -> None:
    assert belongs("\udcff", csrf_of("\udcff"))
    assert not belongs("\udcff", csrf_of("\udcfe"))
