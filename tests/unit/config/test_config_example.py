"""The shipped examples, the schema for editors and the reference stay true."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controller.config import Settings, load, schema
from controller.config.emergency import BY_COUNTRY
from controller.domain.policy import Asked, Basis, ConsentMode, Direction, Period, Policy, Start
from tests.unit.config.committed_schema import COMMITTED, configuration_keys

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "recording-controller.yaml"
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
REFERENCE = ROOT / "docs" / "reference" / "configuration.md"
TODAY = date(2026, 3, 1)

SCRIPTS = yaml.safe_load((Path(__file__).parent / "scripts.yaml").read_text())


@pytest.fixture
def example(place: Place, sound_writer: Callable[..., None]) -> Callable[[Path], Settings]:
    """Load an example, with sounds of one second."""

    def loaded(path: Path) -> Settings:
        text = path.read_text()
        for announcement in yaml.safe_load(text)["announcements"].values():
            for language in announcement["text"]:
                sound_writer(place.sounds / language / f"{announcement['sound']}.wav")
        file = place.folder / "example.yaml"
        file.write_text(text.replace("/usr/share/asterisk/sounds", str(place.sounds)))
        return load(file, {}, today=TODAY)

    return loaded


@pytest.fixture
def policy(example: Callable[[Path], Settings]) -> Policy:
    return example(EXAMPLE).policy


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_every_example_is_read_without_a_word(path: Path, example: Callable[[Path], Settings]) -> None:
    assert example(path).warnings == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_every_example_is_commented_and_speaks_in_french_and_english(path: Path) -> None:
    text = path.read_text()
    assert len(re.findall(r"# FR  ", text)) == len(re.findall(r"(?:#|  ) EN  ", text)) > 4
    spoken = yaml.safe_load(text)["announcements"].values()
    assert {tuple(announcement["text"]) for announcement in spoken} == {("fr", "en")}


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_no_two_examples_want_other_words_under_one_sound(path: Path) -> None:
    words = {
        announcement["sound"]: announcement["text"]
        for other in EXAMPLES
        if other != path
        for announcement in yaml.safe_load(other.read_text())["announcements"].values()
    }
    for announcement in yaml.safe_load(path.read_text())["announcements"].values():
        assert words.get(announcement["sound"], announcement["text"]) == announcement["text"]


ALL = None
SHIPPED = {
    "quality-and-training": (Basis.LEGITIMATE_INTEREST, Start.ON_ANSWER, 0.25, ConsentMode.OPT_OUT, Period(months=6)),
    "contract-evidence": (Basis.CONTRACT, Start.ON_TRIGGER, ALL, ConsentMode.OPT_OUT, Period(years=5)),
    "emergency-service": (Basis.LEGAL_OBLIGATION, Start.ON_ANSWER, ALL, ConsentMode.NONE, Period(years=5)),
    "investment-services": (Basis.LEGAL_OBLIGATION, Start.ON_ANSWER, ALL, ConsentMode.NONE, Period(years=5)),
    "insurance-telesales": (
        *(Basis.LEGAL_OBLIGATION, Start.ON_ANSWER, ALL, ConsentMode.REFUSAL_ENDS_CALL, Period(years=2)),
    ),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_example_of_a_purpose_is_what_the_law_shapes(name: str, example: Callable[[Path], Settings]) -> None:
    policy = example(ROOT / "examples" / "purposes" / f"{name}.yaml").policy
    purpose = policy.purposes[name]
    rate = purpose.sampling.rate if purpose.sampling else ALL
    assert (purpose.basis, purpose.start, rate, purpose.consent.mode, purpose.retention) == SHIPPED[name]
    assert list(policy.purposes) == [name]
    assert [route.purposes for route in policy.routes] == [(name,)]


def test_every_example_of_a_purpose_is_known_here() -> None:
    assert {path.stem for path in EXAMPLES if path != EXAMPLE} == set(SHIPPED)


def test_emergency_service_is_reached_by_its_number(example: Callable[[Path], Settings]) -> None:
    policy = example(ROOT / "examples" / "purposes" / "emergency-service.yaml").policy
    asked = Asked(direction=Direction.INBOUND, queue="", language="fr", called=frozenset({"15"}))
    assert policy.exclusion(asked) is None
    assert policy.route(asked) == policy.routes[0]


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
    route = policy.route(Asked(direction=direction, queue=queue, language="fr"))
    assert route is not None
    assert route.purposes == expected


def test_example_does_not_record_what_no_route_names(policy: Policy) -> None:
    assert policy.route(Asked(direction=Direction.INBOUND, queue="other", language="fr")) is None


def test_committed_schema_is_current() -> None:
    command = [sys.executable, "-m", "controller.config.schema"]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own module
    assert made.stdout.decode() == COMMITTED.read_text(), "run: python -m controller.config.schema > that file"


def test_schema_closes_every_object() -> None:
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict) and node.get("type") == "object":
            yield node
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from objects(inner)

    found = list(objects(schema.schema()))
    assert found
    assert [node for node in found if node.get("additionalProperties") is not False] == []


def test_reference_has_every_key_and_no_other() -> None:
    tables = re.findall(r"^\| key \| type \| (?:.*\n)+?\n", REFERENCE.read_text(), re.MULTILINE)
    rows = re.findall(r"^\| `([^`]+)` \|", "".join(tables), re.MULTILINE)
    assert sorted(rows) == sorted(configuration_keys())


def test_reference_has_every_emergency_number_and_no_other() -> None:
    table = REFERENCE.read_text().partition("### Emergency numbers")[2].partition("\n## ")[0]
    told: dict[str, set[str]] = {}
    for countries, numbers in re.findall(r"^\| (.*?) \| (.*?) \|$", table, re.MULTILINE):
        for country in re.findall(r"`([A-Z]{2})`", countries):
            told[country] = set(re.findall(r"`([0-9]+)`", numbers))
    assert told == BY_COUNTRY
