"""A customer's recordings in the contact's record of a CRM: in a frame, on the same site as ours and on another."""

from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, Page, expect
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.browsers import a_page, a_site, accessible, log_in, shown
from tests.integration.entries import NOON
from tests.integration.holdings import CUSTOMER, a_stored_recording, accesses, customer_hash
from tests.integration.offices import Office, an_office
from tests.integration.pages.conftest import PASSWORD, account, address
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

PARENT = f"""<!doctype html><html lang="en"><title>CRM</title><h1>A contact</h1>
<form method="post" action="SERVERconsole/customers" target="recordings" hidden>
<input name="number" value="{CUSTOMER}"><input name="token" value="TOKEN"></form>
<iframe name="recordings" title="Recordings" src="ADDRESS" width="1000" height="600"></iframe>"""


async def test_a_crm_shows_what_is_stored_of_a_contact(
    engine: AsyncEngine, tmp_path: Path, place: Place, browser: Browser, database: str
) -> None:
    async with a_site() as (crm, pages), a_site() as (elsewhere, others):
        same_site, another_site = f"http://127.0.0.1:{crm}", f"http://localhost:{crm}"
        async with an_office(engine, tmp_path, place, embedded_by=[same_site, another_site]) as office:
            for hour in range(51):
                await a_stored_recording(office.custody, audio=[b"\x01\x00" * 80], began=NOON - timedelta(hours=hour))
            pages["text"] = others["text"] = parent(office)
            async with a_page(browser, address(office)) as page:
                await who_has_logged_in_sees_it(office, page, same_site, database)
            async with a_page(browser, another_site) as page:
                await where_no_cookie_comes_along_a_token_does(office, page, another_site, database)
            await nobody_else_does(browser, f"http://localhost:{elsewhere}")


def parent(office: Office, *, token: str = "none of ours") -> str:  # noqa: S107 - what it says
    place = f"{address(office)}console/customers/{CUSTOMER}"
    return PARENT.replace("SERVER", address(office)).replace("ADDRESS", place).replace("TOKEN", token)


async def who_has_logged_in_sees_it(office: Office, page: Page, crm: str, database: str) -> None:
    await page.goto(crm)
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_text("You are not logged in.")).to_be_visible()
    await page.goto(address(office))
    await log_in(page, await account(office, "listener-of-quality"), PASSWORD)
    await page.goto(crm)
    await expect(frame.locator("tbody tr")).to_have_count(50)
    assert await frame.get_by_role("navigation").count() == 0
    await accessible(page.frames[1])
    await shown(page, "console-customer-embedded")
    await frame.get_by_role("button", name="Older ones").click()
    await expect(frame.locator("tbody tr")).to_have_count(1)
    async with page.context.expect_page() as opened:
        await frame.get_by_role("link").first.click()
    recording = await opened.value
    await expect(recording.get_by_role("heading", name="Recording of")).to_be_visible()
    searched = ("account:listener-of-quality", "search", f"customer:{customer_hash(CUSTOMER).hex()}", None)
    assert accesses(database) == [searched, searched]


async def where_no_cookie_comes_along_a_token_does(office: Office, page: Page, crm: str, database: str) -> None:
    pages = page.frame_locator("iframe")
    await page.goto(crm)
    await expect(pages.get_by_text("You are not logged in.")).to_be_visible()
    send = "document.querySelector('form').submit()"
    await page.evaluate(send)
    await expect(pages.get_by_text("You are not logged in.")).to_be_visible()
    hand_over = "token => { document.querySelector('[name=token]').value = token; }"
    for who in ("supervisor-of-quality", "listener-of-quality", "integration-of-quality", "administrator", "dpo"):
        await page.evaluate(hand_over, office.tokens.tokens[who])
        await page.evaluate(send)
        await expect(pages.get_by_role("heading", name="This token may do too much")).to_be_visible()
        await page.goto(crm)
    await page.evaluate(hand_over, office.tokens.tokens["viewer-of-quality"])
    await page.evaluate(send)
    await expect(pages.locator("tbody tr")).to_have_count(50)
    await pages.get_by_role("button", name="Older ones").click()
    await expect(pages.locator("tbody tr")).to_have_count(1)
    async with page.context.expect_page() as opened:  # there a session counts, and the token is not known
        await pages.get_by_role("link").first.click()
    await expect((await opened.value).get_by_label("Password")).to_be_visible()
    assert [who for who, *_ in accesses(database)][2:] == ["token:viewer-of-quality"] * 2


async def nobody_else_does(browser: Browser, elsewhere: str) -> None:
    context = await browser.new_context(base_url=elsewhere)
    page = await context.new_page()
    await page.goto("/")
    frame = page.frames[1]
    await frame.wait_for_load_state()
    assert await frame.get_by_text("logged in").count() == 0
    await context.close()
