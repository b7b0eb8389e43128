"""One AGI session: the commands that the product needs, and what became of them.

Owns the order (one command, then its answer) and the reading of results. Does not own the connection's limits
nor what is said to the caller.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum

from controller.agi.connection import AgiConnection
from controller.agi.protocol import HANGUP, KEYS, Answer, AnswerParser, build_command
from controller.agi.request import AgiRequest
from controller.errors import AgiHangup, AgiProtocolError

_OK = 200
_DEAD_CHANNEL = 511
_VERBOSITY = 3

_VALUE_BYTES = 1023
"""GET VARIABLE cuts a longer value here without a word (SET VARIABLE does not)."""


class StreamOutcome(Enum):
    """How the playing of a sound ended."""

    COMPLETED = "completed"
    KEY_PRESSED = "key-pressed"
    HUNG_UP = "hung-up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """What was heard: `samples` at the sound file's own rate, and the key that cut it short."""

    key: str | None
    samples: int
    outcome: StreamOutcome


class AgiSession:
    """Commands to one channel, one after the other.

    Each raises AgiHangup when the channel or the connection is gone, and AgiProtocolError when the answer is
    wrong or late. After a hang-up a command is still sent, because Asterisk still sets the variables of a
    dead channel, and raises AgiHangup once it is answered. After a lost, unreadable or late answer, or when
    the wait is cancelled, the connection is closed: the answer could else be taken for another command's.
    """

    __slots__ = ("_asking", "_connection", "_hung_up", "_lost", "request")

    def __init__(self, connection: AgiConnection, request: AgiRequest) -> None:
        self._connection = connection
        self._hung_up = False
        self._asking = False
        self._lost = False
        self.request = request

    @property
    def peer(self) -> str:
        """The PBX's IP address."""
        return self._connection.peer

    async def get_variable(self, name: str) -> str | None:
        """Read a channel variable or a function like `CHANNEL(linkedid)`; None when there is none.

        AgiProtocolError for a value of more than 1022 bytes: Asterisk cuts those, and does not say so.
        """
        answer = await self._ask_living("GET VARIABLE", name)
        if answer.result == 0:
            return None
        if answer.value is None:
            raise AgiProtocolError("GET VARIABLE: neither a value nor its absence")
        if len(answer.value.encode()) >= _VALUE_BYTES:
            raise AgiProtocolError("GET VARIABLE: the value is so long that it may have been cut")
        return answer.value

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable; `value` is taken as it is, nothing in it is expanded."""
        await self._ask_living("SET VARIABLE", name, value)

    async def verbose(self, text: str) -> None:
        """Write a line on Asterisk's console."""
        await self._ask_living("VERBOSE", text, _VERBOSITY)

    async def wait_for_digit(self, milliseconds: int) -> str | None:
        """Wait for any key; None when none came.

        Asterisk throws away a key that is pressed while no command is under way.
        """
        bound = milliseconds / 1000 + self._connection.limits.answer_seconds
        answer = await self._ask_living("WAIT FOR DIGIT", milliseconds, bound=bound)
        if answer.result == -1:
            raise AgiHangup("the channel hung up")
        return _key(answer)

    async def stream_file(self, sound: str, escape_digits: str, *, bound: float) -> Streamed:
        """Play a sound, until its end or one of `escape_digits`; an answer must come within `bound` seconds.

        A key counts when it is let go: one pressed in the last moments is the next wait_for_digit's. Other
        keys do not interrupt, and are lost. A hang-up is an outcome here, not an error; so is a missing sound,
        which also makes AGISTATUS say FAILURE at the end, whatever follows.
        """
        answer = await self._ask("STREAM FILE", sound, escape_digits, bound=bound)
        if answer.code == _DEAD_CHANNEL:
            return Streamed(key=None, samples=0, outcome=StreamOutcome.HUNG_UP)
        if answer.endpos is None:
            raise AgiProtocolError("STREAM FILE: the answer does not say how much was played")
        if answer.result == -1:
            return Streamed(key=None, samples=answer.endpos, outcome=await self._why_stopped())
        key = _key(answer)
        outcome = StreamOutcome.COMPLETED if key is None else StreamOutcome.KEY_PRESSED
        return Streamed(key=key, samples=answer.endpos, outcome=outcome)

    async def _why_stopped(self) -> StreamOutcome:
        # A missing file and a hang-up both answer -1; only a living channel has a status.
        try:
            await self._ask_living("CHANNEL STATUS")
        except AgiHangup:
            return StreamOutcome.HUNG_UP
        return StreamOutcome.FAILED

    async def _ask_living(self, verb: str, *arguments: str | int, bound: float | None = None) -> Answer:
        answer = await self._ask(verb, *arguments, bound=bound)
        if self._hung_up or answer.code == _DEAD_CHANNEL:
            raise AgiHangup("the channel hung up")
        return answer

    async def _ask(self, verb: str, *arguments: str | int, bound: float | None = None) -> Answer:
        """Send one command and wait for its answer: a 200, or the 511 of a channel that hung up."""
        command = build_command(verb, *arguments)
        if self._asking:
            raise AgiProtocolError(f"{verb}: another command is under way")
        if self._lost:
            raise AgiHangup("the connection is closed")
        self._asking = True
        try:
            async with asyncio.timeout(self._connection.limits.answer_seconds if bound is None else bound):
                answer = await self._exchange(command)
        except TimeoutError as error:
            self._lose()
            raise AgiProtocolError(f"{verb}: no answer in time") from error
        except BaseException:
            self._lose()
            raise
        finally:
            self._asking = False
        if answer.code not in (_OK, _DEAD_CHANNEL):
            raise AgiProtocolError(f"{verb}: Asterisk answered {answer.code}")
        return answer

    async def _exchange(self, command: bytes) -> Answer:
        while (line := self._connection.waiting_line()) is not None:
            if line != HANGUP:
                raise AgiProtocolError("an answer to no command")
            self._hung_up = True
        await self._connection.send(command)
        parser = AnswerParser()
        while (answer := parser.feed(await self._connection.read_line())) is None:
            self._hung_up = self._hung_up or parser.hung_up
        return answer

    def _lose(self) -> None:
        self._lost = True
        self._connection.abort()


def _key(answer: Answer) -> str | None:
    """Read a result that is the ASCII code of a key, or 0 for none."""
    if answer.result == 0:
        return None
    key = chr(answer.result) if answer.result is not None and 0 < answer.result < 128 else ""  # noqa: PLR2004 - ASCII
    if key not in KEYS:
        raise AgiProtocolError("a result that is no key")
    return key
