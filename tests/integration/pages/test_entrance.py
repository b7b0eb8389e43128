"""Coming in by the browser: the form, the way back to where one wanted to go, and out again."""

import pytest
from playwright.async_api import Browser, expect

from controller.runtime.openid import HOME
from tests.integration.browsers import TELEPHONE, WIDE, a_page, accessible, log_in, shown
from tests.integration.offices import Office
from tests.integration.pages.conftest import PASSWORD, account, address

ANOTHER = "another invented password"


async def test_a_person_logs_in_changes_their_password_and_logs_out(office: Office, browser: Browser) -> None:
    name = await account(office, "administrator")
    async with a_page(browser, address(office)) as page:
        await page.goto("/console")
        assert page.url.endswith("/login?next=/console")
        await page.get_by_label("Account").fill(name)
        await page.get_by_label("Password").fill("not this one")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("No account has this name and this password.")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url("**/console**")
        await expect(page.get_by_text(f"Logged in as {name}")).to_be_visible()
        await page.goto("/console/me")
        await accessible(page)
        await page.get_by_label("Current password").fill("not this one")
        await page.get_by_label("New password").fill(ANOTHER)
        await page.get_by_role("button", name="Change my password").click()
        await expect(page.get_by_role("alert")).to_have_text("The current password is another one.")
        await page.get_by_label("Current password").fill(PASSWORD)
        await page.get_by_role("button", name="Change my password").click()
        await expect(page.get_by_text("Your password is changed.")).to_be_visible()
        await expect(page.get_by_label("New password")).to_have_value("")
        await accessible(page)
        await shown(page, "password-changed")
        await page.set_viewport_size({"width": TELEPHONE[0], "height": TELEPHONE[1]})
        await accessible(page)
        await shown(page, "password-changed-telephone")
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url("**/login")
        await page.goto("/console")
        assert "/login" in page.url
        await log_in(page, name, ANOTHER)


@pytest.mark.parametrize(("language", "word"), [("en", "Log in"), ("fr", "Se connecter")])
async def test_the_form_speaks_the_language_of_who_reads_it(
    office: Office, browser: Browser, language: str, word: str
) -> None:
    for size, name in ((WIDE, "wide"), (TELEPHONE, "telephone")):
        async with a_page(browser, address(office), language=language, size=size) as page:
            await page.goto("/login")
            await expect(page.get_by_role("heading", name=word)).to_be_visible()
            assert await page.evaluate("document.documentElement.lang") == language
            await accessible(page)
            await shown(page, f"login-{language}-{name}")
    other = "fr" if language == "en" else "en"
    async with a_page(browser, address(office), language=language) as page:
        await page.goto(f"/login?lang={other}")
        await page.goto("/login")
        assert await page.evaluate("document.documentElement.lang") == other


async def test_a_page_that_is_not_there_is_told_by_a_page(office: Office, browser: Browser) -> None:
    async with a_page(browser, address(office), language="fr") as page:
        for place in ("/console/nothing", "/login/nothing"):
            await page.goto(place)
            await expect(page.get_by_role("heading", name="rien ici")).to_be_visible()


async def test_nobody_is_led_elsewhere_after_logging_in(office: Office, browser: Browser) -> None:
    name = await account(office, "administrator")
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "javascript:1"):
        async with a_page(browser, address(office)) as page:
            await page.goto(f"/login?next={elsewhere}")
            assert await page.locator("main form").get_attribute("data-then") == HOME
    async with a_page(browser, address(office)) as page:
        await log_in(page, name, PASSWORD)
        await page.goto("/login?next=/console?lang=fr")
        assert page.url.startswith(f"{address(office)}console")
        assert page.url.endswith("?lang=fr")
