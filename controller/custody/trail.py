"""How it came to what is stored, as people look it up: the decisions about a call, and who had a recording of it.

It exists for whom a recording of the call exists (``controller.custody.finding``): of a call that was never recorded,
an excluded one too, nobody is told anything here.
"""

from contextlib import aclosing
from dataclasses import dataclass

from sqlalchemy import func

from controller.custody.custody import Custody
from controller.custody.finding import Search, found_by
from controller.custody.listening import Listener
from controller.custody.subjects import known_number
from controller.db import subjects
from controller.db.holdings import holdings
from controller.db.on_file import accesses_on_file, holds_of_call
from controller.db.queries import decisions
from controller.db.tables import document, recording
from controller.domain.decision import Reason, StoredDecision
from controller.domain.names import CallId
from controller.domain.records import AccessRecord, ObjectionRecord, RestrictionRecord, Tier
from controller.errors import ObjectGone
from controller.runtime.clock import now

MOST_ACCESSES = 200
"""How many are shown of one recording; the log has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on file of a customer beside their calls, past ones too, the oldest first."""

    objections: tuple[ObjectionRecord, ...]
    restrictions: tuple[RestrictionRecord, ...]


async def decisions_about(custody: Custody, call_id: CallId, listener: Listener) -> list[StoredDecision]:
    """Every decision about a call that is of a purpose of theirs, or of none, in the order in which they were written.

    Of what is, or was, in the intermediate archive there is nothing for who may not open that. Raises ``ObjectGone``
    where no recording of the call exists for them, ``DatabaseAway``.
    """
    theirs = await found_by(custody, Search(call=call_id, limit=1), listener)
    if not theirs.holdings:
        raise ObjectGone("no recording of such a call is stored")
    names, purposes = await _out_of_sight(custody, call_id, listener)
    async with aclosing(decisions(custody.engine, call=call_id)) as found:
        return [
            one
            async for one in found
            if one.purpose is None or (listener.may_know(one.purpose, None) and one.purpose not in purposes)
            if one.facts.get("recording") not in names
        ]


async def _out_of_sight(custody: Custody, call_id: CallId, listener: Listener) -> tuple[set[str], set[str]]:
    """What lies, or lay, in the archive, by name, and the purposes of which nothing lies elsewhere."""
    if listener.archive:
        return set(), set()
    about = func.coalesce(recording.c.call_id, document.c.call_id) == call_id
    async with aclosing(holdings(custody.engine, about, at=now())) as found:
        of = {one.name: one async for one in found}
    names = {name for name, one in of.items() if one.stored.tier is Tier.ARCHIVE}
    return names, {of[name].purpose for name in names} - {of[name].purpose for name in of.keys() - names}


async def accesses_to(custody: Custody, name: str) -> list[AccessRecord]:
    """Who had a recording, or was refused it, the newest first. Raises ``DatabaseAway``."""
    return await accesses_on_file(custody.engine, name, limit=MOST_ACCESSES)


async def why_held(custody: Custody, call_id: CallId) -> dict[tuple[str, str], str]:
    """Why each hold of a call was placed, and why it was lifted, by its id and the reason of the decision.

    It may name people, so it is in no decision; it is for who sees holds. Raises ``DatabaseAway``.
    """
    said = {}
    for hold in await holds_of_call(custody.engine, call_id):
        said[hold.id, Reason.HOLD_PLACED.value] = hold.why
        if hold.lifted_why:
            said[hold.id, Reason.HOLD_LIFTED.value] = hold.lifted_why
    return said


async def standing_of(custody: Custody, number: str) -> Standing:
    """What a customer has on file. Raises ``RegisterRefused``, ``DatabaseAway``."""
    _, customer = known_number(custody, number)
    return Standing(
        objections=tuple(await subjects.objections_of(custody.engine, customer)),
        restrictions=tuple(await subjects.restrictions_of(custody.engine, customer)),
    )
