"""From a file's bytes to YAML's nodes: encoding, syntax, and the bounds that keep a hostile file harmless.

Plain scalars are read by YAML 1.2's core schema: ``no``, ``on`` and ``off`` are the words that they look like.
"""

import re
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from controller.config.faults import ConfigurationFaults, Fault

MOST_BYTES = 256 * 1024
DEEPEST = 20
TAG = "tag:yaml.org,2002:"

NULL = re.compile(r"(?:null|Null|NULL|~|)")
BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)")
INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)")
FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_CORE = (("null", NULL), ("bool", BOOL), ("int", INT), ("float", FLOAT))


def file_bytes(file: Path, name: str) -> bytes:
    """The bytes of a file; ``name`` is how messages call it. Raises ``ConfigurationFaults``."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it has no valid name"
        raise _whole(name, f"cannot be read: {why}") from None
    if len(data) > MOST_BYTES:
        raise _whole(name, f"is longer than {MOST_BYTES // 1024} KiB")
    return data


def decoded(data: bytes, name: str) -> str:
    """The text of the bytes, which must be UTF-8. Raises ``ConfigurationFaults``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _whole(name, "is not UTF-8", line=line) from None


def composed(text: str, name: str) -> Node:
    """The topmost node of a text. Raises ``ConfigurationFaults``."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except _TooDeep as error:
        raise _whole(name, f"is nested more than {DEEPEST} levels deep", line=error.line) from None
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _whole(name, "holds a character that YAML does not allow", line=line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _whole(name, _syntax(error), line=mark.line + 1 if mark else 1) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # PyYAML lets these through for escapes beyond Unicode and for endless numbers in a %YAML line
        line = loader.line + 1 if loader is not None else 1
        raise _whole(name, "is not valid YAML: an escape or a number is out of range", line=line) from None
    if root is None or _is_null(root):
        raise _whole(name, "is empty")
    return root


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == f"{TAG}null"


def _syntax(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    hint = '; what begins with a star stands in quotes: "*7"' if any("alias" in part for part in parts) else ""
    return f"is not valid YAML: {', '.join(parts)}{hint}"


def _whole(name: str, message: str, *, line: int = 1) -> ConfigurationFaults:
    return ConfigurationFaults([Fault(file=name, line=line, path="file", message=message)])


class _TooDeep(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, line: int) -> None:
        self.line = line


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to its nodes, with YAML 1.2's plain scalars and a bound on nesting (its composer is recursive)."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        if self._depth > DEEPEST:
            raise _TooDeep(self.line + 1)
        self._depth += 1
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]
        finally:
            self._depth -= 1

    def resolve(self, kind: type[Node], value: str | None, implicit: object) -> str:
        if kind is MappingNode:
            return f"{TAG}map"
        if kind is SequenceNode:
            return f"{TAG}seq"
        plain = isinstance(implicit, tuple) and implicit[0]
        names = (name for name, pattern in _CORE if plain and pattern.fullmatch(value or ""))
        return TAG + next(names, "str")
