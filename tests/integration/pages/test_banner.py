"""The banner, as an agent sees it: alone in a window, and in the frame of a CRM that hands over who they are."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Frame, FrameLocator, Locator, Page, expect
from sqlalchemy.ext.asyncio import AsyncEngine

from controller.domain import events
from controller.domain.decision import Reason
from controller.domain.names import CallId
from controller.runtime.requests import silent
from lab.cable import Cable
from tests.integration.browsers import ALONE, HIDE, TELEPHONE, a_page, a_site, accessible, log_in, shown
from tests.integration.offices import Office, an_office
from tests.integration.pages.answering import answering, now
from tests.integration.pages.conftest import PASSWORD, account, address
from tests.unit.config.conftest import Place

NARROW, STRIP = (280, 620), (760, 420)
CLICKS_TWICE = """() => new MutationObserver((_, observer) => {
  const button = document.querySelector("button[data-verb=resume]");
  if (!button) return;
  observer.disconnect();
  button.click();
}).observe(document.body, {subtree: true, childList: true})"""
"""As the second of two clicks does, which lands on what stands there by then."""
ASKS_AGAIN = """async () => {
  const [dialog, stop] = [document.querySelector("dialog"), document.activeElement];
  stop.click();
  const closed = new Promise((done) => dialog.addEventListener("close", done, {once: true}));
  dialog.close();
  stop.click();
  await closed;
}"""
"""As a quick hand does after Escape: browsers say a little later that the first question is closed."""
BY_HAND: dict[str, Any] = {"origin": "agent", "actor": "agent:201"}


@asynccontextmanager
async def a_banner(
    office: Office, browser: Browser, who: str = "agent-201", *, base: str = "", **options: Any
) -> AsyncIterator[Page]:
    """The banner of somebody who has logged in, which says that there is no call, if there is none."""
    name = await account(office, who)
    async with a_page(browser, base or address(office), **options) as page:
        await page.goto("/login?lang=en")
        await log_in(page, name, PASSWORD)
        await page.goto(f"/banner?lang={options.get('language', 'en')}")
        yield page


@asynccontextmanager
async def a_cable(office: Office) -> AsyncIterator[tuple[Cable, str]]:
    """One to the office, and where it is found through it."""
    server = office.client.server
    async with Cable(str(server.host), int(server.port or 0)).connected() as cable:
        yield cable, f"http://127.0.0.1:{cable.port}"


def word(page: Page | FrameLocator | Locator) -> Locator:
    return page.locator(".glance strong")


def button(page: Page | FrameLocator | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def test_an_agent_sees_what_is_recorded_of_their_call_and_drives_it(office: Office, browser: Browser) -> None:
    async with a_banner(office, browser, size=STRIP) as page, answering(office.pbxs["contract"]):
        await expect(page.get_by_text("No call")).to_be_visible()
        await accessible(page)
        await shown(page, "banner-no-call")
        office.call("contract")
        await expect(word(page)).to_have_text("Recording")
        await expect(page.get_by_role("timer")).to_have_text("0:00")
        await expect(page.locator(".purposes li")).to_have_text(
            [
                "quality: Recording (every such call is)",
                "contract: Not recorded yet (only from when you press the button)",
            ]
        )
        await accessible(page)
        await shown(page, "banner-recording")
        await page.evaluate(CLICKS_TWICE)
        await button(page, "Pause for payment").click()
        await expect(word(page)).to_have_text("Paused")
        await expect(page.locator(".glance .why")).to_have_text("card payment")
        await expect(page.locator("#said")).to_have_text("Paused: card payment")
        assert (await page.title()).startswith("Paused")
        await resumes_by_no_second_key(page)
        await accessible(page)
        await shown(page, "banner-paused")
        await page.keyboard.press("Alt+p")  # who means to pause never ends a pause
        await page.keyboard.press("Alt+r")
        await expect(word(page)).to_have_text("Recording")
        await page.keyboard.press("Alt+c")
        await expect(page.locator(".purposes li").nth(1)).to_have_text(
            "contract: Recording (somebody said that it begins)"
        )
        await stop_after_a_second_thought(page)
        await button(page, "Customer objects").click()
        await expect(page.get_by_role("dialog")).to_contain_text("is deleted")
        await accessible(page)
        await shown(page, "banner-confirm")
        await page.get_by_role("dialog").get_by_role("button", name="Customer objects").click()
        await expect(word(page)).to_have_text("Not recorded")
        await expect(page.locator(".glance .why")).to_have_text("the customer objects")
        await expect(page.get_by_role("button")).to_have_text(["Private call"])
        await page.keyboard.press("Alt+v")
        await button(page.locator("dialog"), "Private call").click()
        await expect(page.locator(".glance .why")).to_have_text("Nothing of this call is recorded or kept.")
        await expect(page.locator(".call button")).to_have_count(0)


async def resumes_by_no_second_key(page: Page) -> None:
    """Whoever pressed the button that is gone stands on the state now, where another press does nothing.

    Nor did a second click.
    """
    await expect(page.get_by_role("heading", name="Paused")).to_be_focused()
    for key in ("Enter", "Space"):
        await page.keyboard.press(key)
    await page.evaluate("fetch('/api/v1/me')")  # what was asked before is answered by then
    await expect(word(page)).to_have_text("Paused")
    await page.keyboard.press("Tab")
    await expect(button(page, "Resume")).to_be_focused()


async def stop_after_a_second_thought(page: Page) -> None:
    """What cannot be taken back is asked first, and nothing is done until it is answered."""
    await button(page, "Stop contract").click()
    await expect(button(page, "Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".purposes li").nth(1)).to_contain_text("Recording")
    await expect(button(page, "Stop contract")).to_be_focused()
    await page.evaluate(ASKS_AGAIN)
    await expect(button(page, "Cancel")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".purposes li").nth(1)).to_have_text("contract: Not recorded (stopped on request)")


async def test_what_is_not_confirmed_is_said_and_a_long_pause_is_remembered(office: Office, browser: Browser) -> None:
    """No PBX answers here; and what somebody types is no key of the banner's."""
    switched = office.pbxs["quality"]
    call = office.recorded("quality")
    name = switched.recording(call)
    for kind in (events.SnoopReady, events.RecordingStarted):
        switched.dispatcher.tell_recording(name, kind(at=now(), recording=name))
    async with a_banner(office, browser, size=STRIP) as page:
        await expect(word(page)).to_have_text("Recording")
        await page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
        await page.locator("textarea").press("Alt+p")
        await page.locator("textarea").evaluate("one => one.remove()")
        assert switched.call(call).suspensions == ()
        await button(page, "Pause for payment").click()
        await expect(page.locator(".call").get_by_role("alert")).to_have_text(
            "The PBX has not confirmed the pause. Do not ask for the card number yet."
        )
        await expect(word(page)).to_have_text("One moment…")
        await shown(page, "banner-unconfirmed")
        switched.dispatcher.tell_recording(name, events.PauseConfirmed(at=now(), recording=name))
        await expect(word(page)).to_have_text("Paused")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await expect(page.locator(".reminder")).to_be_hidden()
        other = page.locator(f".call[data-call='{long_paused(office, 'both')}']")
        await expect(other.locator(".reminder")).to_contain_text("Still paused, for 1:")
        await expect(page.locator("#said")).to_contain_text("Still paused")
        await other.get_by_role("heading").first.focus()
        third = office.recorded("quality")
        card = page.locator(f".call[data-call='{third}']")
        await expect(button(card, "Pause for payment")).to_be_visible()
        await page.keyboard.press("Alt+p")  # the card number may come on any of them
        await expect(card.get_by_role("alert")).to_contain_text("has not confirmed")
        assert [pause.cause for pause in switched.call(third).suspensions] == [Reason.PAYMENT]
        await page.locator("body").click()
        await page.keyboard.press("Alt+s")
        await expect(page.locator("#said")).to_have_text("There are several calls: choose one first.")
        await accessible(page)
        await shown(page, "banner-reminder")


