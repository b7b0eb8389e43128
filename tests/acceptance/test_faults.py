"""What holds when something breaks: no rule is broken, and nobody waits. Each fault is made for real."""

import asyncio
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from controller.db.cluster import users_of
from controller.db.embedded import running_url
from controller.domain.tracking import CATCH_UP_S
from controller.service_manager import SOCKET
from lab.chaos.faults import stopped
from lab.pbx import QUEUE_MEMBERS
from lab.phones import Phones
from lab.stories import Conversation, Staff, converse, live_call, written
from lab.sweep import moments
from lab.wire import Wire
from lab.world import EVERY_CALL_NUMBER, READY_S, Daemon, World, record_every_call, shorten, written_as_file
from tests.acceptance.conversations import audio, decided, gaps, seconds
from tests.acceptance.own_lab import daemon, phones

__all__ = ["daemon", "phones"]

ENDS_WITHIN_S = 10
"""What is promised of a recording that nobody watches."""


@pytest.fixture(scope="module")
def lab() -> Iterator[World]:
    """A lab whose daemon each test starts, and breaks, for itself."""
    with World.running(shorten, record_every_call, daemon=False) as running:
        yield running


@contextmanager
def frozen_database(daemon: Daemon) -> Iterator[None]:
    """PostgreSQL, all its processes, answers nothing for a while."""
    with stopped(users_of(daemon.state / "postgresql" / "data")):
        yield


async def reach_an_agent(phones: Phones, staff: Staff, number: str) -> float:
    """Call until an agent answers; gives how many seconds that took, and hangs up."""
    began = time.monotonic()
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    await staff.next_call()
    took = time.monotonic() - began
    await caller.hang_up()
    await caller.ended()
    return took


async def talk(phones: Phones, staff: Staff, daemon: Daemon, number: str) -> Conversation:
    return await converse(phones, staff, daemon, caller=number)


def our_channels(world: World) -> list[str]:
    """The snoop channels on the PBX."""
    lines = world.pbx.asterisk.cli("core show channels concise").splitlines()
    return [line for line in lines if line.startswith("Snoop/")]


