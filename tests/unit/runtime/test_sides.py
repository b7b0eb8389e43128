"""Two sides of a recording on a PBX, and what the rest of the runtime sees of them: one recording."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from aiohttp import web

from controller.ari.client import Ari
from controller.ari.resources import Channel, LiveRecording
from controller.domain.commands import Discard, Quarantine
from controller.domain.events import (
    Event,
    OfRecording,
    RecordingEnded,
    RecordingFailed,
    RecordingStarted,
    SnoopGone,
    SnoopReady,
)
from controller.domain.names import CallId, ChannelId, RecordingName, Side
from controller.domain.sides import sides_of
from controller.errors import Gone, PbxError, PbxUnreachable
from controller.runtime.deadman import DeadMansSwitch, KeepsAlive
from controller.runtime.executor import Executor
from controller.runtime.notices import Notices
from controller.runtime.ports import Register
from controller.runtime.sides import News, Sides, Standing
from controller.runtime.writer import Writer
from tests.unit.ari.test_ari_http import ari_against
from tests.unit.domain.stories import new_call, policy

MONO = RecordingName("rc-01a20c55-d530-7264-be3a-651207e98ac2-quality-1")
STEREO = RecordingName(f"{MONO}-stereo")
LEFT, RIGHT = sides_of(STEREO)
CUSTOMER = ChannelId("customer")
EVERYTHING: tuple[type[News], ...] = (SnoopReady, RecordingStarted, RecordingFailed, RecordingEnded, SnoopGone)


@dataclass
class Pbx:
    """An Asterisk that does what it is told, but for what it refuses: by operation and side."""

    refuses: dict[tuple[str, str], PbxError] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    done: list[tuple[str, str]] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)

    async def _do(self, what: str, side: str) -> None:
        await asyncio.sleep(0)
        error = self.refuses.get((what, side))
        if error is not None:
            raise error
        self.done.append((what, side))

    async def snoop(self, _channel: str, side: str, *, spy: str) -> None:
        await self._do(f"snoop {spy}", side)

    async def record(self, side: str, name: str) -> None:
        assert side == name
        await self._do("record", side)

    async def keep_recording_alive(self, channel_name: str, _seconds: int) -> None:
        await self._do("arm", channel_name.removeprefix("Snoop/"))

    async def pause_recording(self, side: str) -> None:
        await self._do("pause", side)

    async def resume_recording(self, side: str) -> None:
        await self._do("resume", side)

    async def live_recording(self, side: str) -> LiveRecording:
        if side not in self.states:
            raise Gone(side)
        return LiveRecording(name=side, state=self.states[side])

    async def hangup(self, side: str, *, fresh: bool = False) -> None:
        if fresh:
            self.fresh.add(side)
        await self._do("hang up", side)

    async def copy_stored_recording(self, name: str, to: str) -> None:
        if name not in self.files:
            raise Gone(name)
        self.files.add(to)

    async def delete_stored_recording(self, name: str) -> None:
        if name not in self.files:
            raise Gone(name)
        self.files.remove(name)

    def sides_that(self, what: str) -> list[str]:
        """What was done so to which sides."""
        return [side for done, side in self.done if done == what]


class Beside:
    """The sides of the recordings of such a PBX; ``told`` is what was told of which, and ``news`` its kinds."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.told: list[tuple[RecordingName, type[OfRecording]]] = []
        self.deadman = DeadMansSwitch(cast("KeepsAlive", pbx), watching=lambda: True, name="main")
        self.sides = Sides(ari=cast("Ari", pbx), deadman=self.deadman, tell=self._tell)

    def _tell(self, recording: RecordingName, event: OfRecording) -> None:
        assert event.recording == recording
        self.told.append((recording, type(event)))

    @property
    def news(self) -> list[type[OfRecording]]:
        return [kind for _, kind in self.told]

    def hears(self, said: type[News], *sides: Side) -> None:
        for side in sides:
            self.sides.hear(side, said)

    async def goes_on(self) -> None:
        """What was set going comes to its end."""
        for _ in range(10):
            await asyncio.sleep(0)


