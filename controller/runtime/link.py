"""One PBX, whole: its connections, its calls, and the tasks that keep them true."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

import structlog

from controller.agi.session import AgiSession
from controller.ari.client import Ari
from controller.ari.resources import Channel
from controller.ari.stream import EventStream
from controller.config import Pbx
from controller.domain import events as told
from controller.domain.call import Call
from controller.domain.commands import Command, Store
from controller.domain.decision import Reason
from controller.domain.events import Event, OfRecording
from controller.domain.hindrance import Hindrance
from controller.domain.names import BridgeId, CallId, ChannelId, RecordingName
from controller.domain.policy import Policy
from controller.domain.recording import BEGUN, Phase
from controller.domain.records import CallRecord, Record, RecordingRecord
from controller.domain.sides import every_side, sides_of
from controller.domain.switchboard import Switchboard
from controller.errors import Gone, PbxError, PbxRefused
from controller.runtime import metrics
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch
from controller.runtime.dispatcher import Dispatcher
from controller.runtime.executor import Executor
from controller.runtime.listener import HOLDING, Listener, is_ours, wanted
from controller.runtime.notices import Notices
from controller.runtime.ports import Register
from controller.runtime.reception import Reception
from controller.runtime.sides import UNDER_WAY, Sides, Standing
from controller.runtime.writer import Writer

ALIVE_VARIABLE = "RC_ALIVE_UNTIL"
"""The dialplan asks us only while the PBX's own clock is before this."""

PATIENCE_VARIABLE = "RC_PATIENCE"
"""How long the dialplan leaves a caller with us before we have said how long we need."""

PATIENCE_S = "2"
ALIVE_EVERY_S = 1.0
ALIVE_FOR_S = 3

SILENT_WITHIN_S = 1.5
"""How long a daemon that ends waits for its recordings to be paused or stopped."""

SILENCED_AT_ONCE = 4

REFRESHED_WITHIN_S = 0.5

_log = structlog.get_logger(__name__)


class Estate(Protocol):
    """What a daemon that is no more has left of its work on one PBX."""

    def calls(self, policy: Policy) -> Sequence[Call]:
        """The calls that can be gone on with under this policy."""
        ...

    def settle(self) -> None:
        """What is not gone on with is closed."""
        ...


def _nobody_is_told(_pbx: str, _call: CallId, _reason: Reason) -> None:
    """Where nobody listens to alarms."""


def _nobody_waits() -> None:
    """Where nobody takes recordings from the PBX."""


def _never_too_many(_calls: int) -> bool:
    return False


def _has_ended(record: Record) -> bool:
    return isinstance(record, CallRecord | RecordingRecord) and record.ended_at is not None


