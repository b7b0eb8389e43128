"""A pause is only what Asterisk says is one: whatever else answers, or nothing, and it is none."""

import asyncio
from typing import cast

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from controller.domain.commands import Pause
from controller.domain.events import Event, PauseConfirmed, PauseUnconfirmed
from controller.domain.names import CallId, RecordingName
from controller.runtime.deadman import DeadMansSwitch, KeepsAlive
from controller.runtime.executor import Executor
from controller.runtime.notices import Notices
from controller.runtime.ports import Register
from controller.runtime.sides import Sides
from controller.runtime.writer import Writer
from tests.unit.ari.test_ari_http import ari_against
from tests.unit.domain.stories import new_call, policy

NAME = RecordingName("rc-1")


def live(state: str) -> web.Response:
    """What Asterisk says of a live recording."""
    return web.json_response({"name": NAME, "state": state, "format": "wav", "target_uri": "channel:1"})


class Late(web.Response):
    """An answer that comes when nobody waits for it any more."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        await asyncio.sleep(2)
        return await super().prepare(request)


async def told(pause: web.Response, state: web.Response) -> type[Event]:
    """What the core hears where a pause is answered so, and the question for the recording's state so."""
    heard: asyncio.Queue[Event] = asyncio.Queue()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return pause if request.method == "POST" else state

    def tell(_call: CallId, event: Event) -> None:
        heard.put_nowait(event)

    async with ari_against(answer, timeout_s=0.5) as ari, asyncio.timeout(10):
        deadman = DeadMansSwitch(cast("KeepsAlive", None), watching=lambda: True, name="main")
        executor = Executor(
            ari=ari,
            sides=Sides(ari=ari, deadman=deadman, tell=lambda _recording, _event: None),
            writer=cast("Writer", None),
            register=cast("Register", None),
            doors={},
            notices=cast("Notices", None),
            tell=tell,
            alarm=lambda _call, _reason: None,
        )
        executor.carry_out(new_call(policy()), Pause(recording=NAME))
        return type(await heard.get())


async def test_a_pause_that_is_answered_and_then_seen_is_confirmed() -> None:
    assert await told(web.Response(status=204), live("paused")) is PauseConfirmed


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 412, 500, 503])
async def test_an_answer_that_is_no_success_confirms_nothing(status: int) -> None:
    assert await told(web.Response(status=status), live("paused")) is PauseUnconfirmed


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(live("recording"), id="it records"),
        pytest.param(live("done"), id="it is over"),
        pytest.param(live("queued"), id="it has not begun"),
        pytest.param(web.Response(status=404), id="nobody knows it"),
        pytest.param(web.Response(status=500), id="a fault"),
        pytest.param(web.Response(text="<html>paused</html>"), id="garbage"),
        pytest.param(web.Response(body=b""), id="nothing at all"),
        pytest.param(web.json_response({"state": "paused"}), id="half an answer"),
    ],
)
async def test_a_state_that_is_not_paused_confirms_nothing(state: web.Response) -> None:
    assert await told(web.Response(status=204), state) is PauseUnconfirmed


async def test_what_answers_nothing_confirms_nothing() -> None:
    """The core does not wait for that: its own time is over after 100 ms."""
    assert await told(Late(), live("paused")) is PauseUnconfirmed
