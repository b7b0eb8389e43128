"""The desk of the data protection officer: holds, requests of data subjects, objections, notices and retention."""

import json
import os
from pathlib import Path
from zipfile import ZipFile

from playwright.async_api import Browser, Page, expect

from controller.custody import holds
from controller.db import queries
from controller.db.holdings import holding
from controller.db.on_file import hold_on_file
from controller.domain.records import StoredState
from controller.runtime.clock import now
from tests.integration.browsers import TELEPHONE, WIDE, a_page, accessible, log_in, shown
from tests.integration.holdings import CUSTOMER, a_stored_recording
from tests.integration.offices import Office, call_of
from tests.integration.pages.conftest import PASSWORD, account, address

NUMBER = "Customer\u2019s number"


async def seen(page: Page, name: str) -> None:
    """Looked at, wide and as a telephone."""
    for (width, height), kind in ((WIDE, "wide"), (TELEPHONE, "telephone")):
        await page.set_viewport_size({"width": width, "height": height})
        await accessible(page)
        await shown(page, f"desk-{name}-{kind}")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, kind)
    await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


async def test_holds_are_placed_and_lifted_each_with_a_reason(office: Office, browser: Browser) -> None:
    call = call_of(await office.recording("quality"))
    name = await account(office, "dpo")
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/console/holds")
        await expect(page.get_by_text("No hold stands.")).to_be_visible()
        await page.get_by_label("Call").fill(call)
        await page.get_by_label("Why").fill("claim 2026-114")
        await page.get_by_label("Over when this day begins").fill("2099-06-30")
        await page.get_by_role("button", name="Place the hold").click()
        await expect(page.get_by_role("heading", name="Holds that stand")).to_be_visible()
        await expect(page.get_by_text("2099-06-30 00:00:00 UTC")).to_be_visible()
        [hold] = await holds.holds(office.custody)
        assert (hold.call_id, hold.why, hold.placed_by) == (call, "claim 2026-114", "account:dpo")
        await page.get_by_text("Lift this hold").click()
        await seen(page, "holds")
        await page.get_by_label("Why it may go").fill("settled")
        await page.get_by_role("button", name="Lift", exact=True).click()
        await expect(page.get_by_text("No hold stands.")).to_be_visible()
    assert await lifted(office, hold.id) == "settled"
    decisions = [one async for one in queries.decisions(office.custody.engine)]
    assert not any("settled" in json.dumps(dict(one.facts)) for one in decisions)


