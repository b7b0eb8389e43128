"""Both sides of a stereo recording as one, between the rest of the runtime and the PBX.

Owns all that is double (``controller.domain.sides``): what is done to a recording is done to each of its sides, side
by side, and is done once it is on both; what a side does is news of the recording once it is true of both, and one
that ends takes the other with it. A recording of one side passes through, and nothing is kept of it.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import structlog

from controller.ari.client import Ari, Spy
from controller.ari.resources import Channel
from controller.domain.events import (
    OfRecording,
    RecordingEnded,
    RecordingFailed,
    RecordingStarted,
    SnoopGone,
    SnoopReady,
)
from controller.domain.names import ChannelId, RecordingName, Side
from controller.domain.sides import recording_of, sides_of
from controller.errors import Gone, PbxError
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch

T = TypeVar("T")
News = SnoopReady | RecordingStarted | RecordingFailed | RecordingEnded | SnoopGone
"""What the PBX says of one side, of itself."""

_SPIED: Mapping[int, tuple[Spy, ...]] = {1: ("both",), 2: ("in", "out")}
"""What each side is of, by how many there are: what comes from the customer, and what they hear."""

_log = structlog.get_logger(__name__)


class Standing(StrEnum):
    """What a recording does, its sides together."""

    RECORDING = "recording"
    PAUSED = "paused"
    GONE = "gone"
    TORN = "torn"
    """One side does what the other does not."""


UNDER_WAY = frozenset({Standing.RECORDING.value, Standing.PAUSED.value})
"""What Asterisk says of a live recording that is under way."""

_OVER = (RecordingFailed, RecordingEnded, SnoopGone)


@dataclass(slots=True)
class _Pair:
    """What both sides of a recording have said, and what of that has been told."""

    sides: tuple[Side, ...]
    said: dict[type[News], set[Side]] = field(default_factory=dict)
    told: set[type[News]] = field(default_factory=set)
    ending: bool = False

    def by(self, *said: type[News]) -> set[Side]:
        """The sides that have said any of these."""
        return {side for one in said for side in self.said.get(one, ())}

    def by_all(self, *said: type[News]) -> bool:
        return len(self.by(*said)) == len(self.sides)

    @property
    def torn(self) -> bool:
        """Whether one side is over and the other is not."""
        return bool(self.by(*_OVER)) and not self.by_all(*_OVER)

    def news(self) -> Iterator[type[News]]:
        """Give what is true of the recording by now, in its order, and was not before.

        One that began and ended on one side only has begun: it has a file.
        """
        over = self.by_all(*_OVER)
        true: dict[type[News], bool] = {
            SnoopReady: self.by_all(SnoopReady),
            RecordingStarted: self.by_all(RecordingStarted) or (over and bool(self.by(RecordingStarted))),
            RecordingFailed: bool(self.by(RecordingFailed)),
            RecordingEnded: over and bool(self.by(RecordingEnded)),
            SnoopGone: self.by_all(SnoopGone),
        }
        for kind, is_so in true.items():
            if is_so and kind not in self.told:
                self.told.add(kind)
                yield kind


class Sides:
    """Those of every recording of one PBX. ``tell`` is told what becomes of a recording."""

    def __init__(
        self, *, ari: Ari, deadman: DeadMansSwitch, tell: Callable[[RecordingName, OfRecording], None]
    ) -> None:
        self._ari = ari
        self._deadman = deadman
        self._tell = tell
        self._pairs: dict[RecordingName, _Pair] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # What is done to both

    async def snoop(self, recording: RecordingName, channel: ChannelId) -> None:
        """Ask for the snoop channels; one that cannot be had is gone, once that is known of both."""
        sides = sides_of(recording)
        if len(sides) > 1:
            self._pairs.setdefault(recording, _Pair(sides))
        asked = zip(sides, _SPIED[len(sides)], strict=True)
        for failed in await _beside(self._snooped(channel, side, spy) for side, spy in asked):
            if failed is not None:
                self.hear(failed, SnoopGone)

    async def _snooped(self, channel: ChannelId, side: Side, spy: Spy) -> Side | None:
        """Give the side where it fails."""
        try:
            await self._ari.snoop(channel, side, spy=spy)
        except PbxError as error:
            command_failed("snoop", error)
            return side
        return None

    async def record(self, recording: RecordingName) -> None:
        """Ask both to record, once the dead man's switch is set on both. Raises PbxError."""
        await _beside(self._deadman.arm(side) for side in sides_of(recording))
        await _beside(self._ari.record(side, side) for side in sides_of(recording))

    async def pause(self, recording: RecordingName) -> bool:
        """Pause, and say whether Asterisk then says of both that they are paused. Raises PbxError."""
        states = await _beside(self._paused(side) for side in sides_of(recording))
        return all(state == "paused" for state in states)

    async def _paused(self, side: Side) -> str:
        await self._ari.pause_recording(side)
        return (await self._ari.live_recording(side)).state

    async def resume(self, recording: RecordingName) -> None:
        """Go on recording. Raises PbxError where one of them does not."""
        await _beside(self._ari.resume_recording(side) for side in sides_of(recording))

    def stop(self, recording: RecordingName) -> None:
        """Hang both up; returns at once. Where that fails the dead man's switch runs out."""
        sides = sides_of(recording)
        if len(sides) > 1:
            self._pairs.setdefault(recording, _Pair(sides)).ending = True
        self._end(sides)

    def _end(self, sides: Iterable[Side]) -> None:
        for side in sides:
            self._deadman.released(side)
            task = asyncio.create_task(self._hang_up(side))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _hang_up(self, side: Side) -> None:
        """Over a new connection, and where none can be had, over those that there are."""
        for fresh in (True, False):
            try:
                await self._ari.hangup(side, fresh=fresh)
            except Gone:
                self.hear(side, SnoopGone)
                return
            except PbxError as error:  # the core asks again, and the dead man's switch runs out
                command_failed("stop", error)
            else:
                return

    # What becomes of both

    def hear(self, side: Side, said: type[News]) -> None:
        """Take in what the PBX says of one side. What then is true of the recording is told."""
        recording = recording_of(side)
        if sides_of(recording) == (side,):
            self._tell(recording, said(at=now(), recording=recording))
        elif recording in self._pairs:
            self._hear_one_of(self._pairs[recording], recording, side, said)
        elif said in {SnoopReady, RecordingStarted}:  # it came when nobody waited for it any more
            self._end([side])

    def _hear_one_of(self, pair: _Pair, recording: RecordingName, side: Side, said: type[News]) -> None:
        pair.said.setdefault(said, set()).add(side)
        if pair.torn and not pair.ending:
            pair.ending = True
            self._end(other for other in pair.sides if other not in pair.by(*_OVER))
        if pair.by_all(SnoopGone):
            del self._pairs[recording]
        for news in pair.news():
            self._tell(recording, news(at=now(), recording=recording))

    def forget_all_but(self, recordings: Collection[RecordingName]) -> None:
        """What nobody knows any more has no news."""
        self._pairs = {name: pair for name, pair in self._pairs.items() if name in recordings}

    # What is true of both

    async def states(self, recording: RecordingName) -> list[str]:
        """What Asterisk says of each side, in their order; empty for one that has ended. Raises PbxError."""
        return await _beside(self._state(side) for side in sides_of(recording))

    async def _state(self, side: Side) -> str:
        try:
            return (await self._ari.live_recording(side)).state
        except Gone:
            return ""

    async def take_over(self, recording: RecordingName, channels: Mapping[str, Channel]) -> Standing:
        """What a recording of a former daemon does; where it goes on, the dead man's switch is set anew.

        ``channels`` are those of the PBX. Raises PbxError.
        """
        sides = sides_of(recording)
        there = [side for side in sides if side in channels]
        if not there:
            return Standing.GONE
        states = {await self._state(side) for side in there} | ({""} if len(there) < len(sides) else set())
        if len(sides) > 1:
            self._pairs.setdefault(recording, _Pair(sides))
        if len(states) > 1:
            return Standing.TORN
        [state] = states
        if state not in UNDER_WAY:
            return Standing.GONE
        with suppress(Gone):
            for side in sides:
                self._deadman.known(side, channels[side].name)
                await self._deadman.arm(side)
        return Standing(state)


async def _beside(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at the same time. Raises what the first that fails raises, at once."""
    first, *others = work
    return await asyncio.gather(first, *others) if others else [await first]


def command_failed(command: str, error: PbxError) -> None:
    """Count and log it. Never the command's answer: it may tell what nobody may know."""
    metrics.COMMANDS_FAILED.labels(command).inc()
    _log.warning("pbx.command_failed", command=command, error=type(error).__name__)
