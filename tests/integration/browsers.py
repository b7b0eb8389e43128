"""Debian's Chromium, driven as a person would: what the tests of pages share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Frame, Page, async_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "lab" / "node" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "screenshots"
"""Kept of every run, and looked at by whoever wants to."""
CHROMIUM = "/usr/bin/chromium"
_QUIET = (
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-gpu",
)  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, TELEPHONE = (1280, 900), (390, 844)
ALONE = "delete window.SharedWorker;"
"""As a browser is that shares nothing among pages."""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""A browser that nobody looks at shows all its pages."""


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """One with nobody's cookies."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_QUIET), chromium_sandbox=False, timeout=60_000
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def a_page(
    browser: Browser, base_url: str, *, language: str = "en", size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[Page]:
    """A page of its own, which breaks the test where a script fails, or the policy of the page forbids something."""
    width, height = size
    context = await browser.new_context(
        base_url=base_url, locale=language, viewport={"width": width, "height": height}, **options
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    await context.close()
    assert faults == [], faults


async def log_in(page: Page, name: str, password: str) -> None:
    """As a person does, wherever they wanted to go."""
    await page.goto("/login")
    await page.get_by_label("Account").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(lambda address: "/login" not in address)


async def accessible(page: Page | Frame) -> None:
    """Nothing on this page, or in this frame, stands in anybody's way, as far as axe-core can tell: WCAG 2.2 AA."""
    source = await asyncio.to_thread(AXE.read_text)
    await page.evaluate(source)  # beside the policy of the page, which lets no script in
    found = await page.evaluate("tags => axe.run(document, {runOnly: tags})", WCAG)
    faults = [(one["id"], [node["target"] for node in one["nodes"]], one["help"]) for one in found["violations"]]
    assert faults == [], page.url


async def shown(page: Page, name: str) -> None:
    """Keep a picture of it."""
    await asyncio.to_thread(SCREENSHOTS.mkdir, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@asynccontextmanager
async def a_site() -> AsyncIterator[tuple[int, dict[str, str]]]:
    """The port of another site, with one page; what it says is put into the dictionary."""
    pages = {"text": ""}

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=pages["text"], content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port, pages
