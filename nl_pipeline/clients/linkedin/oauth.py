"""LinkedIn's OAuth 2.0: authorization, refresh, introspection.

Belongs here: the three calls and the address a person authorizes at. Does not belong here: when a
token is renewed (``access``).

The endpoint answers errors in OAuth's shape, not in the envelope of the REST API; of its texts
only the error's code is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable
from nl_pipeline.clients.http import Transport, retry_after_seconds
from nl_pipeline.clients.linkedin.problems import REAUTHORIZE, SYSTEM
from nl_pipeline.clients.linkedin.tokens import Tokens
from nl_pipeline.clients.server_time import date_of

T = TypeVar("T")

DEFAULT_URL = "https://www.linkedin.com/oauth/v2"
SCOPES = ("r_marketing_leadgen_automation", "r_ads", "r_organization_admin")
"""What an import of leads needs; `r_events` is for registrations to events."""

_CODE = re.compile(r"[a-z_]{1,60}")
_WRONG_APP = ("invalid_client", "invalid_client_id", "unauthorized_client")


@dataclass(frozen=True)
class Introspection:
    """What LinkedIn says of a token; times are aware UTC, None where it said none."""

    is_active: bool
    status: str
    ends_at: datetime | None
    authorized_at: datetime | None
    scopes: tuple[str, ...]


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int
    refresh_token: str = ""
    refresh_token_expires_in: int | None = None


class _Introspected(msgspec.Struct, frozen=True):
    active: bool
    status: str = ""
    expires_at: int | None = None
    authorized_at: int | None = None
    scope: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""


class OAuth:
    """One app at LinkedIn. The client secret is in no repr, message or log."""

    def __init__(
        self,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        http: httpx.Client,
        transport: Transport,
    ) -> None:
        self._url = url.rstrip("/")
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._http = http
        self._transport = transport

    def authorization_url(
        self, *, redirect_uri: str, state: str, scopes: Sequence[str] = SCOPES
    ) -> str:
        """Return the address at which a member authorizes the app; all scopes or none."""
        asked = {
            "response_type": "code",
            "client_id": self._app["client_id"],
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": " ".join(scopes),
        }
        return f"{self._url}/authorization?{urlencode(asked)}"

    def authorized(self, code: str, *, redirect_uri: str) -> Tokens:
        """Return the tokens for the code of an authorization, which is good for one try."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        granted, at = self._post("accessToken", form, answer=_Granted, repeatable=False)
        return _tokens(granted, at=at, before=None)

    def refreshed(self, tokens: Tokens) -> Tokens:
        """Return new tokens for the refresh token of these. OperatorNeeded when it is not good.

        The answer may repeat the refresh token and its remaining life, or leave them out: then
        what was known of them stays.
        """
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        granted, at = self._post("accessToken", form, answer=_Granted, repeatable=True)
        return _tokens(granted, at=at, before=tokens)

    def introspected(self, token: str) -> Introspection:
        """Return what LinkedIn says of a token."""
        told, _ = self._post(
            "introspectToken", {"token": token}, answer=_Introspected, repeatable=True
        )
        return Introspection(
            is_active=told.active,
            status=told.status,
            ends_at=_moment(told.expires_at),
            authorized_at=_moment(told.authorized_at),
            scopes=tuple(s.strip() for s in told.scope.split(",") if s.strip()),
        )

    def _post(
        self, name: str, form: Mapping[str, str], *, answer: type[T], repeatable: bool
    ) -> tuple[T, datetime]:
        template = f"/oauth/{name}"

        def build() -> httpx.Request:
            return self._http.build_request(
                "POST", f"{self._url}/{name}", data={**form, **self._app}
            )

        def read(response: httpx.Response) -> tuple[T, datetime]:
            failure = _failure(response, what=f"POST {template}")
            if failure is None:
                at = date_of(response) or datetime.now(UTC)
                try:
                    return msgspec.json.decode(response.content, type=answer), at
                except msgspec.DecodeError:
                    failure = _unreadable(template, status=response.status_code)
            raise failure

        return self._transport.exchange(build, template=template, repeatable=repeatable, read=read)


def _failure(response: httpx.Response, *, what: str) -> ApiError | None:
    status = response.status_code
    if 200 <= status < 300:
        return None
    if status in (408, 429) or status >= 500:
        return Retryable(
            f"{what}: passing failure at LinkedIn",
            system=SYSTEM,
            code="oauth",
            status=status,
            not_applied=status == 429,
            retry_after=retry_after_seconds(response),
        )
    try:
        error = msgspec.json.decode(response.content, type=_Refusal).error
    except msgspec.DecodeError:
        error = ""
    if not error:
        return OperatorNeeded(
            f"{what}: the answer does not come from LinkedIn's token endpoint",
            system=SYSTEM,
            code="endpoint",
            status=status,
            what_next="check oauth_url and proxies of this connection",
        )
    code = error if _CODE.fullmatch(error) else "oauth"
    if code in _WRONG_APP:
        return OperatorNeeded(
            f"{what}: LinkedIn does not know the app by its id and secret",
            system=SYSTEM,
            code=code,
            status=status,
            what_next="check client_id and client_secret of this connection against the app's"
            " Auth page in LinkedIn's developer portal",
        )
    return OperatorNeeded(
        f"{what}: the authorization is not good any more (revoked, expired or used)",
        system=SYSTEM,
        code=code,
        status=status,
        what_next=REAUTHORIZE,
    )


def _unreadable(template: str, *, status: int) -> Retryable:
    return Retryable(
        f"POST {template}: the answer is cut or not readable",
        system=SYSTEM,
        code="unreadable",
        status=status,
    )


def _tokens(granted: _Granted, *, at: datetime, before: Tokens | None) -> Tokens:
    ends = granted.refresh_token_expires_in
    refresh_ends_at = before.refresh_ends_at if before else None
    if ends is not None:
        refresh_ends_at = at + timedelta(seconds=ends)
    return Tokens(
        access_token=granted.access_token,
        refresh_token=granted.refresh_token or (before.refresh_token if before else ""),
        access_ends_at=at + timedelta(seconds=granted.expires_in),
        refresh_ends_at=refresh_ends_at,
        seed=before.seed if before else "",
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
