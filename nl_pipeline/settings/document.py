"""A YAML document as plain values, with the line of every key.

Belongs here: YAML and its traps. Not here: what the values mean.

Narrower than YAML 1.1 on purpose: only `true` and `false` are booleans (so `direction: off` and
`country: NO` stay text), only plain decimals are numbers (so a postcode never turns into an octal
number), duplicate keys are refused, and aliases, merge keys and tags are not supported. Messages
name the line and never quote it: the line may hold a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nl_pipeline.settings.problems import Problem, SettingsError

KeyPath = tuple[str | int, ...]

_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_TRUTH = "tag:yaml.org,2002:bool"
_WHOLE = "tag:yaml.org,2002:int"
_DECIMAL = "tag:yaml.org,2002:float"


@dataclass(frozen=True)
class Document:
    """The values of one YAML file and where each key stands.

    `lines` maps a key path to the line (from 1) of its key, or of the item of a list.
    """

    file: str
    value: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _AliasFoundError(Exception):
    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


class _NarrowLoader(yaml.SafeLoader):
    """Scanner, parser and composer of PyYAML with our own, shorter list of implicit types."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: yaml.AliasEvent = self.get_event()  # type: ignore[no-untyped-call]
            raise _AliasFoundError(alias.start_mark.line + 1 if alias.start_mark else 1)
        return super().compose_node(parent, index)


# Its own table: the one of the base class would be shared and still hold the types of YAML 1.1.
_NarrowLoader.yaml_implicit_resolvers = {}
_NarrowLoader.add_implicit_resolver(_TRUTH, re.compile(r"^(?:true|false)$"), list("tf"))
_NarrowLoader.add_implicit_resolver(_NULL, re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_NarrowLoader.add_implicit_resolver(_WHOLE, re.compile(r"^-?(?:0|[1-9]\d*)$"), list("-0123456789"))
_NarrowLoader.add_implicit_resolver(
    _DECIMAL, re.compile(r"^-?(?:0|[1-9]\d*)\.\d+$"), list("-0123456789")
)


def read_document(text: str, *, file: str) -> Document:
    """Parse `text`; SettingsError with the file and line of whatever is not readable."""
    try:
        root = _NarrowLoader(text).get_single_node()
    except _AliasFoundError as error:
        raise _unreadable(file, error.line, "aliases (*name) are not supported") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unreadable(
            file, None if mark is None else mark.line + 1, _without_content(error.problem or "")
        ) from None
    except yaml.YAMLError:
        raise _unreadable(file, None, "a character that YAML does not allow") from None
    reader = _Reader(file)
    value = None if root is None else reader.value_of(root, ())
    if reader.problems:
        raise SettingsError(reader.problems)
    return Document(file, value, reader.lines)


def _without_content(problem: str) -> str:
    """PyYAML quotes what it found; keep only single characters and the parser's <tokens>."""

    def shown(quoted: re.Match[str]) -> str:
        text = quoted.group()[1:-1]
        return quoted.group() if len(text) == 1 or text.startswith("<") else "something"

    return re.sub(r"'[^']*'|\"[^\"]*\"", shown, problem)


def _unreadable(file: str, line: int | None, problem: str) -> SettingsError:
    return SettingsError(
        [
            Problem(
                file=file,
                line=line,
                key="",
                what=f"this is not readable as YAML: {problem}",
                next_step="check indentation, colons and quotes on this line and the one before",
            )
        ]
    )


class _Reader:
    """Turns nodes into values and remembers lines; collects problems instead of stopping."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []

    def value_of(self, node: Node, path: KeyPath) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return self._sequence(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._refuse(line, path, "a key must be a plain word", "write `key: value`")
                continue
            key = key_node.value
            here = (*path, key)
            if key in values:
                self._refuse(
                    line,
                    here,
                    f"this key already stands on line {self.lines[here]}",
                    "keep one of the two",
                )
                continue
            self.lines[here] = line
            values[key] = self.value_of(value_node, here)
        return values

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        values: list[Any] = []
        for index, item in enumerate(node.value):
            self.lines[(*path, index)] = item.start_mark.line + 1
            values.append(self.value_of(item, (*path, index)))
        return values

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        text: str = node.value
        if node.tag == _TEXT:
            return text
        if node.tag == _NULL:
            return None
        if node.tag == _TRUTH:
            return text == "true"
        if node.tag == _WHOLE:
            return int(text)
        if node.tag == _DECIMAL:
            return float(text)
        self._refuse(
            node.start_mark.line + 1, path, "YAML tags (!name) are not supported", "remove the tag"
        )
        return None

    def _refuse(self, line: int, path: KeyPath, what: str, next_step: str) -> None:
        key = ".".join(str(part) for part in path)
        self.problems.append(
            Problem(file=self.file, line=line, key=key, what=what, next_step=next_step)
        )
