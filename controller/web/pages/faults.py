"""What was refused, in the language of who reads a page; ``static/faults.js`` does the same in a browser."""

from collections.abc import Iterable

from controller.faults import Code, fault_of
from controller.web.pages.languages import said, words


def in_words(language: str, faults: Iterable[str], *, labels: str) -> list[str]:
    """Each fault by its code; a field is named as its label is, of the part ``labels`` of the words."""
    return [_one(language, one, labels) for one in faults]


def heading(language: str, status: int) -> str:
    """What stands above something that was refused."""
    name = f"page.error-{status}"
    return said(language, name if name in words() else "page.refused")


def _one(language: str, words_of_it: str, labels: str) -> str:
    fault = fault_of(words_of_it)
    if fault.code is Code.INVALID:
        return said(language, "faults.invalid", detail=fault)
    text = said(language, f"faults.{fault.code}", **fault.values)
    label = f"{labels}.{fault.field}"
    return said(language, "faults.of-field", field=said(language, label), words=text) if label in words() else text
