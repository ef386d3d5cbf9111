"""OAuth 2.0 at ``/oauth/v2``: authorization, tokens, introspection.

Belongs here: the HTTP of the three endpoints, with errors in OAuth's shape. Does not belong here:
how long tokens live (``tokens``). The member is not asked on a page: the switch
``member_consents`` answers for them. Facts: LinkedIn's Python client; a code lives 30 minutes
[inferred].
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from nl_pipeline.sandbox.credentials import LINKEDIN_CLIENT_ID, LINKEDIN_CLIENT_SECRET
from nl_pipeline.sandbox.linkedin import tokens
from nl_pipeline.sandbox.linkedin.access import SCOPES
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.errors import OAuthProblem
from nl_pipeline.sandbox.linkedin.state import AccessToken, Code

PATH = "/oauth/v2"
_CODE_MILLISECONDS = 30 * 60 * 1000

_Form = dict[str, str]
_Endpoint = Callable[[Account, _Form], dict[str, Any]]


def oauth_routes(account: Callable[[], Account]) -> list[BaseRoute]:
    """The routes, on whatever account there is when they are called."""

    async def authorization(request: Request) -> Response:
        try:
            target = _authorization(account(), dict(request.query_params))
        except OAuthProblem as problem:
            return _json(problem.document(), status=problem.status)
        return RedirectResponse(target, status_code=302)

    return [
        Route(f"{PATH}/authorization", authorization, methods=["GET"]),
        Route(f"{PATH}/accessToken", _posted(account, _access_token), methods=["POST"]),
        Route(f"{PATH}/introspectToken", _posted(account, _introspection), methods=["POST"]),
    ]


def _posted(
    account: Callable[[], Account], endpoint: _Endpoint
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/x-www-form-urlencoded":
                raise OAuthProblem(400, "invalid_request", "The body must be form-encoded")
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            _check_app(form)
            return _json(endpoint(account(), form))
        except OAuthProblem as problem:
            return _json(problem.document(), status=problem.status)

    return answer


def _check_app(form: _Form) -> None:
    for name in ("client_id", "client_secret"):
        if not form.get(name):
            raise OAuthProblem(400, "invalid_request", f'A required parameter "{name}" is missing')
    known = compare_digest(form["client_id"].encode(), LINKEDIN_CLIENT_ID.encode())
    if not known or not compare_digest(
        form["client_secret"].encode(), LINKEDIN_CLIENT_SECRET.encode()
    ):
        raise OAuthProblem(401, "invalid_client", "Client authentication failed")


def _authorization(account: Account, query: _Form) -> str:
    """Where the browser goes next; raises when it must not be sent anywhere."""
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != LINKEDIN_CLIENT_ID:
        raise OAuthProblem(400, "invalid_client", "The passed in client_id is invalid")
    if urlsplit(redirect).scheme not in ("http", "https"):
        raise OAuthProblem(
            400, "invalid_redirect_uri", "The redirect_uri does not match the registered value"
        )
    scopes = query.get("scope", "").split()
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if query.get("response_type") != "code":
        result = {"error": "unsupported_response_type", "error_description": "Use code"}
    elif unknown or not scopes:
        result = {
            "error": "unauthorized_scope_error",
            "error_description": f'Scope "{" ".join(unknown)}" is not authorized for your app',
        }
    elif not account.switches.member_consents:
        result = {
            "error": "user_cancelled_authorize",
            "error_description": "The user cancelled the authorization",
        }
    else:
        code = Code(
            code="AQT" + account.letters(120),
            redirect_uri=redirect,
            scopes=tuple(scopes),
            expires_at=account.now() + _CODE_MILLISECONDS,
        )
        account.codes[code.code] = code
        result = {"code": code.code}
    if "state" in query:
        result["state"] = query["state"]
    return f"{redirect}{'&' if urlsplit(redirect).query else '?'}{urlencode(result)}"


def _access_token(account: Account, form: _Form) -> dict[str, Any]:
    if form.get("grant_type") == "authorization_code":
        return _exchanged(account, form)
    if form.get("grant_type") == "refresh_token":
        return _refreshed(account, form)
    raise OAuthProblem(400, "unsupported_grant_type", "Unsupported grant_type")


def _exchanged(account: Account, form: _Form) -> dict[str, Any]:
    code = account.codes.pop(form.get("code", ""), None)
    if code is None or account.now() >= code.expires_at:
        raise OAuthProblem(
            400, "invalid_request", "Unable to retrieve access token: authorization code not found"
        )
    if form.get("redirect_uri") != code.redirect_uri:
        raise OAuthProblem(
            400, "invalid_redirect_uri", "Unable to retrieve access token: redirect_uri differs"
        )
    grant = tokens.authorize(account, scopes=code.scopes)
    return _token_answer(account, tokens.issue(account, grant), tells_refresh=True)


def _refreshed(account: Account, form: _Form) -> dict[str, Any]:
    access = tokens.refresh(account, form.get("refresh_token", ""))
    if access is None:
        raise OAuthProblem(
            400, "invalid_grant", "The provided authorization grant or refresh token is invalid"
        )
    tells_refresh = account.switches.refresh_answer != "omits"
    return _token_answer(account, access, tells_refresh=tells_refresh)


def _token_answer(account: Account, access: AccessToken, *, tells_refresh: bool) -> dict[str, Any]:
    now = account.now()
    answer: dict[str, Any] = {
        "access_token": access.token,
        "expires_in": (access.expires_at - now) // 1000,
        "scope": ",".join(access.grant.scopes),
    }
    if tells_refresh:
        answer["refresh_token"] = access.grant.refresh_token
        answer["refresh_token_expires_in"] = (access.grant.ends_at - now) // 1000
    return answer


def _introspection(account: Account, form: _Form) -> dict[str, Any]:
    token = form.get("token", "")
    access = account.access_tokens.get(token)
    grant = access.grant if access is not None else tokens.grant_of(account, token)
    if grant is None:
        return {"active": False}
    created, ends = grant.authorized_at, grant.ends_at
    revoked = grant.revoked
    if access is not None:
        created, ends, revoked = access.created_at, access.expires_at, access.revoked
    status = "revoked" if revoked else "active" if account.now() < ends else "expired"
    return {
        "active": status == "active",
        "status": status,
        "auth_type": "3L",
        "authorized_at": grant.authorized_at // 1000,
        "created_at": created // 1000,
        "expires_at": ends // 1000,
        "client_id": LINKEDIN_CLIENT_ID,
        "scope": ",".join(grant.scopes),
    }


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
