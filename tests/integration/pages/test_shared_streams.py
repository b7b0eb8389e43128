"""Many pages of one browser follow calls at the same time, and none of them stands in the way of what is asked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from controller.domain import events
from controller.domain.decision import Reason
from controller.web import live
from tests.integration.browsers import ALONE, HIDE, a_page, log_in
from tests.integration.offices import Office
from tests.integration.pages.answering import answering, now
from tests.integration.pages.conftest import PASSWORD, account, address
from tests.integration.pages.test_banner import BY_HAND, button, word


@asynccontextmanager
async def a_person(office: Office, browser: Browser, who: str, *, script: str = "") -> AsyncIterator[BrowserContext]:
    """Somebody who has logged in, with one page that shows nothing in particular."""
    name = await account(office, who)
    async with a_page(browser, address(office)) as page:
        await page.context.add_init_script(script)
        await page.goto("/login?lang=en")
        await log_in(page, name, PASSWORD)
        await page.goto("/console/me")
        yield page.context


async def opened(context: BrowserContext, path: str) -> Page:
    page = await context.new_page()
    await page.goto(path)
    return page


async def test_eight_pages_have_two_streams_and_a_pause_is_answered_and_seen_on_each(
    office: Office, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_EACH", 2)
    call = office.recorded("contract")
    async with answering(office.pbxs["contract"]), a_person(office, browser, "agent-201") as context:
        banners = [await opened(context, "/banner") for _ in range(4)]
        tables = [await opened(context, "/console/calls") for _ in range(4)]
        for page in banners:
            await expect(word(page)).to_have_text("Recording")
        for page in tables:
            await expect(page.get_by_text("Kept current")).to_be_visible()
            await expect(page.locator(f'tr[data-call="{call}"]')).to_contain_text("Recording")
        await button(banners[-1], "Pause for payment").click()
        for page in banners:
            await expect(word(page)).to_have_text("Paused")
        for page in tables:
            await expect(page.locator(f'tr[data-call="{call}"]')).to_contain_text("Paused")
        for page in tables:
            await page.close()
        other = await opened(context, "/banner?pbx=main")  # there is room for it once nobody follows the table
        await expect(word(other)).to_have_text("Paused")


async def test_pages_that_nobody_sees_make_room_for_one_that_somebody_does(office: Office, browser: Browser) -> None:
    """A supervisor has a banner for each of six extensions: more streams than a browser should keep open."""
    async with a_person(office, browser, "supervisor-of-all") as context:
        pages = [await opened(context, f"/banner?agent=20{at}") for at in range(2, 6)]
        for page in pages:
            await expect(page.get_by_text("No call", exact=True)).to_be_visible()
        last = await opened(context, "/banner?agent=201")
        await expect(last.locator("#trouble")).to_contain_text("Too many screens listen already.")
        await pages[0].evaluate(HIDE, True)
        await expect(last.get_by_text("No call", exact=True)).to_be_visible()
        office.call("quality")
        async with answering(office.pbxs["quality"]):
            await expect(word(last)).to_have_text("Recording")
            await button(last, "Pause for payment").click()
            await expect(word(last)).to_have_text("Paused")
        await last.close()
        await pages[0].evaluate(HIDE, False)
        await expect(pages[0].get_by_text("No call", exact=True)).to_be_visible()


async def test_where_a_browser_shares_nothing_a_page_has_a_stream_while_it_is_seen(
    office: Office, browser: Browser
) -> None:
    switched = office.pbxs["quality"]
    call = office.recorded("quality")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(answering(switched))
        context = await stack.enter_async_context(a_person(office, browser, "agent-201", script=ALONE))
        pages = []
        for _ in range(7):
            pages.append(await opened(context, "/banner"))
            await expect(word(pages[-1])).to_have_text("Recording")
            if len(pages) < 7:
                await pages[-1].evaluate(HIDE, True)
        await expect(word(pages[1])).to_have_text("State unknown")
        await button(pages[1], "Pause for payment").click()  # what is held can pause all the same
        await expect(word(pages[-1])).to_have_text("Paused")
        await pages[0].evaluate(HIDE, False)
        await expect(word(pages[0])).to_have_text("Paused")
        await context.set_offline(True)
        await expect(word(pages[0])).to_have_text("State unknown")
        await context.set_offline(False)
        await expect(word(pages[0])).to_have_text("Paused")
        switched.dispatcher.tell(call, events.ResumeRequested(at=now(), cause=Reason.PAYMENT, **BY_HAND))
        await expect(word(pages[0])).to_have_text("Recording")
