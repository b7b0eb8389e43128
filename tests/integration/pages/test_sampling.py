"""The share of recorded calls, as a supervisor sees it: by chart, by table and in words."""

from dataclasses import replace
from datetime import timedelta

from playwright.async_api import Browser, expect

from controller.domain.decision import Reason
from controller.runtime.clock import now
from controller.runtime.ports import SampledDecision
from tests.integration.browsers import TELEPHONE, WIDE, a_page, accessible, log_in, shown
from tests.integration.entries import a_question
from tests.integration.offices import Office
from tests.integration.pages.conftest import PASSWORD, account, address

SUPPORT, SALES = "queue=support,agent=201", "queue=sales,agent=202"


def answered(
    number: int, stratum: str, *, weeks_ago: int, purpose: str = "quality", eligible: bool = True
) -> list[SampledDecision]:
    reason = {} if eligible else {"reason": Reason.OPTED_OUT}
    facts = {"at": now() - timedelta(weeks=weeks_ago), "facts": {"stratum": stratum}, "purpose": purpose, **reason}
    return [replace(a_question(stratum, eligible=eligible, **facts), purpose=purpose) for _ in range(number)]


async def test_a_supervisor_sees_the_share_of_their_purposes_against_its_limits(
    office: Office, browser: Browser
) -> None:
    for ago in range(11, -1, -1):
        await office.custody.ledger.write(answered(80, SUPPORT, weeks_ago=ago))
    await office.custody.ledger.write(answered(80, SALES, weeks_ago=5, eligible=False))
    await office.custody.ledger.write(answered(3, SALES, weeks_ago=1))
    await office.custody.ledger.write(answered(20, "queue=orders", weeks_ago=1, purpose="evidence"))
    await office.custody.ledger.write(answered(1, "queue=orders", weeks_ago=2, purpose="evidence"))
    name = await account(office, "supervisor-of-quality")
    for size, kind in ((WIDE, "wide"), (TELEPHONE, "telephone")):
        async with a_page(browser, address(office), size=size) as page:
            await log_in(page, name, PASSWORD)
            await page.goto("/console/sampling")
            outside = page.get_by_role("region", name="Outside the limits")
            await expect(outside).to_contain_text("quality · queue sales · agent 202")
            await expect(outside).to_contain_text("0 of 80 calls were chosen, 0.0 %")
            await expect(outside).to_contain_text("below the minimum of 20.0 %")
            await expect(outside.get_by_role("listitem")).to_have_count(2)
            await expect(page.get_by_role("heading", level=2)).to_have_text(
                ["Outside the limits", "quality · queue sales · agent 202", "quality · queue support · agent 201"]
            )
            assert await page.locator("svg .mark").count() == 14
            assert await page.locator("svg .below").count() == 1
            assert await page.locator("svg .above").count() == 1
            weeks = page.get_by_role("region", name="Weeks of quality · queue support · agent 201")
            await expect(weeks.get_by_role("row")).to_have_count(13)
            assert "orders" not in await page.content()
            await accessible(page)
            await shown(page, f"desk-sampling-{kind}")
            await page.get_by_role("combobox", name="Weeks").select_option("4")
            await page.get_by_role("button", name="Show").click()
            await expect(page.get_by_role("region", name="Outside the limits")).to_contain_text(
                "3 of 3 calls were chosen"
            )
    async with a_page(browser, address(office), language="fr") as page:
        await page.goto("/login")
        await page.get_by_label("Compte").fill(await account(office, "supervisor-of-evidence"))
        await page.get_by_label("Mot de passe").fill(PASSWORD)
        await page.get_by_role("button", name="Se connecter").click()
        await page.wait_for_url("**/console**")
        await page.goto("/console/sampling")
        await expect(page.get_by_role("heading", name="evidence · file orders")).to_be_visible()
        assert "support" not in await page.content()
        table = page.get_by_role("region", name="Semaines de evidence")
        await expect(table.get_by_role("row")).to_have_count(3)
        await expect(table).to_contain_text("Peut-être dû au hasard")
        await shown(page, "desk-sampling-fr")
        assert await table.evaluate("table => table.scrollWidth <= table.clientWidth")
