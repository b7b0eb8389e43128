"""How many ARI events one daemon takes, and what a live call weighs. Runs as a program, to weigh nothing else.

Owns a daemon's way from the websocket to the commands, put together from its own parts, with nobody to carry the
commands out: what must come back (a prompt was played, a decision is durable) comes back at once. The messages come
from ``stub``, in a process of its own. HTTP, FastAGI and PostgreSQL are not in it; ``alone`` measures them.
"""

import asyncio
import gc
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Never

import aiohttp

from controller.ari.client import Ari
from controller.ari.events import Event
from controller.ari.stream import EventStream
from controller.config import Settings, load
from controller.domain import commands as do
from controller.domain.call import Call
from controller.domain.consent import Heard, Outcome
from controller.domain.events import DecisionCommitted, ObjectionsKnown, PromptEnded, TimerFired
from controller.domain.names import CallId, ChannelId
from controller.domain.policy import Asked, Direction
from controller.domain.recording import Phase
from controller.domain.switchboard import Switchboard
from controller.runtime.clock import now
from controller.runtime.deadman import DeadMansSwitch
from controller.runtime.dispatcher import Dispatcher, Question
from controller.runtime.listener import Listener, wanted
from controller.runtime.notices import Notices
from controller.runtime.reception import Reception
from controller.runtime.sides import Sides
from lab.bench import messages
from lab.bench.cost import resident_bytes

