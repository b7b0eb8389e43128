"""A journal that is a list: what was appended, how far the ledger has come, what it refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.domain.decision import Decision
from controller.domain.records import Record


@dataclass
class Notebook:
    """Fulfils ``controller.runtime.ports.Journal``."""

    waiting: Sequence[tuple[int, Decision | Record]] = ()
    trouble: str = ""
    kept: list[Decision | Record] = field(default_factory=list)
    refused: list[Decision | Record] = field(default_factory=list)
    upto: int = 0
    full: bool = False

    def append(self, entry: Decision | Record) -> int:
        self.kept.append(entry)
        return len(self.kept) + len(self.waiting)

    def reached(self, number: int) -> None:
        assert number >= self.upto
        self.upto = number

    def refuse(self, entry: Decision | Record) -> None:
        self.refused.append(entry)

    async def synced(self) -> None:
        if self.full:
            await asyncio.Event().wait()
