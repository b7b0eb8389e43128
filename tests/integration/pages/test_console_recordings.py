"""Stored recordings as a listener, a data protection officer and a program's person have them in their browser."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from controller.custody import documents, holds
from controller.custody.documents import NewDocument
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.names import RecordingName
from controller.domain.records import RestrictionRecord, StoredRecord, StoredState, Tier
from lab.sweep import sweep
from tests.integration.browsers import TELEPHONE, a_page, accessible, log_in, shown
from tests.integration.entries import NOON, a_decision, at
from tests.integration.holdings import CUSTOMER, RATE, a_stored_recording, accesses, customer_hash
from tests.integration.offices import Office, call_of
from tests.integration.pages.conftest import PASSWORD, account, address

SPANS = ((0, 4, "recorded"), (4, 9, "paused"), (9, 21, "recorded"))
OTHER_CUSTOMER = "+33199000018"


def speech() -> bytes:
    """Sixteen seconds, louder and softer."""
    said = sweep(16) * (0.25 + 0.75 * np.abs(np.sin(np.arange(16 * RATE) / RATE * 2.1)))
    return (said * 32767).astype("<i2").tobytes()


@pytest.fixture
async def recording(office: Office) -> RecordingName:
    """With a payment left out, the decisions behind it and an evaluation, among others."""
    for hour in range(3):
        await a_stored_recording(
            office.custody, number=OTHER_CUSTOMER, began=NOON + timedelta(hours=hour), call={"agent": "203"}
        )
    name = await a_stored_recording(
        office.custody, audio=[speech()], spans=SPANS, began=NOON + timedelta(days=1), call={"agent": "201"}
    )
    about: dict[str, Any] = {
        "call_id": call_of(name),
        "purpose": "quality",
        "facts": {"agent": "201", "queue": "support"},
    }
    paused = {"kind": Kind.PAUSE, "verdict": Verdict.APPLIED, "reason": Reason.PAYMENT, "actor": "agent:201"}
    others = {**about, "purpose": "evidence", "reason": Reason.TRIGGER, "verdict": Verdict.ALLOWED}
    consent = {"kind": Kind.CONSENT, "verdict": Verdict.ALLOWED, "reason": Reason.ANNOUNCED, "actor": "caller"}
    await office.custody.ledger.write(
        [
            a_decision(**about | consent | {"purpose": None}),
            a_decision(**about | {"verdict": Verdict.ALLOWED, "reason": Reason.SAMPLED, "at": at(1)}),
            a_decision(**about | paused | {"at": at(5)}),
            a_decision(**others),
        ]
    )
    return name


async def status(page: Page, path: str) -> int:
    """What a page is answered with."""
    answer = await page.goto(path)
    assert answer is not None
    return answer.status


async def both_sizes(page: Page, name: str) -> None:
    """Nothing is in the way and nothing is cut off, wide and on a telephone."""
    wide = page.viewport_size
    assert wide is not None
    await accessible(page)
    await shown(page, f"{name}-wide")
    await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
    await accessible(page)
    await shown(page, f"{name}-telephone")
    assert await page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE[0]
    await page.set_viewport_size(wide)


async def test_a_listener_finds_a_recording_reads_how_it_came_to_be_and_listens(
    office: Office, browser: Browser, recording: RecordingName, database: str
) -> None:
    others = await office.recording("evidence")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "listener-of-quality"), PASSWORD)
        await finds(page)
        await page.locator("tbody tr").first.get_by_role("link").click()
        assert page.url.endswith(recording)
        await reads(page)
        assert accesses(database) == []
        await page.get_by_label("Why").fill("training, 2nd week")
        await page.get_by_role("button", name="Listen").click()
        await expect(page.get_by_role("slider")).to_be_visible()
        assert accesses(database) == [("account:listener-of-quality", "listen", recording, "training, 2nd week")]
        await listens(page)
        assert {one[3] for one in accesses(database)} == {"training, 2nd week"}
        await takes(page, "MP3", recording, b"\xff")
        await takes(page, "WAV", recording, b"RIFF")
        await looks_at_themselves(page)
        for nothing in (others, "rc-of-nobody"):
            assert await status(page, f"/console/recordings/{nothing}") == 404
            assert await status(page, f"/console/recordings/{nothing}/listen") == 404
        assert await status(page, "/console/calls") == 403


async def finds(page: Page) -> None:
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(4)
    await expect(rows.first).to_contain_text("2026-03-03 12:00:00 UTC")
    await both_sizes(page, "console-recordings")
    await page.get_by_text("Filters").click()
    await page.get_by_label("Agent").fill("203")
    await page.get_by_label("To, that day too").fill("2026-03-02")
    await page.get_by_role("button", name="Show").click()
    await expect(rows).to_have_count(3)
    await page.goto("/console/recordings?until=2026-03-01")
    await expect(page.get_by_text("Nothing stored meets these conditions")).to_be_visible()
    await page.goto("/console/recordings?call=somewhere")
    await expect(page.get_by_role("alert")).to_contain_text("must be the id of a call")
    await page.get_by_role("link", name="Clear").click()
    await expect(rows).to_have_count(4)


async def reads(page: Page) -> None:
    await expect(page.locator(".trail .said")).to_have_text(
        [
            "The customer may be recorded: the customer heard the announcement whole and did not object.",
            "The call may be recorded: the sample chose this call.",
            "Recording was paused: card data is being given.",
        ]
    )
    await expect(page.locator(".trail li").last).to_contain_text("by agent 201")
    await page.locator(".trail summary").last.click()
    await expect(page.get_by_text("policy version").last).to_be_visible()
    await expect(page.get_by_role("heading", name="Who had it")).to_have_count(0)
    await both_sizes(page, "console-recording")
    assert await page.locator("audio, .waveform").count() == 0


async def listens(page: Page) -> None:
    slider, here = page.get_by_role("slider", name="Position"), page.locator(".timeline tr[aria-current]")
    await expect(slider).to_have_attribute("aria-valuetext", "0:00 of 0:21")
    await expect(page.locator(".waveform .gap")).to_have_count(1)
    await expect(page.locator(".timeline tbody tr").nth(1)).to_contain_text("card data is being given")
    await slider.focus()
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuetext", "0:05 of 0:21")
    await expect(here).to_contain_text("left out 1")
    box = await slider.bounding_box()
    assert box is not None
    await slider.click(position={"x": box["width"] * 0.75, "y": 20})
    await expect(slider).to_have_attribute("aria-valuetext", "0:15 of 0:21")
    await both_sizes(page, "console-listening")
    await button_to(page, "0:09").click()
    await expect(here).to_contain_text("recorded")
    await expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0:1\d of 0:21"))  # it plays


async def takes(page: Page, shape: str, recording: RecordingName, beginning: bytes) -> None:
    async with page.expect_download() as coming:
        await page.get_by_role("button", name=f"Download as {shape}").click()
    download = await coming.value
    assert download.suggested_filename == f"{recording}.{shape.lower()}"
    content = await asyncio.to_thread((await download.path()).read_bytes)
    assert content.startswith(beginning)


async def looks_at_themselves(page: Page) -> None:
    await page.get_by_role("link", name="Logged in as").click()
    await expect(page.get_by_text("training, 2nd week").first).to_be_visible()
    await expect(page.get_by_text("Listener: listens to recordings of these purposes")).to_be_visible()
    await both_sizes(page, "console-me")


async def why_it_was_held_is_shown(office: Office, page: Page, recording: str) -> None:
    """To who sees holds, and to nobody else."""
    hold = await holds.place(office.custody, call_of(recording), "claim 12", None, actor="test")
    await holds.lift(office.custody, hold.id, "it is settled", actor="test")
    listener = await office.ask("listener-of-quality", "GET", f"/console/recordings/{recording}")
    assert ("A legal hold has changed" in listener[1], "claim 12" in listener[1]) == (True, False)
    await page.goto(f"/console/recordings/{recording}")
    trail = page.get_by_role("region", name="How it was decided")
    await expect(trail).to_contain_text("Why: claim 12")
    await expect(trail).to_contain_text("Why: it is settled")


@pytest.mark.usefixtures("recording")
async def test_the_officer_says_why_opens_the_archive_and_sees_all_of_a_customer(
    office: Office, browser: Browser, database: str
) -> None:
    archived = await a_stored_recording(office.custody, purpose="evidence", stored={"tier": Tier.ARCHIVE})
    new = NewDocument(call_id=call_of(archived), purpose="evidence", kind="evaluation", media_type="text/plain")
    about = await documents.add(office.custody, new, [b"friendly"], actor="test")
    await office.custody.write([StoredRecord(recording=about.id, state=StoredState.STORED, tier=Tier.ARCHIVE)])
    await office.registration.add_objection(CUSTOMER, "evidence", None, actor="test")
    await office.document("quality")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        await page.get_by_text("By a customer").click()
        await page.get_by_label("Telephone number").fill("01 99 00 00 17")
        await page.get_by_role("button", name="Find").click()
        await expect(page.locator("tbody tr")).to_have_count(3)
        assert CUSTOMER[-8:] not in page.url
        assert accesses(database) == [("account:dpo", "search", f"customer:{customer_hash(CUSTOMER).hex()}", None)]

        await page.goto(f"/console/customers/{CUSTOMER}")
        await expect(page.locator("table.rows").first.locator("tbody tr")).to_have_count(3)
        await expect(page.get_by_role("table", name="Objections")).to_contain_text("evidence")
        await expect(page.get_by_text("Processing is not restricted.")).to_be_visible()
        assert [one[1] for one in accesses(database)] == ["search", "search"]
        await both_sizes(page, "console-customer")
        await page.goto(address(office).replace("127.0.0.1", "localhost") + "login")  # another site to a browser
        await page.evaluate("place => window.location.assign(place)", f"{address(office)}console/customers/0199000018")
        await page.wait_for_url("**/console/customers/0199000018")
        await expect(page.locator("tbody tr").first).to_contain_text("203")
        assert await status(page, "/console/customers/nobody") == 400

        assert await status(page, f"/console/recordings/{archived}/listen") == 403
        await expect(page.get_by_text("say why you need it")).to_be_visible()
        await expect(page.get_by_role("table", name="Who had it")).to_contain_text("was refused it")
        await page.get_by_role("button", name="Listen").click()
        assert await page.get_by_label("Why", exact=True).evaluate("field => field.validity.valueMissing")
        await page.get_by_label("Why, evaluation").fill("dispute 12")
        async with page.expect_download():
            await page.get_by_role("button", name="Open").click()
        assert accesses(database)[-1][1::2] == ("fetch", "dispute 12")
        await page.get_by_label("Why", exact=True).fill("dispute 12")
        await page.get_by_role("button", name="Listen").click()
        await expect(page.get_by_role("slider", name="Position")).to_be_visible()
        assert await page.locator("audio").get_attribute("src") == (
            f"/api/v1/recordings/{archived}/audio.mp3?reason=dispute%2012"
        )
        await accessible(page)
        recording = await office.recording("quality")
        await why_it_was_held_is_shown(office, page, recording)
        await page.goto(f"/console/recordings/{recording}?lang=fr")
        await expect(page.get_by_role("link", name="notes")).to_be_visible()
        await shown(page, "console-recording-fr")
        await office.custody.write([RestrictionRecord(customer_hash=customer_hash(), at=NOON)])
        await page.reload()
        await expect(page.locator("#listen")).to_contain_text("limitation du traitement")
        await expect(page.locator("#listen form")).to_have_count(0)


async def test_who_is_not_given_what_they_play_reads_why_and_tries_again(
    office: Office, browser: Browser, recording: RecordingName
) -> None:
    away = {"status": 503, "title": "Service Unavailable", "code": "database-away"}
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "listener-of-quality"), PASSWORD)
        await page.goto(f"/console/recordings/{recording}/listen")
        why, slider = page.locator("#listen").get_by_role("alert"), page.get_by_role("slider", name="Position")
        there = button_to(page, "0:09")
        await page.route("**/audio.mp3", lambda route: route.fulfill(status=503, json=away))
        await there.click()
        await expect(why).to_contain_text("The database does not answer")
        await accessible(page)
        await page.unroute("**/audio.mp3")
        await page.route("**/audio.mp3", lambda route: route.fulfill(body="no audio", content_type="audio/mpeg"))
        await slider.press(" ")
        await expect(why).to_contain_text("Your browser could not play it.")
        await page.unroute("**/audio.mp3")
        await slider.press(" ")
        await expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0:1\d of 0:21"))
        await expect(why).to_be_hidden()
        await page.reload()
        await page.context.clear_cookies()
        await there.click()
        await expect(why).to_have_text("You are not logged in any more. Load the page again to log in.")


def button_to(page: Page, place: str) -> Locator:
    return page.get_by_role("button", name=f"Go to {place}")


async def test_who_finds_without_listening_is_shown_what_it_is_and_no_player(
    office: Office, browser: Browser, recording: RecordingName
) -> None:
    for hour in range(60):
        await a_stored_recording(office.custody, audio=[b"\x01\x00" * 80], began=NOON - timedelta(hours=hour))
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "integration-of-quality"), PASSWORD)
        await page.goto(f"/console/recordings/{recording}")
        await expect(page.get_by_text("Your roles describe this recording")).to_be_visible()
        assert await page.get_by_role("button", name="Listen").count() == 0
        await page.goto(f"/console/recordings/{recording}/listen")
        await expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
        await page.goto("/console/recordings?purpose=quality")
        await expect(page.locator("tbody tr")).to_have_count(50)
        await page.get_by_role("button", name="Older ones").click()
        await expect(page.locator("tbody tr")).to_have_count(14)
        assert "purpose=quality" in page.url
        await page.goto(f"/console/customers/{CUSTOMER}")
        await expect(page.locator("tbody tr")).to_have_count(50)
        await expect(page.get_by_role("heading", name="Objections")).to_have_count(0)
        await page.get_by_role("button", name="Older ones").click()
        await expect(page.locator("tbody tr")).to_have_count(11)
        assert page.url.endswith("/console/customers")
        await page.goto("/console/customers")
        await accessible(page)
        await page.get_by_label("Telephone number").fill(CUSTOMER)
        await page.get_by_role("button", name="Find").click()
        await expect(page.locator("tbody tr")).to_have_count(50)


async def test_a_search_by_number_stays_beside_what_is_opened_of_it(office: Office, browser: Browser) -> None:
    await office.recording("quality")
    await a_stored_recording(office.custody, number=OTHER_CUSTOMER)
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        for place in ("/console/recordings", "/console/customers"):
            await page.goto(f"{place}?lang=en")
            await searches(page, CUSTOMER)
            await expect(page.locator("tbody tr")).to_have_count(1)
            link = page.locator("tbody tr").first.get_by_role("link")
            await expect(link).to_have_accessible_description(re.compile("opens in a new tab"))
            await accessible(page)
            async with page.context.expect_page() as opening:
                await link.click()
            recording = await opening.value
            await expect(recording.get_by_role("heading", level=1)).to_contain_text("Recording of")
            await recording.close()
            await page.get_by_role("button", name="fr", exact=True).click()
            await expect(page.get_by_text("s\u2019ouvre dans un nouvel onglet")).to_be_visible()
            await expect(page.locator("tbody tr")).to_have_count(1)
            assert CUSTOMER[-8:] not in page.url
            await shown(page, f"console-search{place.replace('/', '-')}")


async def test_blanks_are_no_number(office: Office, browser: Browser) -> None:
    await office.recording("quality")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        await searches(page, "   ")
        await expect(page.get_by_role("alert")).to_contain_text("Telephone number: must be a telephone number")
        await expect(page.locator("tbody tr")).to_have_count(0)


async def test_a_search_of_a_log_in_before_is_told_to_load_the_page_again(office: Office, browser: Browser) -> None:
    name = await account(office, "dpo")
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        beside = await page.context.new_page()
        await beside.goto("/console/recordings")
        await beside.get_by_role("button", name="Log out").click()
        await beside.wait_for_url("**/login")
        await log_in(beside, name, PASSWORD)
        await searches(page, CUSTOMER)
        await expect(page.get_by_role("heading", name="This page is out of date")).to_be_visible()
        await expect(page.get_by_text("You have logged in anew since this page was made.")).to_be_visible()
        await accessible(page)
        await page.get_by_role("link", name="Load it again").click()
        await searches(page, CUSTOMER)
        await expect(page.get_by_text("Nothing stored meets these conditions")).to_be_visible()


async def searches(page: Page, number: str) -> None:
    """By a customer's number."""
    by_number = page.get_by_text("By a customer")
    if await by_number.count():
        await by_number.click()
    await page.get_by_label("Telephone number").fill(number)
    await page.get_by_role("button", name="Find").click()


async def test_a_long_word_is_broken_where_somebody_wrote_it(office: Office, browser: Browser, database: str) -> None:
    recording, word = await office.recording("quality"), "unbroken" * 20
    hold = await holds.place(office.custody, call_of(recording), word, None, actor="test")
    await holds.lift(office.custody, hold.id, word, actor="test")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        await page.goto(f"/console/recordings/{recording}/listen?reason={word}")
        assert [one[3] for one in accesses(database)] == [word]
        await page.goto(f"/console/recordings/{recording}")
        await expect(page.get_by_role("region", name="How it was decided")).to_contain_text(word)
        await expect(page.get_by_role("table", name="Who had it")).to_contain_text(word)
        await both_sizes(page, "console-recording-long")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.goto("/console/me")
        await both_sizes(page, "console-me-long")
