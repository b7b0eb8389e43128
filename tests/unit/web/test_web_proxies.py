"""Who asks, and how, is what a proxy of ours says; whatever anybody else says of themselves is not listened to."""

from collections.abc import Mapping
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controller.web.proxies import PROXIES, Proxies, client_of, encrypted

HERE = "127.0.0.1/32"
OURS = (HERE, "192.0.2.0/24", "2001:db8::/32")


async def seen(headers: Mapping[str, str] | list[tuple[str, str]], *trusted: str) -> tuple[str, bool]:
    """The client's address and whether it came by HTTPS, as a server sees it that is asked from this machine."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response([client_of(request), encrypted(request)])

    app = web.Application()
    app[PROXIES] = Proxies(map(ip_network, trusted))
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client, client.get("/", headers=headers) as answer:
        address, https = await answer.json()
        return address, https


@pytest.mark.parametrize(
    ("forwarded", "trusted", "client"),
    [
        pytest.param("203.0.113.1", OURS, "203.0.113.1", id="a proxy says for whom it asks"),
        pytest.param("203.0.113.1", (), "127.0.0.1", id="no proxy is ours"),
        pytest.param("203.0.113.1", ("192.0.2.0/24",), "127.0.0.1", id="another is ours"),
        pytest.param("198.51.100.9, 203.0.113.1", OURS, "203.0.113.1", id="the client had said something, too"),
        pytest.param("203.0.113.1, 192.0.2.8, 2001:db8::1", OURS, "203.0.113.1", id="several of ours in a row"),
        pytest.param("192.0.2.8", OURS, "192.0.2.8", id="one of ours asks for itself"),
        pytest.param("::ffff:203.0.113.1", OURS, "203.0.113.1", id="IPv4 by an IPv6 socket"),
        pytest.param("unknown", OURS, "127.0.0.1", id="no address"),
        pytest.param("203.0.113.1, ", OURS, "127.0.0.1", id="nothing at the end"),
    ],
)
async def test_who_asks(forwarded: str, trusted: tuple[str, ...], client: str) -> None:
    assert (await seen({"X-Forwarded-For": forwarded}, *trusted))[0] == client


async def test_headers_that_come_several_times_are_one_after_the_other() -> None:
    twice = [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "192.0.2.8")]
    assert await seen(twice, *OURS) == ("203.0.113.1", False)
    assert await seen({}, *OURS) == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("said", "trusted", "https"),
    [
        ("https", OURS, True),
        ("HTTPS", OURS, True),
        ("http", OURS, False),
        ("https, http", OURS, False),
        ("https", (), False),
    ],
)
async def test_whether_it_came_by_https(said: str, trusted: tuple[str, ...], https: bool) -> None:  # noqa: FBT001
    assert (await seen({"X-Forwarded-Proto": said}, *trusted))[1] is https