PATIENCE_S = 120
WARM_UP = 100
"""Calls before the first that counts, so that what the program needs once is not put down to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of it: ``calls`` were all live at once, and each was recorded."""

    calls: int
    events: int
    events_a_second: float
    bytes_a_call: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Events that were sent, and the seconds until the last was taken in."""

    events: int
    seconds: float

    def __add__(self, other: "Sent") -> "Sent":
        return Sent(events=self.events + other.events, seconds=self.seconds + other.seconds)


Send = Callable[[Iterable[str]], Awaitable[Sent]]


class Replay:
    """A daemon with no hands."""

    def __init__(self, settings: Settings, ari: Ari) -> None:
        switchboard = Switchboard()
        reception = Reception(ari=ari, numbers_key=b"", country=settings.country)
        deadman = DeadMansSwitch(ari, watching=lambda: True, name="bench")
        self._loop = asyncio.get_running_loop()
        self._dispatcher = Dispatcher(
            pbx="bench", policy=settings.policy, switchboard=switchboard, carry_out=self._carry_out
        )
        self._listener = Listener(
            switchboard=switchboard,
            dispatcher=self._dispatcher,
            deadman=deadman,
            sides=Sides(ari=ari, deadman=deadman, tell=self._dispatcher.tell_recording),
            reception=reception,
            notices=Notices(ari),
        )
        self._dispatcher.informed(frozenset({"201"}), notice=settings.policy.notice)
        self._stream = EventStream(ari=ari, random=random.random, wanted=wanted(settings.policy))
        self._expected = 0
        self._reached = asyncio.Event()
        self.connected = asyncio.Event()

    async def run(self) -> Never:
        """Read events until cancelled."""
        await self._stream.run(on_event=self._hear, on_connected=self._connect, on_lost=_lost)

    def begin(self, serials: Sequence[int]) -> list[CallId]:
        """Begin calls; their dialogues are over with the next turn of the loop."""
        return [
            self._dispatcher.ask(
                Question(
                    channel=ChannelId(f"customer-{serial}"),
                    linkedid=f"customer-{serial}",
                    asked=Asked(direction=Direction.INBOUND, queue="every", language="fr"),
                    customer_hash=os.urandom(32),
                )
            )
            for serial in serials
        ]

    def recording(self) -> int:
        """How many calls are being recorded."""
        return sum(
            t.recording is not None and t.recording.phase is Phase.RECORDING for c in self.calls for t in c.tracks
        )

    @property
    def calls(self) -> list[Call]:
        """The calls under way."""
        return list(self._dispatcher.calls)

    def expect(self, events: int) -> None:
        """So many events are about to come."""
        self._expected = self._stream.events + events
        self._reached.clear()

    async def heard_all(self) -> None:
        """Wait until as many events as expected have been taken in."""
        await asyncio.wait_for(self._reached.wait(), PATIENCE_S)

    def _hear(self, event: Event) -> None:
        self._listener.hear(event)
        if self._stream.events == self._expected:
            self._reached.set()

    async def _connect(self) -> None:
        self.connected.set()

    def _carry_out(self, call: Call, command: do.Command) -> None:
        match command:
            case do.Play(prompt=prompt):
                heard = Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)
                self._loop.call_soon(self._dispatcher.tell, call.id, PromptEnded(at=now(), heard=heard))
            case do.LookUpObjections():
                known = ObjectionsKnown(at=now(), scopes=frozenset())
                self._loop.call_soon(self._dispatcher.tell, call.id, known)
            case do.Commit(token=token):
                committed = DecisionCommitted(at=now(), token=token, seq=1, draw=None)
                self._loop.call_soon(self._dispatcher.tell, call.id, committed)
            case do.SetTimer(token=token, seconds=seconds):
                fired = TimerFired(at=now(), token=token)
                self._loop.call_later(seconds, self._dispatcher.tell, call.id, fired)
            case _:
                pass


async def replay(settings: Settings, *, stub: str, calls: int, folder: Path) -> Replayed:
    """Begin calls, have all of them recorded, weigh them, and end them."""
    ari = Ari(url=f"{stub}/ari", username="bench", password="none", application="recording-controller")  # noqa: S106
    async with ari, aiohttp.ClientSession() as session:
        daemon = Replay(settings, ari)
        reading = asyncio.create_task(daemon.run())
        send = partial(_send, daemon, session, stub, folder / "messages")
        try:
            await daemon.connected.wait()
            await _live(daemon, range(WARM_UP), send)
            before = _weight()
            sent = await _live(daemon, range(WARM_UP, WARM_UP + calls), send)
            weight = _weight() - before
            ending = await send(_endings(daemon.calls))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    whole = sent + ending
    return Replayed(
        calls=calls, events=whole.events, events_a_second=whole.events / whole.seconds, bytes_a_call=weight / calls
    )


async def _live(daemon: Replay, serials: Sequence[int], send: Send) -> Sent:
    """Bring calls to where they are recorded."""
    before = daemon.recording()
    names = {serial: f"rc-{call}-every-1" for serial, call in zip(serials, daemon.begin(serials), strict=True)}
    # Asterisk tells of no snoop channel before it was asked for one.
    sent = await send(_answered(serials)) + await send(_recorded(names.values()))
    if daemon.recording() != before + len(serials):
        raise RuntimeError(f"{daemon.recording() - before} calls are recorded, not {len(serials)}")
    return sent


def _answered(serials: Sequence[int]) -> Iterator[str]:
    """The messages up to the answer, in the order in which they come from many calls at once."""
    for serial in serials:
        yield messages.event("ChannelCreated", channel=messages.customer(serial))
    for serial in serials:
        yield from messages.beginning(serial)


def _recorded(names: Collection[str]) -> Iterator[str]:
    """The messages from there up to the recordings."""
    for name in names:
        yield from messages.snooping(name)
    for name in names:
        yield from messages.recording(name)


def _endings(calls: Sequence[Call]) -> Iterator[str]:
    """The messages of the end of every call."""
    for call in calls:
        yield from messages.ending(int(call.customer.rpartition("-")[2]))
    for call in calls:
        yield from messages.recorded(f"rc-{call.id}-every-1")


def _weight() -> int:
    gc.collect()
    return resident_bytes(os.getpid())


async def _send(daemon: Replay, session: aiohttp.ClientSession, stub: str, file: Path, events: Iterable[str]) -> Sent:
    """Have messages sent; none of them is kept here, where it would be weighed."""
    with file.open("w") as written:
        count = sum(1 for event in events if written.write(f"{event}\n"))
    daemon.expect(count)
    began = time.monotonic()
    async with session.post(f"{stub}/lab/replay", params={"file": str(file)}) as answer:
        answer.raise_for_status()
    await daemon.heard_all()
    return Sent(events=count, seconds=time.monotonic() - began)


def _lost(reason: str) -> None:
    raise RuntimeError(f"the events were lost: {reason}")


def main() -> None:
    """Do the job that the command line holds as JSON, and print what came of it."""
    job = json.loads(sys.argv[1])
    settings = load(job["config"])
    done = asyncio.run(replay(settings, stub=job["stub"], calls=job["calls"], folder=Path(job["folder"])))
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main()