def long_paused(office: Office, name: str) -> CallId:
    """Another call at the same extension, paused for longer than anybody should forget it."""
    since = now() - timedelta(seconds=90)
    switched, call = office.pbxs[name], office.recorded(name)
    for track in switched.call(call).tracks:
        assert track.recording is not None
        for kind in (events.SnoopReady, events.RecordingStarted):
            recording = track.recording.name
            switched.dispatcher.tell_recording(recording, kind(at=since, recording=recording))
    switched.dispatcher.tell(call, events.PauseRequested(at=since, cause=Reason.PAYMENT, **BY_HAND))
    for track in switched.call(call).tracks:
        assert track.recording is not None
        recording = track.recording.name
        switched.dispatcher.tell_recording(recording, events.PauseConfirmed(at=since, recording=recording))
    return call


async def test_a_cut_is_said_at_once_and_what_is_so_is_shown_as_soon_as_it_is_over(
    office: Office, browser: Browser
) -> None:
    """Nobody tells either end of it, and what is open is never carried again."""
    switched = office.pbxs["contract"]
    async with (
        a_cable(office) as (cable, base),
        a_banner(office, browser, base=base, size=STRIP) as page,
        answering(switched),
    ):
        call = office.call("contract")
        await expect(word(page)).to_have_text("Recording")
        table = await page.context.new_page()
        await table.goto("/console/calls")
        await expect(table.get_by_text("Kept current")).to_be_visible()
        cable.cut()
        await expect(word(page)).to_have_text("State unknown")
        await expect(page.locator("#trouble")).to_contain_text("The connection is cut.")
        assert (await page.title()).startswith("State unknown")
        await accessible(page)
        await expect(button(page, "Record contract")).to_have_attribute("aria-disabled", "true")
        await button(page, "Pause for payment").click()
        await table.get_by_role("button", name="Pause").click()
        await expect(page.locator(".call").get_by_role("alert")).to_contain_text("The server has not answered")
        await expect(table.get_by_role("alert")).to_contain_text("The server has not answered")
        await shown(page, "banner-cut")
        switched.dispatcher.tell(call, events.PauseRequested(at=now(), cause=Reason.PAYMENT, **BY_HAND))
        cable.mend()
        await expect(word(page)).to_have_text("Paused")
        await expect(page.locator("#trouble")).to_be_hidden()
        await expect(page.get_by_role("alert")).to_have_count(0)
        csrf = (await (await page.request.get("/api/v1/me")).json())["session"]["csrf"]
        await page.request.delete("/api/v1/session", headers={"X-CSRF-Token": csrf})
        await expect(page.locator("#trouble")).to_contain_text("You are not logged in any more.", timeout=30_000)
        await expect(page.locator(".call")).to_have_count(0)
        await shown(page, "banner-logged-out")
        await page.get_by_role("link", name="Log in").click()
        await page.get_by_label("Account").fill("agent-201")
        await page.get_by_label("Password").fill(PASSWORD)
        await button(page, "Log in").click()
        await page.wait_for_url("**/banner**")
        await expect(word(page)).to_have_text("Paused")


