"""Answers held against the OpenAPI document, as it is committed."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
NOWHERE = frozenset({404, 405})
"""What is answered where there is no such address, or method."""


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COMMITTED.read_text())
    return found


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """What has fewest words of its own comes last: ``/recordings/search`` is no recording."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


def _described(method: str, path: str) -> Iterator[dict[str, Any]]:
    for pattern, name in _paths():
        operation = document()["paths"][name].get(method.lower())
        if operation is not None and pattern.fullmatch(path):
            yield operation


def expect_documented(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """The status, the type and the shape of an answer are as the document says."""
    operation = next(_described(method, path), None)
    if operation is None:
        assert status in NOWHERE | {401}, f"{method} {path}: is not in the document"
        return
    asked = f"{operation['operationId']}: {status}: {text[:300]}"
    assert str(status) in operation["responses"], asked
    content = operation["responses"][str(status)].get("content")
    if content is None:
        assert text == "", asked
        return
    media = headers["Content-Type"].partition(";")[0]
    assert media in content, f"{asked}: {media}"
    if media.endswith("json"):
        schema = {**content[media]["schema"], "components": document()["components"]}
        faults = [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(text))]
        assert faults == [], asked
