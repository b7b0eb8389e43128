"""The words of pages: every one is said by some page, and every one that a page says is there."""

import re
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from controller.custody.exporting import EXPORT
from controller.custody.listening import Use
from controller.custody.releasing import RELEASE
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.policy import Direction
from controller.domain.principal import Role
from controller.domain.records import Tier
from controller.domain.retention import FINISH, OUTCOMES, Fate
from controller.domain.share import Limits
from controller.domain.showing import PurposeState
from controller.faults import Code
from controller.runtime.requests import CallState, Verb
from controller.web.openid_pages import Told
from controller.web.pages.keeping import KEPT
from controller.web.pages.languages import LANGUAGES, words
from controller.web.routes import NAVIGATION
from tests.unit.web.test_banner_page import OF_A_CALL, ON_FILE

PAGES = Path(__file__).parents[3] / "controller" / "web" / "pages"
NAMED = re.compile(r"""["']((?:[a-z]+)\.[a-z0-9-]+)["'](?! ~)""")
BEGUN = re.compile(r"""\bt\(["']([a-z]+\.[a-z0-9-]*)["'] ~""")
KEYS = ("pause", "resume", "start", "stop", "objection", "private")

FAMILIES: Mapping[str, Iterable[str]] = {
    "accounts.role-": Role,
    "banner.confirm-": ("stop", "objection", "private", "proof"),
    "banner.key-": KEYS,
    "banner.paused-": ("agent-request",),
    "banner.reason-": [one for one in OF_A_CALL if one not in ON_FILE],
    "banner.state-": {*PurposeState, *CallState, "unknown"},
    "banner.verb-": {*Verb, "resume-other", "stop-of", "proof-of"},
    "banner.waiting-": ("trigger", "nobody-connected"),
    "calls.": {*CallState, *Direction, "nobody", "current", "lost", "confirm-stop", "confirm-resume"},
    "decisions.actor-": (
        *("caller", "policy", "daemon", "dialplan", "retention"),
        *("mqtt", "api", "agent", "token", "account"),
    ),
    "decisions.kind-": Kind,
    "decisions.reason-": Reason,
    "decisions.verdict-": Verdict,
    "faults.": {*Code, "of-field", "of-line"},
    "me.role-": Role,
    "navigation.": NAVIGATION,
    "openid.": Told,
    "page.": LANGUAGES,
    "page.error-": [f"{status}{part}" for status, part in product((400, 403, 404, 409, 500, 503), ("", "-detail"))],
    "recordings.access-": {*Use, *(f"refused-{use}" for use in Use), "search", EXPORT, RELEASE},
    "recordings.outcome-": OUTCOMES,
    "recordings.tier-": Tier,
    "retention.fate-": {*Fate, FINISH} - {Fate.NOTHING},
    "sampling.limits-": Limits,
    "sampling.part-": ("queue", "agent"),
    "sampling.sentence-": (Limits.ABOVE, Limits.BELOW),
    "subjects.kept-": KEPT,
}
"""What is said by the beginning of a name: what may follow it there."""
SENTENCES = {f"decisions.{kind}-{verdict}" for kind, verdict in product(Kind, Verdict)}
"""What is said of decisions where there are words for just this: many of them never come about."""


def texts(folder: str, pattern: str) -> Iterable[str]:
    return (file.read_text() for file in (PAGES / folder).glob(pattern))


def families() -> set[str]:
    return {f"{begin}{end}" for begin, ends in FAMILIES.items() for end in ends}


def named() -> set[str]:
    """The words that stand whole somewhere: in a template, a handler, or a script of the banner."""
    said = {name for text in (*texts("templates", "*.html"), *texts("", "*.py")) for name in NAMED.findall(text)}
    banner = {f"banner.{name}" for text in texts("static", "banner*.js") for name in re.findall(r'"([a-z-]+)"', text)}
    return said | banner


def test_every_word_is_said_by_some_page() -> None:
    assert words().keys() - named() - families() - SENTENCES == set()


def test_every_word_that_a_page_says_is_there() -> None:
    parts = {name.partition(".")[0] for name in words()}
    asked = {name for text in texts("templates", "*.html") for name in NAMED.findall(text)}
    assert {name for name in asked if name.partition(".")[0] in parts} - words().keys() == set()


def test_every_word_that_a_page_may_say_is_there() -> None:
    assert families() - words().keys() == set()


def test_every_beginning_of_a_word_is_known_here() -> None:
    assert {begin for text in texts("templates", "*.html") for begin in BEGUN.findall(text)} - FAMILIES.keys() == set()
