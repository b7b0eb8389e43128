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
from tests.unit.runtime.journals import Notebook

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

    async def answers(self) -> None:
        if self._away:
            self._away -= 1
            raise DatabaseAway("away")


@asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waits_is_given_up_at_once_however_much_waits_before_it() -> None:
    writer = Writer(Ledger(away=1), Notebook())
    answers: list[Receipt | None] = []
    for number in range(BATCH + 1):
        writer.log(decision(number))
    writer.commit(decision(BATCH + 1), answers.append)
    async with running(writer):
        await writer.flushed(within_s=10)
    assert answers == [None]


async def test_what_a_bad_entry_was_written_with_keeps_its_order_when_the_ledger_goes_away_in_the_middle() -> None:
    ledger = Ledger(poison="0")
    writer = Writer(ledger, Notebook())
    for number in range(4):
        writer.log(decision(number))
    async with running(writer):
        await writer.flushed(within_s=10)
    assert ledger.written == ["1", "2", "3"]


async def test_a_bad_entry_holds_nothing_up_that_came_after_an_absence() -> None:
    ledger = Ledger(away=1, poison="0")
    writer = Writer(ledger, Notebook())
    for number in range(2):
        writer.log(decision(number))
    async with running(writer):
        await writer.flushed(within_s=10)
    assert (ledger.written, writer.last_error) == (["1"], "")


async def test_what_a_former_process_has_left_comes_first_and_is_acknowledged() -> None:
    ledger, notebook = Ledger(), Notebook(waiting=[(1, decision(1)), (2, decision(2))])
    writer = Writer(ledger, notebook)
    writer.log(decision(3))
    async with running(writer):
        await writer.flushed(within_s=10)
    assert (ledger.written, notebook.upto) == (["1", "2", "3"], 3)


async def test_what_something_waits_for_is_not_kept_for_a_time_when_nobody_waits() -> None:
    notebook = Notebook()
    writer = Writer(Ledger(), notebook)
    writer.commit(decision(1), lambda _: None)
    writer.log(decision(2))
    assert [entry.token for entry in notebook.kept if isinstance(entry, Decision)] == ["2"]


async def test_what_the_ledger_refuses_is_kept_apart_and_acknowledged() -> None:
    notebook = Notebook()
    writer = Writer(Ledger(poison="0"), notebook)
    writer.log(decision(0))
    async with running(writer):
        await writer.flushed(within_s=10)
    assert (notebook.refused, notebook.upto) == ([decision(0)], 1)


async def test_who_wants_to_know_hears_that_the_database_is_away_and_that_it_is_there_again() -> None:
    heard: list[bool] = []
    writer = Writer(Ledger(away=2), Notebook(), on_database=heard.append)
    writer.log(decision(0))
    async with running(writer):
        await writer.flushed(within_s=10)
    assert heard == [False, True]


async def test_a_database_that_goes_away_is_noticed_though_nothing_is_written() -> None:
    heard: asyncio.Queue[bool] = asyncio.Queue()
    writer = Writer(Ledger(away=1), Notebook(), on_database=heard.put_nowait)
    async with running(writer), asyncio.timeout(10):
        assert [await heard.get(), await heard.get()] == [False, True]


async def test_who_ends_does_not_wait_for_a_database_that_is_away() -> None:
    writer = Writer(Ledger(away=1000), Notebook())
    writer.log(decision(0))
    async with running(writer), asyncio.timeout(5):
        await writer.flushed(within_s=0.1)


async def test_what_a_former_process_has_left_is_waited_for_before_it_is_read_back() -> None:
    ledger = Ledger(away=1)
    writer = Writer(ledger, Notebook(waiting=[(1, decision(1)), (2, decision(2))]))
    waiting = asyncio.create_task(writer.caught_up())
    async with running(writer):
        await waiting
        assert ledger.written == ["1", "2"]


async def test_where_nothing_was_left_there_is_nothing_to_wait_for() -> None:
    await Writer(Ledger(), Notebook()).caught_up()


async def test_what_the_ledger_refuses_is_not_waited_for() -> None:
    writer = Writer(Ledger(poison="1"), Notebook(waiting=[(1, decision(1))]))
    async with running(writer):
        await writer.caught_up()


async def test_a_journal_that_takes_nothing_is_not_waited_for_for_ever() -> None:
    writer = Writer(Ledger(away=1000), Notebook(full=True))
    writer.log(decision(1))
    async with running(writer):
        await writer.flushed(within_s=0.1)
