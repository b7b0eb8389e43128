"""The shipped example, the schema for editors and the reference stay true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controller.config import load, schema
from controller.domain.policy import Basis, ConsentMode, Direction, Period, Policy, Start

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "recording-controller.yaml"
REFERENCE = ROOT / "docs" / "reference" / "configuration.md"
COMMITTED = ROOT / "docs" / "reference" / "configuration.schema.json"

SCRIPTS = yaml.safe_load((Path(__file__).parent / "scripts.yaml").read_text())


@pytest.fixture
def policy(place: Place, sound_writer: Callable[..., None]) -> Policy:
    """Load the example with sounds of one second."""
    text = EXAMPLE.read_text()
    for name, announcement in yaml.safe_load(text)["announcements"].items():
        assert announcement["sound"] == f"recording-controller/{name}"
        for language in announcement["text"]:
            sound_writer(place.sounds / language / f"{announcement['sound']}.wav")
    file = place.folder / "example.yaml"
    file.write_text(text.replace("/usr/share/asterisk/sounds", str(place.sounds)))
    settings = load(file, {})
    assert settings.warnings == ()
    return settings.policy


@pytest.mark.parametrize("name", SCRIPTS)
def test_example_speaks_the_scripts_word_for_word(policy: Policy, name: str) -> None:
    assert {language: prompt.text for language, prompt in policy.prompts[name].items()} == SCRIPTS[name]


TOLD = [
    *("data controller", "Exemple SA", "quality", "evidence", "legitimate interest", "only", "six months"),
    *("five years", "object", "access", "rectified", "erased", "restricted", "data protection officer", "CNIL"),
]


def test_information_names_everything_that_must_be_told(policy: Policy) -> None:
    told = policy.prompt("information", "en").text
    for word in TOLD:
        assert word in told


def test_example_has_the_purposes_that_the_law_shapes(policy: Policy) -> None:
    purposes = policy.purposes
    assert {name: (p.basis, p.start, p.retention, p.consent.mode) for name, p in purposes.items()} == {
        "quality": (Basis.LEGITIMATE_INTEREST, Start.ON_ANSWER, Period(months=6), ConsentMode.OPT_OUT),
        "orders": (Basis.CONTRACT, Start.ON_TRIGGER, Period(years=5), ConsentMode.OPT_OUT),
        "investment": (Basis.LEGAL_OBLIGATION, Start.ON_ANSWER, Period(years=5), ConsentMode.NONE),
    }
    sampling = purposes["quality"].sampling
    assert sampling is not None
    assert (sampling.rate, sampling.marks, sampling.block) == (0.25, 5, 20)
    assert (purposes["quality"].consent.object_key, purposes["quality"].consent.information_key) == ("1", "*")


ROUTED = {
    "support": (Direction.INBOUND, ("quality",)),
    "orders": (Direction.INBOUND, ("orders",)),
    "investment": (Direction.INBOUND, ("investment",)),
    "anything": (Direction.OUTBOUND, ("quality",)),
}


@pytest.mark.parametrize("queue", ROUTED)
def test_example_routes(policy: Policy, queue: str) -> None:
    direction, expected = ROUTED[queue]
    route = policy.route(direction=direction, queue=queue, language="fr")
    assert route is not None
    assert route.purposes == expected


def test_example_does_not_record_what_no_route_names(policy: Policy) -> None:
    assert policy.route(direction=Direction.INBOUND, queue="other", language="fr") is None


def test_committed_schema_is_current() -> None:
    command = [sys.executable, "-m", "controller.config.schema"]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own module
    assert made.stdout.decode() == COMMITTED.read_text(), "run: python -m controller.config.schema > that file"


def keys_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from keys_of(inner)


def test_schema_closes_every_object() -> None:
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict) and node.get("type") == "object":
            yield node
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from objects(inner)

    found = list(objects(schema.schema()))
    assert found
    assert [node for node in found if node.get("additionalProperties") is not False] == []


def test_reference_has_every_key() -> None:
    text = REFERENCE.read_text()
    rows = set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))
    named = {re.split(r"[.\]]", row)[-1] for row in rows}
    assert set(keys_of(json.loads(COMMITTED.read_text()))) - named == set()
