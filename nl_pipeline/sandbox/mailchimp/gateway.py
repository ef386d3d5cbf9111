"""The HTTP face of the twin: credentials, connection limit, headers, errors.

Belongs here: what every call goes through before and after its endpoint. Does not belong here:
endpoints. Headers follow recorded traffic: ``X-Request-Id`` equals ``instance`` of an error, a 204
has an empty body that is still labelled JSON.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nl_pipeline.sandbox.credentials import MAILCHIMP_API_KEY
from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account
from nl_pipeline.sandbox.mailchimp.batches import result_archive
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.errors import ApiProblem
from nl_pipeline.sandbox.mailchimp.router import Router

_PROBLEM_SCHEMA = "https://us0.api.mailchimp.com/schema/3.0/Definitions/ProblemDetailDocument.json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True)
class Gateway:
    """Serves requests on the account; counts the connections that are open at once."""

    account: Callable[[], Account]
    router: Router
    settle: Callable[[], None]
    """Called around each call: does what time has made due, and what the call set in motion."""
    open_connections: int = 0

    async def serve(self, request: Request) -> Response:
        """One API call."""
        account = self.account()
        request_id = str(UUID(account.ids.hexadecimal("request", digits=32)))
        if self.open_connections >= account.switches.connection_limit:
            if account.switches.bare_429:
                return Response(status_code=429)
            problem = errors.too_many_connections(account.switches.connection_limit)
            return _problem_response(problem, account=account, request_id=request_id)
        self.open_connections += 1
        try:
            await asyncio.sleep(account.switches.latency_seconds)
            self.settle()
            answer = await self._answer(account, request)
            self.settle()
        except ApiProblem as problem:
            return _problem_response(problem, account=account, request_id=request_id)
        finally:
            self.open_connections -= 1
        request.scope["sandbox.items"] = answer.items
        content = b"" if answer.content is None else msgspec.json.encode(answer.content)
        return Response(
            content,
            status_code=answer.status,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "X-Request-Id": request_id,
                "Vary": "Accept-Encoding",
            },
        )

    async def serve_archive(self, request: Request) -> Response:
        """The results of a batch, without credentials; an old link is refused like a storage's."""
        self.settle()
        archive = result_archive(self.account(), token=request.path_params["token"])
        if archive is None:
            body = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
            return Response(body, status_code=400, media_type="application/xml")
        return Response(archive, media_type="application/x-gzip")

    async def _answer(self, account: Account, request: Request) -> Answer:
        _check_credentials(request)
        triggered = request.headers.get("x-trigger-error")
        if triggered:
            raise errors.named(triggered)
        call = ApiCall(
            method=_method(request),
            path="/" + request.path_params.get("path", ""),
            query=request.query_params,
            body=await request.body(),
            client_ip=request.client.host if request.client else "",
            base_url=f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}",
            fault=request.scope.get("sandbox.fault"),
        )
        handler, call = self.router.resolve(call)
        answer = handler(account, call)
        return answer if isinstance(answer, Answer) else await answer


def _problem_response(problem: ApiProblem, *, account: Account, request_id: str) -> Response:
    document = problem.document(
        instance=request_id, omit_type=account.switches.omit_type_in_member_errors
    )
    return Response(
        msgspec.json.encode(document),
        status_code=problem.status,
        headers={
            "Content-Type": "application/problem+json; charset=utf-8",
            "X-Request-Id": request_id,
            "Link": f'<{_PROBLEM_SCHEMA}>; rel="describedBy"',
            **problem.headers,
        },
    )


def _method(request: Request) -> str:
    override = request.headers.get("x-http-method-override")
    if override is None:
        return request.method
    if request.method != "POST" or override.upper() not in _METHODS:
        raise errors.named("InvalidMethodOverride")
    return override.upper()


def _check_credentials(request: Request) -> None:
    """Basic with any user name and the key as password, or Bearer with the key."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not value:
        raise errors.named("APIKeyMissing")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not compare_digest(key.encode(), MAILCHIMP_API_KEY.encode()):
        raise errors.named("APIKeyInvalid")