async def test_whoever_logs_in_anew_elsewhere_is_known_again_here(office: Office, browser: Browser) -> None:
    """In another tab: this one has the second word of the session that was."""
    async with a_banner(office, browser, size=STRIP) as page, answering(office.pbxs["quality"]):
        office.call("quality")
        await expect(word(page)).to_have_text("Recording")
        other = await page.context.new_page()
        await other.goto("/console/me")
        await button(other, "Log out").click()
        await expect(page.locator("#trouble")).to_contain_text("You are not logged in any more.")
        await log_in(other, "agent-201", PASSWORD)
        await comes_back_to(page)
        await expect(word(page)).to_have_text("Recording")
        await expect(page.locator("#trouble")).to_be_hidden()
        await logs_in(page)  # and once more, while what is followed goes on
        await button(page, "Pause for payment").click()
        await expect(word(page)).to_have_text("Paused")
        await expect(page.get_by_role("alert")).to_have_count(0)


async def logs_in(page: Page) -> None:
    """As another tab does: the browser shows another session from now on."""
    answer = await page.request.post("/api/v1/session", data={"name": "agent-201", "password": PASSWORD})
    assert answer.ok


async def comes_back_to(page: Page | Frame) -> None:
    """As who looks at a window again: it is asked at once who they are."""
    await page.evaluate("window.dispatchEvent(new Event('focus'))")


