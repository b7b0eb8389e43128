"""The API with odd bodies: an answer that says what is wrong, and no pause by mistake; and what it shows of nobody."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from controller.domain import events
from controller.domain.names import CallId
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.requests import Request as Asked
from controller.runtime.requests import Verb, carried_out
from controller.web import bodies, server
from controller.web.idempotency import KEY
from tests.unit.domain.stories import NOON, purpose, told
from tests.unit.runtime.switched import Pbx, Switched
from tests.unit.web.slow_body import SlowBody

TOKEN = "an invented token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
Client = TestClient[Request, Application]


@pytest.fixture
def switched() -> Switched:
    return Switched()


@pytest.fixture
def call(switched: Switched) -> CallId:
    """A call that waits for an agent."""
    return switched.asks("customer")


def served(switched: Switched) -> Application:
    return server.build(
        pbxs=[Pbx(switched.dispatcher)],
        token=TOKEN,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
    )


@pytest.fixture
async def client(switched: Switched) -> AsyncIterator[Client]:
    async with TestClient(TestServer(served(switched)), headers=BEARER) as ready:
        yield ready


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 200, id="none"),
        pytest.param(b' {"reason": "agent-request"}', 200, id="a reason"),
        pytest.param(b'{"reason": "curiosity"}', 400, id="no reason of ours"),
        pytest.param(b'{"reason": ["payment"]}', 400, id="a list of them"),
        pytest.param(b'"payment"', 400, id="no object"),
        pytest.param(b"\xff\xfe{", 400, id="no text"),
        pytest.param(b"[" * 16_000, 400, id="a very deep one"),
        pytest.param(b" " * 16_385, 413, id="too long a one"),
    ],
)
async def test_what_a_pause_makes_of_a_body(
    client: Client, switched: Switched, call: CallId, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json; charset=nonsense"}
    async with client.post(f"/api/v1/calls/{call}/pause", data=body, headers=headers) as answer:
        assert answer.status == status
    assert bool(switched.call(call).suspensions) == (status == 200)


async def test_whose_call_it_is_is_looked_up_once_the_body_is_here(switched: Switched, call: CallId) -> None:
    """The call turns out private while the body is on its way: it is not theirs any more."""
    slow, app = SlowBody(), served(switched)
    slow.heard_by(app)
    async with TestClient(TestServer(app), headers=BEARER) as client, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.post(f"/api/v1/calls/{call}/pause", data=slow.parts()))
        await slow.arrived.wait()
        switched.dispatcher.tell(call, events.PrivateRequested(at=NOON, actor="agent:201"))
        slow.go_on.set()
        assert (await asked).status == 404
    assert not switched.call(call).suspensions


@pytest.mark.parametrize("key", [{}, {KEY: "one"}], ids=["once", "with a key"])
async def test_a_body_that_does_not_come_is_not_waited_for(
    switched: Switched, call: CallId, monkeypatch: pytest.MonkeyPatch, key: dict[str, str]
) -> None:
    monkeypatch.setattr(bodies, "BODY_WITHIN_S", 0.01)
    slow = SlowBody()
    async with TestClient(TestServer(served(switched)), headers=BEARER) as client:
        async with client.post(f"/api/v1/calls/{call}/pause", data=slow.parts(), headers=key) as answer:
            assert answer.status == 408
        slow.go_on.set()
    assert not switched.call(call).suspensions


async def test_all_purposes_are_told_before_any_is_waited_for() -> None:
    """Of two stops the second does not wait until Asterisk has confirmed the first."""
    switched = Switched(purpose("quality"), purpose("evidence"), purpose("sales"))
    call = switched.asks("customer")
    switched.dispatcher.tell(call, events.PromptEnded(at=NOON, heard=told()))
    switched.joins("customer", "PJSIP/carrier-00000001")
    switched.joins("agent", "PJSIP/201-00000001")
    switched.all_committed(call)
    both = [Asked(verb=Verb.STOP, actor="token:crm", origin="agent", purpose=name) for name in ("quality", "sales")]
    asking = asyncio.create_task(carried_out(switched.dispatcher, call, both))
    await asyncio.sleep(0)
    assert [track.withdrawn is not None for track in switched.call(call).tracks] == [True, False, True]
    await asking


async def test_a_call_that_turned_out_private_is_there_for_nobody_else(client: Client, switched: Switched) -> None:
    call = switched.is_recorded("customer", "201", bridge="talk")
    switched.dispatcher.tell(call, events.PrivateRequested(at=NOON, actor="agent:201"))
    async with client.get(f"/api/v1/calls/{call}") as answer:
        assert answer.status == 404
