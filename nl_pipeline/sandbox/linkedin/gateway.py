"""From an HTTP request to an endpoint and back.

Belongs here: the protocol's headers, versions, tokens, quotas, query tunneling, Rest.li's methods,
rendering. Does not belong here: what endpoints do. Order of the checks: path, version, token,
protocol, query, quota, scope [inferred].
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nl_pipeline.sandbox.linkedin import errors, tokens
from nl_pipeline.sandbox.linkedin.access import has_scope
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall
from nl_pipeline.sandbox.linkedin.errors import ApiProblem
from nl_pipeline.sandbox.linkedin.resources import RESOURCES, Method
from nl_pipeline.sandbox.linkedin.restli import query_values
from nl_pipeline.sandbox.linkedin.switches import Switches

API = "/rest"
_VERSION = re.compile(r"(\d{4})(0[1-9]|1[0-2])(\.\d\d)?", re.ASCII)
_NEVER_MADE = frozenset({202512})
"""Months without a version (LinkedIn's list of versions)."""


@dataclass(slots=True)
class Gateway:
    """Serves requests on the account."""

    account: Callable[[], Account]
    settle: Callable[[], None]
    """Called around each call: does what time has made due, and what the call set in motion."""

    async def serve(self, request: Request) -> Response:
        """One REST call."""
        account = self.account()
        self.settle()
        request_id = account.uuid()
        headers = {
            "x-li-uuid": request_id.replace("-", "")[:24],
            "x-li-fabric": "sandbox",
            "x-li-request-id": request_id,
        }
        try:
            answer = await _answer(account, request)
        except ApiProblem as problem:
            return _response(problem.document(), status=problem.status, headers=headers)
        self.settle()
        headers |= dict(answer.headers)
        return _response(answer.content, status=answer.status, headers=headers)


async def _answer(account: Account, request: Request) -> Answer:
    resource, key = _path_of(request)
    methods = RESOURCES.get(resource)
    if methods is None:
        raise errors.no_such_resource(f"{API}/{resource}")
    version = _version(request, switches=account.switches)
    token = tokens.authenticated(account, request.headers.get("authorization"))
    if account.switches.protocol_required:
        _check_protocol(request)
    verb, query, body = await _untunneled(request)
    parameters = query_values(query, strict=account.switches.strict_encoding)
    name = _method_name(verb, key=key, parameters=parameters)
    method = methods.get(name)
    if method is None:
        raise _unknown_method(name, verb=verb, methods=methods)
    endpoint = f"{resource}.{name}"
    account.quotas.count(endpoint, now=account.clock.epoch(), switches=account.switches)
    _check_method_header(request, name=name)
    call = ApiCall(
        resource=resource,
        method=name,
        version=version,
        token=token,
        key=key,
        parameters=parameters,
        body=body,
        fault=request.scope.get("sandbox.fault"),
    )
    _check_parameters(call, method=method, switches=account.switches)
    if not has_scope(token.grant, any_of=method.scopes):
        raise call.denied()
    answer = method.handler(account, call)
    return await answer if inspect.isawaitable(answer) else answer


def _path_of(request: Request) -> tuple[str, str]:
    """Resource and key."""
    parts: list[str] = request.path_params["path"].split("/")
    if len(parts) > 2:
        raise errors.no_such_resource(f"{API}/…")
    return parts[0], parts[1] if len(parts) == 2 else ""


def _version(request: Request, *, switches: Switches) -> str:
    text = request.headers.get("linkedin-version", "")
    if not text:
        if switches.version_required:
            raise errors.version_missing()
        return str(switches.newest_version)
    if not _VERSION.fullmatch(text):
        raise errors.version_gone(text)
    month = int(text[:6])
    active = switches.oldest_version <= month <= switches.newest_version
    if not active or month in _NEVER_MADE:
        raise errors.version_gone(text)
    return text[:6]


def _check_protocol(request: Request) -> None:
    if request.headers.get("x-restli-protocol-version") != "2.0.0":
        raise errors.bad_request(
            "X-Restli-Protocol-Version 2.0.0 is required", code="INVALID_PROTOCOL_VERSION"
        )


async def _untunneled(request: Request) -> tuple[str, str, bytes]:
    """Verb, query string and body; a tunneled GET has its query in a form body."""
    body = await request.body()
    override = request.headers.get("x-http-method-override")
    if request.method != "POST" or override is None:
        if request.method == "POST" and "content-length" not in request.headers:
            raise ApiProblem(411, "Length Required")
        return request.method, request.scope["query_string"].decode("latin-1"), body
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or override != "GET":
        raise errors.bad_request("A tunneled query must be a form-encoded GET")
    return "GET", body.decode("latin-1"), b""


def _method_name(verb: str, *, key: str, parameters: dict[str, Any]) -> str:
    if verb == "GET":
        if key:
            return "GET"
        if "ids" in parameters:
            return "BATCH_GET"
        return f"FINDER-{parameters['q']}" if "q" in parameters else "GET_ALL"
    if verb == "POST":
        return "PARTIAL_UPDATE" if key else "CREATE"
    return verb


def _unknown_method(name: str, *, verb: str, methods: dict[str, Method]) -> ApiProblem:
    if name.startswith("FINDER-"):
        return errors.bad_parameter("q", why=f"no finder {name.removeprefix('FINDER-')!r}")
    if verb == "GET":
        return errors.bad_request("One of q and ids is required", code="PARAM_MISSING")
    return ApiProblem(405, f"{name} is not supported", code="METHOD_NOT_ALLOWED")


def _check_method_header(request: Request, *, name: str) -> None:
    sent = request.headers.get("x-restli-method")
    if sent is not None and sent.upper() != name.partition("-")[0]:
        raise errors.bad_request("X-RestLi-Method does not fit the request")


def _check_parameters(call: ApiCall, *, method: Method, switches: Switches) -> None:
    if switches.unknown_parameters == "ignored":
        return
    known = method.parameters | {"fields"}
    known |= {"q"} if call.method.startswith("FINDER-") else set()
    known |= {"ids"} if call.method == "BATCH_GET" else set()
    for name in call.parameters:
        if name not in known:
            raise errors.bad_request(
                f"Query parameter {name} is not allowed", code="QUERY_PARAM_NOT_ALLOWED"
            )


def _response(content: Any, *, status: int, headers: dict[str, str]) -> Response:
    if content is None:
        return Response(b"", status_code=status, headers=headers)
    return Response(
        msgspec.json.encode(content),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )
