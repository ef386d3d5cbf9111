"""Queries in Rest.li 2.0, written by hand.

Belongs here: the encoding. Does not belong here: which parameter a call has.

The signs of structure `( ) , :` stay literal and every string inside is percent-encoded with no
safe characters (encoder of linkedin-developers/linkedin-api-python-client and its tests). httpx
encodes the signs when it is given `params`, so the whole query is part of the URL's text, which
it keeps byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Literal:
    """Text that is structure itself: a projection."""

    text: str


Value = str | int | bool | Literal | Mapping[str, "Value"] | Sequence["Value"]


def encoded(value: Value) -> str:
    """Return a value as Rest.li writes it: `(k:v)` for a mapping, `List(a,b)` for a sequence."""
    match value:
        case Literal():
            return value.text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quote(value, safe="")
        case Mapping():
            members = (f"{quote(key, safe='')}:{encoded(item)}" for key, item in value.items())
            return f"({','.join(members)})"
        case _:
            return f"List({','.join(encoded(item) for item in value)})"


def query(parameters: Mapping[str, Value]) -> str:
    """Return the query string, without the question mark."""
    return "&".join(f"{name}={encoded(value)}" for name, value in parameters.items())
