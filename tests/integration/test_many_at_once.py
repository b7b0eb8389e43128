"""However many look at calls at the same time, the loop comes round in between: to a pause, above all."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientResponse, web
from jinja2 import Environment
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.domain import events
from controller.domain.call import Call
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.threads import off_the_loop
from controller.web import api, live
from controller.web.live import LiveApi
from controller.web.pages import rendering
from tests.integration.offices import Office, an_office
from tests.integration.test_live_events import heard, listening, still_there
from tests.unit.config.conftest import Place, place
from tests.unit.domain.stories import NOON

__all__ = ["place"]

CALLS = 45


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


class Rounds:
    """Counts how often the loop has come round."""

    def __init__(self) -> None:
        self.number = 0

    def next(self) -> None:
        self.number += 1
        self._handle = asyncio.get_running_loop().call_soon(self.next)

    def end(self) -> None:
        self._handle.cancel()


@pytest.fixture
async def rounds() -> AsyncIterator[Rounds]:
    counting = Rounds()
    counting.next()
    yield counting
    counting.end()


@pytest.fixture
def shown(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, CallId]]:
    """Each call that is made into what is shown, with the round in which it was."""
    seen: list[tuple[int, CallId]] = []
    show: Callable[..., dict[str, Any]] = api.shown_call

    def noted(call: Call, *who: Any) -> dict[str, Any]:
        seen.append((rounds.number, call.id))
        return show(call, *who)

    monkeypatch.setattr(api, "shown_call", noted)
    return seen


@asynccontextmanager
async def streams(office: Office, *whose: str) -> AsyncIterator[list[ClientResponse]]:
    """Opened at the same time."""
    async with AsyncExitStack() as stack:
        opening = (stack.enter_async_context(listening(office, who)) for who in whose)
        yield await asyncio.gather(*opening)


def paused(office: Office, call: CallId) -> None:
    request = events.PauseRequested(at=NOON, cause=Reason.PAYMENT, origin="agent", actor="test")
    office.pbxs["quality"].dispatcher.tell(call, request)


@pytest.mark.parametrize("path", ["/calls", "/console/calls"])
async def test_lists_are_made_one_at_a_time_and_in_pieces(
    office: Office, shown: list[tuple[int, CallId]], path: str
) -> None:
    calls = [office.call("quality") for _ in range(CALLS)]
    answers = await asyncio.gather(*(office.ask("supervisor-of-quality", "GET", path) for _ in range(3)))
    assert all(status == 200 and all(call in text for call in calls) for status, text in answers)
    assert [call for _, call in shown] == calls * 3
    assert max(Counter(number for number, _ in shown).values()) <= api.AT_A_TIME


async def test_all_calls_are_told_to_one_stream_at_a_time_and_in_pieces(
    office: Office, shown: list[tuple[int, CallId]]
) -> None:
    calls = [office.call("both") for _ in range(CALLS)]
    whose = ("supervisor-of-quality", "supervisor-of-evidence", "supervisor-of-all")
    async with streams(office, *whose) as opened:
        told = [await heard(answer) for answer in opened]
    assert [(name, [call["id"] for call in data]) for name, data in told] == [("calls", calls)] * 3
    assert [call for _, call in shown] == calls * 3
    assert max(Counter(number for number, _ in shown).values()) <= api.AT_A_TIME


async def test_a_call_is_put_into_words_once_for_all_who_see_it_alike(
    office: Office, shown: list[tuple[int, CallId]]
) -> None:
    calls = [office.call("quality") for _ in range(3)]
    whose = ["supervisor-of-quality"] * 4 + ["integration-of-quality"] * 4
    async with streams(office, *whose) as opened:
        told = [await heard(answer) for answer in opened]
        assert all(told[0] == other for other in told[:4])
        assert Counter(call for _, call in shown) == dict.fromkeys(calls, 2)
        paused(office, calls[0])
        told = [await heard(answer) for answer in opened]
        assert {(name, call["id"], tuple(call["pauses"])) for name, call in told} == {("call", calls[0], ("payment",))}
        assert Counter(call for _, call in shown) == {calls[0]: 4, calls[1]: 2, calls[2]: 2}


async def test_streams_that_a_call_wakes_go_on_one_by_one_and_after_what_has_changed_it(
    office: Office, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, said, cared = office.call("quality"), list[int](), list[int]()
    write, cares = live._write, live._Stream.cares

    async def written(response: web.StreamResponse, text: str) -> None:
        said.append(rounds.number)
        await write(response, text)

    def noted(stream: live._Stream, call: Call) -> bool:
        cared.append(rounds.number)
        return cares(stream, call)

    async with streams(office, *["supervisor-of-quality"] * 8) as opened:
        for answer in opened:
            await heard(answer)
        monkeypatch.setattr(live, "TICK_S", 3600)
        monkeypatch.setattr(live, "_write", written)
        monkeypatch.setattr(live._Stream, "cares", noted)
        paused(office, call)
        assert cared == []
        assert [(await heard(answer))[0] for answer in opened] == ["call"] * 8
    assert len(set(said)) == len(said) >= 8


async def test_what_changes_while_all_calls_are_told_is_said_afterwards(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, last = (office.call("quality") for _ in range(4))
    switched, begun = office.pbxs["quality"], list[CallId]()

    async def changing(*pbxs: Any) -> AsyncIterator[Call]:
        async for call in api.each_call(*pbxs):
            yield call
            if call.id == third and not begun:
                paused(office, first)
                switched.dispatcher.gone(switched.call(second).customer)
                paused(office, last)
                begun.append(office.call("quality"))

    monkeypatch.setattr("controller.web.live.each_call", changing)
    async with listening(office, "supervisor-of-quality") as answer:
        name, calls = await heard(answer)
        assert (name, [(call["id"], call["pauses"]) for call in calls]) == (
            "calls",
            [(first, []), (second, []), (third, []), (last, ["payment"])],
        )
        shown, over = {call["id"]: call for call in calls}, False
        while not over or shown[first]["pauses"] != ["payment"] or begun[0] not in shown:
            name, data = await heard(answer)
            if name == "call":
                shown[data["id"]] = data
            else:
                assert (name, data) == ("over", {"id": second})
                over = True


def live_of(office: Office) -> LiveApi:
    return cast("LiveApi", office.pbxs["quality"].dispatcher.onlooker)


@asynccontextmanager
async def waiting(office: Office) -> AsyncIterator[tuple[ClientResponse, asyncio.Lock]]:
    """A stream that waits for the list of somebody else, until that is let go of."""
    others = live_of(office)._listing
    await others.acquire()
    async with listening(office, "supervisor-of-quality") as answer:
        await still_there(answer)
        await still_there(answer)
        yield answer, others


async def test_who_waits_for_the_list_of_others_is_told_that_the_stream_is_there(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_S", 0.02)
    call = office.call("quality")
    async with waiting(office) as (answer, others):
        others.release()
        name, calls = await heard(answer)
        assert (name, [one["id"] for one in calls]) == ("calls", [call])


async def test_who_may_not_any_more_once_it_is_their_turn_gets_no_list(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_S", 0.02)
    office.call("quality")
    async with waiting(office) as (answer, others):
        await office.identities.revoke_token("supervisor-of-quality", actor="test")
        await office.tokens.keyring.refresh()
        others.release()
        async with asyncio.timeout(30):
            assert b"event" not in await answer.content.read()


async def test_two_pages_at_most_are_rendered_at_the_same_time_and_their_templates_beside_the_loop(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most, where = 0, 0, set[threading.Thread]()
    environment = rendering._environment

    async def counted(make: Callable[[], str]) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await off_the_loop(make)
        finally:
            under_way -= 1

    def looked_up() -> Environment:
        where.add(threading.current_thread())
        return environment()

    monkeypatch.setattr("controller.web.pages.rendering.off_the_loop", counted)
    monkeypatch.setattr(rendering, "_environment", looked_up)
    answers = await asyncio.gather(*(office.ask("dpo", "GET", "/console/me") for _ in range(8)))
    assert {status for status, _ in answers} == {200}
    assert most == rendering.MOST_RENDERED
    assert threading.main_thread() not in where
