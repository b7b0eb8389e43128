"""The lab's telephones: callers, agents and callees, played over ARI of the Asterisk that `lab.pbx` starts for them.

Owns what a person with a telephone does: call, answer, speak (play a sound), listen, press keys, hang up. Does not
own the Asterisk, nor judge what was heard (`lab.hearing`, `lab.sweep`).

Nothing here polls: each wait is for an event, is bounded, and says what it waited for when it fails (PbxError).
A telephone speaks through a bridge of its own, since Asterisk lets a channel that plays directly press no key
before the sound's end. It listens by a snoop on what comes in, which records silence, too: the file runs by the clock.
"""

import asyncio
import random
import uuid
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from controller.ari.client import Ari
from controller.ari.events import (
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelStateChange,
    Event,
    PlaybackFinished,
    PlaybackStarted,
    RecordingFailed,
    RecordingFinished,
    RecordingStarted,
    StasisStart,
)
from controller.ari.http import AriHttp, path_of
from controller.ari.stream import EventStream
from controller.errors import Gone, NotNow, PbxError
from lab.pbx import Instance
from lab.sweep import write_sweep

APPLICATION: Final = "phones"
PROMPT_S: Final = 10.0
"""Bound on what Asterisk does by itself: connect, start a sound, start a recording."""
PERSON_S: Final = 30.0
"""Bound on what the other side does: answer, call, hang up."""

_WANTED: Final = frozenset(
    kind.__name__
    for kind in (
        StasisStart,
        ChannelStateChange,
        ChannelDestroyed,
        ChannelDtmfReceived,
        PlaybackStarted,
        PlaybackFinished,
        RecordingStarted,
        RecordingFinished,
        RecordingFailed,
    )
)

_BRIDGE_MEDIA: Final = "chan_bridge_media.so"

Moment = Literal["stasis", "up", "destroyed", "started", "finished"]


class _Fact:
    """Something that will be known once; any number may wait for it."""

    def __init__(self) -> None:
        self._known = asyncio.Event()
        self._failure: PbxError | None = None

    def settle(self, failure: PbxError | None = None) -> None:
        """Make it known, or that it cannot come any more; the first word counts."""
        if not self._known.is_set():
            self._failure = failure
            self._known.set()

    async def wait(self, what: str, within_s: float) -> None:
        """Wait for it; `what` says what. Raises Gone when the call ended, PbxError when it failed or is late."""
        try:
            async with asyncio.timeout(within_s):
                await self._known.wait()
        except TimeoutError:
            raise PbxError(f"{what}: not within {within_s:g} s") from None
        if self._failure is not None:
            raise type(self._failure)(f"{what}: {self._failure}")


