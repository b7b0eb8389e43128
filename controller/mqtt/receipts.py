"""What the broker says of each message that it is sent (MQTT 5, 3.4.2.1): aiomqtt asks only whether it says anything.

Owns the receipts of one connection, and ends that connection where one does not come: what it is sent would wait in it
for nothing.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controller.errors import NotDelivered


class Receipts:
    """Publishes over a connection; nothing else may. A receipt that takes longer than ``timeout_s`` is none."""

    def __init__(self, client: aiomqtt.Client, *, timeout_s: float) -> None:
        self._paho: Final = client._client  # noqa: SLF001 - aiomqtt passes the reason on to nobody
        self._paho.on_publish = self._came
        self._timeout_s = timeout_s
        self._waiting: dict[int, asyncio.Future[ReasonCode]] = {}

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Return once the broker has it, or with ``qos`` 0 once it is on its way.

        Raises ``NotDelivered`` where the broker refuses it, ``MqttError`` where the connection is lost or has just
        been ended, ``ValueError`` for what is no topic.
        """
        sent = self._paho.publish(topic, payload, qos, retain, properties)
        if sent.rc != MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(sent.rc, "it could not be sent")
        if not qos:
            return
        receipt = self._waiting[sent.mid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_s):
                code = await receipt
        except TimeoutError:
            self._cut()
            raise aiomqtt.MqttError("the broker does not confirm what it is sent") from None
        finally:
            del self._waiting[sent.mid]
        if code.is_failure:
            raise NotDelivered(f"the broker refuses it ({code})")

    def _came(self, _client: object, _data: object, number: int, code: ReasonCode, _properties: Any) -> None:  # noqa: ANN401
        receipt = self._waiting.get(number)
        if receipt is not None and not receipt.done():
            receipt.set_result(code)

    def _cut(self) -> None:
        """End the connection for both sides; whoever reads from it finds that out."""
        open_socket = self._paho.socket()
        if isinstance(open_socket, socket.socket):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
