"""The documents say nothing that the repository does not hold: links, targets, files, names, commands and values."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import click
import pytest

from controller.__main__ import main
from controller.domain.decision import Kind, Reason, Verdict
from controller.domain.recording import Phase
from controller.domain.records import RecordingState
from controller.domain.showing import PurposeState
from controller.mqtt.topics import filters
from controller.runtime.requests import CAUSES, CallState, Verb
from controller.web.openapi.document import OPERATIONS
from controller.web.openapi.oneself import BESIDE
from controller.web.openapi.reading import PAGE
from controller.web.routes import PREFIX

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HOLDS = {
    "Kinds of decision": Kind,
    "Verdicts": Verdict,
    "Reasons": Reason,
    "States of a call": CallState,
    "States of a purpose": PurposeState,
    "States of a recording": RecordingState,
    "Phases of a recording": Phase,
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"`([\w./-]+/[\w./-]*)(?:::(\w+))?`")
FRENCH = re.compile(r"(?<![\w.+*%-])(?:(?:\+|00)33[ .-]?(?:\(0\))?|0)[1-9](?:[ .-]?\d\d){4}(?!\w)")
FOREIGN = re.compile(r"\+(?!33)\d[\d .-]{6,}\d")
ALL_DIGITS = "0123456789"
FOLDERS = ("controller", "lab", "tests", "migrations", "asterisk-conf", "docs", "examples", ".ci")


def read(name: str) -> str:
    return (ROOT / name).read_text()


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def relative_links(document: Path) -> Iterator[str]:
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if not target.startswith(("http://", "https://", "mailto:")):
            yield target


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in relative_links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(("heading", "values"), HOLDS.items(), ids=HOLDS)
def test_the_glossary_explains_every_value_and_no_other(heading: str, values: type[StrEnum]) -> None:
    explained = re.findall(r"^\| `([a-z-]+)` \| \S.* \|$", section(read("docs/glossary.md"), heading), re.MULTILINE)
    named = {"kind", "verdict", "reason"}
    assert [value for value in explained if value not in named] == [value.value for value in values]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    # in code only: "make sure" is prose
    code = re.findall(r"`[^`]*`|^```.*?^```$", read(name), re.MULTILINE | re.DOTALL)
    named = {target for piece in code for target in re.findall(r"\bmake ([a-z]+)", piece)}
    assert named
    assert named <= targets


def test_every_place_that_the_architecture_names_exists() -> None:
    places = [(path, symbol) for path, symbol in PLACE.findall(read("ARCHITECTURE.md")) if path.startswith(FOLDERS)]
    assert len(places) > 50
    for path, symbol in places:
        assert (ROOT / path).exists(), path
        if symbol:
            defined = rf"^\s*(?:async )?(?:def|class) {symbol}\b|^{symbol}\b.* =|FUNCTION {symbol}\("
            assert re.search(defined, read(path), re.MULTILINE), f"{path}::{symbol}"


def test_every_module_has_its_place_in_the_architecture() -> None:
    text = read("ARCHITECTURE.md")
    modules = [*(ROOT / "controller").rglob("*.py")]
    assert [name for m in modules if m.name != "__init__.py" and (name := name_of(m)) not in text] == []


def test_every_test_that_the_architecture_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", read("ARCHITECTURE.md")))
    there = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (\w+)", file.read_text())
    }
    assert named
    assert named <= there


def commands_of(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_and_option_is_in_the_reference() -> None:
    text = read("docs/reference/command-line.md")
    for name, command in commands_of(main).items():
        told = section(text, f"`{name}`")
        inner = commands_of(command) if isinstance(command, click.Group) else {}
        assert [word for word in inner if f"{name} {word}" not in told] == [], name
        parameters = [parameter for one in (command, *inner.values()) for parameter in one.params]
        options = [flag for parameter in parameters for flag in parameter.opts if flag.startswith("--")]
        assert [flag for flag in options if flag not in told] == [], name


def test_every_metric_is_in_the_reference() -> None:
    declared = re.findall(r'(Counter|Gauge|Histogram)\("(\w+)"', read("controller/runtime/metrics.py"))
    names = [f"{name}_total" if kind == "Counter" else name for kind, name in declared]
    assert names
    assert [name for name in names if f"| `{name}` |" not in read("docs/reference/metrics.md")] == []


def test_every_request_over_http_is_in_the_reference() -> None:
    text = read("docs/reference/http-api.md").replace("audio.mp3`, `…/audio.wav`", "audio.{shape}`")
    requests = [*BESIDE, *(asked.replace(" ", f" {PREFIX}") for asked in OPERATIONS), f"GET {PAGE}"]
    assert [asked for asked in requests if f"`{asked}`" not in text] == []
    assert [cause for cause in CAUSES if f'"{cause}"' not in text] == []


def test_every_command_and_topic_of_mqtt_is_in_the_reference() -> None:
    text = read("docs/reference/mqtt.md")
    assert [verb for verb in Verb if f"\n| `{verb}` |" not in text] == []
    assert [topic for topic in filters("{topic}", "{pbx}") if topic.partition("+")[0] not in text] == []


def test_every_subroutine_for_the_dialplan_is_in_the_reference() -> None:
    contexts = re.findall(r"^\[(recording-[a-z-]+)\]$", read("asterisk-conf/recording-controller.conf"), re.MULTILINE)
    inner = "recording-controller"
    text = read("docs/reference/dialplan.md")
    assert inner in contexts
    assert [name for name in contexts if name != inner and name not in text] == []


def test_every_field_of_a_decision_is_in_the_reference() -> None:
    found = re.search(r"^class StoredDecision:(.*)", read("controller/domain/decision.py"), re.MULTILINE | re.DOTALL)
    assert found
    fields = re.findall(r"^    (\w+):", found[1], re.MULTILINE)
    assert fields
    assert [field for field in fields if f"| `{field}` |" not in read("docs/reference/decisions.md")] == []


def test_the_unit_runs_what_the_how_to_installs() -> None:
    unit, how_to = read("examples/recording-controller.service"), read("docs/how-to/existing-pbx.md")
    program = re.search(r"^ExecStart=(\S+) run --config (\S+)$", unit, re.MULTILINE)
    assert program
    assert program[1] in how_to
    assert program[2] in how_to


@pytest.mark.parametrize("name", ["docs/how-to/existing-pbx.md", "Dockerfile"])
def test_only_packages_that_are_pinned_and_checked_are_installed(name: str) -> None:
    """As a constraint, a file with hashes does not do: pip wants one for the clone itself, too."""
    commands = re.findall(r"\bpip (download|install) (.*)$", read(name), re.MULTILINE)
    assert [command for command, _ in commands] == ["download", "install"]
    (_, download), (_, install) = commands
    folder = re.search(r"--require-hashes --dest (\S+) --requirement constraints\.txt$", download)
    assert folder
    assert re.search(rf"--no-index --find-links {folder[1]} '\.\[", install)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_path_of_a_machine_is_shown(document: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:root|work|home/\w+)/", document.read_text()) == []


def texts() -> Iterator[tuple[Path, str]]:
    """Every file of text that the repository holds."""
    ours = [file for file in ROOT.iterdir() if file.is_file()]
    for file in [*ours, *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file())]:
        if file.suffix != ".pyc" and "node_modules" not in file.parts:
            try:
                yield file, file.read_text()
            except UnicodeDecodeError:
                continue


def real_numbers(text: str) -> list[str]:
    """Telephone numbers in a text, French or of another country, that somebody may have."""
    invented = re.compile(r"(?:(?:00)?33|0)0?(?:19900|63998)|441632960")
    found = [match[0].strip() for pattern in (FRENCH, FOREIGN) for match in pattern.finditer(text)]
    return [number for number in found if number != ALL_DIGITS and not invented.match(re.sub(r"\D", "", number))]


def test_no_number_that_somebody_may_have_stands_anywhere() -> None:
    """01 99 00 xx xx and 06 39 98 xx xx are kept for fiction in France, +44 1632 960xxx in the United Kingdom."""
    found = {name_of(file): numbers for file, text in texts() if (numbers := real_numbers(text))}
    assert found == {}


@pytest.mark.parametrize("number", ["01 4{} 00 00 00", "06399{}0001", "+33 1 4{} 00 00 00", "+32 2 55{} 12 12"])
def test_a_number_that_somebody_may_have_is_found(number: str) -> None:
    written = number.format(7)  # whole, it would be found in this file
    assert real_numbers(f"call {written}, please") == [written]
