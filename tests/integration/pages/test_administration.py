"""The desk of an administrator: accounts and tokens, the configuration and its history, the chain of decisions."""

import re

from playwright.async_api import Browser, Locator, Page, expect

from controller.audit import checkpoints
from controller.audit.keys import SigningKey
from controller.db import queries
from controller.db.chains import PostgresChains
from controller.domain.chain import Link
from controller.domain.decision import Reason
from controller.runtime.clock import now
from tests.integration.browsers import a_page, accessible, log_in
from tests.integration.entries import a_decision
from tests.integration.offices import PEOPLE, Office
from tests.integration.pages.conftest import PASSWORD, account, address
from tests.integration.pages.test_compliance_desk import seen


async def test_accounts_and_tokens_are_given_out_by_who_has_their_roles_and_nobody_changes_their_own(
    office: Office, browser: Browser
) -> None:
    name = await account(office, "administrator")
    await account(office, "dpo")
    await office.identities.add_openid_account("claire", "c-1", PEOPLE["agent-203"], actor="test")
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/console/accounts")
        await expect(page.get_by_text("This is you.")).to_be_visible()
        await what_is_not_theirs_is_not_offered(page)
        await page.get_by_text("Add an account").click()
        await page.get_by_label("Name").first.fill("alice")
        await page.get_by_label("Password", exact=True).fill("another invented password")
        form = page.locator("form[data-api='POST /api/v1/accounts']")
        await form.get_by_label("integration").check()
        await form.get_by_role("button", name="Add").click()
        await expect(form.get_by_role("alert")).to_have_text(
            "Purposes: choose some for listeners, supervisors, integrations and viewers, and none for others"
        )
        await form.get_by_label("quality").check()
        await form.get_by_role("button", name="Add").click()
        await expect(page.get_by_role("heading", name="alice")).to_be_visible()
        await page.get_by_text("Change alice").click()
        change = page.locator("details[open] form").first
        await change.get_by_label("administrator").check()
        await seen(page, "accounts")
        await change.get_by_role("button", name="Change roles").click()
        await expect(row(page, "alice").locator(".state")).to_have_text(["administrator", "integration"])

        await page.get_by_text("Issue a token").click()
        form = page.locator("form[data-api='POST /api/v1/tokens']")
        await form.get_by_label("Name").fill("crm")
        await form.get_by_label("integration").check()
        await form.get_by_label("every purpose").check()
        await form.get_by_role("button", name="Issue").click()
        token = await page.get_by_role("region", name="Token", exact=True).inner_text()
        assert token.startswith("rc_")
        await accessible(page)
        await page.get_by_role("link", name="I have copied it").click()
        await expect(page.get_by_role("heading", name="crm")).to_be_visible()
        assert token not in await page.content()
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Revoke crm").click()
        await expect(page.get_by_text("revoked", exact=True)).to_be_visible()

        assert await status(page, "/api/v1/accounts/administrator", {"roles": ["dpo"]}) == 403
        assert await status(page, "/api/v1/accounts/administrator/disable", {}) == 403
    [alice] = [one for one in await office.identities.accounts() if one.name == "alice"]
    assert alice.roles == {"integration", "administrator"}
    decisions = [one async for one in queries.decisions(office.custody.engine)]
    told = {(one.reason, one.actor) for one in decisions if one.actor == "account:administrator"}
    assert told == {
        (reason, "account:administrator")
        for reason in (Reason.ACCOUNT_ADDED, Reason.ACCOUNT_CHANGED, Reason.TOKEN_ISSUED, Reason.TOKEN_REVOKED)
    }
    async with a_page(browser, address(office)) as page:
        await log_in(page, "dpo", PASSWORD)
        await page.goto("/console/accounts")
        await the_dpo_lets_somebody_listen(page)


def row(page: Page, name: str) -> Locator:
    """An account on the page."""
    accounts = page.get_by_role("region", name="Accounts of people")
    return accounts.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


async def what_is_not_theirs_is_not_offered(page: Page) -> None:
    """To an administrator, beside an account that reaches further and one of the provider's."""
    await expect(row(page, "administrator")).to_contain_text("last in on 20")
    await expect(page.get_by_label("listener")).to_have_count(0)
    await expect(row(page, "dpo")).to_contain_text("reaches further than yours")
    await expect(row(page, "dpo").get_by_role("button")).to_have_text("Disable dpo")
    await expect(row(page, "claire")).to_contain_text("through a provider, as c-1")
    await page.get_by_text("Change claire").click()
    await expect(row(page, "claire").get_by_label("New password")).to_have_count(0)
    await page.get_by_text("Change claire").click()


async def the_dpo_lets_somebody_listen(page: Page) -> None:
    """And changes nothing of who runs the system."""
    await expect(page.get_by_text("Change alice")).to_have_count(0)
    await page.get_by_text("Add an account").click()
    form = page.locator("form[data-api='POST /api/v1/accounts']")
    await expect(form.get_by_label("administrator")).to_have_count(0)
    await form.get_by_label("Name").fill("nora")
    await form.get_by_label("Password").fill("another invented password")
    await form.get_by_label("listener").check()
    await form.get_by_label("quality").check()
    await form.get_by_role("button", name="Add").click()
    await expect(row(page, "nora")).to_contain_text("listener")


