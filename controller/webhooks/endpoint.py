"""One receiver: what is for it, what it is sent, and when it has taken it.

Owns the request. Nothing of the answer is read but its status; a redirect is not followed, because only the address
that is configured may have what is sent.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec

from controller.config import Webhook
from controller.domain.decision import StoredDecision
from controller.errors import NotDelivered, ReceiverGone
from controller.runtime.clock import now
from controller.runtime.feed import Told
from controller.webhooks.signing import signed

TIMEOUT_S: Final = 15.0
"""For all of a request: the connection, what is sent, and the status of the answer."""
GO_ON_S: Final = 1.0
"""For how long one after the other is sent before it is noted how far that has come."""
MOST_OF_IDENTITY: Final = 32
_TAKEN: Final = range(200, 300)
_HEADERS: Final[Mapping[str, str]] = {"Content-Type": "application/json", "User-Agent": "recording-controller"}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: the kind of decision, when it was taken, and the decision itself."""

    type: str
    timestamp: datetime
    data: StoredDecision


class Endpoint:
    """Fulfils ``controller.runtime.feed.Sink``: one decision after the other, each until it is taken.

    ``keys`` sign; the session is one that keeps no cookies.
    """

    def __init__(
        self,
        webhook: Webhook,
        *,
        keys: Sequence[bytes],
        session: aiohttp.ClientSession,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._webhook = webhook
        self._keys = tuple(keys)
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    def wants(self, decision: StoredDecision) -> bool:
        """Whether its kind and its purpose are among those that are configured."""
        kinds, purposes = self._webhook.kinds, self._webhook.purposes
        return (not kinds or decision.kind in kinds) and (not purposes or decision.purpose in purposes)

    async def send(self, told: Sequence[Told]) -> int:
        """Send one after the other for a while; those done with include what is not for this receiver.

        Raises ``NotDelivered`` where the first that is for it was not taken, ``ReceiverGone`` where it wants none.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + GO_ON_S
        taken = 0
        for done, one in enumerate(told):
            if not self.wants(one.decision):
                continue
            if taken and loop.time() > until:
                return done
            try:
                await self._post(one)
            except NotDelivered:
                if not taken:
                    raise
                return done  # tried again with those after it, which says why
            taken += 1
        return len(told)

    async def _post(self, told: Told) -> None:
        """Raises ``NotDelivered`` or ``ReceiverGone``, with nothing of the address in their text."""
        body = written(told.decision)
        headers = {**_HEADERS, **signed(self._keys, identity=identity(told), at=now(), body=body)}
        try:
            async with self._session.post(
                self._webhook.url, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as answer:
                status = answer.status
        except TimeoutError as error:
            raise NotDelivered("no answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(type(error).__name__) from error
        if status == HTTPStatus.GONE:
            raise ReceiverGone(f"answered with status {status}")
        if status not in _TAKEN:
            raise NotDelivered(f"answered with status {status}")


def identity(told: Told) -> str:
    """The same for a decision however often it is sent, and for no other one: made of its token."""
    return sha256(told.token.encode()).hexdigest()[:MOST_OF_IDENTITY]


def written(decision: StoredDecision) -> bytes:
    """The body."""
    return msgspec.json.encode(Event(type=f"decision.{decision.kind.value}", timestamp=decision.at, data=decision))