class _Board:
    """Where events meet those who wait for them, by the id of what they tell of."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, Moment], _Fact] = {}

    def expect(self, name: str, moment: Moment) -> _Fact:
        """Return the fact that `name` (of a channel, a sound, a recording) came to `moment`."""
        return self._facts.setdefault((name, moment), _Fact())

    def take(self, event: Event) -> None:
        """Settle what an event makes known."""
        match event:
            case StasisStart(channel=channel):
                self._settle(channel.id, "stasis")
            case ChannelStateChange(channel=channel) if channel.state == "Up":
                self._settle(channel.id, "up")
            case PlaybackStarted(playback=playback):
                self._settle(playback.id, "started")
            case PlaybackFinished(playback=playback):
                self._end(playback.id, PbxError("it failed") if playback.state == "failed" else None)
            case RecordingStarted(recording=recording):
                self._settle(recording.name, "started")
            case RecordingFinished(recording=recording):
                self._end(recording.name)
            case RecordingFailed(recording=recording):
                self._end(recording.name, PbxError("it failed"))
            case _:
                return

    def _end(self, name: str, failure: PbxError | None = None) -> None:
        self._settle(name, "started", failure)
        self._settle(name, "finished", failure)

    def _settle(self, name: str, moment: Moment, failure: PbxError | None = None) -> None:
        """Tell whoever expects it; what nobody expects is let go."""
        fact = self._facts.get((name, moment))
        if fact is not None:
            fact.settle(failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wires:
    """What each telephone needs of `Phones`."""

    ari: Ari
    http: AriHttp
    board: _Board
    directory: Path


class Phone:
    """One telephone in one call."""

    def __init__(self, wires: _Wires, channel_id: str, *, number: str, incoming: bool) -> None:
        self.id = channel_id
        self.number = number
        """Of the other side's choosing: what was dialled."""
        self.keys_heard: list[str] = []
        """The keys that the other side pressed."""
        self._ari = wires.ari
        self._http = wires.http
        self._board = wires.board
        self._spool = wires.directory / "spool" / "recording"
        self._sweep = f"sound:{_sweep_file(wires.directory).with_suffix('')}"
        self._up = wires.board.expect(channel_id, "up" if incoming else "stasis")
        self._over = wires.board.expect(channel_id, "destroyed")
        self._bridge = ""
        self._playback = ""
        self._playing: list[_Fact] = []
        self._listening = ""

    async def answered(self, within_s: float = PERSON_S) -> None:
        """Wait until the call is answered. Raises Gone when it ends before, PbxError when it is not in time."""
        await self._up.wait("answer", within_s)

    async def ended(self, within_s: float = PERSON_S) -> None:
        """Wait until the call is over, and the file of what was heard is closed."""
        await self._over.wait("end of the call", within_s)
        if self._listening:
            await self._board.expect(self._listening, "finished").wait("end of listening", PROMPT_S)

    async def answer(self) -> None:
        """Answer an incoming call, and be quiet. Raises Gone or NotNow where the other side has given up."""
        await self._ari.answer(self.id)
        await self.send_silence()

    async def send_silence(self) -> None:
        """Send silence, as most telephones do while nobody speaks. Raises Gone, NotNow."""
        await self._http.call("POST", path_of("channels", self.id, "silence"))

    async def send_nothing(self) -> None:
        """Send nothing, as a telephone does that suppresses silence. Raises Gone, NotNow."""
        await self._http.call("DELETE", path_of("channels", self.id, "silence"))

    async def hang_up(self) -> None:
        """End the call; harmless where it is over already."""
        with suppress(Gone):
            await self._ari.hangup(self.id)

    async def hold(self) -> None:
        """Put the other side on hold. Raises Gone, NotNow."""
        await self._http.call("POST", path_of("channels", self.id, "hold"))

    async def take_back(self) -> None:
        """Take the other side back from hold. Raises Gone, NotNow."""
        await self._http.call("DELETE", path_of("channels", self.id, "hold"))

    async def refer(self, uri: str) -> None:
        """Transfer the other side blind, by SIP itself: REFER to `uri` (`sip:202@…`). Raises Gone, NotNow."""
        await self._http.call("POST", path_of("channels", self.id, "redirect"), query={"endpoint": f"PJSIP/{uri}"})

    async def press(self, keys: str) -> None:
        """Press keys, each for 100 ms with 100 ms between; returns when Asterisk has begun. Raises Gone, NotNow."""
        await self._ari.send_dtmf(self.id, keys, between_ms=100, duration_ms=100)

    async def play_sweep(self) -> None:
        """Speak the sweep; returns when it has begun."""
        await self.play(self._sweep)

    async def play(self, media: str) -> None:
        """Speak: `sound:…` (an absolute path without extension, or a name), `tone:…`; returns when it has begun.

        Raises Gone, NotNow; PbxError where the sound does not start.
        """
        if not self._bridge:
            await self._enter_bridge()
        self._playback = f"{self.id}-play-{uuid.uuid4().hex[:8]}"
        started = self._board.expect(self._playback, "started")
        finished = self._board.expect(self._playback, "finished")
        self._playing += [started, finished]
        path = path_of("bridges", self._bridge, "play", self._playback)
        await self._http.call("POST", path, query={"media": media})
        await started.wait("start of a sound", PROMPT_S)

    async def played(self, within_s: float = 70.0) -> None:
        """Wait for the end of what `play` began last. Raises Gone when the call ends before."""
        await self._board.expect(self._playback, "finished").wait("end of a sound", within_s)

    async def fall_silent(self) -> None:
        """Stop speaking; harmless where the sound is over already."""
        with suppress(Gone):
            await self._ari.stop_playback(self._playback)

    async def listen(self) -> None:
        """Begin to record what comes to this telephone's ear; returns when Asterisk records. Once in a call."""
        name = f"{self.id}-heard"
        ready = self._board.expect(name, "stasis")
        started = self._board.expect(name, "started")
        self._board.expect(name, "finished")
        await self._ari.snoop(self.id, name, spy="in")
        await ready.wait("start of listening", PROMPT_S)
        await self._ari.record(name, name)
        self._listening = name
        await started.wait("start of listening", PROMPT_S)

    async def stop_listening(self) -> Path:
        """End what `listen` began, in mid-call, and return the closed file."""
        with suppress(Gone):
            await self._ari.stop_recording(self._listening)
        await self._board.expect(self._listening, "finished").wait("end of listening", PROMPT_S)
        return self.heard_file

    @property
    def heard_file(self) -> Path:
        """What this telephone heard (8 kHz mono 16 bit WAV); complete after `ended` or `stop_listening`."""
        return self._spool / f"{self._listening}.wav"

    def lost(self, cause: str) -> None:
        """Take note that the channel is gone (`cause` is Asterisk's): what was awaited of it cannot come."""
        over = Gone(f"the call ended: {cause}")
        self._up.settle(over)
        for fact in self._playing:
            fact.settle(over)

    async def leave_bridge(self) -> None:
        """Give the bridge up, once the call is over: only then has it ended for those who wait for that."""
        try:
            if self._bridge:
                with suppress(Gone):
                    await self._http.call("DELETE", path_of("bridges", self._bridge), repeatable=True)
        finally:
            self._over.settle()

    async def _enter_bridge(self) -> None:
        with suppress(Gone, NotNow):
            await self.send_nothing()
        bridge = f"{self.id}-bridge"
        await self._http.call("POST", path_of("bridges", bridge), query={"type": "mixing"})
        self._bridge = bridge
        await self._http.call("POST", path_of("bridges", bridge, "addChannel"), query={"channel": self.id})


