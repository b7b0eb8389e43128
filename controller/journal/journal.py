"""The journal as the event loop sees it: whatever is appended is on disk a moment later, and nothing waits for that.

Owns the thread that writes. What gathers while one write is synced goes into the next. Where the disk is full or fails,
lines are kept in memory and tried again, until they are written or PostgreSQL has them; ``trouble`` says so.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

import structlog

from controller.journal.lines import Kept, written
from controller.journal.segments import Segments
from controller.runtime import metrics

RETRY_S: Final = 0.5

IDLE_S: Final = 1.0
"""So long after the last line, what PostgreSQL has all of is deleted."""

_log = structlog.get_logger(__name__)

_Line = tuple[int, bytes]


@dataclass(slots=True)
class _Todo:
    """What the thread has not done yet: write lines, say how far PostgreSQL has come, keep what it refuses."""

    lines: list[_Line] = field(default_factory=list)
    reached: int = 0
    marked: int = 0
    refused: list[bytes] = field(default_factory=list)
    idle: bool = False
    """Whether nothing has come for a while."""

    @property
    def waits(self) -> bool:
        """Whether anything is to be tried again."""
        return bool(self.lines or self.refused or self.marked < self.reached)


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
        self._news.set()
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
        todo = _Todo()
        while True:
            ending = self._take(todo)
            self._do(todo)
            if ending:
                self._end(todo)
                return

    def _take(self, todo: _Todo) -> bool:
        """Wait for something to do, and add it; whether this is the end."""
        ending = False
        todo.idle = True
        try:
            item = self._inbox.get(timeout=self._patience(todo))
            todo.idle = False
            while True:
                match item:
                    case None:
                        ending = True
                    case int():
                        todo.reached = max(todo.reached, item)
                    case bytes():
                        todo.refused.append(item)
                    case _:
                        todo.lines.append(item)
                item = self._inbox.get_nowait()
        except Empty:
            return ending

    def _patience(self, todo: _Todo) -> float | None:
        """How long to wait for something to do, in seconds; None for ever."""
        if todo.waits:
            return RETRY_S
        return IDLE_S if self._done_with(todo) else None

    def _done_with(self, todo: _Todo) -> bool:
        """Whether there are files, and PostgreSQL has all that is in them."""
        return bool(self._segments.size) and self._segments.last <= todo.reached

    def _do(self, todo: _Todo) -> None:
        """Do what can be done now: what PostgreSQL has makes room, and need not be written any more."""
        todo.lines = [line for line in todo.lines if line[0] > todo.reached]
        last = todo.lines[-1][0] if todo.lines else 0
        try:
            if todo.marked < todo.reached:
                self._segments.reached(todo.reached)
                todo.marked = todo.reached
            while todo.refused:
                self._segments.refuse(todo.refused[0])
                del todo.refused[0]
            if todo.lines:
                with metrics.JOURNAL_SECONDS.time():
                    self._segments.append(todo.lines)
                todo.lines = []
            elif todo.idle and self._done_with(todo):
                self._segments.forget()
        except OSError as error:
            self._tell(0, error.strerror or str(error))
        else:
            self._tell(last, "")

    def _end(self, todo: _Todo) -> None:
        try:
            if not todo.waits and self._segments.last <= todo.reached:
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
