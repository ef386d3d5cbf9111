"""Filters of a read: conditions turned into one predicate.

Belongs here: operators and their comparison by field type. Does not belong here: finding the
candidates and paging. Source: onOffice apidoc, read addresses (operators, "Email" against
"email"); comparison of text without case is [inferred].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from nl_pipeline.sandbox.onoffice.errors import ActionError

Kind = Literal["text", "number", "moment", "boolean", "keys"]
Predicate = Callable[[Any], bool]

OPERATORS = {
    "is": "=",
    "=": "=",
    "!=": "!=",
    "<>": "!=",
    ">": ">",
    "<": "<",
    ">=": ">=",
    "<=": "<=",
    "between": "between",
    "like": "like",
    "not like": "not like",
    "in": "in",
    "not in": "not in",
}
_FOR_KEYS = frozenset({"=", "!=", "like", "not like", "in", "not in"})


def conditions_of(raw: Any) -> list[tuple[str, str, Any]]:
    """``{"field": [{"op","val"}]}`` as (field, operator, value), all joined by AND.

    Accepts ``[]`` for "no filter", as PHP clients send it. Raises 142 for an unknown operator and
    257 for any other shape.
    """
    if raw in (None, [], {}):
        return []
    if not isinstance(raw, Mapping):
        raise ActionError(257, "filter must be an object of fields")
    found = []
    for name, conditions in raw.items():
        if not isinstance(conditions, list):
            raise ActionError(257, name)
        for condition in conditions:
            if not isinstance(condition, Mapping) or "op" not in condition:
                raise ActionError(257, name)
            operator = OPERATORS.get(str(condition["op"]).lower())
            if operator is None:
                raise ActionError(142, str(condition["op"]))
            found.append((name, operator, condition.get("val")))
    return found


def predicate_of(kind: Kind, operator: str, value: Any, *, exact: bool = False) -> Predicate:
    """Whether a stored value meets one condition.

    ``kind`` is how the field compares; ``keys`` is a multiselect (a tuple of option keys). With
    ``exact`` text is compared with case. Raises 232 and 257.
    """
    if kind == "keys" and operator not in _FOR_KEYS:
        raise ActionError(232, operator)
    shaped = _shape(kind, exact=exact)
    if operator.startswith("not "):
        inner = predicate_of(kind, operator[4:], value, exact=exact)
        return lambda stored: not inner(stored)
    if operator == "!=":
        inner = predicate_of(kind, "=", value, exact=exact)
        return lambda stored: not inner(stored)
    if operator == "in":
        if not isinstance(value, list):
            raise ActionError(257, "in needs an array")
        wanted = frozenset(shaped(item) for item in value)
        if kind == "keys":
            return lambda stored: any(key.casefold() in wanted for key in stored or ())
        return lambda stored: shaped(stored) in wanted
    if operator == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise ActionError(257, "between needs an array of two")
        low, high = shaped(value[0]), shaped(value[1])
        return lambda stored: low <= shaped(stored) <= high
    if operator == "like":
        return _like(kind, value, exact=exact)
    if isinstance(value, (list, dict)):
        raise ActionError(257, "expected one value")
    one = shaped(value)
    if operator == "=":
        if kind == "keys":
            return lambda stored: any(key.casefold() == one for key in stored or ())
        return lambda stored: shaped(stored) == one
    compare: dict[str, Predicate] = {
        ">": lambda stored: shaped(stored) > one,
        "<": lambda stored: shaped(stored) < one,
        ">=": lambda stored: shaped(stored) >= one,
        "<=": lambda stored: shaped(stored) <= one,
    }
    return compare[operator]


def _shape(kind: Kind, *, exact: bool) -> Callable[[Any], Any]:
    if kind == "number":
        return _number
    if kind == "boolean":
        return lambda value: str(value).lower() in ("1", "true")
    if exact or kind == "moment":
        return lambda value: "" if value is None else str(value)
    return lambda value: "" if value is None else str(value).casefold()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        # MySQL, which the twin takes onOffice to stand on, compares other text as zero.
        return 0.0


def _like(kind: Kind, value: Any, *, exact: bool) -> Predicate:
    parts = re.split("([%_])", str(value))
    pattern = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    match = re.compile(pattern, re.DOTALL if exact else re.DOTALL | re.IGNORECASE).fullmatch
    if kind == "keys":
        return lambda stored: match("".join(f"|{key}|" for key in stored or ())) is not None
    return lambda stored: match("" if stored is None else str(stored)) is not None
