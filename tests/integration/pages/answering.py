"""The PBX of an office, that does at once what it is told: so a page is seen to get what it asks for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from controller.domain import commands as do
from controller.domain import events
from controller.domain.consent import Heard, Outcome
from controller.domain.names import CallId
from tests.unit.runtime.switched import Switched

EVERY_S = 0.005


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def answering(switched: Switched) -> AsyncIterator[None]:
    """Meanwhile every command is carried out, those that were given before too."""

    async def run() -> None:
        done = 0
        while True:
            for call, command in switched.commands[done:]:
                answer(switched, call, command)
                done += 1
            await asyncio.sleep(EVERY_S)

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run())
        yield
        running.cancel()


def answer(switched: Switched, call: CallId, command: do.Command) -> None:
    """Say what comes of one command; what nothing waits for comes to nothing."""
    tell, say = switched.dispatcher.tell, switched.dispatcher.tell_recording
    match command:
        case do.Commit(token=token):
            tell(call, events.DecisionCommitted(at=now(), token=token, seq=1, draw=None))
        case do.SetTimer(token=token, seconds=seconds):
            fired = events.TimerFired(at=now(), token=token)
            asyncio.get_running_loop().call_later(seconds, tell, call, fired)
        case do.TellAgain(purpose=purpose, prompt=prompt):
            heard = Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)
            tell(call, events.NoticePlayed(at=now(), purpose=purpose, heard=heard))
        case do.Snoop(recording=name):
            say(name, events.SnoopReady(at=now(), recording=name))
        case do.StartRecording(recording=name):
            say(name, events.RecordingStarted(at=now(), recording=name))
        case do.Pause(recording=name):
            say(name, events.PauseConfirmed(at=now(), recording=name))
        case do.Resume(recording=name):
            say(name, events.ResumeConfirmed(at=now(), recording=name))
        case do.Stop(recording=name):
            say(name, events.RecordingEnded(at=now(), recording=name))
        case _:
            pass
