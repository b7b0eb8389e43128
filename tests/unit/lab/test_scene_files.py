"""A scene's file is read whole, or every fault in it is told with file and line."""

from pathlib import Path

import pytest

from controller.config import ConfigurationFaults
from tests.acceptance.cast import Kind, described
from tests.acceptance.scene import Verb, read_scene

SCENE = """\
story: A pause.
source: PCI DSS 3.3.1
people: {caller: customer, agent: agent}
steps:
  - caller calls agent on the line every
  - agent answers
  - caller speaks
  - agent presses *7
  - caller hangs up
calls:
  - decisions:
      - pause applied payment for every by agent
    recordings:
      every:
        holds: [{between: [caller speaks, agent presses *7]}]
"""


def faults(folder: Path, old: str, new: str) -> list[str]:
    """What is said of the scene with one thing changed."""
    file = folder / "story.yaml"
    file.write_text(SCENE.replace(old, new, 1))
    with pytest.raises(ConfigurationFaults) as caught:
        read_scene(file)
    return [str(fault).removeprefix(f"{file}:") for fault in caught.value.faults]


def test_a_scene_is_read(tmp_path: Path) -> None:
    file = tmp_path / "story.yaml"
    file.write_text(SCENE)
    scene = read_scene(file)
    assert [step.verb for step in scene.steps] == [
        Verb.CALLS,
        Verb.ANSWERS,
        Verb.SPEAKS,
        Verb.PRESSES,
        Verb.HANGS_UP,
    ]
    [(step, shape)] = scene.expected()
    assert (scene.name, step.place, list(shape.recordings)) == ("story", f"{file}:5", ["every"])


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(
            "agent answers",
            "agent nods",
            "6: steps[1]: is no sentence of a scene: agent nods",
            id="an unknown sentence",
        ),
        pytest.param(
            "agent answers",
            "friend answers",
            "6: steps[1]: friend is none of the people of this scene",
            id="a stranger",
        ),
        pytest.param(
            "line every", "line all", "5: steps[0]: all is none of the lines of this scene", id="no such line"
        ),
        pytest.param(
            "agent: agent",
            "agent: clerk",
            "3: people.agent: must be one of customer, agent, uninformed agent, ",
            id="somebody of no kind",
        ),
        pytest.param(
            "pause applied payment for every by agent",
            "pause for payment",
            "12: calls[0].decisions[0]: is no decision: pause for payment",
            id="no decision",
        ),
        pytest.param(
            "[caller speaks,",
            "[caller sings,",
            "15: calls[0].recordings.every.holds[0].between: must be a step that happens once: caller sings",
            id="a moment that never comes",
        ),
        pytest.param(
            "  - caller hangs up",
            "  - agent presses *7",
            "15: calls[0].recordings.every.holds[0].between: must be a step that happens once: agent presses *7",
            id="a moment that comes twice",
        ),
        pytest.param(
            "  - decisions",
            "  - {call: agent answers}\n  - decisions",
            "10: calls: there are more of them than steps that begin a call",
            id="more calls than begin",
        ),
        pytest.param(
            "  - decisions",
            "  - call: agent answers\n    decisions",
            "11: calls[0].call: is no step that begins a call: agent answers",
            id="a call that does not begin",
        ),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert [said for said in faults(tmp_path, old, new) if said.startswith(fault)]


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, "source:", "sauce: ''\nsource:")
    assert fault.startswith("2: sauce: ")


def test_somebody_may_have_a_certain_number() -> None:
    assert described("customer 0639989090") == (Kind.CUSTOMER, "0639989090")
    assert described("uninformed agent") == (Kind.UNINFORMED, "")
