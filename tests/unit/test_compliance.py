"""The table of rules, the list of what `make mutants` takes out, and the code say the same."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from lab.mutants import Mutation, mutations
from tests.unit.config.committed_schema import configuration_keys

ROOT = Path(__file__).parents[2]
SCENES = ROOT / "tests" / "acceptance" / "scenes"
RULES = range(1, 35)
DOCUMENT = (ROOT / "docs" / "reference" / "compliance.md").read_text()
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)(?:\[(.+)\])?")
ROWS = {int(row[0]): row[1:] for row in ROW.findall(DOCUMENT)}
MUTATIONS = mutations()


def named_for(rule: int) -> set[str]:
    """The tests that the table names for a rule."""
    return set(re.findall(r"`([^`]+)`", ROWS[rule][-1]))


@cache
def written(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """The functions of a file, and the texts that stand in it."""
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
    functions = frozenset(n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return functions, frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


def test_every_rule_has_one_row() -> None:
    assert [int(row[0]) for row in ROW.findall(DOCUMENT)] == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_test_that_is_named_for_a_rule_exists(rule: int) -> None:
    for test in named_for(rule):
        found = TEST.fullmatch(test)
        assert found, test
        functions, texts = written(found[1])
        assert found[2] in functions, test
        assert found[3] is None or found[3] in texts or (SCENES / f"{found[3]}.yaml").exists(), test


@pytest.mark.parametrize("rule", RULES)
def test_every_test_of_a_rule_fails_without_it_and_no_other_is_named(rule: int) -> None:
    taken_out = [mutation for mutation in MUTATIONS if mutation.rule == rule]
    assert named_for(rule) == {test for mutation in taken_out for test in mutation.tests} != set()


@pytest.mark.parametrize("rule", RULES)
def test_every_key_that_is_named_for_a_rule_is_one_of_the_file(rule: int) -> None:
    configured = ROWS[rule][2]
    keys = set(re.findall(r"`([^`]+)`", configured))
    assert keys or configured in {"built in", "none yet"}
    assert keys <= set(configuration_keys())


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule}: without {mutation.without}")
def test_every_change_can_still_be_made_and_changes_something(mutation: Mutation) -> None:
    assert mutation.applied(ROOT) != (ROOT / mutation.file).read_text()
    assert mutation.tests


def test_the_document_tells_how_many_changes_were_tried() -> None:
    assert f"{len(MUTATIONS)} changes" in DOCUMENT
