"""The HTTP face of the twin: key, rate limits, headers, errors, and the files it gives out.

Belongs here: what every call goes through before and after its endpoint. Does not belong here:
endpoints. Every answer carries ``sib-request-id`` and the ``x-sib-ratelimit-*`` headers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.errors import ApiProblem
from nl_pipeline.sandbox.brevo.limits import Window
from nl_pipeline.sandbox.brevo.router import Router
from nl_pipeline.sandbox.credentials import BREVO_API_KEY, BREVO_KEY_NAME

API = "/v3"


@dataclass(slots=True)
class Gateway:
    """Serves requests on the account."""

    account: Callable[[], Account]
    router: Router
    settle: Callable[[], None]
    """Called around each call: does what time has made due, and what the call set in motion."""

    async def serve(self, request: Request) -> Response:
        """One API call."""
        account = self.account()
        path = _path_of(request)
        windows = account.limiter.count(
            path=path, now=account.clock.epoch(), switches=account.switches
        )
        headers = {
            "Content-Type": "application/json",
            "sib-request-id": account.ids.hexadecimal("request", digits=32),
            **_limit_headers(windows, account=account),
        }
        try:
            if any(window.is_overrun for window in windows):
                raise errors.too_many_requests()
            self.settle()
            answer = await self._answer(account, request, path=path)
            self.settle()
        except ApiProblem as problem:
            content = msgspec.json.encode(problem.document())
            return Response(content, status_code=problem.status, headers=headers)
        request.scope["sandbox.items"] = answer.items
        content = b"" if answer.content is None else msgspec.json.encode(answer.content)
        return Response(content, status_code=answer.status, headers=headers)

    async def serve_file(self, request: Request) -> Response:
        """A report or an export, without credentials; an unknown link is refused like a
        storage's."""
        self.settle()
        file = self.account().files.get(request.path_params["token"])
        if file is None:
            body = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
            return Response(body, status_code=404, media_type="application/xml")
        return Response(file.content, media_type=file.media_type)

    async def _answer(self, account: Account, request: Request, *, path: str) -> Answer:
        key_name = _key_name(request)
        call = ApiCall(
            method=request.method,
            path=path,
            query=parse_qs(request.url.query, keep_blank_values=True),
            body=await request.body(),
            key_name=key_name,
            base_url=f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}",
            fault=request.scope.get("sandbox.fault"),
        )
        handler, call = self.router.resolve(call)
        answer = handler(account, call)
        return answer if isinstance(answer, Answer) else await answer


def _path_of(request: Request) -> str:
    """The path below ``/v3`` as it was sent, for an encoded plus sign is not a blank."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0].partition(API)[2]


def _key_name(request: Request) -> str:
    key = request.headers.get("api-key")
    if not key:
        raise errors.key_missing()
    if not compare_digest(key.encode(), BREVO_API_KEY.encode()):
        raise errors.key_unknown()
    return BREVO_KEY_NAME


def _limit_headers(windows: list[Window], *, account: Account) -> dict[str, str]:
    shown = windows[0] if account.switches.limit_headers == "second" else windows[-1]
    return {
        "x-sib-ratelimit-limit": str(shown.limit),
        "x-sib-ratelimit-remaining": str(shown.remaining),
        "x-sib-ratelimit-reset": str(shown.reset),
    }
