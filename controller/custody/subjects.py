"""Everything that is stored of one data subject: a customer, found by the keyed hash of their number.

What is decided about an objection or a restriction names no customer, so it is not here; the registers say what holds.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from controller.custody.custody import Custody
from controller.db import queries, subjects, tables
from controller.db.holdings import Holding, holdings
from controller.domain.decision import StoredDecision
from controller.domain.names import CallId
from controller.domain.records import (
    AccessRecord,
    CallRecord,
    DocumentRecord,
    ObjectionRecord,
    OutcomeRecord,
    RestrictionRecord,
    StoredState,
)
from controller.errors import RegisterRefused
from controller.faults import NO_NUMBER
from controller.numbers import canonical, hash_of

THERE = frozenset({StoredState.TAKING, StoredState.STORED})
"""What has a key still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A customer and what is stored of them. ``number`` is the one that was asked for, in its one spelling.

    ``holdings`` are by name, destroyed ones too; ``held`` are the calls on which a legal hold stands.
    """

    number: str
    calls: tuple[CallRecord, ...]
    recordings: tuple[queries.StoredRecording, ...]
    holdings: Mapping[str, Holding]
    decisions: tuple[StoredDecision, ...]
    documents: tuple[DocumentRecord, ...]
    outcomes: Mapping[CallId, OutcomeRecord]
    accesses: tuple[AccessRecord, ...]
    objections: tuple[ObjectionRecord, ...]
    restrictions: tuple[RestrictionRecord, ...]
    held: frozenset[CallId]

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is stored of them."""
        return not (self.calls or self.objections or self.restrictions)


def known_number(custody: Custody, text: str) -> tuple[str, bytes]:
    """A number in its one spelling, and its hash. Raises ``RegisterRefused``, without the number in its text."""
    number = canonical(text, custody.country)
    if not number:
        raise RegisterRefused(NO_NUMBER)
    return number, hash_of(number, custody.numbers_key)


async def found(custody: Custody, text: str, *, at: datetime) -> Subject:
    """All that is stored of whoever has this number. Raises ``RegisterRefused``, ``DatabaseAway``."""
    number, customer = known_number(custody, text)
    engine = custody.engine
    calls = await queries.calls_of(engine, customer)
    async with aclosing(holdings(engine, tables.call.c.customer_hash == customer, at=at)) as theirs:
        kept = {one.name: one async for one in theirs}
    return Subject(
        number=number,
        calls=tuple(calls),
        recordings=tuple([one for call in calls async for one in queries.recordings(engine, call=call.id)]),
        holdings=kept,
        decisions=tuple([one for call in calls async for one in queries.decisions(engine, call=call.id)]),
        documents=tuple(await subjects.documents_of(engine, customer)),
        outcomes={one.call_id: one for one in await subjects.outcomes_of(engine, customer)},
        accesses=tuple(await subjects.accesses_of(engine, customer)),
        objections=tuple(await subjects.objections_of(engine, customer)),
        restrictions=tuple(await subjects.restrictions_of(engine, customer)),
        held=await subjects.held_calls_of(engine, customer, at=at),
    )
