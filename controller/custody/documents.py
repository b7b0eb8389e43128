"""Documents made from recordings (evaluations, notes): sealed like them, and kept for a time of their own (CNIL).

The object is written before anything is known of it. Where that is broken off, what lies there is sealed by a key that
nobody has.
"""

import re
from collections.abc import AsyncGenerator, Generator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from controller.custody.calls import about_call, known_call
from controller.custody.custody import Custody
from controller.custody.judging import written
from controller.custody.listening import Listener, Use, granted
from controller.db.on_file import CallOnFile, DocumentOnFile, documents_on_file
from controller.db.tables import document
from controller.domain import retention
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId
from controller.domain.records import DocumentRecord, StoredRecord, StoredState, Tier
from controller.errors import RegisterRefused
from controller.runtime.clock import new_id, now
from controller.store.keys import new_key
from controller.threads import off_the_loop

__all__ = ["DocumentOnFile", "NewDocument", "add", "documents", "fetch"]

KEEPS_NONE = "purpose: must be one that keeps documents of analysis (purposes.*.analyses)"

_WORD = re.compile(r"[a-z][a-z-]{0,39}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """What is said of a document: a word for what it is (``evaluation``), and its media type (``text/plain``)."""

    call_id: CallId
    purpose: str
    kind: str
    media_type: str

    def __post_init__(self) -> None:
        """Raises ``RegisterRefused``: a word, since it stands in decisions, where nobody may be named."""
        if not _WORD.fullmatch(self.kind):
            raise RegisterRefused("kind: must be a word of small letters, such as evaluation")
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise RegisterRefused("media type: must be one, such as text/plain")


async def add(custody: Custody, new: NewDocument, pieces: Iterable[bytes], *, actor: str) -> DocumentRecord:
    """Keep a document about a call, for as long as its purpose keeps documents of analysis.

    Raises ``RegisterRefused`` where the purpose keeps none or there was no such call, ``StoreError``, ``DatabaseError``
    and whatever is raised in making ``pieces``.
    """
    call = await known_call(custody, new.call_id)
    added = DocumentRecord(
        id=new_id(),
        call_id=new.call_id,
        purpose=new.purpose,
        kind=new.kind,
        media_type=new.media_type,
        added_at=now(),
        added_by=actor,
    )
    due_at = _due(custody, added)
    stored = await off_the_loop(_sealed, custody, added, due_at, pieces)
    await custody.write([added, stored], _about(custody, added, call, stored))
    return added


def documents(custody: Custody, call_id: CallId | None = None) -> AsyncGenerator[DocumentOnFile, None]:
    """The documents that there are, of one call or of all, the oldest first. Raises ``DatabaseAway``."""
    return documents_on_file(custody.engine, *(() if call_id is None else (document.c.call_id == call_id,)))


async def fetch(custody: Custody, name: str, listener: Listener) -> Generator[bytes, None, None]:
    """What a document says, piece by piece: for threads. It is written first who asked for it.

    Raises what ``granted`` raises; the pieces raise ``StoreError``.
    """
    found = await granted(custody, name, listener, Use.FETCH)
    return custody.vault.pieces(found.stored)


def _due(custody: Custody, added: DocumentRecord) -> datetime:
    purpose = custody.policy().purposes.get(added.purpose)
    due_at = retention.due(purpose, added.added_at, is_document=True) if purpose else None
    if due_at is None:
        raise RegisterRefused(KEEPS_NONE)
    return due_at


def _sealed(custody: Custody, added: DocumentRecord, due_at: datetime, pieces: Iterable[bytes]) -> StoredRecord:
    key = new_key()
    name = f"documents/{added.added_at:%Y/%m}/{added.id}.age"
    content = custody.vault.put(name, pieces, key)
    wrapped = custody.vault.masters.wrap(key)
    return StoredRecord(
        recording=added.id,
        state=StoredState.STORED,
        object=name,
        sealed_key=wrapped.sealed,
        master=wrapped.master,
        sha256=content.sha256,
        octets=content.octets,
        tier=Tier.ACTIVE,
        stored_at=now(),
        due_at=due_at,
    )


def _about(custody: Custody, added: DocumentRecord, call: CallOnFile, stored: StoredRecord) -> Decision:
    facts = {"recording": added.id, "document": added.kind, "due_at": written(stored.due_at)}
    about = about_call(
        custody,
        call,
        Kind.RETAIN,
        Verdict.APPLIED,
        Reason.STORED,
        actor=added.added_by,
        purpose=added.purpose,
        facts=facts,
    )
    return replace(about, rule=f"purposes.{added.purpose}")
