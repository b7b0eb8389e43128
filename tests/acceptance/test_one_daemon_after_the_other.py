"""One daemon after the other: what it was doing goes on, and nothing is recorded while there is none."""

import asyncio
import signal
import time
from collections.abc import Iterator, Sequence

import pytest
import yaml

from lab.disks import small_disk
from lab.phones import Phones
from lab.stories import Conversation, Staff, converse, live_call
from lab.world import ONE_AGENT_NUMBER, Daemon, World, record_every_call, shorten, written_as_file
from tests.acceptance.conversations import audio, decided, gaps
from tests.acceptance.own_lab import daemon, phones
from tests.acceptance.test_faults import frozen_database, our_channels

__all__ = ["daemon", "phones"]

CALLS = 20
ENDS_WITHIN_S = 5
"""What is promised of a daemon that is told to end."""
RECORDED_AT_MOST_S = 10
"""What is promised of a recording that nobody watches."""


@pytest.fixture(scope="module")
def lab() -> Iterator[World]:
    """A lab whose daemon each test starts, and ends, for itself."""
    with World.running(shorten, record_every_call, daemon=False) as running:
        yield running


async def told_to_end(daemon: Daemon) -> float:
    """How many seconds a daemon takes to end once it is told to."""
    assert daemon.process is not None
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    await asyncio.to_thread(daemon.process.wait, 15)
    return time.monotonic() - began


async def succeeded(daemon: Daemon) -> None:
    """The next daemon is there."""
    await asyncio.to_thread(daemon.start)


async def hang_up(conversations: Sequence[Conversation]) -> None:
    await asyncio.gather(*(conversation.caller.hang_up() for conversation in conversations))


async def test_a_restart_during_twenty_calls_loses_nothing(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    numbers = [f"06399804{place:02}" for place in range(CALLS)]
    calls = (converse(phones, staff, daemon, caller=number, number=ONE_AGENT_NUMBER) for number in numbers)
    conversations = await asyncio.gather(*calls)
    await asyncio.sleep(1.5)
    assert await told_to_end(daemon) < ENDS_WITHIN_S
    assert len(our_channels(lab)) == CALLS
    await succeeded(daemon)
    await asyncio.sleep(2)
    await hang_up(conversations)
    for number in numbers:
        found = await decided(lab, number)
        assert found == [
            ("consent", "allowed", "announced"),
            ("record", "allowed", "legal-obligation"),
            ("pause", "applied", "handed-over"),
            ("resume", "allowed", "nothing-forbids"),
            ("stop", "applied", "call-ended"),
        ]
        [stretches] = await audio(lab, number)
        assert len(gaps(stretches)) == 1


async def test_a_payment_outlasts_the_daemon_that_paused_for_it(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980421"
    conversation = await converse(phones, staff, daemon, caller=number)
    await asyncio.sleep(1)
    await conversation.agent.press("*7")
    await live_call(daemon, queue="every", state="paused")
    await told_to_end(daemon)
    await succeeded(daemon)
    await asyncio.sleep(1)
    assert (await live_call(daemon, queue="every"))["state"] == "paused"
    await conversation.agent.press("*8")
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    await conversation.caller.hang_up()
    assert [kind for kind, _, _ in await decided(lab, number)] == ["consent", "record", "pause", "resume", "stop"]
    [stretches] = await audio(lab, number)
    assert len(gaps(stretches)) == 1


async def test_the_recording_of_a_killed_daemon_goes_on_where_the_next_one_comes_in_time(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980422"
    conversation = await converse(phones, staff, daemon, caller=number)
    await asyncio.sleep(1)
    daemon.kill()
    await succeeded(daemon)
    await live_call(daemon, queue="every", state="recording")
    await conversation.agent.press("*7")
    await live_call(daemon, queue="every", state="paused")
    await asyncio.sleep(2)
    await conversation.caller.hang_up()
    found = await decided(lab, number)
    assert [decision for decision in found if decision[0] == "record"] == [("record", "allowed", "legal-obligation")]
    assert ("pause", "applied", "payment") in found
    assert len(await audio(lab, number)) == 1


async def test_a_payment_outlasts_a_killed_daemon(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    number = "0639980423"
    conversation = await converse(phones, staff, daemon, caller=number)
    await asyncio.sleep(1)
    await conversation.agent.press("*7")
    await live_call(daemon, queue="every", state="paused")
    await asyncio.sleep(0.5)
    daemon.kill()
    await succeeded(daemon)
    await asyncio.sleep(1)
    assert (await live_call(daemon, queue="every"))["state"] == "paused"
    await conversation.agent.press("*8")
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    await conversation.caller.hang_up()
    [stretches] = await audio(lab, number)
    assert len(gaps(stretches)) == 1


async def test_a_daemon_that_is_to_stop_its_recordings_does(lab: World, phones: Phones, staff: Staff) -> None:
    number = "0639980424"
    before = lab.daemon.config.read_text()
    lab.daemon.config.write_text(written_as_file(yaml.safe_load(before) | {"on_shutdown": "stop"}))
    await asyncio.to_thread(lab.daemon.start)
    try:
        conversation = await converse(phones, staff, lab.daemon, caller=number)
        await asyncio.sleep(1)
        assert await told_to_end(lab.daemon) < ENDS_WITHIN_S
        assert our_channels(lab) == []
        await succeeded(lab.daemon)
        await asyncio.sleep(1)
        assert our_channels(lab) == []
        await conversation.caller.hang_up()
        assert (await decided(lab, number))[-1] == ("stop", "applied", "controller-stopped")
        assert len(await audio(lab, number)) == 1
    finally:
        await asyncio.to_thread(lab.daemon.stop)
        lab.daemon.config.write_text(before)


async def test_a_daemon_whose_database_hangs_ends_in_time_and_forgets_nothing(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980425"
    conversation = await converse(phones, staff, daemon, caller=number)
    await live_call(daemon, queue="every", state="recording")
    with frozen_database(daemon):
        assert await told_to_end(daemon) < ENDS_WITHIN_S
    await succeeded(daemon)
    await conversation.caller.hang_up()
    assert ("pause", "applied", "handed-over") in await decided(lab, number)


async def test_a_daemon_whose_disk_is_full_ends_in_time_while_its_database_hangs(
    lab: World, phones: Phones, staff: Staff
) -> None:
    daemon, number = lab.daemon, "0639980426"
    with small_disk(daemon.state / "journal", kibibytes=64) as disk:
        await asyncio.to_thread(daemon.start)
        conversation = await converse(phones, staff, daemon, caller=number)
        await live_call(daemon, queue="every", state="recording")
        disk.fill()
        with frozen_database(daemon):
            assert await told_to_end(daemon) < ENDS_WITHIN_S
        await asyncio.sleep(RECORDED_AT_MOST_S)
        assert our_channels(lab) == []
        await conversation.caller.hang_up()
    await asyncio.to_thread(daemon.start)
    await asyncio.to_thread(daemon.stop)
