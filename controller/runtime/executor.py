"""Carries out what the core commands on one PBX, and tells it what came of it.

Two lanes. Pauses and stops go out the moment they are commanded, on connections of their own, and wait for nothing.
What starts or resumes is only ever commanded once its decision is durable, so nothing here needs to hold it back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from time import monotonic
from typing import Any, assert_never

import structlog

from controller.ari.client import Ari
from controller.domain import commands as do
from controller.domain.call import Call
from controller.domain.decision import Decision, Reason
from controller.domain.events import (
    DecisionCommitted,
    DecisionLost,
    Discarded,
    Event,
    NoticePlayed,
    ObjectionsKnown,
    PauseConfirmed,
    PauseUnconfirmed,
    PromptEnded,
    Quarantined,
    RecordingFailed,
    ResumeConfirmed,
    ResumeUnconfirmed,
    TimerFired,
)
from controller.domain.names import CallId, ChannelId, RecordingName
from controller.domain.sampling import Draw, decided
from controller.errors import DatabaseError, PbxError
from controller.runtime import metrics, pbx_files
from controller.runtime.clock import now
from controller.runtime.doors import Door
from controller.runtime.notices import Notices
from controller.runtime.ports import Entry, Receipt, Register, SampledDecision
from controller.runtime.sides import Sides, command_failed
from controller.runtime.writer import Writer

Tell = Callable[[CallId, Event], None]
Alarm = Callable[[CallId, Reason], None]
"""Tells the people who run this; must not block."""

AGAIN_S = 2.0
"""How long to wait before a file that could not be moved or deleted is tried again."""

_log = structlog.get_logger(__name__)


class Executor:
    """The hands of one PBX's dispatcher. ``tell`` takes back what came of a command."""

    def __init__(
        self,
        *,
        ari: Ari,
        sides: Sides,
        writer: Writer,
        register: Register,
        doors: Mapping[ChannelId, Door],
        notices: Notices,
        tell: Tell,
        alarm: Alarm,
    ) -> None:
        self._ari = ari
        self._register = register
        self._notices = notices
        self._writer = writer
        self._sides = sides
        self._doors = doors
        self._tell = tell
        self._alarm = alarm
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(self, call: Call, command: do.Command) -> None:  # noqa: C901, PLR0912 - one arm for each command
        """Set one command going; returns at once."""
        match command:
            case do.Pause(recording=recording):
                self._spawn(self._pause(call.id, recording))
            case do.Stop(recording=recording):
                self._sides.stop(recording)
            case do.Resume(recording=recording):
                self._spawn(self._resume(call.id, recording))
            case do.Snoop(recording=recording, channel=channel):
                self._spawn(self._sides.snoop(recording, channel))
            case do.StartRecording(recording=recording):
                self._spawn(self._record(call.id, recording))
            case do.Commit() | do.CommitSampled():
                self._commit(call.id, command)
            case do.Log(decision=decision):
                self._log(decision)
            case do.Store(record=record):
                self._writer.log(record)
            case do.Play():
                self._spawn(self._play(call.id, command))
            case do.Conclude():
                self._spawn(self._conclude(call.id, command))
            case do.LookUpObjections(customer_hash=customer_hash):
                self._spawn(self._look_up(call.id, customer_hash))
            case do.TellAgain():
                self._spawn(self._tell_again(call.id, command))
            case do.Discard(recording=recording):
                self.discard(recording, lambda: self._tell(call.id, Discarded(at=now(), recording=recording)))
            case do.Quarantine(recording=recording):
                self.quarantine(recording, lambda: self._tell(call.id, Quarantined(at=now(), recording=recording)))
            case do.Alert(reason=reason):
                metrics.ALERTS.labels(reason.value).inc()
                if reason is Reason.PAUSE_UNCONFIRMED:
                    metrics.PAUSES_UNCONFIRMED.inc()
                _log.warning("call.alert", call=call.id, reason=reason.value)
                self._alarm(call.id, reason)
            case do.SetTimer(token=token, seconds=seconds):
                loop = asyncio.get_running_loop()
                loop.call_later(seconds, lambda: self._tell(call.id, TimerFired(at=now(), token=token)))
            case _:
                assert_never(command)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The fast lane

    async def _pause(self, call: CallId, recording: RecordingName) -> None:
        """Confirmed is what Asterisk answers, and then says of the recording's state."""
        began = monotonic()
        try:
            paused = await self._sides.pause(recording)
        except PbxError as error:
            command_failed("pause", error)
            paused = False
        if paused:
            metrics.PAUSE_SECONDS.observe(monotonic() - began)
            self._tell(call, PauseConfirmed(at=now(), recording=recording))
        else:
            self._tell(call, PauseUnconfirmed(at=now(), recording=recording))

    # The slow lane

    async def _record(self, call: CallId, recording: RecordingName) -> None:
        """No dead man's switch, no recording."""
        try:
            await self._sides.record(recording)
        except PbxError as error:
            command_failed("record", error)
            self._tell(call, RecordingFailed(at=now(), recording=recording))

    async def _resume(self, call: CallId, recording: RecordingName) -> None:
        try:
            await self._sides.resume(recording)
        except PbxError as error:
            command_failed("resume", error)
            self._tell(call, ResumeUnconfirmed(at=now(), recording=recording))
        else:
            self._tell(call, ResumeConfirmed(at=now(), recording=recording))

    def _commit(self, call: CallId, command: do.Commit | do.CommitSampled) -> None:
        entry: Entry
        if isinstance(command, do.Commit):
            entry = command.decision
        else:
            entry = SampledDecision(
                question=command.question,
                purpose=command.purpose,
                stratum=command.stratum,
                sampling=command.sampling,
                eligible=command.eligible,
            )

        def done(receipt: Receipt | None) -> None:
            if receipt is None or receipt.seq is None:
                self._tell(call, DecisionLost(at=now(), token=command.token))
            else:
                _count(_written(command, receipt.draw))
                committed = DecisionCommitted(at=now(), token=command.token, seq=receipt.seq, draw=receipt.draw)
                self._tell(call, committed)

        self._writer.commit(entry, done)

    def _log(self, decision: Decision) -> None:
        _count(decision)
        self._writer.log(decision)

    # The dialogue

    async def _play(self, call: CallId, play: do.Play) -> None:
        door = self._doors.get(play.channel)
        if door is not None:
            heard = await door.play(play)
            self._tell(call, PromptEnded(at=now(), heard=heard))

    async def _conclude(self, call: CallId, conclusion: do.Conclude) -> None:
        door = self._doors.get(conclusion.channel)
        if door is not None:
            await door.conclude(call, conclusion)

    async def _look_up(self, call: CallId, customer_hash: bytes) -> None:
        try:
            scopes = await self._register.objections(customer_hash)
        except DatabaseError as error:  # then nothing is recorded: the core does not know what it must know
            _log.warning("register.unreachable", reason=type(error).__name__)
        else:
            self._tell(call, ObjectionsKnown(at=now(), scopes=scopes))

    async def _tell_again(self, call: CallId, command: do.TellAgain) -> None:
        heard = await self._notices.tell(call, command)
        self._tell(call, NoticePlayed(at=now(), purpose=command.purpose, heard=heard))

    # What must not remain

    def discard(self, recording: RecordingName, gone: Callable[[], None]) -> None:
        """Delete a file, however often that takes, then call ``gone``."""
        self._spawn(self._discard(recording, gone))

    async def _discard(self, recording: RecordingName, gone: Callable[[], None]) -> None:
        await self._until_done("discard", lambda: pbx_files.delete(self._ari, recording))
        gone()

    def quarantine(self, recording: RecordingName, moved: Callable[[], None]) -> None:
        """Move a file to where nobody listens, however often that takes, then call ``moved``."""
        self._spawn(self._quarantine(recording, moved))

    async def _quarantine(self, recording: RecordingName, moved: Callable[[], None]) -> None:
        await self._until_done("quarantine", lambda: pbx_files.quarantine(self._ari, recording))
        moved()

    async def _until_done(self, command: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except PbxError as error:
                command_failed(command, error)
                await asyncio.sleep(AGAIN_S)
            else:
                return


def _written(command: do.Commit | do.CommitSampled, draw: Draw | None) -> Decision:
    """The decision as the ledger wrote it."""
    if isinstance(command, do.Commit):
        return command.decision
    return (
        command.question
        if draw is None
        else decided(command.question, draw, command.sampling, eligible=command.eligible)
    )


def _count(decision: Decision) -> None:
    metrics.DECISIONS.labels(decision.kind.value, decision.verdict.value, decision.reason.value).inc()
