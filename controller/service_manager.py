"""Tells the service manager that the daemon lives (sd_notify): one that hangs is ended, and started again.

A caller who is just being asked waits for a daemon that hangs; on the leg of a person called nothing else ends that.
"""

import asyncio
import os
import socket
from typing import Final, Never

import structlog

SOCKET: Final = "NOTIFY_SOCKET"
EVERY_S: Final = 0.5
"""Well within ``WatchdogSec=2`` of examples/recording-controller.service."""

_log = structlog.get_logger(__name__)


class ServiceManager:
    """Whoever started us, and listens at this address; None where nobody does."""

    def __init__(self, address: str | None) -> None:
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address

    @classmethod
    def ours(cls) -> "ServiceManager":
        """The one that the environment names."""
        return cls(os.environ.get(SOCKET))

    async def run(self) -> Never:
        """Tell it that we are there, and then again and again for as long as the event loop turns."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
            self._tell(line, b"READY=1")
            while True:
                self._tell(line, b"WATCHDOG=1")
                await asyncio.sleep(EVERY_S)

    def _tell(self, line: socket.socket, text: bytes) -> None:
        if self._address is None:
            return
        try:
            line.sendto(text, self._address)
        except OSError as error:
            _log.warning("service_manager.not_told", reason=error.strerror)
            self._address = None if isinstance(error, FileNotFoundError | ConnectionRefusedError) else self._address