async def test_what_was_asked_by_nobody_is_said_until_somebody_has_logged_in(office: Office, browser: Browser) -> None:
    """Also while what goes on is still heard."""
    async with a_banner(office, browser, size=STRIP) as page, answering(office.pbxs["quality"]):
        call = office.call("quality")
        await expect(word(page)).to_have_text("Recording")
        beside = await page.context.new_page()
        await beside.goto("/banner")
        await expect(word(beside)).to_have_text("Recording")
        await page.context.clear_cookies()
        await button(page, "Pause for payment").click()
        await expect(page.locator("#trouble")).to_contain_text("You are not logged in any more.")
        assert office.pbxs["quality"].call(call).suspensions == ()
        office.call("quality")
        await expect(beside.locator(".call")).to_have_count(2)
        await page.evaluate("fetch('/healthz')")  # what was said before is heard by then
        await expect(page.locator("#trouble")).to_contain_text("You are not logged in any more.")
        await expect(page.locator(".call")).to_have_count(0)
        await logs_in(page)
        await comes_back_to(page)
        await expect(page.locator(".call")).to_have_count(2)
        await expect(page.locator("#trouble")).to_be_hidden()


async def test_it_fits_beside_a_softphone_and_on_a_telephone_in_french_too(office: Office, browser: Browser) -> None:
    """Whatever a purpose or an address is called is text, and nobody who is not to see a call sees one."""
    async with a_banner(office, browser, language="fr", size=NARROW, color_scheme="dark") as page:
        await expect(page.get_by_text("Aucun appel")).to_be_visible()
        office.call("contract")
        async with answering(office.pbxs["contract"]):
            await expect(word(page)).to_have_text("Enregistré")
            assert await page.evaluate("document.documentElement.lang") == "fr"
            await page.get_by_text("Touches et son").click()
            for size, name in ((NARROW, "narrow"), (TELEPHONE, "telephone")):
                await page.set_viewport_size({"width": size[0], "height": size[1]})
                assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
                await accessible(page)
                await shown(page, f"banner-{name}-fr")
        office.call("both")
        await expect(page.locator(".call")).to_have_count(2)
        await page.goto("/banner?agent=202&lang=en")
        await expect(page.get_by_text("No call")).to_be_visible()
        await page.goto("/banner?pbx=other&lang=en")
        await expect(page.get_by_text("No call")).to_be_visible()
        await page.goto("/banner?lang=en&agent=%3Cimg%20src=x%20onerror=alert(1)%3E")
        await expect(page.get_by_text("Extension <img src=x onerror=alert(1)>.")).to_be_visible()
        await expect(page.locator("img")).to_have_count(0)
    for who, said in (("listener-of-all", "No role of yours sees calls."), ("supervisor-of-all", "Say for which")):
        async with a_banner(office, browser, who, size=STRIP) as page:
            await expect(page.get_by_text(said)).to_be_visible()
            assert await page.locator(".call").count() == 0


PARENT = """<!doctype html><html lang="en"><title>CRM</title><h1>CRM</h1><div id="here"></div>
<script src="SERVER/static/banner-embed.js"></script>
<script>
window.heard = [];
window.begin = (token, agent) => {
  window.banner = RecordingBanner.embed(document.getElementById("here"),
    {agent, language: "en", token: () => window.token});
  window.token = token;
  for (const type of ["ready", "state", "recording", "paused", "over", "unknown", "token-wanted"])
    banner.addEventListener("recording." + type, ({detail}) => heard.push({type, ...detail}));
};
</script>"""


