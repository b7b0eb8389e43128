"""The journal as the event loop sees it: whatever is appended is on disk a moment later, and nothing waits for that.

Owns the thread that writes. What gathers while one write is synced goes into the next. Where the disk is full or fails,
lines are kept in memory and tried again; ``trouble`` says so.
"""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

import structlog

from controller.journal.lines import Kept, written
from controller.journal.segments import Segments
from controller.runtime import metrics

RETRY_S: Final = 0.5

_log = structlog.get_logger(__name__)

_Line = tuple[int, bytes]


class Journal:
    """The journal in one folder, of at most ``most_bytes``. Use as an async context manager.

    Entering raises ``ConfigurationError`` where the folder cannot be used, or another process uses it.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._segments = Segments(folder, most_bytes)
        self._inbox: SimpleQueue[_Line | int | bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._next = 1
        self._durable = 0
        self._reached = 0
        self._news = asyncio.Event()
        self.waiting: Sequence[tuple[int, Kept]] = ()
        """What a former process has left that may not have reached PostgreSQL, by number."""
        self.trouble = ""
        """Why nothing can be written; empty where it can."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        found = await asyncio.to_thread(self._segments.open)
        for fault in found.faults:
            metrics.JOURNAL_FAULTS.inc()
            log = _log.warning if fault.torn else _log.critical
            log("journal.line_broken", file=fault.file.name, line=fault.line, reason=fault.reason)
        self.waiting = found.waiting
        self._next = found.last + 1
        self._durable = found.last
        if not found.waiting:
            await asyncio.to_thread(self._segments.forget)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    def append(self, entry: Kept) -> int:
        """Have an entry written; its number. Returns at once, and raises nothing."""
        number = self._next
        self._next += 1
        self._inbox.put((number, written(number, entry)))
        return number

    def reached(self, number: int) -> None:
        """All up to this number has reached PostgreSQL, or never will."""
        self._reached = max(self._reached, number)
        self._inbox.put(number)

    def refuse(self, entry: Kept) -> None:
        """PostgreSQL will never take this: keep it where people can read it."""
        self._inbox.put(written(0, entry))

    async def synced(self) -> None:
        """Wait until all that was appended is on disk, or need not be any more."""
        last = self._next - 1
        while max(self._durable, self._reached) < last:
            self._news.clear()
            await self._news.wait()

    # What follows runs in the thread.

    def _work(self) -> None:
        pending: list[_Line] = []
        reached = 0
        while True:
            lines, upto, refused, ending = self._taken(waiting=bool(pending))
            reached = max(reached, upto)
            pending = self._written([*pending, *lines], refused)
            if upto and not pending:
                self._mark(reached)
            if ending:
                self._end(reached, pending)
                return

    def _taken(self, *, waiting: bool) -> tuple[list[_Line], int, list[bytes], bool]:
        """All there is to do: lines, how far PostgreSQL has come, what it refuses, and whether this is the end."""
        lines: list[_Line] = []
        upto, refused, ending = 0, [], False
        try:
            item = self._inbox.get(timeout=RETRY_S if waiting else None)
            while True:
                match item:
                    case None:
                        ending = True
                    case int():
                        upto = max(upto, item)
                    case bytes():
                        refused.append(item)
                    case _:
                        lines.append(item)
                item = self._inbox.get_nowait()
        except Empty:
            return lines, upto, refused, ending

    def _written(self, lines: list[_Line], refused: list[bytes]) -> list[_Line]:
        """Write them; those that could not be."""
        try:
            for line in refused:
                self._segments.refuse(line)
            if lines:
                with metrics.JOURNAL_SECONDS.time():
                    self._segments.append(lines)
        except OSError as error:
            self._tell(0, error.strerror or str(error))
            return lines
        if lines:
            self._tell(lines[-1][0], "")
        return []

    def _mark(self, reached: int) -> None:
        try:
            self._segments.reached(reached)
        except OSError as error:
            self._tell(0, error.strerror or str(error))

    def _end(self, reached: int, pending: list[_Line]) -> None:
        try:
            if not pending and self._segments.last <= reached:
                self._segments.forget()
        except OSError as error:
            _log.warning("journal.not_cleared", reason=error.strerror)
        self._segments.close()

    def _tell(self, durable: int, trouble: str) -> None:
        metrics.JOURNAL_BYTES.set(self._segments.size)
        if trouble:
            metrics.JOURNAL_FAILURES.inc()
        self._loop.call_soon_threadsafe(self._told, durable, trouble)

    # And this in the event loop again.

    def _told(self, durable: int, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _log.critical("journal.not_written", reason=trouble)
        self.trouble = trouble
        self._durable = max(self._durable, durable)
        self._news.set()
