"""Tells the broker of decisions: the sink of a feed of ``controller.runtime.feed``."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from controller.domain.decision import Kind, StoredDecision
from controller.mqtt import messages, topics
from controller.runtime.feed import Told


class Publisher(Protocol):
    """What is needed of the connection."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Return once the broker has it. Raises ``NotDelivered``."""
        ...


class DecisionsByMqtt:
    """Fulfils ``controller.runtime.feed.Sink``: decisions of some kinds, some at once, in their order.

    Without ``purposes`` those about every purpose and about none.
    """

    def __init__(
        self, *, root: str, publisher: Publisher, kinds: Collection[Kind], purposes: Collection[str] = ()
    ) -> None:
        self._root = root
        self._publisher = publisher
        self._kinds = frozenset(kinds)
        self._purposes = frozenset(purposes)

    def wants(self, decision: StoredDecision) -> bool:
        """Whether its kind and its purpose are among those that are configured."""
        return decision.kind in self._kinds and (not self._purposes or decision.purpose in self._purposes)

    async def send(self, told: Sequence[Told]) -> int:
        """Publish them; where one is not confirmed, those after it may be there already, and come again."""
        wanted = [place for place, one in enumerate(told) if self.wants(one.decision)]
        results = await asyncio.gather(
            *(self._publish(told[place].decision) for place in wanted), return_exceptions=True
        )
        for place, result in zip(wanted, results, strict=True):
            if isinstance(result, BaseException):
                if place != wanted[0]:
                    return place
                raise result
        return len(told)

    async def _publish(self, decision: StoredDecision) -> None:
        topic = topics.decisions(self._root, decision.pbx, decision.call_id)
        await self._publisher.publish(topic, messages.written(decision))
