"""The YAML file as plain values, and the line on which each of them stands.

Owns doubled keys and what a scalar is; syntax is read by ``controller.config.syntax``. Knows nothing of what the keys
mean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path as FilePath

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controller.config.faults import ConfigurationFaults, Fault, Path, dotted
from controller.config.syntax import BOOL, DEEPEST, FLOAT, INT, NULL, TAG, composed, decoded, file_bytes

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

MOST_NODES = 20_000
"""Values in the file, each alias counted as often as it is used."""
_LONGEST_NUMBER = 30
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DOT_OF_WORD = re.compile(r"\.(?=[iInN])")
_BASES = {"0o": 8, "0x": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that is YAML. ``faults`` are those that leave the rest readable."""

    file: str
    text: str
    digest: str
    value: Value
    faults: tuple[Fault, ...]
    keys: dict[Path, int] = field(repr=False)
    values: dict[Path, int] = field(repr=False)

    def fault(self, path: Path, message: str, *, at_key: bool = False) -> Fault:
        """A fault on the line of a path's value, or of its key; where it is missing, of the nearest thing above."""
        return Fault(file=self.file, line=self._line(path, at_key=at_key), path=dotted(path), message=message)

    def _line(self, path: Path, *, at_key: bool) -> int:
        if at_key and path in self.keys:
            return self.keys[path]
        nearest = next(path[:end] for end in range(len(path), -1, -1) if path[:end] in self.values)
        return self.values[nearest]


def read(file: FilePath) -> Document:
    """Read a file. Raises ``ConfigurationFaults`` where it is no YAML at all."""
    name = str(file)
    return parsed(file_bytes(file, name), name)


def parsed(data: bytes, name: str) -> Document:
    """Read the bytes of a file. Raises ``ConfigurationFaults`` where they are no YAML at all."""
    text = decoded(data, name)
    root = composed(text, name)
    builder = _Builder(file=name)
    try:
        value = builder.build(root, (), line=root.start_mark.line + 1)
    except _TooMuch as error:
        raise ConfigurationFaults([*builder.faults, error.fault]) from None
    return Document(
        file=name,
        text=text,
        digest=sha256(data).hexdigest(),
        value=value,
        faults=tuple(builder.faults),
        keys=builder.keys,
        values=builder.values,
    )


class _TooMuch(Exception):  # noqa: N818
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


@dataclass(slots=True)
class _Builder:
    """Turns nodes into values, and remembers lines."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    keys: dict[Path, int] = field(default_factory=dict)
    values: dict[Path, int] = field(default_factory=dict)
    nodes: int = 0

    def build(self, node: Node, path: Path, *, line: int) -> Value:
        """The value of a node; ``line`` is that of its key."""
        self.nodes += 1
        own = node.start_mark.line + 1
        self.values[path] = own if isinstance(node, ScalarNode) else line
        if self.nodes > MOST_NODES or len(path) > DEEPEST:
            raise _TooMuch(self._fault(path, own, "its aliases unfold to too much"))
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            self._known_tag(node, path, "seq")
            return [
                self.build(item, (*path, index), line=item.start_mark.line + 1) for index, item in enumerate(node.value)
            ]
        assert isinstance(node, ScalarNode)  # noqa: S101 - YAML has no fourth kind
        return self._scalar(node, path, own)

    def _mapping(self, node: MappingNode, path: Path) -> Value:
        self._known_tag(node, path, "map")
        result: dict[str, Value] = {}
        for name, line, value in self._pairs(node, path):
            place = (*path, name)
            if name in result:
                self.faults.append(self._fault(place, line, f"is written twice; first on line {self.keys[place]}"))
                continue
            self.keys[place] = line
            result[name] = self.build(value, place, line=line)
        return result

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[str, int, Node]]:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.faults.append(self._fault(path, line, "a key must be a word, not a list or a block"))
                continue
            yield key.value, line, value

    def _scalar(self, node: ScalarNode, path: Path, line: int) -> Value:
        text: str = node.value
        try:
            value = _scalar(node.tag.removeprefix(TAG), text)
        except ValueError as error:
            self.faults.append(self._fault(path, line, str(error)))
            return None
        if _FORBIDDEN.search(text):
            self.faults.append(self._fault(path, line, "holds a character that cannot be stored"))
        return value

    def _known_tag(self, node: Node, path: Path, name: str) -> None:
        if node.tag != TAG + name:
            self.faults.append(self._fault(path, node.start_mark.line + 1, "has a tag; none are used here"))

    def _fault(self, path: Path, line: int, message: str) -> Fault:
        return Fault(file=self.file, line=line, path=dotted(path), message=message)


def _scalar(tag: str, text: str) -> Value:
    match tag:
        case "str":
            return text
        case "null" if NULL.fullmatch(text):
            return None
        case "bool" if BOOL.fullmatch(text):
            return text.lower() == "true"
        case "int" | "float" if len(text) > _LONGEST_NUMBER:
            raise ValueError("is a number with too many digits")
        case "int" if INT.fullmatch(text):
            return int(text[2:], _BASES[text[:2]]) if text[:2] in _BASES else int(text)
        case "float" if FLOAT.fullmatch(text):
            return float(_DOT_OF_WORD.sub("", text))
        case _:
            raise ValueError("has a tag; none are used here")
