"""The OpenAPI document is the one that the code makes, and says of each request who may ask it."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.domain.access import TABLE
from controller.web.openapi import document
from controller.web.openapi.document import OPERATIONS
from controller.web.openapi.oneself import BESIDE
from controller.web.openapi.reading import page
from controller.web.routes import ACTIONS, OPEN, PREFIX
from tests.integration.documented import expect_documented

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"


def operations() -> dict[str, dict[str, Any]]:
    paths = json.loads(COMMITTED.read_text())["paths"]
    return {f"{method.upper()} {path}": one for path, methods in paths.items() for method, one in methods.items()}


def test_the_document_is_current() -> None:
    """If this fails: python -m controller.web.openapi > docs/reference/openapi.json."""
    assert COMMITTED.read_text() == document.text()


def test_every_request_that_may_be_made_is_described_and_no_other() -> None:
    assert OPERATIONS.keys() == ACTIONS.keys() | OPEN
    assert {name.replace(" ", f" {PREFIX}") for name in OPERATIONS} | BESIDE.keys() == operations().keys()


def test_it_says_who_may() -> None:
    found = operations()
    for asked, action in ACTIONS.items():
        one = found[asked.replace(" ", f" {PREFIX}")]
        assert one["x-roles"] == {role.value: reach.value for role, reach in TABLE[action].items()}
        assert one["security"], asked
    for asked in OPEN:
        assert found[asked.replace(" ", f" {PREFIX}")]["security"] == [], asked


def test_every_name_in_an_address_is_a_parameter_and_no_other_is() -> None:
    for asked, one in {**OPERATIONS, **BESIDE}.items():
        named = [parameter.name for parameter in one.path]
        assert all(f"{{{name}}}" in asked for name in named), asked
        assert asked.count("{") == len(named), asked


@pytest.mark.parametrize("asked", ["GET /live", "POST /objections", "POST /notices"])
def test_an_example_goes_to_the_address_that_it_is_of(asked: str) -> None:
    text = page()
    assert f"$URL{PREFIX}{asked.partition(' ')[2]}" in text


def test_the_page_has_every_request_and_leads_nowhere_else() -> None:
    text = page()
    for name, one in operations().items():
        assert f'<article id="{one["operationId"]}">' in text, name
    assert "<script" not in text
    assert "style=" not in text
    assert "//" not in text.replace("http://127.0.0.1:8080", "")


def test_every_link_of_the_page_leads_somewhere() -> None:
    text = page()
    for target in {piece.partition('"')[0] for piece in text.split('href="#')[1:]}:
        assert f'id="{target}"' in text, target


@pytest.mark.parametrize(
    ("status", "media", "text"),
    [
        pytest.param(418, "application/problem+json", "{}", id="a status that is not in it"),
        pytest.param(200, "text/plain", "[]", id="another type"),
        pytest.param(200, "application/json", '[{"id": "1"}]', id="a member is missing"),
        pytest.param(404, "application/problem+json", '{"title": "x", "status": 404, "more": 1}', id="one too many"),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(status: int, media: str, text: str) -> None:
    """What every answer to a test is held against."""
    with pytest.raises(AssertionError, match="get-calls"):
        expect_documented("GET", f"{PREFIX}/calls{'/1' * (status == 404)}", status, {"Content-Type": media}, text)
