"""Who outside is told of decisions: the broker, and the receivers of webhooks, each with a feed of its own."""

import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

import aiohttp

from controller.config import Settings
from controller.db.feed import PostgresFeed
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.domain.policy import Period
from controller.mqtt.service import MqttService
from controller.runtime import metrics
from controller.runtime.feed import Delivery, Sink, Told
from controller.webhooks.endpoint import Endpoint
from controller.webhooks.resolver import OwnResolver

Alert = Callable[[str, CallId, Reason], None]
"""Has people look at a call of a PBX."""

KEPT_FOR_THE_BROKER: Final = Period(days=1)
"""A decision that the broker could not be told for so long is given up."""


async def opened(
    stack: AsyncExitStack, settings: Settings, url: str, *, mqtt: MqttService | None, alert: Alert
) -> list[Delivery]:
    """One delivery for each who is told, to be run; what they hold is closed by ``stack``.

    Raises ``ConfigurationError`` where the secret of a webhook is missing.
    """
    session = await stack.enter_async_context(session_of())
    return [
        Delivery(
            name=name,
            feed=await stack.enter_async_context(PostgresFeed(url, feed)),
            sink=sink,
            give_up_after=give_up_after,
            random=random.random,
            on_given_up=given_up,
        )
        for name, feed, sink, give_up_after, given_up in (*_broker(mqtt), *_webhooks(settings, session, alert))
    ]


def session_of() -> aiohttp.ClientSession:
    """What webhooks are sent by: it keeps nothing of an answer, and takes none of asyncio's own threads."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=OwnResolver()),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


_Told = tuple[str, str, Sink, Period, Callable[[Told], None]]
"""The name in logs and metrics, that of the feed, who is told, when that is given up, and who hears of that."""


def _broker(mqtt: MqttService | None) -> Iterator[_Told]:
    """A broker that cannot be told of decisions is told of no alert about it either."""
    if mqtt is not None and mqtt.decisions is not None:
        yield "mqtt", mqtt.feed, mqtt.decisions, KEPT_FOR_THE_BROKER, _count


def _webhooks(settings: Settings, session: aiohttp.ClientSession, alert: Alert) -> Iterator[_Told]:
    def given_up(told: Told) -> None:
        _count(told)
        if told.decision.call_id is not None:
            alert(told.decision.pbx, told.decision.call_id, Reason.NOT_DELIVERED)

    for webhook in settings.webhooks:
        endpoint = Endpoint(webhook, keys=settings.secrets.webhook_keys(webhook.secret), session=session)
        name = f"webhook:{webhook.name}"
        yield name, name, endpoint, webhook.give_up_after, given_up


def _count(_told: Told) -> None:
    metrics.ALERTS.labels(Reason.NOT_DELIVERED).inc()
