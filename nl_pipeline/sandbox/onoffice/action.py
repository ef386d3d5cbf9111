"""One action of a request and its outcome, as the handlers see them.

Belongs here: the shapes passed between the envelope and the handlers. Does not belong here:
signatures (``envelope.py``) and what an action does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nl_pipeline.sandbox.onoffice.errors import ActionError


@dataclass(frozen=True, slots=True)
class Action:
    """A checked action: its names are known strings, its parameters an object."""

    verb: str
    resource_type: str
    resource_id: str
    parameters: dict[str, Any]
    fault: dict[str, Any] | None = None
    """A short page or page drift that this read has to act out."""

    @property
    def name(self) -> str:
        """``read:address``, as the call log and the faults call it."""
        return f"{self.verb}:{self.resource_type}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a successful action answers."""

    records: list[dict[str, Any]] = field(default_factory=list)
    total: int | None = None
    """``meta.cntabsolute``: the total before the limit, for reads only."""
    is_cacheable: bool = False


def done(record_type: str = "") -> Outcome:
    """The answer of a write without a record: id 0 and success (onOffice apidoc, modify)."""
    return Outcome([{"id": 0, "type": record_type, "elements": {"success": "success"}}])


def array_parameter(action: Action, name: str) -> list[Any]:
    """An array parameter, empty when it is missing; raises 74 for anything else."""
    value = action.parameters.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ActionError(74, name)
    return value


def flag_parameter(action: Action, name: str) -> bool:
    """A boolean parameter, false when it is missing; text and numbers as PHP reads them."""
    value = action.parameters.get(name, False)
    return value not in (False, None, 0, "", "0", "false")


def record_id(value: Any, *, code: int = 185) -> int:
    """An id given as int or digits; raises ``code`` otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).isdigit():
        raise ActionError(code, str(value))
    return int(value)


def page_bounds(action: Action, *, over_500: str) -> tuple[int, int]:
    """(offset, limit): 20 rows unless asked for, never more than 500 (onOffice apidoc).

    ``over_500`` is the switch ``listlimit_over_500``.
    """
    limit = _count(action.parameters.get("listlimit", 20))
    offset = _count(action.parameters.get("listoffset", 0))
    if limit == 0 or (limit > 500 and over_500 == "error"):
        raise ActionError(255, "listlimit")
    return offset, min(limit, 500)


def _count(value: Any) -> int:
    return record_id(value, code=228)
