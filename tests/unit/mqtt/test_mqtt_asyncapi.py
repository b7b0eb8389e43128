"""The document of all topics and payloads is the one that the code makes."""

import json
from pathlib import Path

import pytest

from controller.mqtt import asyncapi

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "asyncapi.json"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "mqtt.md"


def test_the_document_is_current() -> None:
    """If this fails: python -m controller.mqtt.asyncapi > docs/reference/asyncapi.json."""
    assert COMMITTED.read_text() == asyncapi.text()


def references(node: object) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    here = [node["$ref"]] if "$ref" in node else []
    return here + [found for item in node.values() for found in references(item)]


def test_every_reference_leads_somewhere() -> None:
    document = json.loads(asyncapi.text())
    found = references(document)
    assert len(found) > 20
    for reference in found:
        node = document
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]


@pytest.mark.parametrize("channel", asyncapi.CHANNELS, ids=lambda channel: channel.name)
def test_the_reference_has_every_topic(channel: asyncapi.Channel) -> None:
    assert f"`{channel.address}`" in REFERENCE.read_text()
