"""Takes the callers who come to be asked, by either door, and keeps the doors while their dialogues last."""

import asyncio
from collections.abc import Callable

import structlog

from controller.agi.session import AgiSession
from controller.ari.client import Ari
from controller.ari.resources import Channel
from controller.domain.names import ChannelId
from controller.domain.policy import Asked, Direction, Number
from controller.errors import Gone, PbxError
from controller.numbers import canonical, hash_of, spellings
from controller.runtime.dispatcher import Question
from controller.runtime.doors import AgiDoor, Door, StasisDoor
from controller.sealed_numbers import display_key, seal

Ask = Callable[[Question], object]
"""Begins a call with a dialogue."""

INTRODUCED_WITHIN_S = 0.5
"""How long somebody who was called waits until it is clear who calls; who then is not known is not asked."""

_log = structlog.get_logger(__name__)


class Reception:
    """The doors of one PBX.

    ``numbers_key`` is the key under which a customer's number is hashed, and of which the one that seals it is derived;
    ``country`` is how national numbers are read.
    """

    def __init__(self, *, ari: Ari, numbers_key: bytes, country: str) -> None:
        self._ari = ari
        self._numbers_key = numbers_key
        self._display_key = display_key(numbers_key)
        self._country = country
        self.doors: dict[ChannelId, Door] = {}
        self.ask: Ask = _nobody_asks
        self.known: Callable[[ChannelId], bool] = _everybody
        """Whether the PBX's events have told of a channel."""
        self.seen: Callable[[Channel], None] = _nobody_looks

    async def consent(self, session: AgiSession) -> None:
        """Hold a dialogue with the caller of a FastAGI session; returns when it is over. Raises AgiError."""
        request = session.request
        direction = _direction(request.query.get("direction", ""))
        linkedid = await session.get_variable("CHANNEL(linkedid)")
        if direction is Direction.OUTBOUND and not await self._introduced(ChannelId(linkedid or "")):
            return
        channel = ChannelId(request.channel_id)
        door = AgiDoor(session, limited=direction is Direction.INBOUND)
        # On the leg of a person called, too, the caller's number is their own.
        customer, other = request.caller_number or "", request.query.get("other", "")
        inbound = direction is Direction.INBOUND
        customer_hash, customer_sealed = self._kept_of(customer)
        question = Question(
            channel=channel,
            linkedid=linkedid or request.channel_id,
            asked=Asked(
                direction=direction,
                queue=request.query.get("queue", ""),
                language=request.language,
                called=self._spellings((request.dialled_number or other) if inbound else customer),
                calling=self._spellings(customer if inbound else other),
                context=request.query.get("context", ""),
            ),
            customer_hash=customer_hash,
            customer_sealed=customer_sealed,
        )
        self.doors[channel] = door
        try:
            self.ask(question)
            await door.concluded.wait()
        finally:
            if self.doors.get(channel) is door:
                del self.doors[channel]

    async def _introduced(self, caller: ChannelId) -> bool:
        """Whether it is clear who calls: FastAGI may be quicker than the PBX's events.

        It decides whether this call is anybody's business (an employee representative's is not).
        """
        if self.known(caller):
            return True
        try:
            async with asyncio.timeout(INTRODUCED_WITHIN_S):
                self.seen(await self._ari.channel(caller))
        except Gone:  # it has left: who talks to this leg is told by the events
            return True
        except (PbxError, TimeoutError) as error:
            _log.warning("reception.caller_unknown", reason=type(error).__name__)
            return False
        return True

    def came(self, channel: Channel, args: tuple[str, ...]) -> None:
        """A caller came by ``Stasis(application,consent,QUEUE[,DIRECTION])``."""
        if not args or args[0] != "consent":
            _log.warning("reception.unknown_request")
        customer = ChannelId(channel.id)
        self.doors[customer] = StasisDoor(self._ari, customer)
        direction = _direction(args[2] if len(args) > 2 else "")  # noqa: PLR2004 - the third argument
        inbound = direction is Direction.INBOUND
        called = channel.dialplan.exten if inbound else channel.caller_number
        customer_hash, customer_sealed = self._kept_of(channel.caller_number)
        question = Question(
            channel=customer,
            linkedid=channel.linkedid or channel.id,
            asked=Asked(
                direction=direction,
                queue=args[1] if len(args) > 1 else "",
                language=channel.language,
                called=self._spellings(called),
                calling=self._spellings(channel.caller_number if inbound else channel.connected.number),
                context=channel.dialplan.context,
            ),
            customer_hash=customer_hash,
            customer_sealed=customer_sealed,
        )
        self.ask(question)

    def left(self, channel: ChannelId) -> None:
        """A channel is no longer in our application, or no longer at all."""
        if isinstance(self.doors.get(channel), StasisDoor):
            del self.doors[channel]

    def pressed(self, channel: ChannelId, digit: str) -> None:
        """A channel pressed a key."""
        door = self.doors.get(channel)
        if door is not None:
            door.pressed(digit)

    def played(self, playback: str, *, whole: bool) -> None:
        """A playback ended."""
        for door in self.doors.values():
            if isinstance(door, StasisDoor):
                door.finished(playback, whole=whole)

    def link_lost(self) -> None:
        """Asterisk forgets our application with the link, and the callers in it hear nothing from us any more."""
        for channel in [channel for channel, door in self.doors.items() if isinstance(door, StasisDoor)]:
            del self.doors[channel]

    async def let_go_of_everybody(self) -> None:
        """End every dialogue without an answer, all at once: nobody is left who would conclude it."""
        doors = list(self.doors.values())
        self.doors.clear()
        await asyncio.gather(*(door.let_go() for door in doors))

    async def let_go(self, channel: str) -> None:
        """Give back to its dialplan a caller who waits in our application for a daemon that forgot them."""
        try:
            await self._ari.continue_in_dialplan(channel)
        except PbxError as error:
            _log.info("reception.not_continued", reason=type(error).__name__)

    def _kept_of(self, number: str) -> tuple[bytes, bytes] | tuple[None, None]:
        """What is kept of a customer's number: its hash, and itself, sealed. Nothing of one that is withheld."""
        known = canonical(number, self._country)
        return (hash_of(known, self._numbers_key), seal(known, self._display_key)) if known else (None, None)

    def _spellings(self, number: str) -> Number:
        return spellings(number, self._country)


def _direction(text: str) -> Direction:
    return Direction.OUTBOUND if text == Direction.OUTBOUND.value else Direction.INBOUND


def _nobody_asks(question: Question) -> object:  # noqa: ARG001 - fulfils Ask
    raise AssertionError("the reception is not connected to a dispatcher")


def _everybody(_channel: ChannelId) -> bool:
    return True


def _nobody_looks(_channel: Channel) -> None:
    """Where nobody keeps a switchboard."""