async def snooped(pbx: Pbx | None = None, recording: RecordingName = STEREO) -> Beside:
    """A recording whose snoop channels are there."""
    beside = Beside(pbx or Pbx())
    await beside.sides.snoop(recording, CUSTOMER)
    for side in sides_of(recording):
        beside.deadman.known(side, f"Snoop/{side}")
        beside.hears(SnoopReady, side)
    beside.told.clear()
    return beside


async def recorded(pbx: Pbx | None = None) -> Beside:
    """A recording that records on both sides."""
    beside = await snooped(pbx)
    await beside.sides.record(STEREO)
    beside.hears(RecordingStarted, LEFT, RIGHT)
    beside.told.clear()
    return beside


async def test_a_recording_of_one_side_is_of_both_directions_and_passes_through() -> None:
    beside = await snooped(recording=MONO)
    for kind in EVERYTHING:
        beside.hears(kind, Side(MONO))
    assert beside.pbx.done == [("snoop both", MONO)]
    assert beside.told == [(MONO, kind) for kind in EVERYTHING]


async def test_one_side_is_what_comes_from_the_customer_and_the_other_what_they_hear() -> None:
    beside = await snooped()
    assert beside.pbx.done == [("snoop in", LEFT), ("snoop out", RIGHT)]


@pytest.mark.parametrize("kind", [SnoopReady, RecordingStarted])
@pytest.mark.parametrize("first", [LEFT, RIGHT])
async def test_what_one_side_says_is_told_once_the_other_says_so_too(kind: type[News], first: Side) -> None:
    beside = Beside(Pbx())
    await beside.sides.snoop(STEREO, CUSTOMER)
    beside.hears(kind, first, first)
    assert beside.told == []
    beside.hears(kind, LEFT, RIGHT)
    assert beside.told == [(STEREO, kind)]


@pytest.mark.parametrize("kind", [RecordingEnded, SnoopGone])
@pytest.mark.parametrize(("first", "other"), [(LEFT, RIGHT), (RIGHT, LEFT)])
async def test_a_side_that_ends_takes_the_other_with_it_and_then_the_recording_has_ended(
    kind: type[News], first: Side, other: Side
) -> None:
    beside = await recorded()
    beside.hears(kind, first)
    await beside.goes_on()
    assert (beside.pbx.sides_that("hang up"), beside.pbx.fresh, beside.news) == ([other], {other}, [])
    beside.hears(RecordingEnded, other)
    assert beside.news == [RecordingEnded]
    beside.hears(SnoopGone, first, other)
    assert beside.news == [RecordingEnded, SnoopGone]


async def test_what_is_to_end_because_its_other_side_has_is_refreshed_no_more() -> None:
    beside = await recorded(Pbx(refuses={("hang up", RIGHT): PbxUnreachable("away")}))
    beside.pbx.done.clear()
    beside.hears(SnoopGone, LEFT)
    beside.deadman.released(LEFT)
    await beside.goes_on()
    await beside.deadman._refresh(asyncio.get_running_loop().time() + 60)
    assert beside.pbx.done == []


async def test_a_side_that_fails_fails_the_recording_at_once_and_takes_the_other_with_it() -> None:
    beside = await snooped()
    beside.hears(RecordingFailed, RIGHT)
    assert beside.news == [RecordingFailed]
    await beside.goes_on()
    assert beside.pbx.sides_that("hang up") == [LEFT]


async def test_what_began_on_one_side_only_has_begun_for_it_has_a_file() -> None:
    beside = await snooped()
    beside.hears(RecordingStarted, LEFT)
    beside.hears(RecordingFailed, RIGHT)
    beside.hears(RecordingEnded, LEFT)
    assert beside.news == [RecordingFailed, RecordingStarted, RecordingEnded]


async def test_what_never_began_has_no_end() -> None:
    beside = await snooped()
    beside.hears(SnoopGone, LEFT, RIGHT)
    assert beside.news == [SnoopGone]


async def test_where_one_snoop_cannot_be_had_the_other_is_hung_up_and_then_both_are_gone() -> None:
    beside = Beside(Pbx(refuses={("snoop out", RIGHT): Gone("customer")}))
    await beside.sides.snoop(STEREO, CUSTOMER)
    await beside.goes_on()
    assert (beside.pbx.sides_that("hang up"), beside.news) == ([LEFT], [])
    beside.hears(SnoopGone, LEFT)
    assert beside.news == [SnoopGone]


