"""Who may have what is stored. Nothing is given out before it is written who asked for it, and why.

What comes out is made by ``controller.custody.rendering``; this says whether it may.
"""

from dataclasses import dataclass
from enum import StrEnum

from controller.custody.custody import Custody
from controller.db.holdings import Holding, holding
from controller.domain.records import AccessRecord, RecordingState, StoredState, Tier
from controller.errors import NotForYou, ObjectGone
from controller.runtime.clock import new_token, now


class Action(StrEnum):
    """What somebody does with what is stored."""

    LISTEN = "listen"
    """To a recording."""
    FETCH = "fetch"
    """What a document says."""
    TAKE = "take"
    """The object of either as it is sealed, with its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody who asks. ``roles`` None: whoever may do everything here, such as the user of the command line.

    ``why`` is the reason that they give; ``archive`` whether they may have what is in the intermediate archive.
    """

    who: str
    roles: frozenset[str] | None = None
    archive: bool = True
    why: str | None = None


async def granted(custody: Custody, name: str, listener: Listener, action: Action = Action.LISTEN) -> Holding:
    """The recording, or the document, once it is written that this listener has it.

    Raises ``ObjectGone`` where there is none, or none for them; ``NotForYou`` where it is out of everybody's reach, or
    a reason is missing; ``DatabaseError`` where it cannot be written: then nobody gets anything.
    """
    found = await holding(custody.engine, name, at=now())
    if found is None or not _is_for(found, action) or not _theirs(custody, found, listener):
        raise ObjectGone(f"no such {'document' if action is Action.FETCH else 'recording'} is stored")
    refusal = _refusal(found, listener)
    if refusal is not None:
        await _written(custody, found, listener, f"refused-{action}")
        raise NotForYou(refusal)
    await _written(custody, found, listener, action)
    return found


def _is_for(found: Holding, action: Action) -> bool:
    return action is Action.TAKE or found.is_document is (action is Action.FETCH)


def _theirs(custody: Custody, found: Holding, listener: Listener) -> bool:
    """Whether it exists for this listener (GDPR art. 32; CNIL: only the services that the purpose concerns)."""
    if found.stored.state is not StoredState.STORED:
        return False
    if listener.roles is None:
        return True
    purpose = custody.policy().purposes.get(found.purpose)
    return purpose is not None and bool(listener.roles.intersection(purpose.listeners))


def _refusal(found: Holding, listener: Listener) -> str | None:
    if not found.is_document and (found.quarantined_from is not None or found.state is not RecordingState.ENDED):
        return "it may hold what had to be left out: nobody listens to it"
    if found.restricted:
        return "it is only stored: its customer has had processing restricted (GDPR art. 18)"
    if found.stored.tier is Tier.ARCHIVE and not listener.archive:
        return "it is in the intermediate archive, which needs a role of its own"
    if found.stored.tier is Tier.ARCHIVE and not listener.why:
        return "it is in the intermediate archive: say why"
    return None


async def _written(custody: Custody, found: Holding, listener: Listener, action: str) -> None:
    entry = AccessRecord(
        id=new_token("access"), at=now(), who=listener.who, action=action, what=found.name, why=listener.why
    )
    await custody.write([entry])
