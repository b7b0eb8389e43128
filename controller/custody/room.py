"""Whether there is room for what is recorded, where the object store is a folder of a disk.

Where there is too little, nothing new is recorded and nothing is taken from the PBX; nothing is ever deleted for it.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Never
from urllib.parse import unquote, urlsplit

import structlog

from controller.config.settings import Storage
from controller.runtime import metrics
from controller.threads import off_the_loop

LOOK_EVERY_S = 10.0

_log = structlog.get_logger(__name__)


class Room:
    """The room of one store. ``tell`` hears of every change, whether there is too little from now on."""

    def __init__(self, storage: Storage, *, tell: Callable[[bool], None]) -> None:
        parts = urlsplit(storage.url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._least = storage.least_free_bytes
        self._tell = tell
        self.trouble = ""
        """For people; empty while there is room."""

    @property
    def scarce(self) -> bool:
        """Whether there is too little."""
        return bool(self.trouble)

    async def run(self) -> Never:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look now. A disk that does not say how much is free counts as one that has room: to write to it will tell."""
        folder = self._folder
        if folder is None:
            return
        try:
            free = (await off_the_loop(shutil.disk_usage, folder)).free
        except OSError as error:
            _log.warning("storage.room_unknown", reason=error.strerror)
            return
        before, self.trouble = self.scarce, self._said(free)
        metrics.STORAGE_FULL.set(self.scarce)
        if self.scarce == before:
            return
        self._tell(self.scarce)
        if self.scarce:
            _log.error("storage.full", free_bytes=free, least_free_bytes=self._least)
        else:
            _log.info("storage.has_room", free_bytes=free)

    def _said(self, free: int) -> str:
        if free >= self._least:
            return ""
        least = self._least // 2**20
        return f"{free // 2**20} MB are free where recordings are kept, less than {least}: nothing new is recorded"