async def test_a_side_that_comes_when_nobody_waits_for_it_is_hung_up() -> None:
    beside = Beside(Pbx(refuses={("hang up", side): Gone(side) for side in (LEFT, RIGHT)}))
    beside.sides.stop(STEREO)
    await beside.goes_on()
    assert beside.news == [SnoopGone]
    beside.pbx.refuses.clear()
    beside.hears(SnoopReady, RIGHT)
    await beside.goes_on()
    assert (beside.pbx.sides_that("hang up"), beside.news) == ([RIGHT], [SnoopGone])


async def test_nothing_records_before_the_dead_mans_switch_is_set_on_both() -> None:
    beside = await snooped()
    await beside.sides.record(STEREO)
    assert [what for what, _ in beside.pbx.done[2:]] == ["arm", "arm", "record", "record"]


@pytest.mark.parametrize("side", [LEFT, RIGHT])
async def test_without_a_switch_on_one_side_neither_records(side: Side) -> None:
    beside = await snooped(Pbx(refuses={("arm", side): PbxUnreachable("away")}))
    with pytest.raises(PbxUnreachable):
        await beside.sides.record(STEREO)
    assert beside.pbx.sides_that("record") == []


async def test_both_switches_are_refreshed() -> None:
    beside = await recorded()
    beside.pbx.done.clear()
    await beside.deadman._refresh(asyncio.get_running_loop().time() + 60)
    assert sorted(beside.pbx.sides_that("arm")) == sorted([LEFT, RIGHT])


@pytest.mark.parametrize(
    ("left", "right", "confirmed"),
    [("paused", "paused", True), ("paused", "recording", False), ("recording", "paused", False)],
)
async def test_a_pause_is_one_where_both_sides_are_paused(left: str, right: str, *, confirmed: bool) -> None:
    beside = await recorded(Pbx(states={LEFT: left, RIGHT: right}))
    assert await beside.sides.pause(STEREO) is confirmed
    assert beside.pbx.sides_that("pause") == [LEFT, RIGHT]


@pytest.mark.parametrize("side", [LEFT, RIGHT])
async def test_a_pause_that_one_side_refuses_is_none(side: Side) -> None:
    beside = await recorded(Pbx(refuses={("pause", side): Gone(side)}, states={LEFT: "paused", RIGHT: "paused"}))
    with pytest.raises(Gone):
        await beside.sides.pause(STEREO)


@pytest.mark.parametrize("side", [LEFT, RIGHT])
async def test_a_resume_that_one_side_refuses_is_none(side: Side) -> None:
    beside = await recorded(Pbx(refuses={("resume", side): Gone(side)}))
    with pytest.raises(Gone):
        await beside.sides.resume(STEREO)


@asynccontextmanager
async def answering_only_both_at_once() -> AsyncIterator[tuple[Sides, list[str]]]:
    """A PBX that answers no request about one side before that about the other has come; and what was asked of it."""
    meeting, asked = asyncio.Barrier(2), list[str]()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.method)
        await meeting.wait()
        side = request.path.split("/")[4]
        live = {"name": side, "state": "paused", "format": "wav", "target_uri": f"channel:{side}"}
        return web.json_response(live) if request.method == "GET" else web.Response(status=204)

    async with ari_against(answer) as ari, asyncio.timeout(10):
        deadman = DeadMansSwitch(cast("KeepsAlive", None), watching=lambda: True, name="main")
        yield Sides(ari=ari, deadman=deadman, tell=lambda _recording, _event: None), asked


async def test_both_sides_are_paused_and_go_on_side_by_side() -> None:
    async with answering_only_both_at_once() as (sides, asked):
        assert await sides.pause(STEREO)
        await sides.resume(STEREO)
    assert asked == ["POST", "POST", "GET", "GET", "DELETE", "DELETE"]


