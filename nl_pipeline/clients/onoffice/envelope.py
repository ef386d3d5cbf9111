"""The JSON around onOffice's actions, in both directions.

Belongs here: signature, request body, the four places where an answer can carry an error. Does
not belong here: HTTP and the meaning of a record.

Sources: apidoc, action (request) and status (response); the shapes of failures differ between the
documentation and what clients recorded, so all of them are read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline.clients.onoffice.error_codes import CLOCK, SYSTEM, clock_refused, error_of

_NAMESPACE = "urn:onoffice-de-ns:smart:2.5:smartml:action:"


@dataclass(frozen=True)
class Action:
    """One action, unsigned. `verb` is read, create, modify, get or do; case matters throughout."""

    verb: str
    resource_type: str
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    resource_id: str = ""

    @property
    def name(self) -> str:
        """The name used in counters and messages, such as `read:address`."""
        return f"{self.verb}:{self.resource_type}"


class ResultStatus(msgspec.Struct, frozen=True):
    """Status of the whole answer (`code` set) or of one action."""

    code: int | None = None
    errorcode: int = 0
    message: str | None = ""


class Record(msgspec.Struct, frozen=True):
    """One record on the wire; empty `elements` arrive as `[]` (a PHP array)."""

    id: int | str | None = None
    elements: dict[str, Any] | list[Any] = msgspec.field(default_factory=dict)


class ResultData(msgspec.Struct, frozen=True):
    """`data` of a successful action; `meta` may be null or an array as well."""

    meta: dict[str, Any] | list[Any] | None = None
    records: list[Record] = msgspec.field(default_factory=list)


class ActionResult(msgspec.Struct, frozen=True):
    """The result of one action; failed ones carry `[]` as data."""

    status: ResultStatus = ResultStatus()
    data: ResultData | list[Any] | None = None
    identifier: Any = None

    @property
    def records(self) -> list[Record]:
        """The records; none when the action brought no data."""
        return self.data.records if isinstance(self.data, ResultData) else []

    @property
    def total(self) -> int | None:
        """Rows that match, before limit and offset (`cntabsolute`); None when not announced."""
        if not isinstance(self.data, ResultData) or not isinstance(self.data.meta, dict):
            return None
        value = self.data.meta.get("cntabsolute")
        if isinstance(value, str) and value.isdigit():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Results(msgspec.Struct, frozen=True):
    results: list[ActionResult] = msgspec.field(default_factory=list)


class Envelope(msgspec.Struct, frozen=True):
    """The whole answer."""

    status: ResultStatus
    response: _Results | list[Any] | None = None


# Not strict: numbers arrive as text in places (error codes included).
_DECODER = msgspec.json.Decoder(Envelope, strict=False)


def signature(
    secret: str, *, token: str, resource_type: str, action_id: str, timestamp: int
) -> str:
    """Return HMAC v2: Base64 of SHA-256 over timestamp, token, resource type and action id."""
    message = f"{timestamp}{token}{resource_type}{action_id}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def request_body(actions: Sequence[Action], *, token: str, secret: str, timestamp: int) -> bytes:
    """Return the signed body. Each action is signed on its own; its position is its identifier."""
    signed = []
    for position, action in enumerate(actions):
        action_id = _NAMESPACE + action.verb
        signed.append(
            {
                "actionid": action_id,
                "resourceid": action.resource_id,
                "resourcetype": action.resource_type,
                "identifier": str(position),
                "timestamp": timestamp,
                "hmac": signature(
                    secret,
                    token=token,
                    resource_type=action.resource_type,
                    action_id=action_id,
                    timestamp=timestamp,
                ),
                "hmac_version": "2",
                "parameters": dict(action.parameters),
            }
        )
    return msgspec.json.encode({"token": token, "request": {"actions": signed}})


def decode(body: bytes) -> Envelope:
    """Return the answer. Raises `msgspec.DecodeError` for anything but an envelope."""
    return _DECODER.decode(body)


def results_of(envelope: Envelope, *, actions: Sequence[Action], status: int) -> list[ActionResult]:
    """Return one result per action, in order; single actions may have failed.

    Raises when the answer as a whole is a failure: a refused timestamp, an outer error that no
    single action explains, or results that cannot be matched with the actions.
    """
    results = envelope.response.results if isinstance(envelope.response, _Results) else []
    outer = envelope.status
    failed = [result for result in results if result.status.errorcode]
    what = f"request with {len(actions)} action(s), first {actions[0].name}"
    if outer.errorcode == CLOCK or (failed and all(r.status.errorcode == CLOCK for r in results)):
        raise clock_refused(what, status=status)
    if len(results) == len(actions) and _in_order(results):
        if failed or (outer.errorcode == 0 and outer.code in (None, 200)):
            return results
    elif failed:
        raise error_of(failed[0].status.errorcode, what=what, status=status)
    if outer.errorcode:
        raise error_of(outer.errorcode, what=what, status=status)
    if outer.code == 400:
        raise OperatorNeeded(
            f"{what}: not authenticated or rights missing",
            system=SYSTEM,
            code="400",
            status=status,
            what_next="check token, secret and the rights of the API user",
        )
    raise Retryable(
        f"{what}: {len(results)} result(s) cannot be matched with the actions",
        system=SYSTEM,
        code="results",
        status=status,
    )


def _in_order(results: Sequence[ActionResult]) -> bool:
    """Whether every echoed identifier names its own position; an empty echo proves nothing."""
    return all(
        result.identifier in (None, "") or str(result.identifier) == str(position)
        for position, result in enumerate(results)
    )
