"""Tokens: 60 days for access, 365 for refreshing, counted from the consent.

Belongs here: issuing, refreshing, revoking and recognizing tokens. Does not belong here: the HTTP
of OAuth (``oauth``). The end of a refresh token is fixed when the member authorizes; an access
token never outlives it (LinkedIn docs, programmatic refresh tokens).
"""

from __future__ import annotations

from collections.abc import Sequence

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.account import DAY, Account
from nl_pipeline.sandbox.linkedin.state import AccessToken, Grant

ACCESS_DAYS = 60
REFRESH_DAYS = 365
_TOKEN_LENGTH = 480


def authorize(account: Account, *, scopes: Sequence[str], refresh_token: str = "") -> Grant:
    """A consent of the member, from now on."""
    now = account.now()
    grant = Grant(
        refresh_token=refresh_token or "AQW" + account.letters(_TOKEN_LENGTH),
        scopes=tuple(scopes),
        authorized_at=now,
        ends_at=now + REFRESH_DAYS * DAY,
    )
    account.grants.append(grant)
    limit = account.switches.refresh_tokens_per_member
    living = [one for one in account.grants if not one.revoked]
    if limit:
        for oldest in living[:-limit]:
            revoke(account, oldest)
    return grant


def issue(account: Account, grant: Grant, *, token: str = "", lag: float = 0.0) -> AccessToken:
    """An access token of a consent, which works after ``lag`` seconds."""
    now = account.now()
    access = AccessToken(
        token=token or "AQX" + account.letters(_TOKEN_LENGTH),
        grant=grant,
        created_at=now,
        expires_at=min(now + ACCESS_DAYS * DAY, grant.ends_at),
        works_from=now + int(lag * 1000),
    )
    account.access_tokens[access.token] = access
    return access


def refresh(account: Account, refresh_token: str) -> AccessToken | None:
    """A new access token; ``None`` when the refresh token is unknown, revoked or at its end."""
    grant = grant_of(account, refresh_token)
    if grant is None or grant.revoked or account.now() >= grant.ends_at:
        return None
    if account.switches.refresh_ends_old_token:
        _revoke_access(account, grant)
    if account.switches.refresh_answer == "rotates":
        grant.refresh_token = "AQW" + account.letters(_TOKEN_LENGTH)
    return issue(account, grant, lag=account.switches.fresh_token_seconds)


def grant_of(account: Account, refresh_token: str) -> Grant | None:
    """The consent of a refresh token."""
    return next((one for one in account.grants if one.refresh_token == refresh_token), None)


def revoke(account: Account, grant: Grant) -> None:
    """The member or LinkedIn takes a consent back."""
    grant.revoked = True
    _revoke_access(account, grant)
    account.after_revocation()


def revoke_access(account: Account) -> None:
    """LinkedIn takes all access tokens back and leaves the refresh tokens."""
    for grant in account.grants:
        _revoke_access(account, grant)


def authenticated(account: Account, header: str | None) -> AccessToken:
    """The token of ``Authorization: Bearer …``; raises 401."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise errors.unauthorized("Empty oauth2 access token", service_code=errors.EMPTY_TOKEN)
    access = account.access_tokens.get(token)
    if access is None or account.now() < access.works_from:
        raise errors.unauthorized("Invalid access token", service_code=errors.INVALID_TOKEN)
    if access.revoked:
        raise errors.unauthorized(
            "The token used in the request has been revoked by the user",
            service_code=errors.REVOKED_TOKEN,
        )
    if account.now() >= access.expires_at:
        raise errors.unauthorized("Expired access token", service_code=errors.EXPIRED_TOKEN)
    return access


def _revoke_access(account: Account, grant: Grant) -> None:
    for access in account.access_tokens.values():
        if access.grant is grant:
            access.revoked = True