async def test_a_stop_hangs_both_up_though_one_cannot_be_reached() -> None:
    beside = await recorded(Pbx(refuses={("hang up", LEFT): PbxUnreachable("away")}))
    beside.sides.stop(STEREO)
    await beside.goes_on()
    assert (beside.pbx.sides_that("hang up"), beside.pbx.fresh, beside.news) == ([RIGHT], {LEFT, RIGHT}, [])


async def test_a_stop_that_finds_both_gone_says_so_once() -> None:
    beside = await recorded(Pbx(refuses={("hang up", side): Gone(side) for side in (LEFT, RIGHT)}))
    beside.sides.stop(STEREO)
    await beside.goes_on()
    assert beside.news == [SnoopGone]


async def test_what_nobody_knows_any_more_has_no_news() -> None:
    beside = await recorded()
    beside.sides.forget_all_but([MONO])
    beside.hears(RecordingEnded, LEFT, RIGHT)
    assert beside.news == []


@pytest.mark.parametrize(
    ("recording", "states", "standing"),
    [
        pytest.param(STEREO, {LEFT: "recording", RIGHT: "recording"}, Standing.RECORDING, id="both record"),
        pytest.param(STEREO, {LEFT: "paused", RIGHT: "paused"}, Standing.PAUSED, id="both are paused"),
        pytest.param(STEREO, {LEFT: "paused", RIGHT: "recording"}, Standing.TORN, id="one of each"),
        pytest.param(STEREO, {LEFT: "recording"}, Standing.TORN, id="one is gone"),
        pytest.param(STEREO, {LEFT: "queued", RIGHT: "queued"}, Standing.GONE, id="neither has begun"),
        pytest.param(STEREO, {}, Standing.GONE, id="both are gone"),
        pytest.param(MONO, {MONO: "recording"}, Standing.RECORDING, id="one that is alone records"),
        pytest.param(MONO, {MONO: "paused"}, Standing.PAUSED, id="one that is alone is paused"),
        pytest.param(MONO, {}, Standing.GONE, id="one that is alone is gone"),
    ],
)
@pytest.mark.parametrize("listed", ["all", "those that are live"])
async def test_what_a_former_daemon_has_left_goes_on_where_both_sides_agree(
    listed: str, recording: RecordingName, states: dict[str, str], standing: Standing
) -> None:
    beside = Beside(Pbx(states=states))
    there = sides_of(recording) if listed == "all" else states
    channels = {side: Channel(id=side, name=f"Snoop/{side}") for side in there}
    assert await beside.sides.take_over(recording, channels) is standing
    goes_on = standing in {Standing.RECORDING, Standing.PAUSED}
    assert beside.pbx.sides_that("arm") == (list(sides_of(recording)) if goes_on else [])


async def test_what_was_taken_over_ends_together_as_any_other() -> None:
    beside = Beside(Pbx(states={LEFT: "recording", RIGHT: "recording"}))
    await beside.sides.take_over(STEREO, {side: Channel(id=side, name=f"Snoop/{side}") for side in (LEFT, RIGHT)})
    beside.hears(RecordingEnded, LEFT)
    await beside.goes_on()
    assert beside.pbx.sides_that("hang up") == [RIGHT]
    beside.hears(RecordingEnded, RIGHT)
    assert beside.news == [RecordingEnded]


@pytest.mark.parametrize(("command", "left"), [(Discard, set()), (Quarantine, {"rc-quarantine"})])
async def test_what_must_not_remain_goes_on_both_sides(command: type[Discard | Quarantine], left: set[str]) -> None:
    pbx = Pbx(files={LEFT, RIGHT, "another"})
    done = asyncio.Event()

    def tell(_call: CallId, _event: Event) -> None:
        done.set()

    executor = Executor(
        ari=cast("Ari", pbx),
        sides=Beside(pbx).sides,
        writer=cast("Writer", None),
        register=cast("Register", None),
        doors={},
        notices=cast("Notices", None),
        tell=tell,
        alarm=lambda _call, _reason: None,
    )
    executor.carry_out(new_call(policy()), command(recording=STEREO))
    await done.wait()
    assert pbx.files == {"another"} | {f"{folder}/{side}" for folder in left for side in (LEFT, RIGHT)}
