"""A data subject's copy of what is stored of them (GDPR art. 15(3)), as a folder that a person then looks through.

Others speak in a recording too, and their rights stand beside those of the data subject (art. 15(4)): nothing here is
released. ``review.csv`` asks for each recording whether it may be; ``releasing`` makes what goes out.
"""

import csv
import json
import mimetypes
import shutil
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from controller.config.settings import DataController
from controller.custody.bridge import from_thread
from controller.custody.custody import Custody
from controller.custody.subjects import Subject, found
from controller.custody.telling import Told, is_quarantined, page, told, told_decisions
from controller.custody.words import LANGUAGES
from controller.db.holdings import Holding
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.records import AccessRecord, DocumentRecord, StoredState
from controller.errors import RegisterRefused
from controller.runtime.clock import new_token, now
from controller.sealed_numbers import display_key
from controller.threads import off_the_loop

CALLS = "calls.json"
DECISIONS = "decisions.json"
REVIEW = "review.csv"
COLUMNS = ("name", "file", "release", "why")
UNDECIDED = "undecided"
EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the audio of a recording is given: the end of its file's name, and its bytes."""

    suffix: str
    pieces: Callable[[Holding], AsyncGenerator[bytes, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What a folder says: of the calls, and of what was decided about them."""

    what: Told
    decisions: list[Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How many calls a folder tells of, and how many files a person has to look at."""

    calls: int
    files: int


async def export(
    custody: Custody, number: str, folder: Path, *, data_controller: DataController, encoding: Encoding, actor: str
) -> Exported | None:
    """Make ``folder``, which must not exist; None where nothing is stored of this customer, and no folder is made.

    It is written down who had what before anything is written out. What is quarantined is not in it; what is restricted
    is, for its data subject asks. Raises ``RegisterRefused``, ``DatabaseError``, ``StoreError``: then there is no
    folder.
    """
    if await off_the_loop(folder.exists):
        raise RegisterRefused(f"{folder}: is there already")
    at = now()
    subject = await found(custody, number, at=at)
    files = _files(subject, encoding)
    await _written_down(custody, subject, files, actor)
    if subject.is_unknown:
        return None
    what = told(
        subject,
        files,
        data_controller=data_controller,
        policy=custody.policy(),
        display_key=display_key(custody.numbers_key),
        at=at,
    )
    copy = Copy(what=what, decisions=told_decisions(subject.decisions))

    def content(name: str) -> AsyncGenerator[bytes, None]:
        one = subject.holdings[name]
        return from_thread(custody.vault.pieces(one.stored)) if one.is_document else encoding.pieces(one)

    await _made(folder, copy, files, content)
    return Exported(calls=len(subject.calls), files=len(files))


async def _written_down(custody: Custody, subject: Subject, files: Mapping[str, str], actor: str) -> None:
    facts: dict[str, Fact] = {"action": EXPORT, "calls": len(subject.calls), "files": len(files)}
    decision = custody.in_general(Kind.ACCESS, Verdict.APPLIED, Reason.SUBJECT_REQUEST, actor=actor, facts=facts)
    names = [*(call.id for call in subject.calls), *files]
    await custody.write([accessed(name, EXPORT, actor) for name in names], decision)


def accessed(what: str, action: str, actor: str) -> AccessRecord:
    """Somebody had something, on behalf of its data subject."""
    why = Reason.SUBJECT_REQUEST.value
    return AccessRecord(id=new_token(f"{action}:{what}"), at=now(), who=actor, action=action, what=what, why=why)


def _files(subject: Subject, encoding: Encoding) -> dict[str, str]:
    """Where the content of what may be exported goes, by name."""
    documents = {one.id: one for one in subject.documents}
    return {
        one.name: _document(documents[one.name]) if one.is_document else f"audio/{one.name}{encoding.suffix}"
        for one in subject.holdings.values()
        if one.stored.state is StoredState.STORED and not is_quarantined(one)
    }


def _document(one: DocumentRecord) -> str:
    return f"documents/{one.id}{mimetypes.guess_extension(one.media_type) or '.bin'}"


async def _made(
    folder: Path, copy: Copy, files: Mapping[str, str], content: Callable[[str], AsyncGenerator[bytes, None]]
) -> None:
    try:
        await off_the_loop(folder.mkdir, mode=0o700)
    except OSError as error:
        raise RegisterRefused(f"{folder}: {error.strerror}") from None
    try:
        for name, file in files.items():
            await _write(folder / file, content(name))
        await off_the_loop(write_texts, folder, copy)
        await off_the_loop(_ask, folder / REVIEW, files)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def write_texts(folder: Path, copy: Copy) -> None:
    """All but the content: JSON for machines, and the page of each language for people."""
    for name, what in ((CALLS, copy.what), (DECISIONS, copy.decisions)):
        (folder / name).write_text(json.dumps(what, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for language in LANGUAGES:
        (folder / f"index.{language}.html").write_text(page(language, copy.what, copy.decisions), encoding="utf-8")


async def _write(path: Path, pieces: AsyncGenerator[bytes, None]) -> None:
    await off_the_loop(path.parent.mkdir, mode=0o700, exist_ok=True)
    async with aclosing(pieces):
        with await off_the_loop(path.open, "wb") as file:
            async for piece in pieces:
                await off_the_loop(file.write, piece)


def _ask(path: Path, files: Mapping[str, str]) -> None:
    _rows(path, [(name, where, UNDECIDED, "") for name, where in files.items()])


def reviewed(path: Path, answers: Mapping[str, str]) -> None:
    """Answer what ``review.csv`` asks, by name."""
    _rows(path, [(name, "", said, "") for name, said in answers.items()])


def _rows(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(COLUMNS)
        sheet.writerows(rows)