async def test_a_killed_daemon_leaves_no_recording_behind_and_the_next_one_says_so(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980301"
    conversation = await talk(phones, staff, daemon, number)
    await asyncio.sleep(1.5)
    [recording] = daemon.recordings(conversation.call["id"])
    daemon.kill()
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    stretches = await asyncio.to_thread(moments, lab.recording_file(recording["name"]))
    assert 1 < seconds(stretches) < ENDS_WITHIN_S + 1.5
    await conversation.caller.hang_up()
    daemon.start()
    found = daemon.decisions(conversation.call["id"])
    assert (found[-1]["kind"], found[-1]["reason"]) == ("stop", "controller-lost")
    assert daemon.recordings(conversation.call["id"])[0]["state"] == "ended"


async def test_what_a_killed_daemon_was_to_discard_is_discarded_by_the_next_one(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    """The PBX hangs, so the daemon dies before the recording has ended, and the next one finds it going on."""
    conversation = await talk(phones, staff, daemon, "0639980317")
    call_id = conversation.call["id"]
    await asyncio.sleep(1.5)
    lab.pbx.asterisk.signal(signal.SIGSTOP)
    try:
        await asyncio.to_thread(daemon.request, "POST", f"/api/v1/calls/{call_id}/objection")
        await state_of_recording(daemon, call_id, "discarding")
        daemon.kill()
    finally:
        lab.pbx.asterisk.signal(signal.SIGCONT)
    await asyncio.to_thread(daemon.start)
    recording = await state_of_recording(daemon, call_id, "discarded")
    await asyncio.sleep(1)
    assert our_channels(lab) == []
    assert not lab.recording_file(recording["name"]).exists()
    await conversation.caller.hang_up()


async def test_what_only_the_journal_knows_is_discarded_by_the_next_one(
    lab: World, steadfast: Daemon, phones: Phones, staff: Staff
) -> None:
    """The PBX hangs, and so does the database: that the recording is to be discarded is written nowhere else."""
    conversation = await talk(phones, staff, steadfast, "0639980320")
    call_id = conversation.call["id"]
    await live_call(steadfast, queue="every", state="recording")
    with frozen_database(steadfast):
        lab.pbx.asterisk.signal(signal.SIGSTOP)
        try:
            await asyncio.to_thread(steadfast.request, "POST", f"/api/v1/calls/{call_id}/objection")
            await asyncio.sleep(0.5)
            steadfast.kill()
        finally:
            lab.pbx.asterisk.signal(signal.SIGCONT)
    await asyncio.to_thread(steadfast.start)
    recording = await state_of_recording(steadfast, call_id, "discarded")
    await asyncio.sleep(1)
    assert our_channels(lab) == []
    assert not lab.recording_file(recording["name"]).exists()
    await conversation.caller.hang_up()


async def test_a_daemon_whose_pbx_is_silent_ends_in_time(lab: World, wire: Wire, phones: Phones, staff: Staff) -> None:
    conversation = await talk(phones, staff, lab.daemon, "0639980321")
    await live_call(lab.daemon, queue="every", state="recording")
    wire.broken = True
    wire.silence()
    assert lab.daemon.process is not None
    began = time.monotonic()
    lab.daemon.signal(signal.SIGTERM)
    await asyncio.to_thread(lab.daemon.process.wait, 15)
    assert time.monotonic() - began < 5
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    await conversation.caller.hang_up()


async def test_a_stopped_daemon_is_watched_by_nobody_so_its_recording_ends(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980302"
    conversation = await talk(phones, staff, daemon, number)
    await live_call(daemon, queue="every", state="recording")
    daemon.signal(signal.SIGSTOP)
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    daemon.signal(signal.SIGCONT)
    await conversation.caller.hang_up()
    call = await written(daemon, number)
    assert daemon.decisions(call["id"])[-1]["kind"] == "stop"
    assert [seconds(stretches) > 1 for stretches in await audio(lab, number)] == [True]


async def test_callers_pass_a_daemon_that_hangs(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    daemon.signal(signal.SIGSTOP)
    first = await reach_an_agent(phones, staff, "0639980303")
    await asyncio.sleep(3)
    second = await reach_an_agent(phones, staff, "0639980304")
    daemon.signal(signal.SIGCONT)
    announcement = 4
    assert first < announcement
    assert second < announcement
    assert our_channels(lab) == []


async def test_a_person_called_passes_a_daemon_that_hangs_once_its_service_manager_has_ended_it(
    lab: World, phones: Phones, tmp_path: Path
) -> None:
    """Nothing in Asterisk ends that wait. The service manager is told of every half second, and waits for two."""
    number = "0639980323"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        lab.daemon.environ[SOCKET] = str(tmp_path / "notify")
        try:
            await asyncio.to_thread(lab.daemon.start)
            callee = phones.callee(number)
            agent = await phones.call(number, agent="201")
            await (await callee.next_call()).answered()
            await asyncio.sleep(0.5)
            lab.daemon.signal(signal.SIGSTOP)
            began = time.monotonic()
            await asyncio.to_thread(silence_of, manager, 2.0)
            lab.daemon.kill()
            await agent.answered()
            assert time.monotonic() - began < 3
            await agent.hang_up()
        finally:
            lab.daemon.environ.pop(SOCKET)
            await asyncio.to_thread(lab.daemon.stop)


def silence_of(manager: socket.socket, seconds: float) -> None:
    """Return once nothing was heard for so long."""
    manager.settimeout(seconds)
    with suppress(TimeoutError):
        while True:
            manager.recv(100)


async def test_a_caller_in_the_dialogue_passes_a_daemon_that_dies(daemon: Daemon, phones: Phones, staff: Staff) -> None:
    caller = await phones.call(EVERY_CALL_NUMBER, caller="0639980305")
    await caller.answered()
    await asyncio.sleep(1)
    daemon.kill()
    await staff.next_call()
    await caller.hang_up()
    daemon.start()


async def test_a_frozen_database_starts_no_recording_and_holds_no_caller(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980306"
    with frozen_database(daemon):
        caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
        await caller.answered()
        await staff.next_call()
        await caller.play_sweep()
        await asyncio.sleep(7)
        assert our_channels(lab) == []
        await caller.hang_up()
        await caller.ended()
    call = await written(daemon, number)
    await reason_of(daemon, call["id"], "objections-unknown")
    found = await decided(lab, number)
    assert len([kind for kind, _, _ in found if kind == "consent"]) == 1
    assert await audio(lab, number) == []


async def test_a_database_that_freezes_before_the_answer_starts_no_recording(
    lab: World, daemon: Daemon, phones: Phones
) -> None:
    """Everything is known by then but whether the decision is durable: it is not."""
    number = "0639980316"
    for extension in QUEUE_MEMBERS:
        phones.agent(extension, answers_after=4.0)
    caller = await phones.call(EVERY_CALL_NUMBER, caller=number)
    while await asyncio.to_thread(daemon.call_of, number) is None:
        await asyncio.sleep(0.1)
    with frozen_database(daemon):
        await asyncio.sleep(10)
        assert our_channels(lab) == []
        await caller.hang_up()
        await caller.ended()
    call = await written(daemon, number)
    await reason_of(daemon, call["id"], "decision-not-logged")
    assert await audio(lab, number) == []


@pytest.fixture
def steadfast(lab: World) -> Iterator[Daemon]:
    """A daemon whose recordings go on while decisions cannot be written."""
    before = lab.daemon.config.read_text()
    lab.daemon.config.write_text(written_as_file(yaml.safe_load(before) | {"on_database_loss": "continue"}))
    lab.daemon.start()
    yield lab.daemon
    lab.daemon.stop()
    lab.daemon.config.write_text(before)


async def test_a_recording_ends_with_the_database_and_another_begins_once_it_is_back(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980318"
    conversation = await talk(phones, staff, daemon, number)
    await asyncio.sleep(1.5)
    with frozen_database(daemon):
        async with asyncio.timeout(ENDS_WITHIN_S):
            while our_channels(lab):
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        assert our_channels(lab) == []
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    await conversation.caller.hang_up()
    found = await decided(lab, number)
    assert found[2:] == [
        ("stop", "applied", "database-away"),
        ("resume", "allowed", "nothing-forbids"),
        ("stop", "applied", "call-ended"),
    ]
    assert len(await audio(lab, number)) == 2


async def test_a_pause_while_the_database_hangs_outlasts_a_killed_daemon(
    lab: World, steadfast: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980319"
    conversation = await talk(phones, staff, steadfast, number)
    await asyncio.sleep(1.5)
    with frozen_database(steadfast):
        await conversation.agent.press("*7")
        await asyncio.sleep(1)
        steadfast.kill()
    await asyncio.to_thread(steadfast.start)
    await conversation.caller.hang_up()
    assert ("pause", "applied", "payment") in await decided(lab, number)


async def test_a_frozen_database_delays_no_pause(lab: World, steadfast: Daemon, phones: Phones, staff: Staff) -> None:
    daemon, number = steadfast, "0639980307"
    conversation = await talk(phones, staff, daemon, number)
    await asyncio.sleep(1.5)
    with frozen_database(daemon):
        await conversation.agent.press("*7")
        await asyncio.sleep(2)
        call = await live_call(daemon, queue="every")
        assert call["state"] == "paused"
        await conversation.agent.press("*8")
        await asyncio.sleep(1)
        assert (await live_call(daemon, queue="every"))["state"] == "paused"
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    await conversation.caller.hang_up()
    found = await decided(lab, number)
    assert ("pause", "applied", "payment") in found
    [stretches] = await audio(lab, number)
    [gap] = gaps(stretches)
    assert gap.end_s - gap.begin_s > 2.4


async def test_a_pbx_that_restarts_is_watched_again(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    await asyncio.to_thread(lab.pbx.asterisk.restart)
    await asyncio.to_thread(daemon.wait_until_ready)
    number = "0639980308"
    conversation = await talk(phones, staff, daemon, number)
    await asyncio.sleep(1)
    await conversation.caller.hang_up()
    assert ("record", "allowed", "legal-obligation") in await decided(lab, number)


@pytest.fixture
async def wire(lab: World) -> AsyncIterator[Wire]:
    """A wire between the daemon and ARI, and the daemon running at its end."""
    laid = Wire(lab.pbx.ari_url)
    before = lab.daemon.config.read_text()
    config = yaml.safe_load(before)
    config["pbxs"][0]["ari"]["url"] = await laid.connect()
    lab.daemon.config.write_text(written_as_file(config))
    await asyncio.to_thread(lab.daemon.start)
    yield laid
    await asyncio.to_thread(lab.daemon.stop)
    lab.daemon.config.write_text(before)
    await laid.disconnect()


async def test_a_recording_goes_on_through_a_short_cut_and_can_still_be_paused(
    lab: World, wire: Wire, phones: Phones, staff: Staff
) -> None:
    number = "0639980309"
    conversation = await talk(phones, staff, lab.daemon, number)
    await asyncio.sleep(1)
    wire.cut()
    await asyncio.sleep(1)
    await asyncio.to_thread(lab.daemon.wait_until_ready)
    await conversation.agent.press("*7")
    await asyncio.sleep(2)
    await conversation.agent.press("*8")
    await asyncio.sleep(1.5)
    await conversation.caller.hang_up()
    found = await decided(lab, number)
    unwatched = [("pause", "applied", "events-lost"), ("resume", "allowed", "nothing-forbids")]
    assert found[2:4] == unwatched
    assert [kind for kind, _, _ in found[4:]] == ["pause", "resume", "stop"]
    [stretches] = await audio(lab, number)
    longest = max(gaps(stretches, longer_than_s=0.05), key=lambda gap: gap.end_s - gap.begin_s)
    assert longest.end_s - longest.begin_s == pytest.approx(2 + CATCH_UP_S, abs=0.3)


async def test_a_recording_that_cannot_be_watched_for_long_ends(
    lab: World, wire: Wire, phones: Phones, staff: Staff
) -> None:
    number = "0639980310"
    conversation = await talk(phones, staff, lab.daemon, number)
    await live_call(lab.daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    wire.broken = True
    wire.cut()
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    wire.broken = False
    await asyncio.to_thread(lab.daemon.wait_until_ready)
    await conversation.caller.hang_up()
    assert "stop" in [kind for kind, _, _ in await decided(lab, number)]
    first, *_ = lab.daemon.recordings(conversation.call["id"])
    assert first["state"] == "quarantined", "nobody knows whether it was paused"
    file = lab.recording_file(f"rc-quarantine/{first['name']}")
    assert 1 < seconds(await asyncio.to_thread(moments, file)) < ENDS_WITHIN_S + 1.5


async def test_a_pause_that_cannot_be_confirmed_becomes_a_stop_and_a_quarantine(
    lab: World, wire: Wire, phones: Phones, staff: Staff
) -> None:
    number = "0639980311"
    conversation = await talk(phones, staff, lab.daemon, number)
    await asyncio.sleep(1.5)
    wire.broken = True
    wire.silence()
    call_id = conversation.call["id"]
    status, body = await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call_id}/pause")
    assert (status, body["title"]) == (503, "Service Unavailable")
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    wire.broken = False
    wire.cut()
    await asyncio.to_thread(lab.daemon.wait_until_ready)
    await conversation.caller.hang_up()
    assert ("stop", "applied", "pause-unconfirmed") in await decided(lab, number)
    recording = await state_of_recording(lab.daemon, call_id, "quarantined")
    assert recording["quarantined_from"] is not None
    heard = lab.recording_file(recording["name"])
    assert not heard.exists()
    assert (heard.parent / "rc-quarantine" / heard.name).exists()
    assert ("retain", "applied", "pause-unconfirmed") in await decided(lab, number)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        pytest.param("0639980326", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", id="404"),
        pytest.param("0639980327", b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}", id="409"),
        pytest.param("0639980328", b"HTTP/1.1 500 Server Error\r\nContent-Length: 2\r\n\r\n{}", id="500"),
        pytest.param("0639980329", b"HTTP/1.1 204 No Content\r\n\r\n", id="done, and it is not"),
        pytest.param("0639980330", b"\x00garbage\r\n\r\n", id="garbage"),
        pytest.param("0639980331", b"", id="nothing"),
    ],
)
async def test_a_pause_that_is_answered_by_anything_else_is_a_stop_and_a_quarantine(
    lab: World, wire: Wire, staff: Staff, number: str, answer: bytes
) -> None:
    conversation = await talk(staff.phones, staff, lab.daemon, number)
    call = await live_call(lab.daemon, queue="every", state="recording")
    wire.pause_answer = answer
    status, _ = await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/pause")
    wire.pause_answer = None
    assert status in {200, 503}  # 200: it has been stopped by then
    recording = await state_of_recording(lab.daemon, call["id"], "quarantined")
    async with asyncio.timeout(1):  # Asterisk closes the file first, and then lets the channel go
        while our_channels(lab):
            await asyncio.sleep(0.02)
    assert not lab.recording_file(recording["name"]).exists()
    await conversation.caller.hang_up()
    assert ("stop", "applied", "pause-unconfirmed") in await decided(lab, number)


async def test_events_that_come_twice_make_nothing_twice(lab: World, wire: Wire, phones: Phones, staff: Staff) -> None:
    number = "0639980324"
    wire.event = lambda message: message * 2
    conversation = await talk(phones, staff, lab.daemon, number)
    call = await live_call(lab.daemon, queue="every", state="recording")
    for verb in ("pause", "resume"):
        await asyncio.sleep(1)
        await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/{verb}")
    await asyncio.sleep(1)
    await conversation.caller.hang_up()
    assert await decided(lab, number) == [
        ("consent", "allowed", "announced"),
        ("record", "allowed", "legal-obligation"),
        ("pause", "applied", "payment"),
        ("resume", "allowed", "payment-over"),
        ("stop", "applied", "call-ended"),
    ]
    [stretches] = await audio(lab, number)
    assert len(gaps(stretches)) == 1


async def test_what_lost_events_did_not_tell_is_asked_for(lab: World, wire: Wire, phones: Phones, staff: Staff) -> None:
    """Half of all events are lost while an agent answers, pays and hangs up; the next connection makes it good."""
    number = "0639980325"
    dice = random.Random(7)
    conversation = await talk(phones, staff, lab.daemon, number)
    began = time.monotonic()
    call = await live_call(lab.daemon, queue="every", state="recording")
    wire.event = lambda message: message if dice.random() < 0.5 else b""
    await asyncio.sleep(1)
    status, _ = await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/pause")
    assert status == 200
    paused = time.monotonic() - began
    await asyncio.sleep(2)
    over = time.monotonic() - began
    await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/resume")
    await asyncio.sleep(1)
    await conversation.caller.hang_up()
    await conversation.caller.ended()
    wire.event = lambda message: message
    wire.cut()
    assert "stop" in [kind for kind, _, _ in await decided(lab, number)]
    assert our_channels(lab) == []
    for stretch in [stretch for file in await audio(lab, number) for stretch in file]:
        assert stretch.end_s < paused + 0.25 or stretch.begin_s > over - 0.25


NOBODYS_KEY = (
    b'{"type":"ChannelDtmfReceived","timestamp":"2026-03-02T12:00:00.000+0000","application":"recording-controller",'
    b'"digit":"1","duration_ms":100,"channel":{"id":"nobody"}}'
)
FLOOD = 400_000
"""Events at once: several seconds' worth."""


def memory_kib(daemon: Daemon) -> int:
    """What the daemon holds in memory now."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


async def test_a_flood_of_events_holds_up_no_pause_and_drops_none(
    lab: World, wire: Wire, phones: Phones, staff: Staff
) -> None:
    """What HTTP asks for overtakes it; a key comes in its turn; what is not read waits outside the daemon."""
    conversation = await talk(phones, staff, lab.daemon, "0639980322")
    call = await live_call(lab.daemon, queue="every", state="recording")
    before = memory_kib(lab.daemon)
    flood = asyncio.create_task(wire.flood(NOBODYS_KEY, FLOOD))
    await asyncio.sleep(0.2)
    status, body = await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/pause")
    assert (status, body) == (200, {"call": call["id"], "state": "paused"})
    assert not flood.done(), "it came after the flood"
    assert memory_kib(lab.daemon) - before < len(NOBODYS_KEY) * FLOOD / 1024 / 2
    await flood
    await asyncio.to_thread(lab.daemon.request, "POST", f"/api/v1/calls/{call['id']}/resume")
    await live_call(lab.daemon, queue="every", state="recording")
    flood = asyncio.create_task(wire.flood(NOBODYS_KEY, FLOOD))
    await asyncio.sleep(0.2)
    await conversation.agent.press("*7")
    assert not flood.done(), "it came after the flood"
    await flood
    await live_call(lab.daemon, queue="every", state="paused")
    await conversation.caller.hang_up()


async def test_a_caller_stuck_in_stasis_is_let_go_after_a_reconnect(wire: Wire, phones: Phones, staff: Staff) -> None:
    caller = await phones.call("0199000015", caller="0639980312")
    await caller.answered()
    await asyncio.sleep(1)
    wire.cut()
    await staff.next_call()
    await caller.hang_up()


async def test_a_wrong_ari_password_is_said_and_stops_nothing(lab: World) -> None:
    right = lab.daemon.environ
    lab.daemon.environ = right | {"RECORDING_CONTROLLER_ARI_PASSWORD": "wrong"}
    lab.daemon.start(wait=False)
    try:
        said = await trouble(lab.daemon, "pbx lab", "password")
        assert "password" in said
        assert lab.daemon.request("GET", "/healthz")[0] == 200
    finally:
        lab.daemon.stop()
        lab.daemon.environ = right


async def test_a_database_that_is_not_there_is_said_and_holds_no_caller(
    lab: World, phones: Phones, staff: Staff
) -> None:
    daemon, before, environ = lab.daemon, lab.daemon.config.read_text(), lab.daemon.environ
    daemon.config.write_text(written_as_file(yaml.safe_load(before) | {"database": {"embedded": False}}))
    daemon.environ = environ | {"RECORDING_CONTROLLER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    daemon.start(wait=False)
    try:
        said = await trouble(daemon, "database", "refused")
        assert "nobody" not in said
        assert await reach_an_agent(phones, staff, "0639980332") < 4
        assert our_channels(lab) == []
    finally:
        await asyncio.to_thread(daemon.stop)
        daemon.environ = environ
        daemon.config.write_text(before)


async def test_a_pbx_that_is_not_there_yet_is_waited_for(lab: World, phones: Phones, staff: Staff) -> None:
    lab.pbx.asterisk.stop()
    lab.daemon.start(wait=False)
    try:
        await trouble(lab.daemon, "pbx lab", "connect")
        await asyncio.to_thread(lab.pbx.asterisk.start)
        await asyncio.to_thread(lab.daemon.wait_until_ready)
        number = "0639980313"
        conversation = await talk(phones, staff, lab.daemon, number)
        await conversation.caller.hang_up()
        assert (await decided(lab, number))[0] == ("consent", "allowed", "announced")
    finally:
        lab.daemon.stop()


async def state_of_recording(daemon: Daemon, call_id: object, state: str) -> dict[str, Any]:
    """Wait until the recording of the call is in this state; the recording."""
    async with asyncio.timeout(20):
        while True:
            [recording] = await asyncio.to_thread(daemon.recordings, call_id)
            if recording["state"] == state:
                return recording
            await asyncio.sleep(0.05)


async def reason_of(daemon: Daemon, call_id: object, reason: str) -> None:
    """Wait until a decision of the call has this reason."""
    async with asyncio.timeout(20):
        while reason not in [d["reason"] for d in await asyncio.to_thread(daemon.decisions, call_id)]:
            await asyncio.sleep(0.1)


async def trouble(daemon: Daemon, part: str, word: str) -> str:
    """Wait until ``/readyz`` says this word about a part; gives all that it says."""
    said = ""
    try:
        async with asyncio.timeout(READY_S):
            while True:
                status, said = await asyncio.to_thread(daemon.readiness)
                if status == 503 and word in yaml.safe_load(said)["troubles"].get(part, ""):
                    return said
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(said) from None


async def test_a_second_daemon_stands_by_and_takes_over(lab: World, daemon: Daemon, tmp_path: Path) -> None:
    second = another(lab, tmp_path)
    second.start(wait=False)
    try:
        await trouble(second, "pbx lab", "another daemon")
        lease = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
        url = running_url(daemon.state / "postgresql")
        assert url is not None
        daemon.signal(signal.SIGSTOP)
        with psycopg.connect(url, autocommit=True) as connection:
            for (pid,) in connection.execute(lease).fetchall():
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        await asyncio.to_thread(second.wait_until_ready)
    finally:
        second.stop()
        daemon.signal(signal.SIGCONT)


def another(lab: World, directory: Path) -> Daemon:
    """A second daemon for the same PBX and database."""
    config = yaml.safe_load(lab.daemon.config.read_text())
    config["fastagi"]["port"], config["http"]["port"] = lab.daemon.fastagi_port + 1, lab.daemon.http_port + 1
    config["database"] = {"embedded": False}
    config["state_directory"] = str(directory / "state")
    url = running_url(lab.daemon.state / "postgresql")
    environ = lab.daemon.environ | {"RECORDING_CONTROLLER_DATABASE_URL": str(url)}
    (directory / "recording-controller.yaml").write_text(written_as_file(config))
    return Daemon(directory, config["http"]["port"], config["fastagi"]["port"], lab.daemon.token, environ)
