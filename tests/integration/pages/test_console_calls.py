"""Calls under way as a supervisor and an agent see them in their browser: rows that come, change and go."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from controller.domain import events
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.web import live
from tests.integration.browsers import TELEPHONE, WIDE, a_page, accessible, log_in, shown
from tests.integration.offices import Office
from tests.integration.pages.answering import answering, now
from tests.integration.pages.conftest import PASSWORD, account, address
from tests.integration.pages.test_banner import BY_HAND
from tests.unit.runtime.switched import Switched

COUNTED = """() => new Promise(counted => new MutationObserver((_, observer) => {
  if (!document.querySelector("tr[data-state=paused]")) return;
  observer.disconnect();
  counted(document.querySelector("#count").textContent);
}).observe(document.querySelector("#calls"), {subtree: true, attributes: true}))"""
"""What the heading counts at the moment at which a row says that it is paused."""

BEGINS = """cells => cells.map(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return Math.min(...[...range.getClientRects()].filter(({width}) => width > 0).map(({left}) => Math.round(left)));
})"""
"""How far to the left each cell has something, but for its label."""


def row(page: Page, call: CallId) -> Locator:
    return page.locator(f'tr[data-call="{call}"]')


async def test_a_supervisor_watches_calls_and_pauses_and_stops_one(office: Office, browser: Browser) -> None:
    switched = office.pbxs["quality"]
    others = office.call("evidence")
    async with a_page(browser, address(office)) as page, answering(switched):
        await log_in(page, await account(office, "supervisor-of-quality"), PASSWORD)
        assert page.url.endswith("/console/calls")
        await expect(page.get_by_text("No call is under way")).to_be_visible()
        await accessible(page)
        call = office.call("quality")
        await expect(row(page, call)).to_contain_text("Recording")
        await expect(row(page, call)).to_contain_text("201")
        await expect(page.locator("#count")).to_have_text("Calls: 1 · being recorded: 1 · paused: 0")
        await expect(page.get_by_role("status").filter(has_text="being recorded: 1")).to_have_count(1)
        counted = asyncio.create_task(page.evaluate(COUNTED))
        await row(page, call).get_by_role("button", name="Pause").press("Enter")
        assert await counted == "Calls: 1 · being recorded: 0 · paused: 1"
        await expect(row(page, call)).to_contain_text("Paused on request")
        await expect(row(page, call).locator("[data-field=state]")).to_be_focused()
        await expect(row(page, call).get_by_role("button", name="Resume, call of 201")).to_be_visible()
        assert switched.call(call).suspensions[0].actor == "account:supervisor-of-quality"
        waiting = office.call("quality")
        await expect(row(page, waiting)).to_be_visible()
        await page.reload()
        await expect(row(page, call)).to_contain_text("Paused on request")
        await expect(page.get_by_text("Kept current")).to_be_visible()
        await accessible(page)
        await shown(page, "console-calls-wide")
        await row(page, call).get_by_role("button", name="Resume").click()
        await expect(row(page, call).get_by_role("button", name="Pause")).to_be_visible()
        page.on("dialog", lambda dialog: dialog.accept())
        await row(page, call).get_by_role("button", name="Stop").click()
        await expect(row(page, call)).to_contain_text("Not recorded")
        await is_not_resumed(page, switched, call)
        await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
        await accessible(page)
        await shown(page, "console-calls-telephone")
        assert await page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE[0]
        switched.dispatcher.gone(switched.call(call).customer)
        await expect(row(page, call)).to_have_count(0)
        await expect(row(page, waiting)).to_have_count(1)
        assert others not in await page.content()


async def is_not_resumed(page: Page, switched: Switched, call: CallId) -> None:
    """What is stopped for good stays so, whatever the agent's keys pause after that."""
    switched.dispatcher.tell(call, events.PauseRequested(at=now(), cause=Reason.PAYMENT, **BY_HAND))
    assert switched.call(call).suspensions
    await page.reload()
    await expect(page.get_by_text("Kept current")).to_be_visible()
    await expect(row(page, call).locator("[data-field=state]")).to_have_text("Not recorded")
    await expect(row(page, call).locator("[data-field=why]")).to_have_text("")
    await expect(row(page, call).get_by_role("button")).to_have_count(0)


async def test_an_agent_sees_their_own_call_until_they_log_out_wherever_they_do(
    office: Office, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_S", 0.2)
    own, others = office.recorded("quality"), office.recorded("evidence")
    async with a_page(browser, address(office), language="fr") as page:
        await page.goto("/login?lang=en")
        await log_in(page, await account(office, "agent-201"), PASSWORD)
        await page.goto("/console/calls?lang=fr")
        await expect(row(page, own)).to_contain_text("Un instant")
        assert others not in await page.content()
        async with answering(office.pbxs["quality"]):
            mine = office.call("quality")
            await expect(row(page, mine)).to_contain_text("Enregistrement en cours")
        await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
        await shown(page, "console-calls-fr-telephone")
        cells = row(page, mine).locator("td[data-label]")
        assert len(set(await cells.evaluate_all(BEGINS))) == 1, "each beside its label"
        await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        await row(page, mine).get_by_role("button", name="Mettre en pause").click()
        await expect(page.get_by_role("alert")).to_have_text("Le standard ne l\u2019a pas encore confirmé.")
        await page.goto("/console/recordings")
        await expect(page.get_by_role("heading", name="pas pour vous")).to_be_visible()
        await page.goto("/console/calls")
        await expect(page.get_by_text("Tenu à jour")).to_be_visible()
        elsewhere = await page.context.new_page()
        await elsewhere.goto("/console/me")
        await elsewhere.get_by_role("button", name="Se déconnecter").click()
        await page.wait_for_url("**/login?next=**")