class PbxLink:
    """Everything for one PBX. Enter it, then ``run`` it."""

    def __init__(
        self,
        *,
        settings: Pbx,
        password: str,
        numbers_key: bytes,
        country: str,
        policy: Policy,
        writer: Writer,
        register: Register,
        alarm: Callable[[str, CallId, Reason], None] = _nobody_is_told,
        too_many: Callable[[int], bool] = _never_too_many,
    ) -> None:
        self.name = settings.name
        self._ari = Ari(
            url=settings.ari.url,
            username=settings.ari.username,
            password=password,
            application=settings.ari.application,
        )
        self._wanted = wanted(policy)
        self._stream = EventStream(
            ari=self._ari,
            random=random.random,
            wanted=self._wanted,
            pulsed=lambda: self._deadman.watched,
            on_stalled=self._stalled,
        )
        self._switchboard = Switchboard()
        self._reception = Reception(ari=self._ari, numbers_key=numbers_key, country=country)
        notices = Notices(self._ari)
        deadman = DeadMansSwitch(self._ari, watching=lambda: self.ready, name=settings.name)
        self._deadman = deadman
        self._sides = Sides(ari=self._ari, deadman=deadman, tell=self._tell_recording)
        self._executor = Executor(
            ari=self._ari,
            sides=self._sides,
            writer=writer,
            register=register,
            doors=self._reception.doors,
            notices=notices,
            tell=self.tell,
            alarm=lambda call, reason: alarm(settings.name, call, reason),
        )
        self.dispatcher = Dispatcher(
            pbx=settings.name,
            policy=policy,
            switchboard=self._switchboard,
            carry_out=self._carry_out,
            too_many=too_many,
        )
        self.dispatcher.hinder(Hindrance.EVENTS_LOST, stands=True)
        self._reception.ask = self.dispatcher.ask
        self._reception.known = self._switchboard.__contains__
        self._listener = Listener(
            switchboard=self._switchboard,
            dispatcher=self.dispatcher,
            deadman=deadman,
            sides=self._sides,
            reception=self._reception,
            notices=notices,
        )
        self._reception.seen = self._listener.seen
        self.ready = False
        """Whether events are heard and everything that was missed has been asked for."""
        self.application = settings.ari.application
        self._acquainted = False
        """Whether its channels have been asked for once: only what begins after that is ours to judge."""
        self.estate: Estate | None = None
        """What a daemon that is no more has left here, until its PBX says what became of it."""
        self.on_call_ended: Callable[[], None] = _nobody_waits
        """Called when a call or a recording has ended; must not block."""
        self._leaving = False
        self._connected = metrics.CONNECTED.labels(settings.name)

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        await self._stack.enter_async_context(self._ari)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def why_not_ready(self) -> str:
        """For people; empty when it is ready."""
        if self.ready:
            return ""
        return self._stream.last_error or "connecting"

    @property
    def ari(self) -> Ari:
        """Its ARI, for whatever can wait: entered and left by this link."""
        return self._ari

    def discard(self, recording: RecordingName, gone: Callable[[], None]) -> None:
        """Delete a file on the PBX, again and again until it is gone, then say so."""
        self._executor.discard(recording, gone)

    def quarantine(self, recording: RecordingName, moved: Callable[[], None]) -> None:
        """Move a file on the PBX to where nobody listens, again and again until it is there, then say so."""
        self._executor.quarantine(recording, moved)

    async def decide_by(self, policy: Policy) -> None:
        """Calls that begin from now on are decided by this policy. Raises PbxError where the PBX cannot be told.

        What the policies before it need goes on to be heard: calls under way keep the one that they began with.
        """
        self.dispatcher.policy = policy
        self._wanted |= wanted(policy)
        await self._stream.want(self._wanted)

    def tell(self, call: CallId, event: Event) -> None:
        """Apply an event to a call."""
        self.dispatcher.tell(call, event)

    def _tell_recording(self, recording: RecordingName, event: OfRecording) -> None:
        self.dispatcher.tell_recording(recording, event)

    async def consent(self, session: AgiSession) -> None:
        """Hold the dialogue of a FastAGI session, unless nobody could watch the recording that it is for."""
        if self.ready and not self._leaving:
            await self._reception.consent(session)

    async def stored_recordings(self) -> list[str]:
        """Name every recording file on the PBX. Raises ``PbxError``."""
        return await self._ari.stored_recordings()

    async def run(self) -> None:
        """Watch the PBX until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deadman.run(), name="dead man's switch")
            tasks.create_task(self._say_alive(), name="alive")
            tasks.create_task(self._ari.keep_warm(), name="keep warm")
            tasks.create_task(
                self._stream.run(on_event=self._listener.hear, on_connected=self._catch_up, on_lost=self._events_lost),
                name="events",
            )

    async def leave(self, hindrance: Hindrance) -> None:
        """Have nobody ask this daemon any more, which is about to end, and nothing recorded; returns once that is so.

        Raises nothing: what cannot be reached within ``SILENT_WITHIN_S`` ends by the dead man's switch.
        """
        self._leaving = True
        work = (self._say_gone(), self._reception.let_go_of_everybody(), self._silence(hindrance))
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENT_WITHIN_S):
                await asyncio.gather(*work, return_exceptions=True)
        with suppress(PbxError, TimeoutError):
            async with asyncio.timeout(REFRESHED_WITHIN_S):
                await self._deadman.refresh_all()

    async def _say_gone(self) -> None:
        """Have the dialplan ask nobody, rather than wait for nobody."""
        await self._ari.set_global_variable(ALIVE_VARIABLE, "0")

    async def _silence(self, hindrance: Hindrance) -> None:
        """A few calls at a time: of pauses by the hundred some would not be confirmed in time, and would be stops."""
        calls = self.dispatcher.hindering(hindrance)
        try:
            while some := list(islice(calls, SILENCED_AT_ONCE)):
                await asyncio.gather(*map(self._silent, some))
        finally:  # whatever comes of the time, everybody has been told
            deque(calls, maxlen=0)

    async def _silent(self, call: CallId) -> None:
        await self.dispatcher.changed(call, lambda call: not call.capturing, within_s=SILENT_WITHIN_S)

    async def let_go_of_everything(self) -> None:
        """Stop watching: send callers on, hang up our snoop channels, and forget every call.

        What cannot be reached ends by itself, and what the next daemon goes on with is left to it.
        """
        self.ready = False
        self.dispatcher.onlooker.standing_by(self.name)
        await self._reception.let_go_of_everybody()
        for side in () if self._leaving else every_side(self._recordings()):
            with suppress(PbxError):
                await self._ari.hangup(side)
        self.dispatcher.forget_everything()
        self.dispatcher.onlooker.standing_by(self.name)  # whatever was told of it meanwhile
        self._switchboard.clear()
        self._acquainted = False

    def _carry_out(self, call: Call, command: Command) -> None:
        self._executor.carry_out(call, command)
        if isinstance(command, Store) and _has_ended(command.record):
            self.on_call_ended()

    def _events_lost(self, reason: str) -> None:
        self.ready = False
        self._connected.set(0)
        self.dispatcher.hinder(Hindrance.EVENTS_LOST, stands=True)
        self._reception.link_lost()
        _log.warning("pbx.events_lost", pbx=self.name, reason=reason)

    def _stalled(self) -> None:
        """What Asterisk's snoop channels give may be late from now on."""
        metrics.STALLS.labels(self.name).inc()
        _log.warning("pbx.stalled", pbx=self.name)
        self.dispatcher.stalled()

    async def _say_alive(self) -> None:
        """Tell the dialplan, by the PBX's own clock, until when it may ask us."""
        while True:
            if self.ready and not self._leaving:
                try:
                    await self._say_alive_once()
                except PbxError as error:
                    _log.warning("pbx.alive_not_said", pbx=self.name, reason=type(error).__name__)
            await asyncio.sleep(ALIVE_EVERY_S)

    async def _say_alive_once(self) -> None:
        epoch = await self._ari.global_variable("EPOCH")
        if not epoch.isdecimal():
            raise PbxRefused("the PBX does not tell its time")
        await self._ari.set_global_variable(ALIVE_VARIABLE, str(int(epoch) + ALIVE_FOR_S))
        await self._ari.set_global_variable(PATIENCE_VARIABLE, PATIENCE_S)

    async def _catch_up(self) -> None:
        """Ask what is true, and tell every call what it may have missed. Raises PbxError."""
        await self._deadman.check()
        touched: set[str] = set()
        self._listener.touched = touched
        watched = set(self._recordings())
        channels = {channel.id: channel for channel in await self._ari.channels()}
        bridges = await self._ari.bridges()
        for missing in [c for c in self._switchboard if c not in channels and c not in touched]:
            self._listener.gone(missing)
        for channel_id, channel in channels.items():
            if channel_id not in touched and not is_ours(channel_id):
                self._listener.seen(channel)
        talking = [bridge for bridge in bridges if bridge.technology != HOLDING]
        members = {member: bridge.id for bridge in talking for member in bridge.channels if not is_ours(member)}
        for channel_id in set(channels) - touched:
            self._place(ChannelId(channel_id), members.get(channel_id))
        if not self._acquainted:
            await self._take_over(channels)
            self._acquainted = True
            self.dispatcher.was_here_before_us(ChannelId(c) for c in channels)
        else:
            for channel_id in channels:
                self.dispatcher.connections_changed(self._switchboard.connected(ChannelId(channel_id)), now())
        self._listener.places()
        self._listener.touched = None
        if self.estate is not None:
            self.estate.settle()
            self.estate = None
        await self._catch_up_recordings(channels, watched)
        await self._let_go(channels)
        await self._say_alive_once()
        self.ready = True
        self.dispatcher.onlooker.watching(self.name)
        self.dispatcher.hinder(Hindrance.EVENTS_LOST, stands=False)
        self._connected.set(1)
        _log.info("pbx.ready", pbx=self.name, channels=len(channels))

    async def _take_over(self, channels: dict[str, Channel]) -> None:
        """Go on with the calls of a daemon that is no more; of those whose customer has left meanwhile, say so."""
        for call in self.estate.calls(self.dispatcher.policy) if self.estate is not None else ():
            names = [track.recording.name for track in call.tracks if track.recording is not None]
            standing = {name: await self._sides.take_over(name, channels) for name in names}
            recording, paused, torn = (
                frozenset(name for name, found in standing.items() if found is one)
                for one in (Standing.RECORDING, Standing.PAUSED, Standing.TORN)
            )
            self.dispatcher.inherit(call, recording=recording | torn, paused=paused, torn=torn)
            if call.customer not in self._switchboard:
                self.dispatcher.gone(call.customer)

    def _place(self, channel: ChannelId, bridge: str | None) -> None:
        if bridge is not None:
            self._switchboard.entered(channel, BridgeId(bridge))
        else:
            self._switchboard.left_any(channel)

    def _recordings(self) -> dict[RecordingName, tuple[CallId, Phase]]:
        """The recordings under way, each with its call and what it is."""
        tracks = [(call.id, track.recording) for call in self.dispatcher.calls for track in call.tracks]
        return {recording.name: (call, recording.phase) for call, recording in tracks if recording is not None}

    async def _catch_up_recordings(self, channels: dict[str, Channel], watched: set[RecordingName]) -> None:
        """Tell each recording what became of it; one that nobody here knows is stopped.

        ``watched`` are those that were under way before the PBX said which channels there are: of one that began later,
        it does not tell.
        """
        known = self._recordings()
        for recording, (call, phase) in known.items():
            if recording in watched:
                await self._catch_up_recording(call, recording, phase, channels)
        self._sides.forget_all_but(self._recordings())
        sides = every_side(known)
        for unknown in [c for c in channels if is_ours(c) and c not in sides]:
            _log.warning("pbx.unknown_recording_stopped", pbx=self.name, recording=unknown)
            try:
                await self._ari.hangup(unknown)
            except Gone:
                continue

    async def _catch_up_recording(
        self, call: CallId, recording: RecordingName, phase: Phase, channels: dict[str, Channel]
    ) -> None:
        """One that is paused in truth is, and one that records does, on both sides; else it ends."""
        gone = [side for side in sides_of(recording) if side not in channels]
        for side in gone:
            self._listener.snoop_gone(side)
        if gone or phase not in BEGUN:
            return
        states = await self._sides.states(recording)
        for side, state in zip(sides_of(recording), states, strict=True):
            if state not in UNDER_WAY:
                self._sides.hear(side, told.RecordingEnded)
        if "recording" in states and phase is Phase.PAUSED is self._phase(recording):
            self.tell(call, told.PauseUnconfirmed(at=now(), recording=recording))
        elif set(states) == UNDER_WAY and phase is Phase.RECORDING is self._phase(recording):
            self.tell(call, told.RecordingFailed(at=now(), recording=recording))

    def _phase(self, recording: RecordingName) -> Phase | None:
        """What a recording is by now."""
        known = self._recordings().get(recording)
        return known[1] if known is not None else None

    async def _let_go(self, channels: dict[str, Channel]) -> None:
        """Give callers back who were in our application when the link broke: it holds them for ever."""
        for channel in channels.values():
            application = channel.dialplan.app_data.partition(",")[0]
            inside = channel.dialplan.app_name == "Stasis" and application == self.application
            if inside and not is_ours(channel.id) and channel.id not in self._reception.doors:
                await self._reception.let_go(channel.id)
