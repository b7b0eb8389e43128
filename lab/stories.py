"""What the demo and the acceptance tests both do: bring people together on the telephone, and wait for what came of it.

Owns the plot, not the telephones (``lab.phones``), the daemon (``lab.world``) or what is expected.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lab.pbx import QUEUE_MEMBERS
from lab.phones import Line, Phone, Phones
from lab.world import EVERY_CALL_NUMBER, Daemon

ANSWERED_S = 60.0
"""How long a caller may listen and wait for an agent."""

OVER = frozenset({"ended", "failed", "quarantined", "discarded"})
"""States in which nothing more comes of a recording."""

WRITTEN_S = 15.0
"""How long after its end everything about a call may take to be in the database."""


class Staff:
    """The agents of a queue, who answer at once."""

    def __init__(self, phones: Phones, members: Iterable[str] = QUEUE_MEMBERS) -> None:
        self.phones = phones
        self._lines = {extension: phones.agent(extension) for extension in members}

    @property
    def lines(self) -> tuple[Line, ...]:
        """Their telephones."""
        return tuple(self._lines.values())

    async def next_call(self) -> Phone:
        """The next call that any of them takes. Raises PbxError when none comes."""
        waiting = [asyncio.create_task(line.next_call()) for line in self._lines.values()]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            phone = done.pop().result()
        finally:
            for task in waiting:
                task.cancel()
        await phone.answered()
        return phone

    async def call_of(self, extension: str) -> Phone:
        """The next call of one of them. Raises PbxError when none comes."""
        phone = await self._lines[extension].next_call()
        await phone.answered()
        return phone

    async def hang_up_after(self, seconds: float) -> None:
        """Take calls and end each of them after so many seconds, until cancelled."""

        async def serve(line: Line) -> None:
            while True:
                phone = await line.next_call(3600)
                await phone.answered()
                await asyncio.sleep(seconds)
                await phone.hang_up()

        async with asyncio.TaskGroup() as tasks:
            for line in self._lines.values():
                tasks.create_task(serve(line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A caller and an agent who hear each other."""

    caller: Phone
    agent: Phone
    call: dict[str, Any]


async def converse(
    phones: Phones, staff: Staff, daemon: Daemon, *, caller: str, number: str = EVERY_CALL_NUMBER, listen: bool = False
) -> Conversation:
    """Call in, listen to what is said, and be answered; the caller speaks the sweep from then on."""
    phone = await phones.call(number, caller=caller)
    await phone.answered()
    if listen:
        await phone.listen()
    return await answered(staff, daemon, phone, caller=caller)


async def answered(staff: Staff, daemon: Daemon, phone: Phone, *, caller: str) -> Conversation:
    """Wait until an agent answers this caller; the caller speaks the sweep from then on."""
    conversation = await connected(staff, daemon, phone, caller=caller)
    await phone.play_sweep()
    return conversation


async def connected(staff: Staff, daemon: Daemon, phone: Phone, *, caller: str) -> Conversation:
    """Wait until an agent answers this caller, who says nothing."""
    call = await _known(daemon, caller, lambda call: call["answered_at"] is not None)
    agent = await staff.call_of(call["agent"])
    return Conversation(caller=phone, agent=agent, call=call)


async def _known(daemon: Daemon, number: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + ANSWERED_S
    while time.monotonic() < deadline:
        call = await asyncio.to_thread(daemon.call_of, number)
        if call is not None and until(call):
            return call
        await asyncio.sleep(0.1)
    raise TimeoutError("the call is not answered")


async def written(daemon: Daemon, number: str) -> dict[str, Any]:
    """The call of a customer's number once it has ended and everything about it is written.

    Raises TimeoutError when that does not happen.
    """
    deadline = time.monotonic() + WRITTEN_S
    while time.monotonic() < deadline:
        call = await asyncio.to_thread(daemon.call_of, number)
        if call is not None and call["ended_at"] is not None:
            recordings = await asyncio.to_thread(daemon.recordings, call["id"])
            if all(recording["state"] in OVER for recording in recordings):
                return call
        await asyncio.sleep(0.05)
    raise TimeoutError("the call has not ended, or not everything about it is written")


async def live_call(daemon: Daemon, **wanted: object) -> dict[str, Any]:
    """The call under way that the API shows with these fields. Raises TimeoutError when there is none in time."""
    deadline = time.monotonic() + WRITTEN_S
    while time.monotonic() < deadline:
        for call in await asyncio.to_thread(daemon.live):
            if all(call[name] == value for name, value in wanted.items()):
                return call
        await asyncio.sleep(0.02)
    raise TimeoutError(f"no call under way is {wanted}")
