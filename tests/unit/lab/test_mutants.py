"""A change is noticed only by a test that fails, not by one that cannot run."""

from pathlib import Path

import pytest

from lab.mutants import Mutation, failed

TESTS = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError

def test_fails(): assert False
def test_passes(): pass
def test_cannot_run(broken): pass

@pytest.mark.parametrize("value", ["one", "one and two"])
def test_row(value): assert value == "one"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def test_what_failed_is_told_test_by_test_and_row_by_row(tree: Path) -> None:
    named = ["fails", "passes", "cannot_run", "row", "row[one]", "row[one and two]"]
    found = failed(tree, [f"test_some.py::test_{name}" for name in named])
    assert found == {f"test_some.py::test_{name}" for name in ("fails", "row", "row[one and two]")}


@pytest.mark.parametrize(("old", "places"), [("unheard-of", 0), ("def test_", 4)])
def test_a_change_has_one_place(tree: Path, old: str, places: int) -> None:
    mutation = Mutation(rule=1, without="a rule", file="test_some.py", old=old, new="", tests=())
    with pytest.raises(ValueError, match=f"test_some.py has {places} places for this change: {old}"):
        mutation.applied(tree)


def test_a_change_is_made_nowhere_but_in_the_text(tree: Path) -> None:
    mutation = Mutation(rule=1, without="a rule", file="test_some.py", old="assert False", new="pass", tests=())
    assert mutation.applied(tree) == TESTS.replace("assert False", "pass")
    assert (tree / "test_some.py").read_text() == TESTS