async def test_what_is_stored_of_a_customer_is_found_released_and_erased(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    recording, evidence = await office.recording("quality"), await office.recording("evidence")
    await holds.place(office.custody, call_of(evidence), "claim 2026-114", None, actor="test")
    name = await account(office, "dpo")
    async with a_page(browser, address(office), accept_downloads=True) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/console/subjects")
        access = page.get_by_role("region", name="Access and copy")
        await access.get_by_label(NUMBER).fill("nobody")
        await access.get_by_role("button", name="Find").click()
        await expect(access.get_by_role("alert")).to_contain_text("Customer\u2019s number: must be a telephone number")
        await access.get_by_label(NUMBER).fill(CUSTOMER)
        await access.get_by_role("button", name="Find").click()
        await expect(access.get_by_role("row")).to_have_count(3)
        await page.get_by_label(recording).select_option("yes")
        await page.get_by_label(evidence).select_option("no")
        async with page.expect_download() as copy:
            await access.get_by_role("button", name="Download the copy").click()
        await (await copy.value).save_as(tmp_path / "copy.zip")
        with ZipFile(tmp_path / "copy.zip") as archive:
            names = archive.namelist()
        assert any(recording in one for one in names)
        assert not any(one.endswith(f"{evidence}.mp3") for one in names)
        erase = page.get_by_role("region", name="Erasure")
        await erase.get_by_label(NUMBER).fill(CUSTOMER)
        await erase.get_by_role("button", name="See what it comes to").click()
        await expect(erase.get_by_role("heading", name="nothing is done yet")).to_be_visible()
        await expect(erase.get_by_role("listitem")).to_contain_text("kept for a dispute")
        await seen(page, "subjects")
        assert await state_of(office, recording) is StoredState.STORED
        page.once("dialog", lambda dialog: dialog.accept())
        await erase.get_by_role("button", name="Erase now").click()
        await expect(erase.get_by_role("heading", name="It is done")).to_be_visible()
        await expect(erase.get_by_role("button", name="Erase now")).to_be_hidden()
        assert await state_of(office, recording) is not StoredState.STORED
        restrict = page.get_by_role("region", name="Restriction")
        await restrict.get_by_label(NUMBER).fill(CUSTOMER)
        await restrict.get_by_role("button", name="Restrict", exact=True).click()
        await expect(restrict.get_by_role("status")).to_have_text("It is done.")
        assert CUSTOMER[-8:] not in page.url


async def test_registers_and_retention_are_kept_at_the_desk(office: Office, browser: Browser) -> None:
    await a_stored_recording(office.custody, stored={"due_at": now().replace(year=2099, month=3, day=1)})
    name = await account(office, "dpo")
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/console/objections")
        added = page.get_by_role("region", name="Add an objection")
        await added.get_by_label(NUMBER).fill("01 99 00 00 41")
        await added.get_by_role("combobox", name="Purpose").select_option("evidence")
        await added.get_by_role("button", name="Add").click()
        await expect(page.get_by_role("button", name="End the objection of")).to_have_count(1)
        await seen(page, "objections")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="End the objection of").click()
        await expect(page.get_by_text("No objection holds.")).to_be_visible()
        assert await office.registration.objections() == []

        await page.goto("/console/notices")
        await page.get_by_label("CSV file").set_input_files(
            {"name": "agents.csv", "mimeType": "text/csv", "buffer": b"agent,informed_at,version\n201,soon,2026-01\n"}
        )
        await page.get_by_role("button", name="Import").click()
        await expect(page.get_by_role("alert")).to_contain_text("Line 2, informed_at: must be a day")
        rows = b"agent,informed_at,version\n201,2026-01-05,2026-01\n202,2025-02-03,2025-01\n"
        await page.get_by_label("CSV file").set_input_files(
            {"name": "agents.csv", "mimeType": "text/csv", "buffer": rows}
        )
        await page.get_by_role("button", name="Import").click()
        await page.get_by_role("link", name="Show the register").click()
        await expect(page.get_by_text("1 agents were informed by it.")).to_be_visible()
        await seen(page, "notices")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Withdraw the notice of 201").click()
        await expect(page.get_by_text("0 agents were informed by it.")).to_be_visible()

        await page.goto("/console/retention")
        await page.get_by_role("button", name="Compare with the policy in force").click()
        review = page.get_by_role("region", name="Waits for your approval")
        await expect(review.get_by_role("row").nth(1)).to_contain_text("sooner")
        forecast = page.get_by_role("region", name="What goes when")
        await expect(forecast.get_by_role("row").nth(1)).to_contain_text("2099-03")
        await seen(page, "retention")
        page.once("dialog", lambda dialog: dialog.accept())
        await review.get_by_role("button", name="Approve the sooner dates").click()
        await expect(page.get_by_text("The dates are those that the policy in force asks for.")).to_be_visible()
        await expect(forecast.get_by_role("row").nth(1)).to_contain_text("due now")


async def test_a_list_that_was_corrected_after_it_was_chosen_is_to_be_chosen_again(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    rows = tmp_path / "agents.csv"
    rows.write_text("agent,informed_at,version\n201,2026-01-05,2026-01\n")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        await page.goto("/console/notices")
        file, imports = page.get_by_label("CSV file"), page.get_by_role("button", name="Import")
        await file.set_input_files(rows)
        await imports.click()
        told = page.get_by_role("status")
        await expect(told).to_contain_text("New")
        rows.write_text("agent,informed_at,version\n201,2026-01-06,2026-01\n202,soon,2026-01\n")
        os.utime(rows, (0, 0))
        await imports.click()
        alert = page.get_by_role("region", name="Import a list").get_by_role("alert")
        await expect(alert).to_contain_text("The file has changed since you chose it")
        await expect(told).to_be_hidden()
        assert await file.evaluate("file => file.files.length") == 0
        await file.set_input_files(rows)
        await imports.click()
        await expect(alert).to_contain_text("Line 3, informed_at: must be a day")


async def test_rectifying_nothing_is_told_what_may_be_rectified(office: Office, browser: Browser) -> None:
    call = call_of(await office.recording("quality"))
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        for language, word, said in (
            ("en", "Rectify", "Fill in what should be otherwise: a number, an agent or a queue."),
            ("fr", "Rectifier", "Indiquez ce qui doit changer : un numéro, un agent ou une file."),
        ):
            await page.goto(f"/console/subjects?lang={language}")
            form = page.locator("form[data-shows=rectified]")
            await form.locator("[name=call]").fill(call)
            await form.get_by_role("button", name=word).click()
            await expect(form.get_by_role("alert")).to_have_text(said)


async def test_what_is_kept_is_told_with_a_colon_as_french_sets_it(office: Office) -> None:
    for language, colon in (("en", ":"), ("fr", "\xa0:")):
        _, page = await office.ask("dpo", "GET", f"/console/subjects?lang={language}")
        assert f'<code data-field="name"></code>{colon} <span' in page


async def lifted(office: Office, hold: str) -> str | None:
    """Why a hold was lifted."""
    found = await hold_on_file(office.custody.engine, hold)
    return found.lifted_why if found else None


async def state_of(office: Office, recording: str) -> StoredState:
    """What has become of a recording."""
    found = await holding(office.custody.engine, recording, at=now())
    assert found is not None
    return found.stored.state
