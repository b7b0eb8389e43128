"""Tells customers, in the middle of a call, that a recording is about to begin.

A snoop channel of its own whispers to the customer; the call, its bridge and its dialplan are not touched. Owns those
channels from their creation to their end; what the telling means is the core's business.

Asterisk mixes a whisper into what it sends to the customer anyway: up to 22.10 it sends nothing, and says that it has
played everything, while the other side's telephone sends nothing itself (asterisk#1966; seen). So a notice counts only
where the audio that went out meanwhile is as long.
"""

import asyncio
import re
from contextlib import suppress
from itertools import count
from typing import Final, TypeVar

import structlog

from controller.ari.client import Ari
from controller.domain.commands import TellAgain
from controller.domain.consent import Heard, Outcome
from controller.domain.names import CallId
from controller.domain.policy import Prompt
from controller.errors import PbxError
from controller.runtime.sending import PATIENCE_S, Sending

T = TypeVar("T")

MARGIN_S = 3.0
"""How much longer than its length a notice may take, once it has begun, before it counts as stuck."""

LOOK_EVERY_S = 0.25
"""How often to look what goes out to the customer."""

LONGEST_SILENCE_S = 0.4
"""How long nothing may go out in all: Asterisk throws away what of a whisper waits for longer than 0.5 s."""

TAIL_S = 0.2
"""How much more goes out than the notice is long, since it does not begin with the first packet that is counted."""

_OURS: Final = re.compile(r"rc-.+-\.notice-\d+")

_log = structlog.get_logger(__name__)


class Notices:
    """The notices of one PBX that are being told just now."""

    def __init__(self, ari: Ari) -> None:
        self._ari = ari
        self._serial = count(1)
        self._arrived: dict[str, asyncio.Future[None]] = {}
        self._played: dict[str, asyncio.Future[bool]] = {}
        self._interrupted: set[str] = set()
        self._late: set[asyncio.Task[None]] = set()

    def __contains__(self, channel: str) -> bool:
        """Whether this is one of the snoop channels that a notice is told by."""
        return _OURS.fullmatch(channel) is not None

    async def tell(self, call: CallId, command: TellAgain) -> Heard:
        """Play a notice to the customer. Never raises: a fault is an outcome."""
        snoop = f"{_about(call)}{next(self._serial)}"
        loop = asyncio.get_running_loop()
        self._arrived[snoop], self._played[snoop] = loop.create_future(), loop.create_future()
        prompt, trouble = command.prompt, "not sent whole"
        try:
            async with asyncio.timeout(prompt.milliseconds / 1000 + PATIENCE_S + MARGIN_S):
                await self._ari.whisper(command.channel, snoop)
                await self._arrived[snoop]
                if await self._sent(prompt, snoop, command.channel):
                    trouble = "a key was pressed" if snoop in self._interrupted else ""
        except (PbxError, TimeoutError) as error:
            trouble = type(error).__name__
        finally:
            del self._arrived[snoop], self._played[snoop]
            self._interrupted.discard(snoop)
            await self._hang_up(snoop)
        if trouble:
            _log.warning("notice.not_told", call=call, reason=trouble)
            return Heard(prompt=prompt, outcome=Outcome.FAILED, milliseconds=0)
        return Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=prompt.milliseconds)

    async def _sent(self, prompt: Prompt, snoop: str, channel: str) -> bool:
        """Play it to its end, and until as much audio has gone out to the customer's channel; False where it does not.

        It is as much as the notice is long, with no more silence in it than Asterisk makes good.
        """
        sending, played = Sending(self._ari, channel), self._played[snoop]
        if not await sending.flows():
            return False
        await self._ari.play(snoop, snoop, media=f"sound:{prompt.sound}", language=prompt.language)
        await sending.begin()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            sent = await sending.look()
            if sent.silent_s > LONGEST_SILENCE_S or (played.done() and not played.result()):
                return False
            if played.done() and sent.audio_s >= prompt.milliseconds / 1000 + TAIL_S:
                return True

    async def _hang_up(self, snoop: str) -> None:
        with suppress(PbxError):
            await self._ari.hangup(snoop)

    def arrived(self, channel: str) -> None:
        """A snoop channel is ours to play to; one that nobody waits for any more has come too late, and goes."""
        if channel in self._arrived:
            _settle(self._arrived[channel], None)
            return
        late = asyncio.create_task(self._hang_up(channel))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    def interrupted(self, call: CallId) -> None:
        """The other side has pressed a key, whose tone takes the place of all that goes out to the customer."""
        self._interrupted.update(snoop for snoop in self._played if snoop.startswith(_about(call)))

    def played(self, playback: str, *, whole: bool) -> None:
        """A sound has ended: to its end, or not."""
        _settle(self._played.get(playback), whole)

    def gone(self, channel: str) -> None:
        """A snoop channel no longer exists: the customer has hung up."""
        self.played(channel, whole=False)


def _about(call: CallId) -> str:
    """What the snoop channels of its notices begin with."""
    return f"rc-{call}-.notice-"


def _settle(future: asyncio.Future[T] | None, result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)
