"""Whether a daemon keeps up, and what becomes of a call where it does not."""

import asyncio

import pytest

from controller.domain.names import ChannelId
from controller.runtime.load import LATE_S, Load
from tests.unit.runtime.switched import Switched


@pytest.mark.parametrize(("calls", "too_many"), [(0, False), (1, False), (2, True), (3, True)])
async def test_no_more_calls_are_taken_on_than_are_allowed(calls: int, *, too_many: bool) -> None:
    assert Load(most_calls=2).too_many(calls) is too_many


async def test_a_daemon_that_is_late_takes_nothing_on_for_a_while() -> None:
    load = Load(most_calls=2)
    load.was_late(LATE_S / 2)
    assert not load.too_many(0)
    load.was_late(LATE_S)
    assert load.too_many(0)


async def test_a_loop_that_is_held_up_is_noticed() -> None:
    load = Load(most_calls=2)
    work = asyncio.create_task(load.run())
    await asyncio.sleep(0.01)
    until = asyncio.get_running_loop().time() + 2 * LATE_S
    while asyncio.get_running_loop().time() < until:
        pass  # what holds a loop up is just this
    async with asyncio.timeout(10):
        while not load.too_many(0):
            await asyncio.sleep(0.01)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def test_a_call_too_many_is_sent_on_and_forgotten_and_makes_no_other_call() -> None:
    pbx = Switched(too_many=lambda calls: calls >= 1)
    pbx.is_recorded("customer", "201", bridge="talk")
    [first] = pbx.dispatcher.calls
    pbx.dispatcher.ask(pbx.question("second"))
    assert [type(command).__name__ for _, command in pbx.commands[-3:]] == ["Store", "Conclude", "Log"]
    pbx.joins("second", "PJSIP/carrier-00000009", "other")
    pbx.joins("agent-202", "PJSIP/202-00000009", "other")
    assert list(pbx.dispatcher.calls) == [first]
    assert pbx.dispatcher.calls_of(ChannelId("second")) == ()
