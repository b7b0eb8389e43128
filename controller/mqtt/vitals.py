"""Tells the broker the metrics of the daemon, now and then."""

import asyncio
from typing import Final, Never

from prometheus_client import REGISTRY

from controller.mqtt import messages
from controller.mqtt.decisions import Publisher
from controller.runtime.clock import now

AT_MOST_ONCE: Final = 0
"""The next one comes soon, and says more."""


async def tell(publisher: Publisher, *, topic: str, every_s: float) -> Never:
    """Say them at once, and again every so many seconds, until cancelled. Raises ``NotDelivered``."""
    while True:
        await publisher.publish(topic, messages.written(messages.vitals(REGISTRY, now())), qos=AT_MOST_ONCE)
        await asyncio.sleep(every_s)
