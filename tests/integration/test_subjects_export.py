"""What a data subject is given: made of real sealed audio, opened again, and nothing of anybody else in it."""

import csv
import json
import stat
from collections.abc import AsyncGenerator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.config.settings import DataController
from controller.custody.bridge import from_thread
from controller.custody.exporting import CALLS, DECISIONS, REVIEW, Encoding, Exported, export
from controller.custody.rectifying import restrict
from controller.custody.releasing import Released, release
from controller.custody.telling import is_quarantined
from controller.db.holdings import Holding
from controller.db.ledger import PostgresLedger
from controller.domain.records import AccessRecord, RecordingState
from controller.errors import ObjectGone, RegisterRefused
from controller.runtime.clock import new_token, now
from tests.integration.archive import ADA, BEN, Archive
from tests.integration.entries import an_objection

SCRIPT = '<script>alert("!")</script>'
COMPANY = DataController(name="Exemple & Fils <SA>", contact="dpo@exemple.example")
PAGES = ("index.fr.html", "index.en.html")


@pytest.fixture
def archive(engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path) -> Archive:
    return Archive(engine, ledger, database=database, folder=tmp_path)


class Elements(HTMLParser):
    """The names of a page's elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def as_stored(archive: Archive) -> Encoding:
    """The WAV, whose bytes can be told again."""
    return Encoding(suffix=".wav", pieces=lambda one: from_thread(archive.custody.vault.pieces(one.stored)))


async def exported(archive: Archive, number: str = ADA, encoding: Encoding | None = None) -> Path:
    folder = archive.folder / "export"
    made = await export(
        archive.custody,
        number,
        folder,
        data_controller=COMPANY,
        encoding=encoding or as_stored(archive),
        actor="cli:somebody",
    )
    assert isinstance(made, Exported)
    return folder


def answered(folder: Path, **answers: str) -> None:
    """Say of each file what is to become of it; ``rest`` of all others."""
    rows = list(csv.DictReader((folder / REVIEW).read_text(encoding="utf-8").splitlines()))
    with (folder / REVIEW).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "release": answers.get(row["name"], answers.get("rest", ""))} for row in rows)


def pages(folder: Path) -> Iterator[Elements]:
    for name in PAGES:
        yield Elements((folder / name).read_text(encoding="utf-8"))


async def test_an_export_holds_the_audio_the_calls_and_the_decisions_of_one_customer(archive: Archive) -> None:
    hers, his = await archive.call(ADA, queue="support"), await archive.call(BEN, queue="nobody-elses")
    mine, document, other = (
        await archive.stored(hers),
        await archive.document(hers, b"They were polite."),
        await archive.stored(his),
    )
    folder = await exported(archive)
    assert (folder / "audio" / f"{mine}.wav").read_bytes() == archive.audio().read_bytes()
    assert (folder / "documents" / f"{document}.txt").read_bytes() == b"They were polite."
    [call] = json.loads((folder / CALLS).read_text())["calls"]
    assert (call["id"], call["number"], [one["name"] for one in call["recordings"]]) == (
        hers.id,
        "+33639980001",
        [mine],
    )
    assert [one["call_id"] for one in json.loads((folder / DECISIONS).read_text())] == [hers.id]
    everything = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert not [word for word in (his.id, other, "33639980002", "nobody-elses") if word in everything]


async def test_nobody_else_may_enter_the_folder(archive: Archive) -> None:
    await archive.stored(await archive.call(ADA))
    folder = await exported(archive)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(RegisterRefused, match="is there already"):
        await exported(archive)


async def test_the_pages_say_in_two_languages_what_is_stored_and_where_to_complain(archive: Archive) -> None:
    call = await archive.call(ADA)
    name = await archive.stored(call)
    folder = await exported(archive)
    french, english = pages(folder)
    for page in (french, english):
        for word in (COMPANY.name, COMPANY.contact, "+33639980001", call.id, f"audio/{name}.wav", "CNIL", "2026-03-02"):
            assert word in page.text
        assert "quality-managers" in page.text
    assert "Le responsable du traitement est" in french.text
    assert "un intérêt légitime" in french.text
    assert "L'appel n'est pas enregistré\u00a0: une personne s'y est opposée" in french.text
    assert "The call is not recorded: somebody objected during the call." in english.text


async def test_no_text_becomes_markup(archive: Archive) -> None:
    """A queue is whatever a dialplan says, and a reason whatever somebody has typed."""
    call = await archive.call(ADA, queue=SCRIPT)
    name = await archive.stored(call)
    why = "<img src=x onerror=alert(1)>"
    entry = AccessRecord(id=new_token("a"), at=now(), who="cli:mallory", action="listen", what=name, why=why)
    await archive.custody.write([entry])
    customer = call.customer_hash
    await archive.custody.ledger.write([an_objection(customer_hash=customer, scope="<b>scope</b>")])
    for page in pages(await exported(archive)):
        assert not {"script", "img", "b"} & page.names
        for text in (SCRIPT, why, "<b>scope</b>", COMPANY.name):
            assert text in page.text


async def test_nothing_is_said_of_employees(archive: Archive) -> None:
    """CJEU, C-579/21: when and why somebody had access, not who."""
    call = await archive.call(ADA, agent="20177")
    name = await archive.stored(call)
    entry = AccessRecord(id=new_token("a"), at=now(), who="cli:mallory", action="listen", what=name, why="a complaint")
    await archive.custody.write([entry])
    folder = await exported(archive)
    everything = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert "a complaint" in everything
    assert not [word for word in ("20177", "mallory", "agent:201") if word in everything]


@pytest.mark.parametrize(
    "changes", [{"state": RecordingState.QUARANTINED}, {"quarantined_from": now()}], ids=["whole", "from a moment on"]
)
async def test_what_is_quarantined_is_never_exported(archive: Archive, changes: dict[str, Any]) -> None:
    call = await archive.call(ADA)
    await archive.stored(call, **changes)
    folder = await exported(archive)
    assert not (folder / "audio").exists()
    assert "Out of hearing for everybody" in (folder / "index.en.html").read_text()
    assert len((folder / REVIEW).read_text().splitlines()) == 1


async def test_what_is_restricted_is_given_to_its_data_subject(archive: Archive) -> None:
    name = await archive.stored(await archive.call(ADA))
    await restrict(archive.custody, ADA, actor="cli:somebody")
    folder = await exported(archive)
    assert (folder / "audio" / f"{name}.wav").exists()
    assert "Processing is restricted since" in (folder / "index.en.html").read_text()


async def test_every_export_leaves_who_had_what_and_why(archive: Archive) -> None:
    call = await archive.call(ADA)
    name = await archive.stored(call)
    await exported(archive)
    rows = archive.rows("SELECT who, action, what, why FROM access ORDER BY what")
    about = {"who": "cli:somebody", "action": "export", "why": "subject-request"}
    assert rows == sorted([{**about, "what": call.id}, {**about, "what": name}], key=lambda row: row["what"])
    [row] = archive.rows("SELECT verdict, reason, call_id, facts FROM decision WHERE kind = 'access'")
    assert (row["verdict"], row["reason"], row["call_id"]) == ("applied", "subject-request", None)
    assert row["facts"] == {"action": "export", "calls": 1, "files": 1}


async def test_of_whom_nothing_is_stored_no_folder_is_made(archive: Archive) -> None:
    await archive.call(None)
    await archive.call(BEN)
    folder = archive.folder / "export"
    encoding = as_stored(archive)
    made = await export(archive.custody, ADA, folder, data_controller=COMPANY, encoding=encoding, actor="cli:somebody")
    assert (made, folder.exists()) == (None, False)
    assert archive.decided("access") == [("applied", "subject-request", None)]


async def test_an_export_that_fails_leaves_no_folder_behind(archive: Archive) -> None:
    name = await archive.stored(await archive.call(ADA))
    archive.custody.vault.objects.delete(f"{name}.age")
    with pytest.raises(ObjectGone):
        await exported(archive)
    assert not (archive.folder / "export").exists()


async def test_the_audio_may_be_given_in_another_form(archive: Archive) -> None:
    name = await archive.stored(await archive.call(ADA))

    async def shouted(one: Holding) -> AsyncGenerator[bytes, None]:
        assert not is_quarantined(one)
        yield one.name.upper().encode()

    folder = await exported(archive, encoding=Encoding(suffix=".mp3", pieces=shouted))
    assert (folder / "audio" / f"{name}.mp3").read_text() == name.upper()


async def test_what_is_withheld_is_not_in_what_goes_out_and_the_page_says_so(archive: Archive) -> None:
    call = await archive.call(ADA)
    given, withheld = await archive.stored(call), await archive.stored(call, "orders")
    folder = await exported(archive)
    answered(folder, **{given: "yes", withheld: "No"})
    done = await release(archive.custody, folder, actor="cli:somebody")
    assert done == Released(archive=folder.with_name("export.zip"), released=(given,), withheld=(withheld,))
    assert stat.S_IMODE(done.archive.stat().st_mode) == 0o600
    with ZipFile(done.archive) as zipped:
        assert zipped.testzip() is None
        assert set(zipped.namelist()) == {CALLS, DECISIONS, *PAGES, f"audio/{given}.wav"}
        assert zipped.read(f"audio/{given}.wav") == archive.audio().read_bytes()
        told = {name: Elements(zipped.read(name).decode()).text for name in PAGES}
        [listed] = json.loads(zipped.read(CALLS))["calls"]
    assert "rights of others (GDPR art. 15(4))" in told["index.en.html"]
    assert "droits d'autrui (art. 15(4) du RGPD)" in told["index.fr.html"]
    assert f"audio/{withheld}.wav" not in "".join(told.values())
    assert {one["name"]: one["absent"] for one in listed["recordings"]} == {given: None, withheld: "rights-of-others"}
    assert archive.rows("SELECT what FROM access WHERE action = 'release'") == [{"what": given}]
    facts = archive.rows("SELECT facts FROM decision WHERE kind = 'access' ORDER BY seq DESC LIMIT 1")
    assert facts == [{"facts": {"action": "release", "files": 1, "withheld": 1}}]


@pytest.mark.parametrize("answer", ["undecided", "", "maybe"])
async def test_nothing_goes_out_while_anything_is_undecided(archive: Archive, answer: str) -> None:
    call = await archive.call(ADA)
    first, second = await archive.stored(call), await archive.stored(call, "orders")
    folder = await exported(archive)
    answered(folder, **{first: "yes", second: answer})
    with pytest.raises(RegisterRefused, match=f"{second}: release: must be yes or no"):
        await release(archive.custody, folder, actor="cli:somebody")
    assert not folder.with_name("export.zip").exists()
    assert archive.rows("SELECT * FROM access WHERE action = 'release'") == []


async def test_what_was_quarantined_since_its_export_does_not_go_out(archive: Archive) -> None:
    call = await archive.call(ADA)
    name = await archive.stored(call)
    folder = await exported(archive)
    answered(folder, rest="yes")
    await archive.recording(call, quarantined_from=call.started_at)
    with pytest.raises(RegisterRefused, match=f"{name}: is quarantined or destroyed by now"):
        await release(archive.custody, folder, actor="cli:somebody")


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret", "audio/../../secret", "audio/..", "elsewhere/one.wav"])
async def test_a_folder_that_was_tampered_with_takes_nothing_from_elsewhere(archive: Archive, file: str) -> None:
    (archive.folder / "secret").write_text("of somebody else")
    await archive.stored(await archive.call(ADA))
    folder = await exported(archive)
    answered(folder, rest="yes")
    what = json.loads((folder / CALLS).read_text())
    what["calls"][0]["recordings"][0]["file"] = file
    (folder / CALLS).write_text(json.dumps(what))
    with pytest.raises(RegisterRefused, match=r"in the folder|must be yes or no|cannot be read"):
        await release(archive.custody, folder, actor="cli:somebody")


@pytest.mark.parametrize("missing", ["row", "audio", "review"])
async def test_a_folder_that_is_not_whole_is_not_released(archive: Archive, missing: str) -> None:
    name = await archive.stored(await archive.call(ADA))
    folder = await exported(archive)
    answered(folder, rest="yes")
    if missing == "row":
        (folder / REVIEW).write_text("name,file,release,why\n")
    else:
        (folder / REVIEW if missing == "review" else folder / "audio" / f"{name}.wav").unlink()
    with pytest.raises(RegisterRefused, match=r"in the folder|must be yes or no|cannot be read"):
        await release(archive.custody, folder, actor="cli:somebody")
