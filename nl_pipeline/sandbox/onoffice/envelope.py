"""The envelope: one request with several signed actions, one response with their results.

Belongs here: the checks before an action is carried out, signatures, and the shapes of errors.
Does not belong here: what an action does. Source: onOffice apidoc, request and response elements;
order of the checks [inferred].
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nl_pipeline.sandbox.onoffice.action import Action, Outcome
from nl_pipeline.sandbox.onoffice.errors import ActionError, RequestError, message_of
from nl_pipeline.sandbox.onoffice.switches import Switches

ACTION_PREFIX = "urn:onoffice-de-ns:smart:2.5:smartml:action:"
VERBS = frozenset({"read", "create", "modify", "delete", "get", "do"})
VALIDITY_SECONDS = 120
"""A timestamp is valid for two minutes before and after the server's time."""
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Handler = Callable[[Action], Outcome]


def signature(
    *, secret: str, timestamp: str, token: str, resource_type: str, action_id: str
) -> str:
    """HMAC version 2: Base64 of the SHA-256 over timestamp, token, resource type and action id,
    joined without separators; the secret is used as text (onOffice apidoc, action)."""
    message = f"{timestamp}{token}{resource_type}{action_id}"
    digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def decoded_request(body: bytes) -> Any:
    """The JSON document of a request; raises 3, 5, 6, 7 and 9."""
    if not body.strip():
        raise RequestError(9)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as refused:
        raise RequestError(7) from refused
    if _CONTROL_CHARACTER.search(body):
        raise RequestError(5)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as refused:
        raise RequestError(6) from refused
    except RecursionError as refused:
        raise RequestError(3) from refused


def checked_actions(request: Any, *, token: str, switches: Switches) -> list[Any]:
    """The raw actions of a request; raises 13 to 15, 158 and the code of an unknown token."""
    if not isinstance(request, dict):
        raise RequestError(14)
    given = request.get("token")
    if not isinstance(given, str) or not given:
        raise RequestError(13)
    inner = request.get("request")
    if not isinstance(inner, dict):
        raise RequestError(14)
    actions = inner.get("actions")
    if not isinstance(actions, list) or not actions:
        raise RequestError(15)
    if switches.ip_blocked:
        raise RequestError(158)
    if given != token:
        code = switches.bad_token_code
        raise RequestError(code, status=400 if code == 22 else 500)
    return actions


def checked_action(
    raw: Any, *, token: str, secret: str, clocks: Sequence[float], fault: dict[str, Any] | None
) -> Action:
    """One action after all checks, in the order structure, timestamp, signature.

    ``clocks`` are the server times, in seconds, that a timestamp may lie near. Raises 16 to 20, 23,
    136, 137, and the code of a fault that makes single actions fail.
    """
    if not isinstance(raw, dict) or raw.get("actionid") in (None, ""):
        raise ActionError(16)
    action_id = raw["actionid"]
    if not isinstance(action_id, str) or not action_id.startswith(ACTION_PREFIX):
        raise ActionError(17)
    resource_id = raw.get("resourceid")
    if isinstance(resource_id, bool) or not isinstance(resource_id, (str, int)):
        raise ActionError(18)
    resource_type = raw.get("resourcetype")
    if not isinstance(resource_type, str) or not resource_type:
        raise ActionError(19)
    parameters = raw.get("parameters")
    if parameters == []:
        # An empty PHP array; it means no parameters.
        parameters = {}
    if not isinstance(parameters, dict):
        raise ActionError(20)
    timestamp = raw.get("timestamp")
    if not re.fullmatch(r"\d{1,12}", str(timestamp)):
        raise ActionError(136)
    if all(abs(now - int(str(timestamp))) > VALIDITY_SECONDS for now in clocks):
        raise ActionError(136)
    expected = signature(
        secret=secret,
        timestamp=str(timestamp),
        token=token,
        resource_type=resource_type,
        action_id=action_id,
    )
    given = str(raw.get("hmac", ""))
    signed = hmac.compare_digest(given.encode(), expected.encode())
    if str(raw.get("hmac_version", "")) != "2" or not signed:
        raise ActionError(137)
    verb = action_id.removeprefix(ACTION_PREFIX)
    if verb not in VERBS:
        raise ActionError(23, verb)
    if fault is not None and "errorcode" in fault:
        raise ActionError(fault["errorcode"])
    return Action(verb, resource_type, str(resource_id), parameters, fault)


def result_of(raw: Any, outcome: Outcome | ActionError) -> dict[str, Any]:
    """The result of one action; a failed one has an empty array as its data."""
    echoed = raw if isinstance(raw, dict) else {}
    result: dict[str, Any] = {
        name: echoed.get(name, "") for name in ("actionid", "resourceid", "resourcetype")
    }
    result["cacheable"] = isinstance(outcome, Outcome) and outcome.is_cacheable
    result["identifier"] = echoed.get("identifier", "")
    if isinstance(outcome, ActionError):
        result["data"] = []
        result["status"] = {"errorcode": outcome.code, "message": outcome.message}
    else:
        result["data"] = {"meta": {"cntabsolute": outcome.total}, "records": outcome.records}
        result["status"] = {"errorcode": 0, "message": "OK"}
    return result


def response_of(results: list[dict[str, Any]], *, error_shape: str) -> dict[str, Any]:
    """The whole response; ``error_shape`` is the switch for what a failed action does outside."""
    failed = [result["status"] for result in results if result["status"]["errorcode"]]
    status: dict[str, Any] = {"code": 200, "errorcode": 0, "message": "OK"}
    if failed and error_shape == "documented":
        status = {"code": 500, "errorcode": 97, "message": message_of(97)}
    elif failed and error_shape == "mirror":
        status = {"code": 500, **failed[0]}
    return {"status": status, "response": {"results": results}}


def refusal_of(refused: RequestError) -> dict[str, Any]:
    """The response to a request that failed as a whole; it has no ``response`` at all."""
    return {
        "status": {"code": refused.status, "errorcode": refused.code, "message": refused.message}
    }
