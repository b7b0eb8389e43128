"""``make mutants``: takes each rule of the law out of the code, one at a time, and looks whether a test notices.

What is taken out, and which tests must fail then, is ``tests/mutations.yaml``. Works on a copy of the tree, never in
place. Exits with 1 where a test that must fail does not, or where the code has nothing more to take out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import yaml
from rich.console import Console

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "mutations.yaml"
LEFT_BEHIND = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build")
LONGEST_S = 300

console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One change that takes a rule out: ``without`` says what the product is without then, ``tests`` must each fail.

    ``old`` stands once in ``file``. A test without brackets fails where any row of its table does.
    """

    rule: int
    without: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, root: Path) -> str:
        """The text of the file after the change. Raises ``ValueError`` where there is not one place for it."""
        text = (root / self.file).read_text()
        places = text.count(self.old)
        if places != 1:
            raise ValueError(f"{self.file} has {places} places for this change: {self.old}")
        return text.replace(self.old, self.new)


def mutations() -> tuple[Mutation, ...]:
    """All of them, in the order of the file."""
    listed = yaml.safe_load(LIST.read_text())
    return tuple(Mutation(**{**entry, "tests": tuple(entry["tests"])}) for entry in listed)


def failed(root: Path, tests: Iterable[str]) -> frozenset[str]:
    """Run these tests there; those of them that failed. Raises ``TimeoutExpired``."""
    named = tuple(tests)
    command = (sys.executable, "-m", "pytest", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider", *named)
    # Without bytecode: a file that changes twice within a second would else be read as it was.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    told = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    return frozenset(test for test in named if any(_is_of(line, test) for line in told))


def _is_of(line: str, test: str) -> bool:
    return line == test or line.startswith((f"{test}[", f"{test} - "))


def _passes(root: Path, tests: Sequence[str]) -> bool:
    """Whether all these tests are there and pass while nothing is taken out."""
    done = subprocess.run((sys.executable, "-m", "pytest", "-q", *tests), cwd=root, check=False, stdout=sys.stderr)
    return done.returncode == 0


def _survives(root: Path, mutation: Mutation) -> str:
    """Why nobody notices this change; empty where every test does that must."""
    try:
        changed = mutation.applied(root)
    except ValueError as error:
        return str(error)
    file = root / mutation.file
    before = file.read_text()
    file.write_text(changed)
    try:
        unmoved = sorted(set(mutation.tests) - failed(root, mutation.tests))
    except subprocess.TimeoutExpired:
        return f"the tests did not end within {LONGEST_S} s"
    finally:
        file.write_text(before)
    return f"passes all the same: {', '.join(unmoved)}" if unmoved else ""


def _try_all(root: Path, chosen: Sequence[Mutation]) -> int:
    """How many survive."""
    survivors = 0
    for mutation in chosen:
        began = monotonic()
        why = _survives(root, mutation)
        survivors += bool(why)
        verdict = "[red]SURVIVES[/]" if why else "noticed"
        console.print(f"{mutation.rule:>4}  {verdict:8}  {monotonic() - began:5.1f} s  without {mutation.without}")
        if why:
            console.print(why, style="red", markup=False)
    return survivors


def main(rules: Sequence[str]) -> int:
    """Try the mutations of these rules, or all; the exit code."""
    chosen = [mutation for mutation in mutations() if not rules or str(mutation.rule) in rules]
    tests = sorted({test for mutation in chosen for test in mutation.tests})
    with TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder) / "tree"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        if not _passes(root, tests):
            console.print("[red]not every test passes while nothing is taken out")
            return 1
        survivors = _try_all(root, chosen)
    console.print(f"{len(chosen)} changes, {len(chosen) - survivors} noticed, {survivors} not")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
