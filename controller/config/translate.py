"""Pydantic's findings in the words of the file's reader."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.config.document import Document
from controller.config.faults import Fault, Path, did_you_mean
from controller.config.shape import UNION, FileShape
from controller.config.text import SAID

_ENDS_OF_KEYS = "[key]"
_OLD_BOOLEANS = {"yes", "no", "on", "off", "y", "n"}

_MESSAGES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a block of keys",
    "model_type": "must be a block of keys",
    "model_attributes_type": "must be a block of keys",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
    "too_short": "must have at least one entry",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
}


_WHY: Mapping[Path, str] = {
    ("agents", "notice"): "an agent who has not been informed is not recorded (CNIL, listening and recording at work)",
    ("purposes", "listeners"): "only those concerned with the purpose may listen (GDPR art. 32; CNIL)",
    ("purposes", "assessed"): "recording the staff asks for an impact assessment first (GDPR art. 35)",
    ("purposes", "consulted"): (
        "the staff's representatives are consulted first, or write no-representatives (CNIL, listening and recording at"
        " work)"
    ),
}
"""Why a key must be there: section and key, and the rule with its source."""


def translate(error: ValidationError, document: Document) -> Iterator[Fault]:
    """One fault for each of pydantic's errors."""
    for details in error.errors(include_url=False):
        path = _path(details["loc"])
        known = details["type"] != "extra_forbidden"
        of_key = not known or _ENDS_OF_KEYS in details["loc"]
        yield document.fault(path, _message(details, path), at_key=of_key)


def _path(loc: Path) -> Path:
    return tuple(part for part in loc if part != _ENDS_OF_KEYS and not str(part).startswith(UNION))


def _message(details: ErrorDetails, path: Path) -> str:
    context: Mapping[str, Any] = details.get("ctx", {})
    value = details["input"]
    match details["type"]:
        case "extra_forbidden":
            return f"is not a known key{did_you_mean(str(path[-1]), _keys_beside(path))}"
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return SAID[context["pattern"]]
        case "enum" | "literal_error":
            return f"must be {_expected(context['expected'])}{_near(value, context['expected'])}"
        case "missing" | "too_short" as kind:
            return _said(kind, context) + _why(path)
        case kind:
            return _wrong_type(kind, value) or _said(kind, context) or details["msg"]


def _why(path: Path) -> str:
    reason = _WHY.get((path[0], path[-1]))
    return f": {reason}" if reason else ""


def _said(kind: str, context: Mapping[str, Any]) -> str:
    return _MESSAGES.get(kind, "").format(**context)


def _wrong_type(kind: str, value: object) -> str | None:
    return {"string_type": _must_be_text, "bool_type": _must_be_bool}.get(kind, lambda _: None)(value)


def _must_be_text(value: object) -> str:
    if isinstance(value, bool | int | float):
        return "must be text: write it in quotes"
    return "must be text, and is empty" if value is None else "must be text"


def _must_be_bool(value: object) -> str:
    old = isinstance(value, str) and value.lower() in _OLD_BOOLEANS
    return f"must be true or false{' (YAML 1.2 reads this as a word)' if old else ''}"


def _expected(words: str) -> str:
    """What a word must be; the only literal of the file, ``all``, stands where a block may stand too."""
    return "all, or a block of keys" if words == "'all'" else _plain(words)


def _plain(expected: str) -> str:
    return expected.replace("'", "")


def _near(value: object, expected: str) -> str:
    words = _plain(expected).replace(" or ", ", ").split(", ")
    return did_you_mean(value, words) if isinstance(value, str) else ""


def _keys_beside(path: Path) -> list[str]:
    """The keys that are known where an unknown one was found."""
    model: type[BaseModel] = FileShape
    for part in path[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations have no type of their own
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model), None)
