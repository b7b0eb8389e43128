"""Documents that were made from recordings: sealed, kept for a time of their own, and given out on record."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from controller.custody import documents
from controller.custody.custody import Custody
from controller.custody.documents import NewDocument
from controller.custody.listening import Listener, Use, granted
from controller.custody.retention import run
from controller.domain.names import CallId
from controller.domain.policy import Period
from controller.domain.records import DocumentRecord, RestrictionRecord, StoredRecord, StoredState, Tier
from controller.errors import NotForYou, ObjectGone, RegisterRefused
from tests.integration.entries import a_call_id
from tests.integration.stores import (
    CUSTOMER,
    ENDED,
    after,
    ask,
    broken_chains,
    call_of,
    custody,
    decided,
    facts,
    put,
    put_call,
    seen,
    vault,
)

__all__ = ["custody", "vault"]
NOTES = [b"listened well, ", b"forgot to say goodbye"]


def evaluation(call: CallId, purpose: str = "quality", kind: str = "evaluation") -> NewDocument:
    return NewDocument(call_id=call, purpose=purpose, kind=kind, media_type="text/plain")


async def added(custody: Custody, call: CallId) -> DocumentRecord:
    return await documents.add(custody, evaluation(call), NOTES, actor="cli:coach")


async def read(custody: Custody, name: str, why: str | None = None) -> bytes:
    return b"".join(await documents.fetch(custody, name, Listener(who="cli:coach", why=why)))


async def test_a_document_is_sealed_under_a_key_of_its_own_and_given_out_on_record(
    custody: Custody, database: str
) -> None:
    call = await put_call(custody)
    made = await added(custody, call)
    assert list(custody.vault.objects.names()) == [f"documents/{made.added_at:%Y/%m}/{made.id}.age"]
    [listed] = [one async for one in documents.documents(custody, call)]
    assert (listed.document, listed.octets) == (made, sum(map(len, NOTES)))
    assert listed.due_at == Period(years=1).after(made.added_at)
    assert b"".join(custody.vault.objects.pieces(f"documents/{made.added_at:%Y/%m}/{made.id}.age")).find(NOTES[0]) < 0
    assert ask(database, "SELECT 1 FROM access") == []
    assert await read(custody, made.id, "for the interview") == b"".join(NOTES)
    assert ask(database, "SELECT who, action, what, why FROM access") == [
        ("cli:coach", "fetch", made.id, "for the interview")
    ]
    assert decided(database) == [("retain", "applied", "stored")]
    assert facts(database, "stored")[0]["recording"] == made.id
    assert broken_chains(database) == []


async def test_documents_are_listed_by_call_or_all(custody: Custody) -> None:
    first, second = await put_call(custody), await put_call(custody)
    made = [await added(custody, first), await added(custody, second), await added(custody, first)]
    assert [one.document async for one in documents.documents(custody)] == made
    assert [one.document async for one in documents.documents(custody, first)] == [made[0], made[2]]


async def test_a_document_outlives_its_recording_and_ends_by_its_own_period(custody: Custody, database: str) -> None:
    recorded = await put(custody)
    made = await added(custody, call_of(recorded))
    await run(custody, at=after(months=6), dry_run=False, actor="daemon")
    assert seen(database, recorded).state == "destroyed"
    assert await read(custody, made.id) == b"".join(NOTES)
    await run(custody, at=Period(years=1).after(made.added_at), dry_run=False, actor="daemon")
    assert list(custody.vault.objects.names()) == []
    with pytest.raises(ObjectGone):
        await read(custody, made.id)
    assert [one async for one in documents.documents(custody)] == []
    assert ask(database, "SELECT count(*) FROM erasure") == [(2,)]


@pytest.mark.parametrize(
    ("purpose", "fault"),
    [("insurance", "keeps documents"), ("nothing-we-know", "keeps documents")],
)
async def test_no_document_is_kept_where_the_purpose_keeps_none(custody: Custody, purpose: str, fault: str) -> None:
    with pytest.raises(RegisterRefused, match=fault):
        await documents.add(custody, evaluation(await put_call(custody), purpose), NOTES, actor="cli:coach")
    assert list(custody.vault.objects.names()) == []


async def test_no_document_is_kept_about_a_call_that_never_was(custody: Custody) -> None:
    with pytest.raises(RegisterRefused, match="no such call"):
        await added(custody, a_call_id())


@pytest.mark.parametrize("kind", ["", "Mme Exemple", "évaluation", "a" * 41])
def test_what_a_document_is_is_told_in_a_word_since_it_stands_in_decisions(kind: str) -> None:
    with pytest.raises(RegisterRefused, match="kind"):
        evaluation(a_call_id(), kind=kind)


def test_a_media_type_is_one() -> None:
    with pytest.raises(RegisterRefused, match="media type"):
        NewDocument(call_id=a_call_id(), purpose="quality", kind="notes", media_type="text")


async def test_a_document_whose_content_breaks_off_is_none(custody: Custody, database: str) -> None:
    def breaks() -> Iterator[bytes]:
        yield NOTES[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await documents.add(custody, evaluation(await put_call(custody)), breaks(), actor="cli:coach")
    assert list(custody.vault.objects.names()) == []
    assert ask(database, "SELECT 1 FROM document") == []


async def test_what_is_restricted_is_given_to_nobody(custody: Custody, database: str) -> None:
    made = await added(custody, await put_call(custody))
    await custody.write([RestrictionRecord(customer_hash=CUSTOMER, at=ENDED)])
    with pytest.raises(NotForYou):
        await read(custody, made.id)
    assert ask(database, "SELECT who, action, what FROM access") == [("cli:coach", "refused-fetch", made.id)]


async def test_what_is_archived_is_given_to_who_says_why(custody: Custody, database: str) -> None:
    made = await added(custody, await put_call(custody))
    await custody.write([StoredRecord(recording=made.id, state=StoredState.STORED, tier=Tier.ARCHIVE)])
    with pytest.raises(NotForYou):
        await read(custody, made.id)
    assert ask(database, "SELECT who, action, what FROM access") == [("cli:coach", "refused-fetch", made.id)]
    assert await read(custody, made.id, "a claim") == b"".join(NOTES)


async def test_a_recording_is_no_document_and_a_document_nothing_to_listen_to(custody: Custody, database: str) -> None:
    recorded = await put(custody)
    made = await added(custody, call_of(recorded))
    with pytest.raises(ObjectGone, match="document"):
        await read(custody, recorded.recording)
    with pytest.raises(ObjectGone, match="recording"):
        await granted(custody, made.id, Listener(who="cli:coach"), Use.LISTEN)
    assert ask(database, "SELECT 1 FROM access") == []


def test_a_year_of_a_document_begins_when_it_is_added() -> None:
    added_at = datetime(2028, 2, 29, tzinfo=ENDED.tzinfo)
    assert Period(years=1).after(added_at) == datetime(2029, 2, 28, tzinfo=ENDED.tzinfo)
