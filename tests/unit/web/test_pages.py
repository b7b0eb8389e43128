"""The words of pages in both languages, which language is spoken, and where people begin."""

import re
from pathlib import Path
from string import Formatter

import pytest
from aiohttp.test_utils import make_mocked_request

from controller.domain.principal import Principal, Role
from controller.faults import Code, Fault
from controller.web.pages.entrance import first_page
from controller.web.pages.faults import in_words
from controller.web.pages.languages import LANGUAGES, language_of, part_of, said, words

FOLDER = Path(__file__).parents[3] / "controller" / "web" / "pages"

FAULTS = {
    "Du (UTC)\xa0: une date à venir est attendue": Fault(Code.PAST, "must lie in the future", of="since"),
    "de 12 à 1024 caractères": Fault(Code.LENGTH, "must have 12 to 1024 characters", of="wave", least=12, most=1024),
    "Cette demande n\u2019a pas été comprise\xa0: wave: must be a hand": "wave: must be a hand",
}
"""What is said in French of what is wrong with a search, by what it is."""
BUTTONS = {"objections.end-it": "objections.end-of", "notices.withdraw-it": "notices.withdraw-of"}
"""What stands on buttons of a table, and what those are called who do not see in which row they are."""


def test_every_text_is_there_in_both_languages_with_the_same_values() -> None:
    for name, text in words().items():
        assert set(text) == set(LANGUAGES), name
        values = [{field for _, field, _, _ in Formatter().parse(text[language]) if field} for language in LANGUAGES]
        assert values[0] == values[1], name


def test_no_line_of_french_ends_before_a_sign_that_belongs_to_it() -> None:
    loose = re.compile(r"[^\xa0][;!»%]| [:?]|«[^\xa0]|'")
    assert [name for name, text in words().items() if loose.search(text["fr"])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_button_is_called_by_what_stands_on_it(language: str) -> None:
    """WCAG 2.5.3: who speaks to their computer says what they see."""
    of = {"customer": "a", "purpose": "b", "agent": "c", "version": "d"}
    for seen, called in BUTTONS.items():
        assert said(language, called, **of).startswith(said(language, seen))


def test_an_unknown_text_is_no_text() -> None:
    with pytest.raises(KeyError):
        said("en", "page.of-which-nobody-has-heard")


def test_every_code_of_a_fault_has_words_and_there_are_no_others() -> None:
    assert part_of("fr", "faults").keys() == {*Code, "of-field", "of-line"}


def test_what_a_fault_holds_is_what_its_words_ask_for() -> None:
    for asked, fault in FAULTS.items():
        [told] = in_words("fr", [fault], labels="recordings")
        assert told == asked


@pytest.mark.parametrize(
    ("query", "cookie", "header", "language"),
    [
        ("", "", "", "en"),
        ("", "", "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("", "", "de, en;q=0.3, fr;q=0.7", "fr"),
        ("", "", "fr;q=0, de", "en"),
        ("", "", "fr;q=much", "en"),
        ("", "rc_language=fr", "en", "fr"),
        ("?lang=en", "rc_language=fr", "fr", "en"),
        ("?lang=xx", "rc_language=yy", "fr", "fr"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for(query: str, cookie: str, header: str, language: str) -> None:
    request = make_mocked_request("GET", f"/login{query}", headers={"Cookie": cookie, "Accept-Language": header})
    assert language_of(request) == language


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ({Role.AGENT}, "/banner"),
        ({Role.AGENT, Role.LISTENER}, "/console/calls"),
        ({Role.LISTENER}, "/console/recordings"),
        ({Role.SUPERVISOR}, "/console/calls"),
    ],
)
def test_everybody_begins_where_their_work_is(roles: set[Role], place: str) -> None:
    principal = Principal(name="account:alice", roles=frozenset(roles), purposes=frozenset({"quality"}))
    assert first_page(principal) == place


def test_nobody_begins_with_what_is_not_theirs() -> None:
    assert first_page(Principal(name="account:bob", roles=frozenset())) is None
