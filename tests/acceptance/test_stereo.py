"""Recordings in stereo on a real Asterisk: who is heard where, and that both sides begin, pause and end together."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from controller.ari.client import Ari
from controller.audio.stereo import StereoWav
from controller.audio.wav import WavReader
from controller.domain.names import RecordingName
from controller.domain.sides import sides_of
from lab.disks import Disk
from lab.phones import Phones
from lab.stories import Conversation, Staff, converse, live_call, written
from lab.sweep import RATE, Gap, moments_in
from lab.world import Daemon, World, record_every_call, shorten
from tests.acceptance.conversations import decided, gaps, seconds
from tests.acceptance.own_lab import daemon, phones
from tests.acceptance.test_faults import our_channels, state_of_recording
from tests.acceptance.test_ingest_from_a_pbx import Store, off_the_pbx, opened_by_age, until

__all__ = ["daemon", "phones"]

Samples = NDArray[np.float64]
ENDS_WITHIN_S = 10
"""What is promised of a recording that nobody watches."""
APART_S = 0.05
"""Two frames, and how sharply a cut is read off the sweep."""


def in_stereo(config: dict[str, Any]) -> None:
    config["purposes"]["every"]["channels"] = "stereo"


@pytest.fixture(scope="module")
def lab() -> Iterator[World]:
    """A lab whose daemon each test starts, and breaks, for itself."""
    with World.running(shorten, record_every_call, in_stereo, daemon=False) as running:
        yield running


async def both_speak(phones: Phones, staff: Staff, daemon: Daemon, number: str) -> Conversation:
    """A conversation in which the agent speaks the same sweep as the customer, later."""
    talk = await converse(phones, staff, daemon, caller=number)
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1)
    await talk.agent.play_sweep()
    await asyncio.sleep(1.5)
    return talk


def recording_of(daemon: Daemon, call_id: object) -> dict[str, Any]:
    """The one recording of a call."""
    recordings = daemon.recordings(call_id)
    assert len(recordings) == 1, "\n".join([*map(str, [*recordings, *daemon.decisions(call_id)]), daemon.tail()])
    return recordings[0]


def stereo(lab: World, name: str) -> tuple[Samples, Samples]:
    """Left and right of what is made of the two files of a recording."""
    files = [lab.recording_file(side).read_bytes() for side in sides_of(RecordingName(name))]
    made = StereoWav([files[0]], [files[1]], octets=(len(files[0]), len(files[1])))
    assert not made.partial
    reader = WavReader([b"".join(made)])
    frames = np.frombuffer(b"".join(reader), dtype="<i2").reshape(-1, 2) / 32768
    return frames[:, 0], frames[:, 1]


def exist(lab: World, name: str) -> list[bool]:
    """Whether the file of each side is where recordings are."""
    return [lab.recording_file(side).exists() for side in sides_of(RecordingName(name))]


def loud(samples: Samples) -> NDArray[np.bool_]:
    """Whether something is heard, for each tenth of a second."""
    tenths = samples[: len(samples) // 800 * 800].reshape(-1, 800)
    return np.asarray(np.sqrt((tenths**2).mean(axis=1)) > 0.003)


async def stereo_gaps(lab: World, daemon: Daemon, number: str) -> tuple[Gap, Gap]:
    """The one gap in what each side holds of its own sweep."""
    call = await written(daemon, number)
    recording = recording_of(daemon, call["id"])
    found = []
    for side in stereo(lab, recording["name"]):
        [gap] = gaps(await asyncio.to_thread(moments_in, side))
        found.append(gap)
    return found[0], found[1]


async def test_the_customer_is_left_and_the_agent_right(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980601"
    talk = await converse(phones, staff, daemon, caller=number)
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(2)
    await talk.caller.fall_silent()
    await asyncio.sleep(0.5)
    await talk.agent.play_sweep()
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    call = await written(daemon, number)
    recording = recording_of(daemon, call["id"])
    left, right = stereo(lab, recording["name"])
    assert seconds(moments_in(left)) > 1.5
    assert seconds(moments_in(right)) > 1.5
    assert not (loud(left) & loud(right)).any()
    assert np.flatnonzero(loud(left)).max() < np.flatnonzero(loud(right)).min()


async def test_a_pause_is_missing_on_both_sides_alike(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    number = "0639980602"
    talk = await both_speak(phones, staff, daemon, number)
    path = f"/api/v1/calls/{talk.call['id']}"
    assert (await asyncio.to_thread(daemon.request, "POST", f"{path}/pause"))[0] == 200
    await asyncio.sleep(2)
    assert (await asyncio.to_thread(daemon.request, "POST", f"{path}/resume"))[0] == 200
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    left, right = await stereo_gaps(lab, daemon, number)
    assert left.seconds > 1.9
    assert abs(left.at_s - right.at_s) <= APART_S
    assert abs(left.seconds - right.seconds) <= APART_S


@pytest.mark.parametrize("place", [0, 1], ids=["the customer's", "the agent's"])
async def test_a_side_that_is_hung_up_ends_the_recording(
    place: int, lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = f"063998060{3 + place}"
    talk = await both_speak(phones, staff, daemon, number)
    recording = recording_of(daemon, talk.call["id"])
    sides = sides_of(RecordingName(recording["name"]))
    lab.pbx.asterisk.cli(f"channel request hangup {channel_of(lab, sides[place])}")
    await state_of_recording(daemon, talk.call["id"], "ended")
    assert not [line for line in our_channels(lab) if line.endswith(sides)]
    lengths = [len(side) / RATE for side in stereo(lab, recording["name"])]
    assert min(lengths) > 2
    await talk.caller.hang_up()
    assert ("stop", "applied", "recording-failed") in await decided(lab, number)


def another_program(lab: World) -> Ari:
    """Somebody else with a password."""
    pbx = lab.pbx
    return Ari(url=pbx.ari_url, username=pbx.ari_username, password=pbx.ari_password, application="another")


async def wait_for_the_next_daemon(lab: World, program: Ari, recording: str) -> None:
    """Have the dead man's switch wait longer: a machine that is busy takes its time to start a daemon."""
    for side in sides_of(RecordingName(recording)):
        await program.keep_recording_alive(channel_of(lab, side), 120)


