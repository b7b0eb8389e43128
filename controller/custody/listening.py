"""Who may have what is stored. Nothing is given out before it is written who asked for it, and why.

What comes out is made by ``controller.custody.rendering``; this says whether it may.
"""

from dataclasses import dataclass
from enum import StrEnum

from controller.custody.custody import Custody
from controller.db.holdings import Holding, holding
from controller.domain.records import AccessRecord, RecordingState, StoredState, Tier
from controller.errors import NotForYou, ObjectGone
from controller.faults import Code, Fault
from controller.runtime.clock import new_token, now


class Use(StrEnum):
    """What somebody does with what is stored."""

    LISTEN = "listen"
    """To a recording."""
    FETCH = "fetch"
    """What a document says."""
    TAKE = "take"
    """The object of either as it is sealed, with its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody who asks. ``purposes`` None: of every purpose, as for the user of the command line.

    ``why`` is the reason that they give; ``archive`` whether they may have what is in the intermediate archive: it does
    not exist for who may not.
    """

    who: str
    purposes: frozenset[str] | None = None
    archive: bool = True
    why: str | None = None

    def may_know(self, purpose: str, tier: Tier | None) -> bool:
        """Whether what serves this purpose, and lies in this tier, exists for them (GDPR art. 32; CNIL)."""
        return (self.archive or tier is not Tier.ARCHIVE) and (self.purposes is None or purpose in self.purposes)


async def granted(custody: Custody, name: str, listener: Listener, use: Use = Use.LISTEN) -> Holding:
    """The recording, or the document, once it is written that this listener has it.

    Raises ``ObjectGone`` where there is none, or none for them; ``NotForYou`` where it is out of everybody's reach, or
    a reason is missing; ``DatabaseError`` where it cannot be written: then nobody gets anything.
    """
    found = await holding(custody.engine, name, at=now())
    if found is None or not _is_for(found, use) or not _is_there(found, listener):
        raise ObjectGone(f"no such {'document' if use is Use.FETCH else 'recording'} is stored")
    refusal = _refusal(custody, found, listener)
    if refusal is not None:
        await _written(custody, found, listener, f"refused-{use}")
        raise NotForYou(refusal)
    await _written(custody, found, listener, use)
    return found


def _is_for(found: Holding, use: Use) -> bool:
    return use is Use.TAKE or found.is_document is (use is Use.FETCH)


def _is_there(found: Holding, listener: Listener) -> bool:
    return found.stored.state is StoredState.STORED and listener.may_know(found.purpose, found.stored.tier)


def reason_required(custody: Custody, purpose: str, tier: Tier | None) -> bool:
    """Whether who has what serves this purpose, and lies in this tier, must say why: by the policy, or the archive.

    What the policy says nothing of any more asks for it.
    """
    described = custody.policy().purposes.get(purpose)
    return tier is Tier.ARCHIVE or described is None or described.reason_required


def _refusal(custody: Custody, found: Holding, listener: Listener) -> Fault | None:
    if not found.is_document and (found.quarantined_from is not None or found.state is not RecordingState.ENDED):
        return Fault(Code.QUARANTINED, "it may hold what had to be left out: nobody listens to it")
    if found.restricted:
        return Fault(Code.RESTRICTED, "it is only stored: its customer has had processing restricted (GDPR art. 18)")
    if not (listener.why or "").strip() and reason_required(custody, found.purpose, found.stored.tier):
        return Fault(Code.REASON_WANTED, "its purpose, or the intermediate archive, asks for a reason: say why")
    return None


async def _written(custody: Custody, found: Holding, listener: Listener, action: str) -> None:
    entry = AccessRecord(
        id=new_token("access"), at=now(), who=listener.who, action=action, what=found.name, why=listener.why
    )
    await custody.write([entry])
