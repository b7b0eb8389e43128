"""The two doors by which a consent dialogue reaches a caller: FastAGI, and Stasis for dialplans that prefer ARI.

A door plays what it is told and says what came of it; what to play next is the core's business.
"""

import asyncio
from time import monotonic
from typing import Protocol

import structlog

from controller.agi.session import AgiSession, StreamOutcome
from controller.ari.client import Ari
from controller.domain.commands import Conclude, Play
from controller.domain.consent import Heard, Outcome
from controller.domain.names import CallId, ChannelId
from controller.errors import AgiError, AgiHangup, Gone, NotNow, PbxError

SAMPLES_PER_MS = 8
"""Prompts are 8 kHz files, checked when the configuration is read."""

PLAYING_MARGIN_S = 1.5
"""How much longer than its length a prompt may take before the peer counts as stuck: so long a caller may wait."""

AGAIN_AFTER_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""When a caller whom Asterisk did not take back is given back again."""

_OUTCOMES = {
    StreamOutcome.COMPLETED: Outcome.PLAYED,
    StreamOutcome.KEY_PRESSED: Outcome.KEY_PRESSED,
    StreamOutcome.HUNG_UP: Outcome.HUNG_UP,
    StreamOutcome.FAILED: Outcome.FAILED,
}
_log = structlog.get_logger(__name__)


class Door(Protocol):
    """A way to talk to one caller."""

    async def play(self, play: Play) -> Heard:
        """Play a prompt, and wait for a key if told so. Never raises: a fault is an outcome."""
        ...

    async def conclude(self, call: CallId, conclusion: Conclude) -> None:
        """Give the caller back to the dialplan, which finds the verdict in its variables."""
        ...

    async def let_go(self) -> None:
        """Give the caller back without an answer."""
        ...

    def pressed(self, digit: str) -> None:
        """The caller pressed a key, as the PBX's events tell it."""
        ...


class AgiDoor:
    """A caller in ``AGI(agi://…/consent)``.

    ``limited`` is whether the dialplan sends the caller on when the channel's absolute timeout passes: it is set for
    each prompt, so that a daemon that hangs holds nobody. On the leg of a person called it would end the call.

    STREAM FILE plays in the language of the channel, so that is the prompt's during the dialogue, and afterwards what
    it was.
    """

    def __init__(self, session: AgiSession, *, limited: bool) -> None:
        self._session = session
        self._limited = limited
        self._spoken: str | None = None
        self.concluded = asyncio.Event()

    async def play(self, play: Play) -> Heard:
        """Play by STREAM FILE, whose answer tells how much was really played."""
        prompt = play.prompt
        bound = (prompt.milliseconds + play.patience_ms) / 1000 + PLAYING_MARGIN_S
        try:
            if self._limited:
                await self._session.set_variable("TIMEOUT(absolute)", f"{bound:.1f}")
            await self._speak(prompt.language)
            streamed = await self._session.stream_file(prompt.sound, play.keys, bound=bound)
            played = streamed.samples // SAMPLES_PER_MS
            if streamed.outcome is StreamOutcome.COMPLETED and play.patience_ms:
                key = await self._session.wait_for_digit(play.patience_ms)
                if key is not None and key in play.keys:
                    return Heard(prompt=prompt, outcome=Outcome.KEY_PRESSED, milliseconds=played, key=key)
        except AgiHangup:
            return Heard(prompt=prompt, outcome=Outcome.HUNG_UP, milliseconds=0)
        except AgiError as error:
            _log.warning("door.agi_failed", reason=str(error))
            return Heard(prompt=prompt, outcome=Outcome.FAILED, milliseconds=0)
        return Heard(prompt=prompt, outcome=_OUTCOMES[streamed.outcome], milliseconds=played, key=streamed.key)

    async def conclude(self, call: CallId, conclusion: Conclude) -> None:
        """Set the variables; the end of the session is what lets the dialplan go on."""
        try:
            await self._speak(self._session.request.language)
            for name, value in _variables(call, conclusion):
                await self._session.set_variable(name, value)
        except AgiError:
            pass  # the caller has gone, and so has whoever would read the variables
        finally:
            self.concluded.set()

    async def let_go(self) -> None:
        """End the session."""
        self.concluded.set()

    def pressed(self, digit: str) -> None:
        """Nothing: STREAM FILE tells of the keys itself."""

    async def _speak(self, language: str) -> None:
        """Have the channel speak a language. Raises AgiError."""
        if language != (self._spoken or self._session.request.language):
            await self._session.set_variable("CHANNEL(language)", language)
            self._spoken = language


