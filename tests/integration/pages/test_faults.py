"""What the API refuses is said in the language of who reads the page, and named as the page names it."""

from playwright.async_api import Browser, expect

from controller.domain.records import RestrictionRecord
from tests.integration.browsers import a_page, accessible, log_in
from tests.integration.entries import NOON
from tests.integration.holdings import customer_hash
from tests.integration.offices import Office
from tests.integration.pages.conftest import PASSWORD, account, address


async def test_what_is_refused_is_said_in_french_with_the_labels_of_the_page(office: Office, browser: Browser) -> None:
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "dpo"), PASSWORD)
        await page.goto("/console/objections?lang=fr")
        added = page.get_by_role("region", name="Ajouter une opposition")
        await added.get_by_label("Numéro du client").fill("personne")
        await added.get_by_role("button", name="Ajouter").click()
        await expect(added.get_by_role("alert")).to_have_text(
            "Numéro du client : un numéro de téléphone est attendu, par exemple +33199000001 ou 01 99 00 00 01"
        )
        await page.goto("/console/notices")
        await page.get_by_label("Fichier CSV").set_input_files(
            {"name": "agents.csv", "mimeType": "text/csv", "buffer": b"agent,informed_at,version\n2/1,soon,2026-01\n"}
        )
        await page.get_by_role("button", name="Importer").click()
        alert = page.get_by_role("region", name="Importer une liste").get_by_role("alert")
        await expect(alert).to_contain_text("Ligne 2, agent : un poste est attendu")
        await expect(alert).to_contain_text("Ligne 2, informed_at : une date est attendue")
        await page.goto("/console/recordings?call=somewhere&since=yesterday")
        await expect(page.get_by_role("alert")).to_contain_text(
            "Appel : l\u2019identifiant d\u2019un appel est attendu"
        )
        await page.goto("/console/recordings?until=0001-01-01")
        await expect(page.get_by_role("alert")).to_contain_text("une date des années 1000 à 2999 est attendue")
        await page.goto("/console/customers/nobody")
        await expect(page.get_by_role("heading", name="pas un numéro de téléphone")).to_be_visible()


async def test_a_link_to_what_is_not_there_any_more_leads_to_a_page(office: Office, browser: Browser) -> None:
    recording = await office.recording("quality")
    async with a_page(browser, address(office)) as page:
        await log_in(page, await account(office, "listener-of-quality"), PASSWORD)
        await page.goto(f"/console/recordings/{recording}?lang=fr")
        await office.custody.write([RestrictionRecord(customer_hash=customer_hash(), at=NOON)])
        await page.get_by_role("button", name="Télécharger en MP3").click()
        await expect(page.get_by_role("heading", name="Cette page n\u2019est pas pour vous")).to_be_visible()
        await expect(page.get_by_text("limitation du traitement")).to_be_visible()
        await accessible(page)
        answer = await page.goto("/api/v1/recordings/rc-of-nobody/audio.mp3")
        assert answer is not None
        assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        await expect(page.get_by_text("Cela n\u2019existe pas ou plus")).to_be_visible()
        told = await page.evaluate("async () => (await fetch('/api/v1/recordings/rc-of-nobody')).json()")
        assert told["code"] == "not-found"
        await page.get_by_role("button", name="Se déconnecter").click()
        await page.wait_for_url("**/login")
        await page.goto("/api/v1/me")
        assert page.url.endswith("/login?next=/console")


async def test_what_has_no_words_of_ours_is_marked_as_english(office: Office, browser: Browser) -> None:
    async with a_page(browser, address(office), language="fr") as page:
        await page.goto("/login?lang=en")
        await log_in(page, await account(office, "administrator"), PASSWORD)
        await page.goto("/console/configuration?lang=fr")
        office.place.file.write_text(office.place.file.read_text() + "\nunheard_of: 1\n")
        await page.get_by_role("button", name="Relire le fichier").click()
        alert = page.get_by_role("region", name="En vigueur").get_by_role("alert")
        await expect(alert).to_contain_text("Le fichier comporte des erreurs, et rien n\u2019a changé")
        await expect(alert.locator("[lang=en]")).to_contain_text("unheard_of")
        await page.route("**/static/faults.fr.json", lambda route: route.abort())
        await page.reload()
        await page.get_by_role("button", name="Relire le fichier").click()
        await expect(alert.locator("[lang=en]")).to_contain_text("unheard_of")
        await expect(alert).not_to_contain_text("Le fichier comporte")
