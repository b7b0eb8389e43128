"""What goes with everything that is served, whatever it is."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controller.web.headers import PAGE_POLICY, POLICY, WORKER_POLICY, protect
from controller.web.openapi.reading import PAGE, STYLE
from tests.unit.runtime.switched import Switched
from tests.unit.web.test_web_api import BEARER, Client, served


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(served(Switched()))) as ready:
        yield ready


@pytest.mark.parametrize(
    ("path", "status", "policy"),
    [
        ("/healthz", 200, POLICY),
        ("/metrics", 200, POLICY),
        ("/api/v1/calls", 200, POLICY),
        ("/api/v1/openapi.json", 200, POLICY),
        ("/api/v1/calls/none", 404, POLICY),
        ("/nowhere", 404, POLICY),
        (PAGE, 200, PAGE_POLICY),
        (STYLE, 200, POLICY),
    ],
)
async def test_every_answer_says_what_a_browser_may_do_with_it(
    client: Client, path: str, status: int, policy: str
) -> None:
    async with client.get(path, headers=BEARER) as answer:
        assert answer.status == status
        assert answer.headers["Content-Security-Policy"] == policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in answer.headers
        assert "aiohttp" not in answer.headers["Server"]


@pytest.mark.parametrize(
    ("path", "kept"), [("/api/v1/calls", "no-store"), ("/nowhere", "no-store"), (PAGE, "no-cache"), (STYLE, "no-cache")]
)
async def test_only_what_is_nobodys_is_kept(client: Client, path: str, kept: str) -> None:
    async with client.get(path, headers=BEARER) as answer:
        assert answer.headers["Cache-Control"] == kept


@pytest.mark.parametrize(("script", "policy"), [("live-worker.js", WORKER_POLICY), ("live.js", POLICY)])
async def test_the_one_script_that_runs_beside_pages_may_ask_and_load_what_is_ours(
    client: Client, script: str, policy: str
) -> None:
    async with client.get(f"/static/{script}") as answer:
        assert (answer.status, answer.headers["Content-Security-Policy"]) == (200, policy)


async def test_a_handler_may_say_otherwise() -> None:
    async def banner(_request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": "frame-ancestors https://crm.example"}
        return web.Response(text="<p>", content_type="text/html", headers=headers)

    app = web.Application()
    protect(app)
    app.router.add_get("/", banner)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors https://crm.example"
        assert answer.headers["Permissions-Policy"].startswith("camera=()")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/api/v1/calls", 405),
        ("GET", "/api/v1/calls?x=%00", 400),
        ("GET", "/api/v1/calls/%00", 404),
        ("POST", "/api/v1/calls/none/pause", 413),
    ],
)
async def test_what_aiohttp_refuses_is_told_as_everything_is(
    client: Client, method: str, path: str, status: int
) -> None:
    body = b" " * 20_000 if status == 413 else None
    async with client.request(method, path, headers=BEARER, data=body) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert (await answer.json())["status"] == status
        assert ("Allow" in answer.headers) == (status == 405)


async def test_what_nobody_had_thought_of_is_told_without_a_word_of_what_it_was(client: Client) -> None:
    """No register is behind this server."""
    async with client.get("/api/v1/notices", headers=BEARER) as answer:
        assert (answer.status, await answer.json()) == (
            500,
            {"title": "Internal Server Error", "status": 500, "code": "failed"},
        )


async def test_a_page_that_nobody_had_thought_could_fail_is_told_of_by_a_page(client: Client) -> None:
    async with client.get("/console/notices?lang=fr", headers=BEARER) as answer:
        assert (answer.status, answer.content_type) == (500, "text/html")
        assert "Une erreur s\u2019est produite" in await answer.text()
