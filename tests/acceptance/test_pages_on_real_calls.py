"""People at their browsers while a real call goes on, and afterwards: what they see is what is in the file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import soundfile
from playwright.async_api import Browser, Page, expect

from controller.domain.tracking import CATCH_UP_S
from lab.kept import welcome
from lab.phones import Phones
from lab.stories import Staff, converse
from lab.sweep import missing, moments_in
from lab.world import ONE_AGENT_NUMBER, World, record_every_call, shorten
from tests.integration.browsers import a_browser, a_page, accessible, log_in, shown

CALLER = "0639980931"
PAUSE_S = 2.5


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab whose recordings leave the PBX once their call is over."""
    store: Path = tmp_path_factory.mktemp("store")

    def stored(config: dict[str, Any]) -> None:
        config["storage"] = {"url": store.as_uri(), "gaps": "silence", "least_free_megabytes": 0}

    with World.running(shorten, record_every_call, stored) as running:
        yield running


@pytest.fixture(scope="module")
def password(world: World) -> str:
    return welcome(world.daemon)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as opened:
        yield opened


def address(world: World) -> str:
    return f"http://127.0.0.1:{world.daemon.http_port}"


async def test_an_agent_pauses_by_the_banner_and_a_supervisor_hears_that_nothing_is_there(
    world: World, phones: Phones, staff: Staff, browser: Browser, password: str
) -> None:
    base = address(world)
    async with (
        a_page(browser, base, size=(720, 420)) as banner,
        a_page(browser, base) as console,
    ):
        await log_in(banner, "lea", password)
        await expect(banner.get_by_text("No call")).to_be_visible()
        await log_in(console, "louis", password)
        await console.goto("/console/calls")
        talk = await converse(phones, staff, world.daemon, caller=CALLER, number=ONE_AGENT_NUMBER)
        await expect(banner.locator(".glance strong")).to_have_text("Recording")
        await expect(console.get_by_role("row").filter(has_text="Recording")).to_be_visible()
        await expect(console.locator("#count")).to_contain_text("being recorded: 1")
        await shown(banner, "real-banner-recording")
        await shown(console, "real-console-calls")
        await asyncio.sleep(2)
        await banner.get_by_role("button", name="Pause for payment").click()
        await expect(banner.locator(".glance strong")).to_have_text("Paused")
        await expect(console.get_by_role("row").filter(has_text="Paused")).to_be_visible()
        await shown(banner, "real-banner-paused")
        await asyncio.sleep(PAUSE_S)
        await banner.get_by_role("button", name="Resume").click()
        await expect(banner.locator(".glance strong")).to_have_text("Recording")
        await asyncio.sleep(2)
        await talk.caller.hang_up()
        await expect(banner.get_by_text("No call")).to_be_visible()
        await listened_to(console)


async def listened_to(page: Page) -> None:
    """Find the recording, listen to it, and hold what the page says against what is heard."""
    await page.goto("/console/recordings")
    async with asyncio.timeout(60):
        while not await page.locator("main table tbody tr").count():
            await page.reload()
    await page.locator("main table tbody tr a").first.click()
    await page.get_by_role("button", name="Listen").or_(page.get_by_role("link", name="Listen")).first.click()
    await expect(page.locator("audio")).to_be_visible()
    await accessible(page)
    await shown(page, "real-console-listening")
    async with page.expect_download() as coming:
        await page.get_by_role("link", name="WAV").or_(page.get_by_role("button", name="WAV")).first.click()
    content = Path(await (await coming.value).path()).read_bytes()
    heard, _ = soundfile.read(BytesIO(content))
    [gap] = [one for one in missing(moments_in(heard)) if one.seconds > 1]
    assert PAUSE_S + CATCH_UP_S - 0.3 < gap.seconds < PAUSE_S + CATCH_UP_S + 2
    left_out = page.get_by_role("row").filter(has_text="left out")
    await expect(left_out).to_have_count(1)
    await expect(left_out).to_contain_text("card data is being given")
