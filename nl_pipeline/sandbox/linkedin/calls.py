"""One REST call and its answer, as every endpoint sees them.

Belongs here: the request without its transport, typed reading of parameters, offset paging, and
the answer. Does not belong here: the protocol's headers (``gateway``) and its encoding
(``restli``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.restli import Projection, projected, projection_of
from nl_pipeline.sandbox.linkedin.state import LEAD_TYPES, AccessToken, LeadType
from nl_pipeline.sandbox.linkedin.urns import Owner, owner_in

Body = TypeVar("Body")
DEFAULT_COUNT = 10


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request below ``/rest``."""

    resource: str
    method: str
    """Rest.li's name of it: ``FINDER-owner``, ``GET``, ``BATCH_GET``, ``CREATE``, ``DELETE``."""
    version: str
    token: AccessToken
    key: str
    """The id in the path, ``""`` for none."""
    parameters: Mapping[str, Any]
    """Parsed by ``restli``."""
    body: bytes
    fault: Mapping[str, Any] | None = None
    """A ``short_page`` or ``page_drift`` that the call was chosen for."""

    @property
    def endpoint(self) -> str:
        """As errors name it: ``leadFormResponses.FINDER-owner.202607``."""
        return f"{self.resource}.{self.method}.{self.version}"

    def denied(self) -> errors.ApiProblem:
        """The 403 of this call."""
        return errors.access_denied(self.endpoint)

    def read(self, body_type: type[Body]) -> Body:
        """The JSON body as a struct; raises 400."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=body_type)
        except msgspec.DecodeError as error:
            raise errors.bad_request(f"ERROR :: {error}", code="INVALID_INPUT") from error

    def text(self, name: str) -> str:
        """A parameter that is a plain value; ``""`` when it is missing; raises 400."""
        value = self.parameters.get(name, "")
        if not isinstance(value, str):
            raise errors.bad_parameter(name, why="a plain value is expected")
        return value

    def members(self, name: str) -> dict[str, Any] | None:
        """A parameter that is an object; ``None`` when it is missing; raises 400."""
        value = self.parameters.get(name)
        if value is not None and not isinstance(value, dict):
            raise errors.bad_parameter(name, why="an object like (key:value) is expected")
        return value

    def truth(self, name: str) -> bool | None:
        """``true`` or ``false``; ``None`` when it is missing; raises 400."""
        text = self.text(name)
        if text not in ("", "true", "false"):
            raise errors.bad_parameter(name, why="true or false is expected")
        return None if not text else text == "true"

    def whole_number(self, name: str, *, default: int) -> int:
        """A whole number from 0 on; raises 400."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal()):
            raise errors.bad_parameter(name, why="a whole number is expected")
        return int(text)

    def number_in_path(self, *, what: str) -> int:
        """The id in the path as a number; raises 400."""
        if not (self.key.isascii() and self.key.isdecimal()):
            raise errors.bad_request(f"{what} id must be a number", code="INVALID_KEY")
        return int(self.key)

    def ids(self) -> list[str]:
        """``ids=List(…)``; raises 400."""
        value = self.parameters.get("ids")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise errors.bad_parameter("ids", why="List(…) is expected")
        return list(dict.fromkeys(value))

    def owner(self, *, wrapped: bool = False) -> Owner:
        """``owner=(sponsoredAccount:URN)``, ``wrapped`` as ``(value:(…))``; raises 400."""
        union: Any = self.members("owner")
        if wrapped and isinstance(union, dict):
            union = union["value"] if set(union) == {"value"} else None
        owner = owner_in(union)
        if owner is None:
            shape = "(value:(sponsoredAccount:URN))" if wrapped else "(sponsoredAccount:URN)"
            raise errors.bad_parameter("owner", why=f"{shape} is expected")
        return owner

    def lead_type(self) -> LeadType:
        """``leadType=(leadType:SPONSORED)``; raises 400."""
        members = self.members("leadType") or {}
        found = next((one for one in LEAD_TYPES if members == {"leadType": one}), None)
        if found is None:
            raise errors.bad_parameter(
                "leadType", why=f"(leadType:X) is expected, X one of {', '.join(LEAD_TYPES)}"
            )
        return found

    def projection(self) -> Projection | None:
        """``fields``; ``None`` when everything is wanted that comes by default."""
        text = self.text("fields")
        return projection_of(text) if text else None

    def shown(self, record: Mapping[str, Any], *, on_demand: frozenset[str]) -> dict[str, Any]:
        """The fields of a record that were asked for; those ``on_demand`` come only then."""
        wanted = self.projection()
        if wanted is not None:
            return projected(record, wanted=wanted)
        return {name: value for name, value in record.items() if name.rstrip("!") not in on_demand}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def page(
    call: ApiCall,
    records: Sequence[Any],
    *,
    shows_total: bool = True,
    largest: int | None = None,
    cut_to_largest: bool = False,
) -> tuple[list[Any], dict[str, Any]]:
    """The records of one offset page and its ``paging``; raises 400."""
    start = call.whole_number("start", default=0)
    count = call.whole_number("count", default=DEFAULT_COUNT)
    if count == 0:
        raise errors.bad_parameter("count", why="must be greater than 0")
    if largest is not None and count > largest:
        if not cut_to_largest:
            raise errors.bad_parameter("count", why=f"must not be greater than {largest}")
        count = largest
    found = list(records[start : start + count])
    fault = call.fault
    if fault is not None and fault["kind"] == "short_page":
        found = found[: fault.get("rows", count // 2)]
    paging: dict[str, Any] = {"start": start, "count": count, "links": []}
    if shows_total:
        paging["total"] = len(records)
    return found, paging


def batch(found: Mapping[str, Any], *, problems: Mapping[str, errors.ApiProblem]) -> Answer:
    """Rest.li's answer to ``ids=List(…)``: a record or an error for each."""
    return Answer(
        {
            "results": dict(found),
            "statuses": {
                **dict.fromkeys(found, 200),
                **{key: problem.status for key, problem in problems.items()},
            },
            "errors": {key: problem.document() for key, problem in problems.items()},
        }
    )