class StasisDoor:
    """A caller in ``Stasis(recording-controller,consent,QUEUE)``."""

    def __init__(self, ari: Ari, channel: ChannelId) -> None:
        self._ari = ari
        self._channel = channel
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._finished: asyncio.Future[bool] | None = None
        self._serial = 0

    @property
    def playback(self) -> str:
        """The id of the latest playback."""
        return f"rc-play-{self._channel}-{self._serial}"

    async def play(self, play: Play) -> Heard:
        """Play by ARI; a key stops it, and what was played by then is told by the clock."""
        self._serial += 1
        self._keys = asyncio.Queue()
        self._finished = asyncio.get_running_loop().create_future()
        try:
            media = f"sound:{play.prompt.sound}"
            await self._ari.play(str(self._channel), self.playback, media=media, language=play.prompt.language)
            return await self._listen(play)
        except (PbxError, TimeoutError):
            return Heard(prompt=play.prompt, outcome=Outcome.FAILED, milliseconds=0)

    async def _listen(self, play: Play) -> Heard:
        """Wait for the end of the prompt or a key that means something. Raises TimeoutError."""
        began = monotonic()
        prompt, finished = play.prompt, self._finished
        if finished is None:
            raise TimeoutError
        key_pressed = asyncio.create_task(self._key(play.keys))
        try:
            bound = prompt.milliseconds / 1000 + PLAYING_MARGIN_S
            await asyncio.wait((finished, key_pressed), timeout=bound, return_when=asyncio.FIRST_COMPLETED)
            played = min(prompt.milliseconds, int((monotonic() - began) * 1000))
            if not finished.done() and not key_pressed.done():
                raise TimeoutError
            if finished.done() and not finished.result():
                return Heard(prompt=prompt, outcome=Outcome.FAILED, milliseconds=0)
            if not key_pressed.done() and play.patience_ms:
                await asyncio.wait({key_pressed}, timeout=play.patience_ms / 1000)
            if not key_pressed.done():
                return Heard(prompt=prompt, outcome=Outcome.PLAYED, milliseconds=played)
            if not finished.done():
                await self._ari.stop_playback(self.playback)
            return Heard(prompt=prompt, outcome=Outcome.KEY_PRESSED, milliseconds=played, key=key_pressed.result())
        finally:
            key_pressed.cancel()

    async def conclude(self, call: CallId, conclusion: Conclude) -> None:
        """Set the variables and continue in the dialplan, with them or without, or hang up."""
        try:
            if conclusion.hang_up:
                await self._ari.hangup(str(self._channel))
                return
            for name, value in _variables(call, conclusion):
                await self._ari.set_channel_variable(str(self._channel), name, value)
        except PbxError as error:
            _log.info("door.variables_not_set", reason=type(error).__name__)
        await self.let_go()

    async def let_go(self) -> None:
        """Continue in the dialplan: Stasis holds a caller for ever, so this is tried again, for some nine seconds."""
        for wait_s in (*AGAIN_AFTER_S, None):
            try:
                await self._ari.continue_in_dialplan(str(self._channel))
            except (Gone, NotNow):  # it has left, or is back already
                return
            except PbxError as error:
                _log.warning("door.stasis_not_continued", reason=type(error).__name__)
            else:
                return
            if wait_s is not None:
                await asyncio.sleep(wait_s)

    def pressed(self, digit: str) -> None:
        """A key, while a prompt plays or after it."""
        self._keys.put_nowait(digit)

    def finished(self, playback: str, *, whole: bool) -> None:
        """A playback has ended: to its end, or not at all."""
        if playback == self.playback and self._finished is not None and not self._finished.done():
            self._finished.set_result(whole)

    async def _key(self, keys: str) -> str:
        while (digit := await self._keys.get()) not in keys:
            pass
        return digit


def _variables(call: CallId, conclusion: Conclude) -> tuple[tuple[str, str], ...]:
    return (
        ("RC_CALL", call),
        ("RC_VERDICT", conclusion.verdict.value),
        ("RC_REASON", conclusion.reason.value),
        ("RC_HANGUP", "yes" if conclusion.hang_up else "no"),
    )
