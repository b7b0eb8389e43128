"""The order of what is written, and how long what waits for it has to wait, while the ledger is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import Token
from controller.domain.turn import Turn
from controller.errors import DatabaseAway, DatabaseRefused
from controller.runtime.ports import Entry, Receipt
from controller.runtime.writer import BATCH, Writer
from tests.unit.domain.stories import NOON, new_call, policy

CALL = new_call(policy())


def decision(number: int) -> Decision:
    """One of many."""
    made = Turn(call=CALL, at=NOON).decision(Kind.PAUSE, Verdict.APPLIED, Reason.PAYMENT)
    return replace(made, token=Token(str(number)))


class Ledger:
    """Away as often as ``away`` says; refuses the decision that ``poison`` names, and is away once after that."""

    def __init__(self, *, away: int = 0, poison: str = "") -> None:
        self.written: list[str] = []
        self._away = away
        self._poison = poison

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        await asyncio.sleep(0)
        tokens = [entry.token for entry in entries if isinstance(entry, Decision)]
        if self._away:
            self._away -= 1
            raise DatabaseAway("away")
        if self._poison in tokens:
            self._away = int(tokens == [self._poison])
            raise DatabaseRefused("poison")
        self.written += tokens
        return [Receipt(seq=1) for _ in entries]


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waits_is_given_up_at_once_however_much_waits_before_it() -> None:
    writer = Writer(Ledger(away=1))
    answers: list[Receipt | None] = []
    for number in range(BATCH + 1):
        writer.log(decision(number))
    writer.commit(decision(BATCH + 1), answers.append)
    async with running(writer):
        await writer.flushed()
    assert answers == [None]


async def test_what_a_bad_entry_was_written_with_keeps_its_order_when_the_ledger_goes_away_in_the_middle() -> None:
    ledger = Ledger(poison="0")
    writer = Writer(ledger)
    for number in range(4):
        writer.log(decision(number))
    async with running(writer):
        await writer.flushed()
    assert ledger.written == ["1", "2", "3"]


async def test_a_bad_entry_holds_nothing_up_that_came_after_an_absence() -> None:
    ledger = Ledger(away=1, poison="0")
    writer = Writer(ledger)
    for number in range(2):
        writer.log(decision(number))
    async with running(writer):
        await writer.flushed()
    assert (ledger.written, writer.last_error) == (["1"], "")
