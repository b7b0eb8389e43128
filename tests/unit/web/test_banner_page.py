"""The page of the banner: open to everybody, since nothing stands in it; in frames of whom the configuration names."""

import json
import re
from html import unescape
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from controller.domain.decision import Reason
from controller.domain.showing import PurposeState
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.runtime.requests import CallState, Verb
from controller.web import server
from controller.web.pages.banner import texts_of
from controller.web.pages.languages import LANGUAGES
from tests.unit.web.test_pages import FOLDER

ORIGINS = ("https://crm.example", "http://localhost:9000")
TEXTS = re.compile(r"data-texts='([^']*)'")
SAID = re.compile(r"""\bsay\("([a-z-]+)["]""")
OF_A_CALL = list(Reason)[: list(Reason).index(Reason.STORED)]
"""What a decision about a call under way may be for, as opposed to one about what is stored, or on file."""
ON_FILE = {Reason.OBJECTION_ADDED, Reason.OBJECTION_ENDED}


async def page(*embedded_by: str, path: str = "/banner") -> tuple[str, str]:
    """What nobody in particular is shown, and under which policy."""
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=cast("Registration", None),
        reloading=cast("Reloading", None),
        embedded_by=embedded_by,
    )
    async with TestClient(TestServer(app)) as client, client.get(path) as answer:
        return await answer.text(), answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("embedded_by", "ancestors"),
    [((), "'none'"), (ORIGINS, " ".join(ORIGINS))],
    ids=["by nobody", "by who is named"],
)
async def test_it_is_embedded_by_whom_the_configuration_names(embedded_by: tuple[str, ...], ancestors: str) -> None:
    text, policy = await page(*embedded_by)
    assert policy.rpartition("; ")[2] == f"frame-ancestors {ancestors}"
    assert f'data-embedded-by="{" ".join(embedded_by)}"' in text
    _, other = await page(*embedded_by, path="/login")
    assert other == policy.replace(ancestors, "'none'")


async def test_what_stands_in_its_address_does_not_stand_in_it() -> None:
    """So there is nothing to escape: the script shows it as text."""
    text, _ = await page(path="/banner?agent=%22%3E%3Cscript%3E&pbx=%27&lang=fr")
    assert (text, _) == await page(path="/banner?lang=fr")
    [texts] = TEXTS.findall(text)
    assert json.loads(unescape(texts)) == texts_of("fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_reason_and_verb_has_its_words(language: str) -> None:
    texts = texts_of(language)
    reasons = {f"reason-{reason}" for reason in OF_A_CALL if reason not in ON_FILE}
    states = {f"state-{state}" for state in (*PurposeState, *CallState)}
    verbs = {f"verb-{verb}" for verb in Verb}
    assert (reasons | states | verbs) - set(texts) == set()


def test_every_text_that_a_script_says_is_there() -> None:
    said = {name for script in (FOLDER / "static").glob("banner*.js") for name in SAID.findall(script.read_text())}
    assert len(said) > 15
    assert said - set(texts_of("en")) == set()


def test_every_state_has_its_icon() -> None:
    template = (FOLDER / "templates" / "banner.html").read_text()
    icons = set(re.findall(r'id="icon-([a-z-]+)"', template))
    assert icons == {*PurposeState, *CallState, "unknown"}
