"""Stored recordings as they are found and listened to over HTTP, from a real object store and a real PostgreSQL."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import psycopg
import pytest
import soundfile
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.custody.custody import Custody
from controller.custody.listening import Listener, granted
from controller.custody.rendering import Shape, rendered
from controller.domain.policy import Basis
from controller.domain.principal import Role
from controller.domain.records import HoldRecord, RecordingState, RestrictionRecord, StoredRecord, StoredState, Tier
from controller.errors import ObjectGone
from controller.runtime.identities import Scope
from controller.runtime.reloading import Reloading
from controller.web import server
from lab.sweep import missing, moments_in, sweep
from tests.integration.entries import NOON, a_call_id
from tests.integration.holdings import CUSTOMER, RATE, a_custody, a_purpose, a_stored_recording, accesses, customer_hash
from tests.integration.identities import a_keyring
from tests.unit.registers import MemoryRegister, a_registration

SPANS = ((0, 2, "recorded"), (2, 3.5, "paused"), (3.5, 7.5, "recorded"))
"""Six seconds of audio, with a pause of a second and a half after the second."""

Client = TestClient[Any, Any]


def speech(seconds: float = 7.5) -> bytes:
    """What was said, without what was said in the pause."""
    said = sweep(seconds)
    kept = np.concatenate([said[: 2 * RATE], said[round(3.5 * RATE) :]])
    return (kept * 32767).astype("<i2").tobytes()


@pytest.fixture
def custody(engine: AsyncEngine, tmp_path: Path) -> Custody:
    evidence = a_purpose("evidence", basis=Basis.CONTRACT, listeners=("legal",))
    return a_custody(engine, tmp_path, a_purpose(), evidence, a_purpose("complaints", reason_required=True))


@pytest.fixture
async def client(custody: Custody) -> AsyncIterator[Client]:
    tokens = await a_keyring(custody, dpo=Scope(roles=frozenset({Role.DPO})))
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=a_registration(MemoryRegister(), []),
        reloading=cast("Reloading", None),
        custody=custody,
        keyring=tokens.keyring,
    )
    async with TestClient(TestServer(app), headers=tokens.bearer("dpo")) as opened:
        yield opened


async def test_a_recording_is_heard_as_mp3_with_its_pause(client: Client, custody: Custody, database: str) -> None:
    name = await a_stored_recording(custody, audio=[speech()], spans=SPANS)
    response = await client.get(f"/api/v1/recordings/{name}/audio.mp3", params={"reason": "complaint"})
    assert (response.status, response.content_type) == (200, "audio/mpeg")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.mp3"'
    heard, rate = soundfile.read(io.BytesIO(await response.read()))
    assert rate == RATE
    assert abs(len(heard) / rate - 7.5) < 0.15
    [gap] = missing(moments_in(heard))
    assert abs(gap.begin_s - 2) < 0.1
    assert abs(gap.end_s - 3.5) < 0.1
    assert np.abs(heard[round(2.2 * RATE) : round(3.3 * RATE)]).max() < 0.01
    assert accesses(database) == [("token:dpo", "listen", name, "complaint")]


async def test_a_range_of_it_is_what_is_there_in_the_whole(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody, audio=[speech()], spans=SPANS)
    path = f"/api/v1/recordings/{name}/audio.wav"
    whole = await (await client.get(path)).read()
    assert len(whole) == 44 + round(7.5 * RATE) * 2
    for asked, expected in (("bytes=0-99", whole[:100]), ("bytes=70000-", whole[70000:]), ("bytes=-50", whole[-50:])):
        part = await client.get(path, headers={"Range": asked})
        assert (part.status, await part.read()) == (206, expected)
        assert part.headers["Content-Range"].endswith(f"/{len(whole)}")
    beyond = await client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status == 416


async def test_its_waveform_and_its_stretches_fit_what_is_heard(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody, audio=[speech()], spans=SPANS)
    peaks = await (await client.get(f"/api/v1/recordings/{name}/peaks")).json()
    assert peaks["duration_ms"] == 7500
    [channel] = peaks["channels"]
    assert max(channel[round(800 * 2.1 / 7.5) : round(800 * 3.4 / 7.5)]) == 0
    assert min(channel[10:200]) > 0
    stretches = await (await client.get(f"/api/v1/recordings/{name}/timeline")).json()
    assert [(one["kind"], one["begin_ms"], one["end_ms"]) for one in stretches] == [
        ("recorded", 0, 2000),
        ("paused", 2000, 3500),
        ("recorded", 3500, 7500),
    ]
    without = await (await client.get(f"/api/v1/recordings/{name}/timeline", params={"gaps": "none"})).json()
    assert without[-1]["end_ms"] == 6000


async def test_what_was_made_is_sealed_kept_and_gone_with_the_recording(
    client: Client, custody: Custody, tmp_path: Path
) -> None:
    name = await a_stored_recording(custody, audio=[speech()], spans=SPANS)
    first = await (await client.get(f"/api/v1/recordings/{name}/audio.mp3")).read()
    [made] = (tmp_path / "recordings" / "derived").rglob("*.age")
    assert made.read_bytes()[:21] == b"age-encryption.org/v1"
    written = made.stat().st_mtime_ns
    assert await (await client.get(f"/api/v1/recordings/{name}/audio.mp3")).read() == first
    assert made.stat().st_mtime_ns == written
    custody.vault.remove(StoredRecord(recording=name, state=StoredState.DESTROYING))
    assert not made.exists()


async def test_recordings_are_found_page_by_page_and_by_what_they_are(client: Client, custody: Custody) -> None:
    names = [
        await a_stored_recording(custody, began=NOON + timedelta(hours=hour), call={"agent": f"20{hour}"})
        for hour in range(5)
    ]
    evidence = await a_stored_recording(custody, purpose="evidence", number="+33199000018")
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await (await client.get("/api/v1/recordings", params={"limit": "2", **after})).json()
        found += [one["name"] for one in page["recordings"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == [*names, evidence]
    newest = await (await client.get("/api/v1/recordings", params={"order": "newest", "limit": "4"})).json()
    older = await (await client.get("/api/v1/recordings", params={"order": "newest", "after": newest["next"]})).json()
    assert [one["name"] for page in (newest, older) for one in page["recordings"]] == [evidence, *reversed(names)]

    async def by(**words: str) -> list[str]:
        page = await (await client.get("/api/v1/recordings", params=words)).json()
        return [one["name"] for one in page["recordings"]]

    assert await by(agent="203") == [names[3]]
    assert await by(purpose="evidence") == [evidence]
    assert await by(since=(NOON + timedelta(hours=3)).isoformat()) == names[3:]
    assert await by(until=(NOON + timedelta(hours=1)).isoformat()) == [names[0], evidence]
    assert (await client.get("/api/v1/recordings", params={"colour": "blue"})).status == 400
    assert (await client.get("/api/v1/recordings", params={"limit": "0"})).status == 400
    assert (await client.get("/api/v1/recordings", params={"order": "best"})).status == 400
    assert (await client.get("/api/v1/recordings", params={"since": "soon"})).status == 400


async def test_a_customers_recordings_are_found_by_their_number_and_that_is_written(
    client: Client, custody: Custody, database: str
) -> None:
    theirs = await a_stored_recording(custody)
    await a_stored_recording(custody, number="+33199000018")
    await a_stored_recording(custody, number=None)
    answer = await client.post("/api/v1/recordings/search", json={"number": "01 99 00 00 17"})
    text = await answer.text()
    assert [one["name"] for one in json.loads(text)["recordings"]] == [theirs]
    assert "199000017" not in text
    assert accesses(database) == [("token:dpo", "search", f"customer:{customer_hash(CUSTOMER).hex()}", None)]
    assert (await client.get("/api/v1/recordings", params={"number": CUSTOMER})).status == 400
    for hidden in ("anonymous", ""):
        assert (await client.post("/api/v1/recordings/search", json={"number": hidden})).status == 400


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"recording": {"quarantined_from": NOON}}, 403),
        ({"recording": {"state": RecordingState.QUARANTINED}}, 403),
        ({"recording": {"state": RecordingState.DISCARDED}}, 403),
        ({"stored": {"state": StoredState.TAKING}}, 404),
        ({"stored": {"state": StoredState.DESTROYING, "sealed_key": None}}, 404),
        ({"stored": {"tier": Tier.ARCHIVE}}, 403),
    ],
)
async def test_what_nobody_may_hear_is_not_given_out(
    client: Client, custody: Custody, database: str, what: dict[str, Any], status: int
) -> None:
    name = await a_stored_recording(custody, **what)
    for ending in ("audio.mp3", "audio.wav", "peaks", "timeline"):
        response = await client.get(f"/api/v1/recordings/{name}/{ending}")
        assert (response.status, response.content_type) == (status, "application/problem+json")
    assert {action for _, action, _, _ in accesses(database)} == ({"refused-listen"} if status == 403 else set())


async def test_the_archive_opens_for_a_role_and_a_reason(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody, stored={"tier": Tier.ARCHIVE})
    path = f"/api/v1/recordings/{name}/audio.wav"
    assert (await client.get(path)).status == 403
    assert (await client.get(path, params={"reason": "dispute 12"})).status == 200
    with pytest.raises(ObjectGone):
        await granted(custody, name, Listener(who="somebody", archive=False, why="dispute 12"))


async def test_a_purpose_that_asks_for_a_reason_is_heard_by_nobody_who_gives_none(
    client: Client, custody: Custody, database: str
) -> None:
    for purpose in ("complaints", "of an earlier policy"):
        name = await a_stored_recording(custody, purpose=purpose)
        for shape in ("audio.wav", "audio.mp3", "peaks", "timeline"):
            path = f"/api/v1/recordings/{name}/{shape}"
            for reason in ("", " \u00a0"):
                assert (await client.get(path, params={"reason": reason})).status == 403, (purpose, shape)
            assert (await client.get(path, params={"reason": " complaint 12"})).status == 200
    assert [(action, why) for _, action, _, why in accesses(database)] == [
        ("refused-listen", None), ("refused-listen", None), ("listen", "complaint 12"),
    ] * 8  # fmt: skip


async def test_a_customer_who_restricted_processing_is_heard_by_nobody_until_it_is_lifted(
    client: Client, custody: Custody
) -> None:
    name = await a_stored_recording(custody)
    path = f"/api/v1/recordings/{name}/audio.wav"
    restriction = RestrictionRecord(customer_hash=customer_hash(), at=NOON)
    await custody.write([restriction])
    assert (await client.get(path)).status == 403
    assert (await (await client.get(f"/api/v1/recordings/{name}")).json())["restricted"] is True
    await custody.write([RestrictionRecord(customer_hash=customer_hash(), at=NOON, lifted_at=NOON)])
    assert (await client.get(path)).status == 200


async def test_a_recording_exists_for_the_purposes_of_who_listens_only(custody: Custody) -> None:
    quality = await a_stored_recording(custody)
    evidence = await a_stored_recording(custody, purpose="evidence")
    listener = Listener(who="somebody", purposes=frozenset({"evidence"}))
    assert (await granted(custody, evidence, listener)).name == evidence
    with pytest.raises(ObjectGone, match="no such recording"):
        await granted(custody, quality, listener)
    with pytest.raises(ObjectGone, match="no such recording"):
        await granted(custody, "rc-of-nobody", listener)


async def test_other_proof_destroys_evidence_and_nothing_else(client: Client, custody: Custody, database: str) -> None:
    quality, evidence = await a_stored_recording(custody), await a_stored_recording(custody, purpose="evidence")
    assert (await client.post(f"/api/v1/recordings/{quality}/proof")).status == 403
    call = (await (await client.get(f"/api/v1/recordings/{evidence}")).json())["call"]
    hold = HoldRecord(id="hold-1", call_id=call, why="dispute", placed_by="dpo", placed_at=NOON)
    await custody.write([hold])
    assert (await client.post(f"/api/v1/recordings/{evidence}/proof")).status == 403
    await custody.write([replace(hold, lifted_at=NOON)])
    restriction = RestrictionRecord(customer_hash=customer_hash(), at=NOON)
    await custody.write([restriction])
    assert (await client.post(f"/api/v1/recordings/{evidence}/proof")).status == 403
    await custody.write([replace(restriction, lifted_at=NOON)])
    assert (await client.post(f"/api/v1/recordings/{evidence}/proof")).status == 200
    assert (await client.post(f"/api/v1/recordings/{evidence}/proof")).status == 404
    with psycopg.connect(database) as connection:
        states = connection.execute("SELECT recording, state, sealed_key IS NULL FROM stored").fetchall()
        [reason] = connection.execute("SELECT reason FROM decision WHERE kind = 'erase'").fetchall()
    assert sorted(states) == sorted([(quality, "stored", False), (evidence, "destroyed", True)])
    assert reason == ("other-proof",)


async def test_the_stretches_of_a_recording_of_two_sides_are_as_long_as_it_is(client: Client, custody: Custody) -> None:
    call_id = a_call_id()
    two_sides = {"id": call_id}
    name = await a_stored_recording(
        custody, audio=[speech()], spans=((0, 3, "recorded"),), call=two_sides, ending="-stereo"
    )
    stretches = await (await client.get(f"/api/v1/recordings/{name}/timeline")).json()
    assert stretches[-1]["end_ms"] == 3000


async def test_a_hold_is_shown(client: Client, custody: Custody) -> None:
    name = await a_stored_recording(custody)
    shown = await (await client.get(f"/api/v1/recordings/{name}")).json()
    assert shown["held"] is False
    hold = HoldRecord(id="hold-1", call_id=shown["call"], why="dispute", placed_by="dpo", placed_at=NOON)
    await custody.write([hold])
    assert (await (await client.get(f"/api/v1/recordings/{name}")).json())["held"] is True
    assert (await client.get("/api/v1/recordings/rc-of-nobody")).status == 404


async def test_what_is_destroyed_while_it_is_made_leaves_nothing_behind(custody: Custody, tmp_path: Path) -> None:
    name = await a_stored_recording(custody, audio=[speech()], spans=SPANS)
    found = await granted(custody, name, Listener(who="somebody"))
    await custody.write([StoredRecord(recording=name, state=StoredState.DESTROYING)])
    with pytest.raises(ObjectGone):
        await rendered(custody, found, Shape.MP3)
    assert not list((tmp_path / "recordings" / "derived").rglob("*.age"))


async def test_three_hours_are_given_out_piece_by_piece(custody: Custody) -> None:
    """No piece is large, however long the recording is; what it costs in memory is measured by the benchmark."""
    minute = b"\x01\x00\xff\xff" * (RATE * 30)
    name = await a_stored_recording(custody, audio=[minute] * 180, spans=((0, 10800, "recorded"),))
    rendering = await rendered(custody, await granted(custody, name, Listener(who="somebody")), Shape.WAV)
    async with aclosing(rendering.pieces()) as pieces:
        sizes = [len(piece) async for piece in pieces]
    assert sum(sizes) == rendering.octets == 44 + 180 * len(minute)
    assert max(sizes) < 2**20
