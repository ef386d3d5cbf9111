"""Rest.li 2.0 queries: structure characters literal, values percent-encoded.

Belongs here: reading a query string byte for byte, and projections (``fields``). Does not belong
here: which parameters a method has. An object ``(k:v)`` becomes a dict, ``List(a,b)`` a list, and
everything else a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from nl_pipeline.sandbox.linkedin import errors

_VALUE = re.compile(r"[^(),:]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")

Projection = Mapping[str, "Projection | None"]
"""Field -> what is wanted below it, ``None`` for everything."""


def query_values(query: str, *, strict: bool) -> dict[str, Any]:
    """The parameters of a query string; raises 400.

    Not strict, a value that does not parse is read once more after one decoding, which is what a
    client that encodes twice needs.
    """
    values: dict[str, Any] = {}
    for part in query.split("&"):
        if not part:
            continue
        name, equals, text = part.partition("=")
        if not equals or not _NAME.fullmatch(name) or name in values:
            raise errors.bad_request(f"Query parameter {len(values) + 1} cannot be read")
        # A projection is no value: its characters are all literal.
        values[name] = text if name == "fields" else _value(text, name=name, strict=strict)
    return values


def _value(text: str, *, name: str, strict: bool) -> Any:
    looks_encoded = text[:3].upper() == "%28" or text[:7].upper() == "LIST%28"
    if looks_encoded and strict:
        raise errors.bad_parameter(
            name, why="structure characters must not be percent-encoded (Rest.li protocol 2.0.0)"
        )
    if looks_encoded:
        text = unquote(text)
    try:
        return _Reader(text).whole()
    except ValueError as error:
        if not strict:
            return unquote(text)
        raise errors.bad_parameter(name, why=str(error)) from error


class _Reader:
    """A recursive reader of one value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Any:
        """The value, which must be all there is."""
        value = self._any()
        if self._at != len(self._text):
            raise ValueError(
                f"unexpected {self._text[self._at]!r} at place {self._at}; "
                "encode it where it belongs to a value"
            )
        return value

    def _any(self) -> Any:
        if self._text.startswith("List(", self._at):
            self._at += 5
            return self._items()
        if self._text.startswith("(", self._at):
            self._at += 1
            return self._members()
        return self._plain()

    def _items(self) -> list[Any]:
        items: list[Any] = []
        if self._take(")"):
            return items
        while True:
            items.append(self._any())
            if self._take(")"):
                return items
            self._need(",")

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while True:
            key = self._plain()
            self._need(":")
            members[key] = self._any()
            if self._take(")"):
                return members
            self._need(",")

    def _plain(self) -> str:
        found = _VALUE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return unquote(found[0])

    def _take(self, character: str) -> bool:
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        return True

    def _need(self, character: str) -> None:
        if not self._take(character):
            raise ValueError(f"{character!r} expected at place {self._at}")


def projection_of(text: str) -> Projection:
    """The tree of ``a,b:(c,d)``; raises 400."""
    wanted, end = _projection(text, 0)
    if end != len(text):
        raise errors.bad_parameter("fields", why=f"unexpected character at place {end}")
    return wanted


def _projection(text: str, at: int) -> tuple[dict[str, Projection | None], int]:
    wanted: dict[str, Projection | None] = {}
    while True:
        found = _NAME.match(text, at)
        if found is None:
            raise errors.bad_parameter("fields", why=f"a field name is expected at place {at}")
        at = found.end()
        below: Projection | None = None
        if text.startswith(":(", at):
            below, at = _projection(text, at + 2)
            if not text.startswith(")", at):
                raise errors.bad_parameter("fields", why=f"')' expected at place {at}")
            at += 1
        wanted[found[0]] = below
        if not text.startswith(",", at):
            return wanted, at
        at += 1


def projected(record: Mapping[str, Any], *, wanted: Projection) -> dict[str, Any]:
    """The fields of a record that are wanted; unknown ones are left out, ``name!`` stands for
    ``name``."""
    shown: dict[str, Any] = {}
    for name, below in wanted.items():
        if f"{name}!" in record:
            shown[f"{name}!"] = record[f"{name}!"]
        if name in record:
            shown[name] = record[name] if below is None else _below(record[name], wanted=below)
    return shown


def _below(value: Any, *, wanted: Projection) -> Any:
    if isinstance(value, list):
        return [_below(item, wanted=wanted) for item in value]
    return projected(value, wanted=wanted) if isinstance(value, Mapping) else value