async def test_a_crm_embeds_it_hands_over_a_token_and_hears_what_happens(
    engine: AsyncEngine, tmp_path: Path, place: Place, browser: Browser
) -> None:
    """By another site than ours, where no cookie comes along; and by none that the configuration does not name."""
    async with a_site() as (crm, pages), a_site() as (elsewhere, others):
        origin = f"http://localhost:{crm}"
        async with an_office(engine, tmp_path, place, embedded_by=[origin]) as office:
            pages["text"] = others["text"] = PARENT.replace("SERVER", address(office).rstrip("/"))
            async with a_page(browser, origin, size=STRIP) as page:
                await drives(office, page)
            await is_embedded_by_nobody_else(office, browser, f"http://localhost:{elsewhere}")


async def test_a_frame_of_the_same_site_is_of_whoever_has_logged_in_and_logs_in_anew(
    engine: AsyncEngine, tmp_path: Path, place: Place, browser: Browser
) -> None:
    """There a cookie comes along, and the page around it hands over nothing."""
    async with a_site() as (crm, pages):
        origin = f"http://127.0.0.1:{crm}"
        async with an_office(engine, tmp_path, place, embedded_by=[origin]) as office:
            pages["text"] = PARENT.replace("SERVER", address(office).rstrip("/"))
            async with a_banner(office, browser, size=STRIP) as ours:
                page = await ours.context.new_page()
                await page.goto(origin)
                await page.evaluate("begin()")
                frame = page.frame_locator("iframe")
                await expect(frame.get_by_text("No call")).to_be_visible()
                await ours.goto("/console/me")
                await button(ours, "Log out").click()
                await expect(frame.locator("#trouble")).to_contain_text("Not logged in")
                await logs_in(ours)
                await comes_back_to(page.frames[1])
                await expect(frame.get_by_text("No call")).to_be_visible()
                await expect(frame.locator("#trouble")).to_be_hidden()


async def test_a_crm_pauses_by_a_banner_that_nobody_sees(
    engine: AsyncEngine, tmp_path: Path, place: Place, browser: Browser
) -> None:
    """In a browser that shares no stream, such a page has none, and nobody may have seen the call there."""
    async with a_site() as (crm, pages):
        origin = f"http://localhost:{crm}"
        async with an_office(engine, tmp_path, place, embedded_by=[origin]) as office:
            pages["text"] = PARENT.replace("SERVER", address(office).rstrip("/"))
            async with a_page(browser, origin, size=STRIP) as page:
                await page.context.add_init_script(ALONE)
                await page.goto("/")
                await page.evaluate("token => begin(token, '201')", office.tokens.tokens["agent-201"])
                frame = page.frame_locator("iframe")
                await expect(frame.get_by_text("No call")).to_be_visible()
                await page.frames[1].evaluate(HIDE, True)
                await expect(frame.get_by_text("Too many screens listen already.")).to_be_visible()
                call, switched = office.recorded("contract"), office.pbxs["contract"]
                async with answering(switched):
                    assert (await page.evaluate("banner.command('pause')"))["state"] == "paused"
                assert silent(switched.call(call))


async def test_a_crm_whose_token_is_refused_hands_over_another_one(
    engine: AsyncEngine, tmp_path: Path, place: Place, browser: Browser
) -> None:
    """While what the first one hears goes on; and nothing is heard by it from then on."""
    async with a_site() as (crm, pages):
        origin = f"http://localhost:{crm}"
        async with an_office(engine, tmp_path, place, embedded_by=[origin]) as office:
            pages["text"] = PARENT.replace("SERVER", address(office).rstrip("/"))
            async with a_page(browser, origin, size=STRIP) as page, answering(office.pbxs["quality"]):
                await page.goto("/")
                await page.evaluate("token => begin(token, '201')", office.tokens.tokens["agent-201"])
                frame = page.frame_locator("iframe")
                office.call("quality")
                await expect(word(frame)).to_have_text("Recording")
                await page.evaluate("token => { window.token = token; }", office.tokens.tokens["supervisor-of-all"])
                await page.route("**/pause", lambda route: route.fulfill(status=401, json={}))
                assert (await page.evaluate("banner.command('pause')"))["status"] == 401
                await page.unroute("**/pause")
                await expect(frame.locator("#trouble")).to_be_hidden()
                await expect(word(frame)).to_have_text("Recording")
                assert (await page.evaluate("banner.command('pause', {reason: 'payment'})"))["state"] == "paused"
                assert [one["type"] for one in await page.evaluate("heard")].count("token-wanted") == 1


