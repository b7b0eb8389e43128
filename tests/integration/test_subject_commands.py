"""The commands of the rights of data subjects, run as people run them, on real sealed audio."""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
import soundfile
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.config.credentials import Secrets
from controller.db.ledger import PostgresLedger
from controller.store.keys import MasterKeys, new_master_key
from lab.sweep import RATE, read_wav
from tests.integration.archive import ADA, BEN, Archive
from tests.integration.commands import Run, said
from tests.integration.test_register_commands import everything


@pytest.fixture
def archive(run: Run, engine: AsyncEngine, ledger: PostgresLedger, database: str, tmp_path: Path) -> Archive:
    """What the commands find, under the keys of their configuration."""
    assert run is not None
    with (tmp_path / "recording-controller.yaml").open("a") as file:
        file.write("storage: {}\n")
    secrets = Secrets(directory=tmp_path / "state" / "secrets", environ={})
    masters = MasterKeys.read(secrets.master_key(new_master_key).reveal())
    key, folder = secrets.numbers_key(), tmp_path / "state"
    return Archive(engine, ledger, database=database, folder=folder, masters=masters, numbers_key=key)


async def test_a_customer_gets_their_copy_once_a_person_has_decided(run: Run, archive: Archive, tmp_path: Path) -> None:
    call = await archive.call(ADA)
    name = await archive.stored(call)
    review = Path("copy") / "review.csv"
    assert said(run("subject", "export", "-", "--to", "copy", given=f"{ADA}\n")) == (
        f"copy: 1 calls, 1 files to decide about in {review}\n"
    )
    refused = run("subject", "release", "copy")
    assert (refused.returncode, refused.stderr) == (2, f"review.csv: {name}: release: must be yes or no\n")
    text = (tmp_path / review).read_text()
    (tmp_path / review).write_text(text.replace("undecided", "yes"))
    assert said(run("subject", "release", "copy")) == f"{tmp_path / 'copy.zip'}: 1 released, 0 withheld\n"
    with ZipFile(tmp_path / "copy.zip") as zipped:
        heard, rate = soundfile.read(BytesIO(zipped.read(f"audio/{name}.mp3")))
    assert len(heard) / rate == pytest.approx(len(read_wav(archive.audio())) / RATE, abs=0.1)
    assert [(row["action"], row["what"]) for row in archive.rows("SELECT * FROM access ORDER BY at, action, what")] == [
        *sorted([("export", call.id), ("export", name)]),
        ("release", name),
    ]


async def test_a_customer_is_erased_and_told_what_is_kept(run: Run, archive: Archive, database: str) -> None:
    bought, asked = await archive.call(ADA), await archive.call(ADA)
    gone, held = await archive.stored(asked), await archive.stored(bought)
    await archive.hold(bought.id)
    lines = [f"erased: {gone}", f"number removed from call: {asked.id}", f"kept: {held}: legal-hold until "]
    would = said(run("subject", "erase", "-", "--dry-run", given=ADA)).splitlines()
    assert would[0] == "nothing is done:"
    assert set(archive.states().values()) == {"stored"}
    done = said(run("subject", "erase", ADA)).splitlines()
    assert done == would[1:]
    assert [line for line, begins in zip(done, lines, strict=True) if not line.startswith(begins)] == []
    assert archive.states() == {gone: "destroyed", held: "stored"}
    assert "639980001" not in everything(database)


async def test_a_call_is_put_right_and_a_customer_restricted(run: Run, archive: Archive, database: str) -> None:
    call = await archive.call(ADA)
    assert said(run("subject", "rectify", call.id, "--queue", "sales", "--number", "-", given=BEN)) == "rectified\n"
    assert archive.rows("SELECT queue FROM call") == [{"queue": "sales"}]
    assert said(run("subject", "restrict", BEN)) == "restricted\n"
    assert said(run("subject", "restrict", "-", given=BEN)) == "is restricted already\n"
    assert said(run("subject", "restrict", BEN, "--lift")) == "lifted\n"
    assert said(run("subject", "restrict", BEN, "--lift")) == "was not restricted\n"
    reasons = [reason for _, reason, _ in archive.decided("retain")]
    assert reasons == ["rectified", "rectified", "restricted", "restriction-lifted"]
    assert "639980002" not in everything(database)


async def test_of_a_stranger_nothing_is_stored(run: Run, archive: Archive, tmp_path: Path) -> None:
    await archive.call(BEN)
    assert said(run("subject", "export", ADA, "--to", "copy")) == "nothing is stored of this customer\n"
    assert said(run("subject", "erase", ADA)) == "nothing is stored of this customer\n"
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("erase", "anonymous"), "number: must be a telephone number"),
        (("export", "anonymous", "--to", "copy"), "number: must be a telephone number"),
        (("rectify", "01a1f8de-b7a0-7000-80a4-f5d2802894b3"), "at least one of --agent, --queue and --number"),
        (("rectify", "01a1f8de-b7a0-7000-80a4-f5d2802894b3", "--agent", "202"), "call: no such call is on file"),
        (("release", "."), "is not a folder that subject export has made"),
    ],
)
async def test_what_cannot_be_is_told_in_one_line(
    run: Run, archive: Archive, words: tuple[str, ...], fault: str
) -> None:
    done = run("subject", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert archive.rows("SELECT * FROM decision") == []