@dataclass(slots=True, kw_only=True)
class Line:
    """A number of the lab that can be called, and what its telephone does by itself."""

    number: str
    answers_after: float | None
    plays: Literal["sweep"] | None
    arrived: asyncio.Queue[Phone] = field(default_factory=asyncio.Queue)

    async def next_call(self, within_s: float = PERSON_S) -> Phone:
        """Return the next call that came in, ringing or answered. Raises PbxError when none comes."""
        try:
            async with asyncio.timeout(within_s):
                return await self.arrived.get()
        except TimeoutError:
            raise PbxError(f"a call to {self.number}: not within {within_s:g} s") from None

    async def serve(self, phone: Phone) -> None:
        """Do with an incoming call what this line does; a caller who gives up meanwhile is no error."""
        with suppress(Gone, NotNow):
            if self.answers_after is None:
                return
            await asyncio.sleep(self.answers_after)
            await phone.answer()
            await phone.answered()
            if self.plays == "sweep":
                await phone.play_sweep()


class Phones:
    """All telephones of one lab; an async context manager, which hangs up what is left at its end.

    `directory` is the instance folder of the telephones' Asterisk: sounds are put there, and recordings found.
    """

    def __init__(self, url: str, username: str, password: str, *, directory: Path) -> None:
        self._ari = Ari(url=url, username=username, password=password, application=APPLICATION)
        http = AriHttp(url=url, username=username, password=password, timeout_s=5.0)
        self._wires = _Wires(ari=self._ari, http=http, board=_Board(), directory=directory)
        self._stream = EventStream(ari=self._ari, random=random.random, wanted=_WANTED)
        self._connected = _Fact()
        self._phones: dict[str, Phone] = {}
        self._lines: dict[str, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._stack = AsyncExitStack()

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Take the Asterisk that `lab.pbx.start_phones` runs."""
        return cls(instance.ari_url, instance.ari_username, instance.ari_password, directory=instance.directory)

    async def __aenter__(self) -> Self:
        sounds = _sweep_file(self._wires.directory)
        sounds.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(write_sweep, sounds)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._ari)
            await stack.enter_async_context(self._wires.http)
            stack.push_async_callback(self._stop)
            with suppress(NotNow):
                # Bridges play through a channel of this module's; NotNow: it is loaded already.
                await self._wires.http.call("POST", path_of("asterisk", "modules", _BRIDGE_MEDIA))
            self._spawn(self._read())
            try:
                await self._connected.wait("connection to the telephones' Asterisk", PROMPT_S)
            except PbxError as error:
                raise PbxError(f"{error} ({self._stream.last_error})") from error
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        phones = list(self._phones.values())
        # What fails here must neither hide an error of the block's nor keep the connections open.
        await asyncio.gather(*(phone.hang_up() for phone in phones), return_exceptions=True)
        await asyncio.gather(*(phone.ended(PROMPT_S) for phone in phones), return_exceptions=True)
        await self._stack.aclose()
        if self._faults and error is None:
            raise self._faults[0]

    async def call(self, number: str, *, caller: str = "", agent: str = "trunk", ring_s: int = 30) -> Phone:
        """Call `number` on the PBX: from outside showing `caller`, or from the telephone of an `agent` (201).

        Returns once Asterisk has begun to call. Raises PbxError where it refuses.
        """
        phone = self._phone(f"phone-{uuid.uuid4().hex}", number, incoming=False)
        try:
            await self._ari.originate(
                f"PJSIP/{number}@pbx-as-{agent}", channel_id=phone.id, caller_id=caller, timeout_s=ring_s
            )
        except PbxError:
            del self._phones[phone.id]
            raise
        return phone

    def agent(
        self, extension: str, *, answers_after: float | None = 0.0, plays: Literal["sweep"] | None = None
    ) -> Line:
        """Have an agent's telephone there: it answers after so many seconds (None: it rings), and may play.

        Registering again changes what it does from the next call on. One that is not registered hangs up.
        """
        line = Line(number=extension, answers_after=answers_after, plays=plays)
        self._lines[extension] = line
        return line

    def callee(self, number: str, *, answers_after: float | None = 0.0, plays: Literal["sweep"] | None = None) -> Line:
        """Have someone outside there, whom the PBX can call; as `agent`."""
        return self.agent(number, answers_after=answers_after, plays=plays)

    def _phone(self, channel_id: str, number: str, *, incoming: bool) -> Phone:
        phone = Phone(self._wires, channel_id, number=number, incoming=incoming)
        self._phones[channel_id] = phone
        return phone

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self._faults.append(fault)

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        await self._stream.run(on_event=self._take, on_connected=self._connect, on_lost=lambda _: None)

    async def _connect(self) -> None:
        self._connected.settle()

    def _take(self, event: Event) -> None:
        match event:
            case StasisStart(channel=channel, args=("agent" | "callee", number)):
                self._arrive(channel.id, number)
            case ChannelDtmfReceived(channel=channel, digit=digit) if channel.id in self._phones:
                self._phones[channel.id].keys_heard.append(digit)
            case ChannelDestroyed(channel=channel, cause_txt=cause):
                self._lose(channel.id, cause)
            case _:
                self._wires.board.take(event)

    def _arrive(self, channel_id: str, number: str) -> None:
        phone = self._phone(channel_id, number, incoming=True)
        line = self._lines.get(number)
        if line is None:
            self._spawn(phone.hang_up())
            return
        self._spawn(self._serve(line, phone))

    async def _serve(self, line: Line, phone: Phone) -> None:
        with suppress(PbxError):
            # Before anybody can answer it: a telephone that has answered would ring in the other side's ear.
            await self._ari.ring(phone.id)
        line.arrived.put_nowait(phone)
        await line.serve(phone)

    def _lose(self, channel_id: str, cause: str) -> None:
        phone = self._phones.pop(channel_id, None)
        if phone is None:
            return
        phone.lost(cause)
        self._spawn(phone.leave_bridge())


def _sweep_file(directory: Path) -> Path:
    return directory / "data" / "sounds" / "lab" / "sweep.wav"