def channel_of(lab: World, side: str) -> str:
    """The name of a snoop channel."""
    [line] = [line for line in our_channels(lab) if line.endswith(f"!{side}")]
    return line.partition("!")[0]


async def test_a_killed_daemon_leaves_no_side_behind(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    talk = await both_speak(phones, staff, daemon, "0639980605")
    recording = recording_of(daemon, talk.call["id"])
    daemon.kill()
    assert len(our_channels(lab)) == 2
    await asyncio.sleep(ENDS_WITHIN_S)
    assert our_channels(lab) == []
    assert all(0 < len(side) / RATE < ENDS_WITHIN_S + 4 for side in stereo(lab, recording["name"]))
    await talk.caller.hang_up()
    daemon.start()


async def test_the_next_daemon_goes_on_with_both_sides(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    number = "0639980606"
    talk = await both_speak(phones, staff, daemon, number)
    recording = recording_of(daemon, talk.call["id"])
    await asyncio.to_thread(daemon.stop)
    async with another_program(lab) as another:
        await wait_for_the_next_daemon(lab, another, recording["name"])
    await asyncio.to_thread(daemon.start)
    await live_call(daemon, queue="every", state="recording")
    await asyncio.sleep(1.5)
    await talk.caller.hang_up()
    left, right = await stereo_gaps(lab, daemon, number)
    assert abs(left.seconds - right.seconds) <= APART_S


async def test_a_daemon_that_finds_one_side_paused_ends_both(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    """Another program has paused what comes from the customer."""
    number = "0639980607"
    talk = await both_speak(phones, staff, daemon, number)
    recording = recording_of(daemon, talk.call["id"])
    daemon.kill()
    async with another_program(lab) as another:
        await another.pause_recording(recording["name"])
        await wait_for_the_next_daemon(lab, another, recording["name"])
    await asyncio.to_thread(daemon.start)
    await state_of_recording(daemon, talk.call["id"], "ended")
    await asyncio.sleep(1)
    assert our_channels(lab) == []
    await talk.caller.hang_up()
    assert (await decided(lab, number))[-1] == ("stop", "applied", "controller-lost")


async def test_an_objection_discards_both_sides(lab: World, daemon: Daemon, phones: Phones, staff: Staff) -> None:
    talk = await both_speak(phones, staff, daemon, "0639980608")
    recording = recording_of(daemon, talk.call["id"])
    assert exist(lab, recording["name"]) == [True, True]
    await talk.agent.press("*9")
    await state_of_recording(daemon, talk.call["id"], "discarded")
    assert exist(lab, recording["name"]) == [False, False]
    assert our_channels(lab) == []
    await talk.caller.hang_up()


async def test_a_pause_that_nobody_confirms_ends_both_sides_and_takes_both_out_of_hearing(
    lab: World, daemon: Daemon, phones: Phones, staff: Staff
) -> None:
    talk = await both_speak(phones, staff, daemon, "0639980609")
    call_id = talk.call["id"]
    recording = recording_of(daemon, call_id)
    lab.pbx.asterisk.signal(signal.SIGSTOP)
    try:
        await asyncio.to_thread(daemon.request, "POST", f"/api/v1/calls/{call_id}/pause")
    finally:
        lab.pbx.asterisk.signal(signal.SIGCONT)
    await state_of_recording(daemon, call_id, "quarantined")
    assert exist(lab, recording["name"]) == [False, False]
    assert exist(lab, f"rc-quarantine/{recording['name']}") == [True, True]
    assert our_channels(lab) == []
    await talk.caller.hang_up()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[World]:
    """A lab whose recordings leave the PBX."""

    def stored(config: dict[str, Any]) -> None:
        config["storage"] = {"url": (tmp_path / "store").as_uri(), "least_free_megabytes": 1}

    with World.running(shorten, record_every_call, in_stereo, stored) as running:
        yield running


async def test_both_sides_leave_the_pbx_as_one_file(kept: World, tmp_path: Path) -> None:
    number = "0639980610"
    async with Phones.of(kept.phones) as phones:
        talk = await both_speak(phones, Staff(phones), kept.daemon, number)
        await talk.caller.hang_up()
    call = await written(kept.daemon, number)
    recording = recording_of(kept.daemon, call["id"])
    [row] = await until(lambda: off_the_pbx(kept.daemon, recording))
    assert (row["state"], row["partial"]) == ("stored", False)
    assert exist(kept, recording["name"]) == [False, False]
    store = Store(folder=tmp_path / "store", disk=cast("Disk", None))
    reader = WavReader([opened_by_age(kept, store, row, tmp_path)])
    frames = np.frombuffer(b"".join(reader), dtype="<i2").reshape(-1, 2) / 32768
    customer, agent = (moments_in(frames[:, place]) for place in (0, 1))
    assert seconds(customer) > seconds(agent) + 0.5 > 1.5  # who speaks later has less to say
