"""Metrics over HTTP: asked by many at once, and written once."""

from collections.abc import AsyncIterator, Iterator
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import REGISTRY, Metric
from prometheus_client.registry import Collector

from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.web import exposition, server

PLAIN, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
Client = TestClient[Request, Application]


class Counting(Collector):
    """Has nothing to say, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        self.asked += 1
        return iter(())


@pytest.fixture
def counting() -> Iterator[Counting]:
    collector = Counting()
    REGISTRY.register(collector)
    yield collector
    REGISTRY.unregister(collector)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
    )
    async with TestClient(TestServer(app)) as ready:
        yield ready


async def told(client: Client, accept: str) -> tuple[str, bytes]:
    """The format, and what is told in it."""
    async with client.get("/metrics", headers={"Accept": accept}) as answer:
        return answer.headers["Content-Type"].partition("; charset")[0], await answer.read()


async def test_each_format_is_written_once_for_all_who_ask_within_a_second(
    client: Client, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "KEPT_S", 3600)
    plain = [await told(client, accept) for accept in ("", "*/*", "text/plain; version=1.0.0; escaping=allow-utf-8")]
    assert {content_type for content_type, _ in plain} == {PLAIN}
    assert counting.asked == 1
    odd = [await told(client, f"application/openmetrics-text; version=1.0.{number}; q=0.5") for number in range(3)]
    assert {content_type for content_type, _ in odd} == {OPEN}
    assert odd[0][1].endswith(b"# EOF\n")
    assert counting.asked == 2
    assert all(one == plain[0] for one in plain)


async def test_it_is_written_anew_afterwards(
    client: Client, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition, "KEPT_S", 0)
    for number in range(1, 4):
        await told(client, "")
        assert counting.asked == number
