"""What goes out to a data subject, once a person has decided of each recording and document whether it may.

Reads the folder that ``exporting`` has made; what is not released is left out, and the pages say that it was withheld.
"""

import csv
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from controller.custody.custody import Custody
from controller.custody.exporting import CALLS, COLUMNS, DECISIONS, REVIEW, Copy, accessed, write_texts
from controller.custody.telling import Told, is_quarantined
from controller.db.holdings import holding
from controller.domain.decision import Fact, Kind, Reason, Verdict
from controller.domain.records import StoredState
from controller.errors import RegisterRefused
from controller.faults import Code, Fault
from controller.runtime.clock import now
from controller.threads import off_the_loop

RELEASE = "release"
_ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Where it is, what is in it and what is not, by name."""

    archive: Path
    released: tuple[str, ...]
    withheld: tuple[str, ...]


async def release(custody: Custody, folder: Path, *, actor: str) -> Released:
    """Make ``folder``.zip of what is released.

    It is written down before. Raises ``RegisterRefused`` where something is undecided, has been quarantined or
    destroyed since, or the folder is not as it was made; ``DatabaseError``.
    """
    folder = await off_the_loop(folder.resolve)
    copy = await off_the_loop(_read, folder)
    files = dict(_files(copy.what))
    answers = await off_the_loop(_answers, folder, files)
    released = {name: files[name] for name, yes in answers.items() if yes}
    withheld = frozenset(name for name, yes in answers.items() if not yes)
    await _still_there(custody, released)
    facts: dict[str, Fact] = {"action": RELEASE, "files": len(released), "withheld": len(withheld)}
    decision = custody.in_general(Kind.ACCESS, Verdict.APPLIED, Reason.SUBJECT_REQUEST, actor=actor, facts=facts)
    await custody.write([accessed(name, RELEASE, actor) for name in released], decision)
    archive = folder.with_name(f"{folder.name}.zip")
    told = Copy(what=_without(copy.what, withheld), decisions=copy.decisions)
    await off_the_loop(_zipped, folder, archive, told, tuple(released.values()))
    return Released(archive=archive, released=tuple(released), withheld=tuple(sorted(withheld)))


def _read(folder: Path) -> Copy:
    try:
        return Copy(
            what=json.loads((folder / CALLS).read_bytes()), decisions=json.loads((folder / DECISIONS).read_bytes())
        )
    except (OSError, ValueError):
        raise RegisterRefused(f"{folder}: is not a folder that subject export has made") from None


def _files(what: Told) -> Iterator[tuple[str, str]]:
    """The files in the folder by the names of what they hold; never one outside of it."""
    for call in what["calls"]:
        for one in (*call["recordings"], *call["documents"]):
            if one["file"] is None:
                continue
            place, _, name = one["file"].partition("/")
            if place not in {"audio", "documents"} or name != Path(name).name:
                raise RegisterRefused(f"{CALLS}: {one['name']}: its file must be in the folder")
            yield one["name"], one["file"]


def _answers(folder: Path, files: Mapping[str, str]) -> dict[str, bool]:
    """Whether each is released. Raises ``RegisterRefused`` with every fault."""
    review = folder / REVIEW
    try:
        rows = list(csv.DictReader(review.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError):
        raise RegisterRefused(f"{review}: cannot be read") from None
    said = {row.get(COLUMNS[0]) or "": (row.get(COLUMNS[2]) or "").strip().lower() for row in rows}
    faults = [f"{REVIEW}: {name or 'a row'}: is none of the folder's" for name in said if name not in files]
    faults += [f"{REVIEW}: {name}: release: must be yes or no" for name in files if said.get(name) not in _ANSWERS]
    faults += [f"{file}: is not in the folder" for file in files.values() if not (folder / file).is_file()]
    if faults:
        raise RegisterRefused(*faults)
    return {name: _ANSWERS[said[name]] for name in files}


async def _still_there(custody: Custody, released: Mapping[str, str]) -> None:
    """Between the export and the release it may have been found that nobody may hear it, or its time may be over."""
    faults = []
    for name in released:
        one = await holding(custody.engine, name, at=now())
        if one is None or one.stored.state is not StoredState.STORED or is_quarantined(one):
            faults.append(
                Fault(Code.OUT_OF_REACH, f"{name}: is quarantined or destroyed by now: export again", name=name)
            )
    if faults:
        raise RegisterRefused(*faults)


def _zipped(folder: Path, archive: Path, copy: Copy, released: Sequence[str]) -> None:
    """Whole or not at all, and readable by its owner alone."""
    handle, partial = tempfile.mkstemp(dir=folder.parent, prefix=f".{folder.name}-")
    try:
        with tempfile.TemporaryDirectory() as texts, os.fdopen(handle, "wb") as file, ZipFile(file, "w") as zipped:
            write_texts(Path(texts), copy)
            for one in sorted(Path(texts).iterdir()):
                zipped.write(one, one.name, ZIP_DEFLATED)
            for place in released:
                zipped.write(folder / place, place)
        Path(partial).replace(archive)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _without(what: Told, withheld: frozenset[str]) -> Told:
    """The same, where what is withheld has no file and says why."""
    calls = [
        {**call, **{kind: [_told(one, withheld) for one in call[kind]] for kind in ("recordings", "documents")}}
        for call in what["calls"]
    ]
    return {**what, "calls": calls}


def _told(one: Told, withheld: frozenset[str]) -> Told:
    return {**one, "file": None, "absent": "rights-of-others"} if one["name"] in withheld else one