async def test_the_configuration_is_read_again_and_its_history_told_as_differences(
    office: Office, browser: Browser
) -> None:
    faultless = office.place.file.read_text()
    engine = office.custody.engine
    before, after = "a" * 64, "b" * 64
    await queries.remember_policy(engine, version=before, text="target: 0.25\nkept: yes\n")
    await queries.remember_policy(engine, version=after, text="target: 0.20\nkept: yes\n")
    await office.custody.ledger.write(
        [
            a_decision(
                kind="config",
                reason=Reason.POLICY_LOADED,
                at=now(),
                policy_version=after,
                actor="account:administrator",
            )
        ]
    )
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "administrator"), PASSWORD)
        await page.goto("/console/configuration")
        difference = page.locator("pre.difference")
        await expect(difference).to_have_text(re.compile(r"-target: 0\.25\s+\+target: 0\.20\s+kept: yes"))
        await expect(page.get_by_text("by administrator")).to_be_visible()
        await expect(page.get_by_text("at the start of a daemon")).to_be_visible()
        await page.get_by_text("The file as it was loaded").click()
        await seen(page, "configuration")
        office.place.file.write_text(faultless + "\nunheard_of: 1\nneither: 2\n")
        await page.get_by_role("button", name="Read the file again").click()
        alert = page.get_by_role("region", name="In force").get_by_role("alert")
        await expect(alert).to_contain_text("unheard_of")
        assert len((await alert.inner_text()).splitlines()) == 3
        office.place.file.write_text(faultless.replace("country: FR", "country: BE") + "\n# otherwise\n")
        await page.get_by_role("button", name="Read the file again").click()
        await expect(page.get_by_role("link", name="Show what changed")).to_be_visible()
        told = page.locator("#reloaded")
        await expect(told).to_contain_text(re.compile(r"wait for the next start\s*country"))
        await what_was_told_before_goes(office, page, told)
        await page.get_by_role("link", name="Show what changed").click()
        await page.get_by_text("The file as it was loaded").click()
        await expect(page.get_by_role("region", name="The file as it was loaded")).to_contain_text("# otherwise")


async def what_was_told_before_goes(office: Office, page: Page, told: Locator) -> None:
    """Once something else has come of reading the file; the same file is no change."""
    read, reads = office.place.file.read_text(), page.get_by_role("button", name="Read the file again")
    office.place.file.write_text(f"{read}\nunheard_of: 1\n")
    await reads.click()
    await expect(page.get_by_role("region", name="In force").get_by_role("alert")).to_be_visible()
    await expect(told).to_be_hidden()
    office.place.file.write_text(read)
    await reads.click()
    await expect(told).to_contain_text("Nothing has changed.")
    await expect(told).not_to_contain_text("Before", use_inner_text=True)
    await expect(told.get_by_role("link")).to_be_hidden()
    await accessible(page)
    await expect(told).to_contain_text("country")
    office.place.file.write_text(f"{read}# once more\n")
    await reads.click()


async def test_what_is_refused_of_accounts_and_tokens_is_said_of_them(office: Office, browser: Browser) -> None:
    await account(office, "agent-203")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "administrator"), PASSWORD)
        await page.goto("/console/accounts")
        await page.get_by_text("Add an account").click()
        await page.get_by_text("Issue a token").click()
        form = page.locator("form[data-api='POST /api/v1/tokens']")
        await form.get_by_label("Name").fill("crm")
        await form.get_by_role("button", name="Issue").click()
        await expect(form.get_by_role("alert")).to_have_text("Roles: choose one at least")
        await form.get_by_label("integration").check()
        await form.get_by_label("every purpose").check()
        await form.get_by_role("button", name="Issue").click()
        issued = page.get_by_role("region", name="The new token")
        await expect(issued.get_by_role("heading", name="crm")).to_be_visible()
        await form.get_by_role("button", name="Issue").click()
        await expect(form.get_by_role("alert")).to_contain_text("Name: is taken")
        await expect(issued).to_be_hidden()
        await page.reload()
        await page.get_by_text("Change agent-203").click()
        change = page.locator("details[open] form").first
        await change.get_by_label("agent", exact=True).uncheck()
        await change.get_by_label("Extension").fill("")
        await change.get_by_label("PBX").select_option("")
        await change.get_by_role("button", name="Change roles").click()
        await expect(change.get_by_role("alert")).to_have_text("Roles: choose one at least")


async def test_the_audit_page_says_what_is_signed_and_how_to_verify_it_elsewhere(
    office: Office, browser: Browser
) -> None:
    await office.custody.ledger.write([a_decision() for _ in range(3)])
    chains = PostgresChains(office.custody.engine)
    name = await account(office, "dpo")
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/console/audit")
        await expect(page.get_by_text("never signed")).to_be_visible()
        writer = await page.get_by_role("row").nth(1).get_by_role("rowheader").inner_text()
        link = await chains.link_at(writer, 2)
        assert isinstance(link, Link)
        await chains.keep(checkpoints.signed(SigningKey(bytes(32)), writer, link, now(), None))
        await page.reload()
        head = await chains.head(writer)
        assert head is not None
        cells = page.get_by_role("row").nth(1).get_by_role("cell")
        await expect(cells.nth(0)).to_have_text(str(head.position))
        await expect(cells.nth(1)).to_have_text(str(head.position - 2))
        await expect(page.get_by_text("audit verify --public-key")).to_be_visible()
        await seen(page, "audit")


async def status(page: Page, path: str, body: dict[str, object]) -> int:
    """What a request of who has logged in is answered."""
    found: int = await page.evaluate(
        """async ([path, body]) => {
            const csrf = document.querySelector("meta[name=csrf]").content;
            const headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf};
            return (await fetch(path, {method: "POST", headers, body: JSON.stringify(body)})).status;
        }""",
        [path, body],
    )
    return found
