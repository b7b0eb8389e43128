"""The API with odd bodies: an answer that says what is wrong, and no pause by mistake; and what it shows of nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from controller.domain import events
from controller.domain.names import CallId
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.web import server
from tests.unit.domain.stories import NOON
from tests.unit.runtime.switched import Switched

TOKEN = "an invented token"
Client = TestClient[Request, Application]


@dataclass
class Pbx:
    """What the API needs of a PBX."""

    dispatcher: Dispatcher
    name: str = "main"
    ready: bool = True
    why_not_ready: str = ""


@pytest.fixture
def switched() -> Switched:
    return Switched()


@pytest.fixture
def call(switched: Switched) -> CallId:
    """A call that waits for an agent."""
    return switched.asks("customer")


@pytest.fixture
async def client(switched: Switched) -> AsyncIterator[Client]:
    app = server.build(
        pbxs=[Pbx(switched.dispatcher)],
        token=TOKEN,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
    )
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKEN}"}) as ready:
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


async def test_a_call_that_turned_out_private_shows_nobody(client: Client, switched: Switched) -> None:
    call = switched.is_recorded("customer", "201", bridge="talk")
    switched.dispatcher.tell(call, events.PrivateRequested(at=NOON, actor="agent:201"))
    async with client.get(f"/api/v1/calls/{call}") as answer:
        shown = await answer.json()
    assert (shown["linkedid"], shown["queue"], shown["agent"]) == (None, None, None)
