"""The words of pages, in French and in English: each part of the pages has a file of them in ``words``.

Every text stands in both languages beside one another, under the name by which templates ask for it.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml
from aiohttp import web

LANGUAGES: Final = ("en", "fr")
_BEFORE: Final = re.compile(" (?=[:;?!%»])|(?<=«) ")
"""Where French has a space at which no line ends."""
COOKIE: Final = "rc_language"


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Every text by its name, ``part.name``, and its language."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted((files("controller.web.pages") / "words").iterdir(), key=lambda one: one.name):
        texts: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        part = file.name.removesuffix(".yaml")
        found |= {f"{part}.{name}": {**text, "fr": _set(text["fr"])} for name, text in texts.items()}
    return found


def _set(french: str) -> str:
    """A text with spaces that do not break where it has them by the rules of typesetting."""
    return _BEFORE.sub("\u00a0", french)


def said(language: str, name: str, /, **values: object) -> str:
    """A text, with its values in their places. Raises ``KeyError`` where there is none of this name."""
    return words()[name][language].format(**values)


def part_of(language: str, part: str) -> Mapping[str, str]:
    """All texts of a part, by name: for a script that says them."""
    return {
        name.removeprefix(f"{part}."): text[language] for name, text in words().items() if name.startswith(f"{part}.")
    }


def language_of(request: web.Request) -> str:
    """The one that is asked for in the address, or else was chosen before, or else that the browser prefers."""
    for wanted in (request.query.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    return _preferred(request.headers.get("Accept-Language", ""))


def _preferred(header: str) -> str:
    """The first language of ours in an ``Accept-Language`` (RFC 9110, 12.5.4) by weight."""
    weighed: list[tuple[float, str]] = []
    for one in header.split(","):
        tag, _, weight = one.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for weight, tag in sorted(weighed, key=lambda one: one[0]) if tag in LANGUAGES and weight), "en")