async def drives(office: Office, page: Page) -> None:
    switched = office.pbxs["contract"]
    await page.goto("/")
    await page.evaluate("begin('no token of ours', '201')")
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_text("Not logged in")).to_be_visible()
    await page.evaluate("token => { window.token = token; }", office.tokens.tokens["agent-201"])
    await page.evaluate(
        "banner.frame.contentWindow.postMessage({source: 'recording-controller-host', type: 'hello', token}, '*')"
    )
    await expect(frame.get_by_text("No call")).to_be_visible()
    async with answering(switched):
        call = office.call("contract")
        await expect(word(frame)).to_have_text("Recording")
        assert (await page.evaluate("banner.command('pause')"))["state"] == "paused"
        await expect(word(frame)).to_have_text("Paused")
        await page.context.set_offline(True)
        await page.wait_for_function("heard.at(-1).type === 'unknown'")
        await page.context.set_offline(False)
        await page.wait_for_function("heard.at(-1).type === 'paused'")
        refused = await page.evaluate("banner.command('pause')")
        assert (refused["ok"], refused["status"]) == (False, 409)
        assert (await page.evaluate("banner.command('resume')"))["state"] == "recording"
        assert (await page.evaluate("banner.command('start', {purpose: 'contract'})"))["ok"]
        await is_deaf_to_other_windows(page, frame)
        await shown(page, "banner-embedded")
        switched.dispatcher.gone(switched.call(call).customer)
        await expect(frame.get_by_text("No call")).to_be_visible()
    heard = await page.evaluate("heard")
    kinds = [one["type"] for one in heard]
    assert [kinds[0], *[kind for kind in kinds if kind in {"recording", "paused", "unknown", "over"}]] == [
        "ready", "recording", "paused", "unknown", "paused", "recording", "over",
    ]  # fmt: skip
    first = next(one for one in heard if one["type"] == "paused")
    assert (first["call"], first["state"], first["purposes"][0]["reason"]) == (call, "paused", "payment")
    assert "201" not in json.dumps(heard).replace(call, "")
    assert office.tokens.tokens["agent-201"] not in await page.evaluate(
        "JSON.stringify([...Object.values(localStorage), ...Object.values(sessionStorage), document.cookie])"
    )


async def is_deaf_to_other_windows(page: Page, frame: FrameLocator) -> None:
    """A window beside it, even one of the CRM's own origin, is not the page around it."""
    await page.evaluate("""async () => {
        const other = document.createElement("iframe");
        other.src = "about:blank";
        document.body.append(other);
        const script = other.contentDocument.createElement("script");
        const command = {source: "recording-controller-host", type: "command", id: "x", verb: "objection"};
        script.textContent = `parent.frames[0].postMessage(${JSON.stringify(command)}, "*")`;
        other.contentDocument.body.append(script);
        other.remove();
    }""")
    assert (await page.evaluate("banner.command('stop', {purpose: 'contract'})"))["ok"]
    await expect(frame.locator(".purposes li").nth(0)).to_contain_text("quality: Recording")


async def is_embedded_by_nobody_else(office: Office, browser: Browser, elsewhere: str) -> None:
    """Nor is any other page of ours; and a page that opens it in a window of its own is not heard."""
    context = await browser.new_context(base_url=elsewhere)
    page = await context.new_page()
    await page.goto("/")
    await page.evaluate("begin('a token', '201')")
    blocked = next(one for one in page.frames if one != page.main_frame)
    await blocked.wait_for_load_state()
    assert await blocked.locator("#calls").count() == 0
    assert await page.evaluate("heard") == []
    async with context.expect_page() as opened:
        await page.evaluate("where => { window.opened = window.open(where); }", f"{address(office)}banner?agent=201")
    banner = await opened.value
    await banner.wait_for_url("**/login**")
    for path, ancestors in (("/banner", "http://localhost"), ("/login", "'none'"), ("/console", "'none'")):
        async with office.client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert f"frame-ancestors {ancestors}" in policy, path
            assert "unsafe" not in policy
    await context.close()
