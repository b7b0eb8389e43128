"""What is said of a file that is not quite YAML, and that no file whatsoever does worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.config import load
from controller.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

FAULTLESS = (Path(__file__).parent / "faultless.yaml").read_text()

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LOOP = "a: &a [*a]\n"

BROKEN: Mapping[str, tuple[str | bytes, list[str]]] = {
    "an empty file": ("", ["1: file: is empty"]),
    "nothing but a comment": ("# nothing\n", ["1: file: is empty"]),
    "a list": ("- 1\n", ["1: file: must be a block of keys"]),
    "a word": ("word\n", ["1: file: must be a block of keys"]),
    "Latin-1": ("a: 1\nname: Société\n".encode("latin-1"), ["2: file: is not UTF-8"]),
    "UTF-16": ("a: 1\n".encode("utf-16"), ["1: file: is not UTF-8"]),
    "a control character": ("a: 1\nb: \x07\n", ["2: file: holds a character that YAML does not allow"]),
    "a bracket that never closes": (
        "a: [1\nb: 2\n",
        ["2: file: is not valid YAML: while parsing a flow sequence, expected ',' or ']', but got ':'"],
    ),
    "a star without quotes": (
        "keys: {information: *}\n",
        [
            (
                "1: file: is not valid YAML: while scanning an alias, expected alphabetic or numeric character, but"
                " found '}'; what begins with a star stands in quotes: \"*7\""
            )
        ],
    ),
    "a code of an agent without quotes": (
        "keys: {pause: *7}\n",
        ["1: file: is not valid YAML: found undefined alias '7'; what begins with a star stands in quotes: \"*7\""],
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        ["2: file: is not valid YAML: expected a single document in the stream, but found another document"],
    ),
    "an escape beyond Unicode": (
        'a: 1\nb: "\\U00110000"\n',
        ["2: file: is not valid YAML: an escape or a number is out of range"],
    ),
    "brackets without end": ("a: 1\nb: " + "[" * 5000, ["2: file: is nested more than 20 levels deep"]),
    "more than a configuration ever needs": ("#" * 300_000, ["1: file: is longer than 256 KiB"]),
}


@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN)
def test_broken_file(row: tuple[str | bytes, list[str]], place: Place) -> None:
    text, expected = row
    assert place.faults(text) == expected


@pytest.mark.parametrize("text", [BOMB, LOOP], ids=["bomb", "loop"])
def test_aliases_are_unfolded_only_so_far(text: str, place: Place) -> None:
    (fault,) = place.faults(text)
    assert fault.endswith("its aliases unfold to too much")


def test_aliases_may_be_used(place: Place, changed: Callable[[Mapping[str, str]], str]) -> None:
    text = changed({"[support]": "&name [support]"})
    text += "  - {name: two, direction: outbound, queues: *name, purposes: [quality]}\n"
    assert place.load(text).policy.routes[1].queues == ("support",)


ODD = {
    "a key written twice": (
        {"default_language: fr": "default_language: fr\ndefault_language: en"},
        ["11: default_language: is written twice; first on line 10"],
    ),
    "a list as a key": (
        {"default_language: fr": "default_language: fr\n? [a]\n: 1"},
        ["11: file: a key must be a word, not a list or a block"],
    ),
    "a tag that does not fit": (
        {"default_language: fr": "default_language: !!int fr"},
        ["10: default_language: has a tag; none are used here"],
    ),
    "a tag that makes Python objects": (
        {"default_language: fr": "default_language: !!python/object/apply:os.system [ls]"},
        [
            "10: default_language: has a tag; none are used here",
        ],
    ),
    "a NUL": (
        {"Exemple SA": '"Exemple\\0"'},
        ["1: data_controller.name: holds a character that cannot be stored"],
    ),
    "a lone surrogate": (
        {"Exemple SA": '"\\ud800"'},
        ["1: data_controller.name: holds a character that cannot be stored"],
    ),
    "a number without end": (
        {"routes:": f"http: {{port: {'9' * 5000}}}\nroutes:"},
        ["30: http.port: is a number with too many digits"],
    ),
    "a merge key is no part of YAML 1.2": (
        {"routes:": "<<: {}\nroutes:"},
        ["30: <<: is not a known key"],
    ),
    "a key that would break the line": (
        {"routes:": '"a\\nb": 1\nroutes:'},
        ["30: 'a\\nb': is not a known key"],
    ),
}


@pytest.mark.parametrize("row", ODD.values(), ids=ODD)
def test_odd_file(
    row: tuple[Mapping[str, str], list[str]], place: Place, changed: Callable[[Mapping[str, str]], str]
) -> None:
    changes, expected = row
    assert place.faults(changed(changes)) == expected


def test_a_byte_order_mark_is_no_fault(place: Place) -> None:
    assert place.load("\ufeff" + FAULTLESS).warnings == ()


@pytest.mark.parametrize("name", ["absent.yaml", "", "nul\0.yaml"])
def test_a_file_that_cannot_be_read_is_a_fault(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(str(tmp_path / name), {})


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
PARTS = st.sampled_from(
    [*FAULTLESS.splitlines(keepends=True), "&a ", "*a", "!!int ", "? ", ": ", "- ", "{", "[", '"', "%"]
)
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


def only_known_errors(place: Place, text: str | bytes) -> None:
    with suppress(ConfigurationError):
        place.load(text)


@RELAXED
@given(data=st.binary(max_size=400))
def test_no_bytes_raise_anything_else(place: Place, data: bytes) -> None:
    only_known_errors(place, data)


@RELAXED
@given(text=st.text(max_size=400))
def test_no_text_raises_anything_else(place: Place, text: str) -> None:
    only_known_errors(place, text)


@RELAXED
@given(parts=st.lists(PARTS, max_size=60))
def test_no_shuffled_file_raises_anything_else(place: Place, parts: list[str]) -> None:
    only_known_errors(place, "".join(parts))


def places_in(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, item in items for inner in places_in(item, (*path, key)))]


TREE = yaml.safe_load(FAULTLESS)


@RELAXED
@given(path=st.sampled_from(places_in(TREE)[1:]), value=VALUES, rename=st.booleans())
def test_no_value_anywhere_raises_anything_else(
    place: Place, path: tuple[str | int, ...], value: object, *, rename: bool
) -> None:
    tree = yaml.safe_load(FAULTLESS)
    parent = tree
    for part in path[:-1]:
        parent = parent[part]
    if rename and isinstance(parent, dict):
        parent[str(value)] = parent.pop(path[-1])
    else:
        parent[path[-1]] = value
    only_known_errors(place, yaml.safe_dump(tree, allow_unicode=True))
