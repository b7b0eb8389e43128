"""The schema for editors, as it is committed, and the keys that it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "configuration.schema.json"


def configuration_keys() -> list[str]:
    """Every key of the file with its path, as the documents write it: ``routes[].purposes``."""
    root = json.loads(COMMITTED.read_text())
    return list(_keys_of(root, root))


def _keys_of(node: Any, root: Any, path: str = "") -> Iterator[str]:
    node = root["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    for name, inner in node.get("properties", {}).items():
        yield f"{path}{name}"
        yield from _keys_of(inner, root, f"{path}{name}.")
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _keys_of(choice, root, path)
    for inner in node.get("patternProperties", {}).values():
        yield from _keys_of(inner, root, f"{path}*.")
    if "items" in node:
        yield from _keys_of(node["items"], root, f"{path.removesuffix('.')}[].")
