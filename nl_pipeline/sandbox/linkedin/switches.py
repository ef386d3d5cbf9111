"""Open facts and conflicting shapes of LinkedIn's APIs as switches, each with a default.

Belongs here: what nobody could confirm against a live app, what LinkedIn changes over time, and
limits it does not publish, with the values the twin can act out. Does not belong here: behaviour;
the code that decides reads the switch.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from nl_pipeline.sandbox.service import ActRefused

Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Version = Annotated[int, Meta(ge=202001, le=999912)]


class Switches(msgspec.Struct, kw_only=True):
    """Current switch values; a default is what the facts make most likely or most demanding."""

    # Transport
    clock_skew_seconds: float = 0.0
    """How far the service's clock is ahead of true time, negative: behind."""
    version_required: bool = True
    """Whether a call without ``LinkedIn-Version`` is refused."""
    oldest_version: Version = 202509
    """Older ones are sunset: 426. A fixed month, not the clock's, so that no test expires."""
    newest_version: Version = 202609
    protocol_required: bool = True
    """Whether a call without ``X-Restli-Protocol-Version: 2.0.0`` is refused."""
    strict_encoding: bool = True
    """Whether parentheses, commas and colons of structure must be literal and those of values
    encoded; if not, a query that was encoded once too often is read all the same."""
    unknown_parameters: Literal["refused", "ignored"] = "refused"
    """What becomes of a query parameter that a method does not have [open]."""

    # Quotas, which LinkedIn does not publish; 0: none
    application_calls_per_day: Count = 0
    member_calls_per_day: Count = 0
    """Both for each endpoint, until 00:00 UTC."""
    calls_per_minute: Count = 0
    """Of all endpoints together: 429 without the word DAY, as of LinkedIn's own protection."""

    # Tokens and consent
    member_consents: bool = True
    """Whether the member who is asked to authorize the app does so."""
    refresh_answer: Literal["repeats", "omits", "rotates"] = "repeats"
    """Whether a refresh answers with the same refresh token, none, or another one with the same end
    [open]."""
    refresh_ends_old_token: bool = False
    """Whether the access token before dies with a refresh [open]."""
    fresh_token_seconds: Seconds = 0.0
    """How long a token from a refresh is refused (one connector waits 30 s)."""
    refresh_tokens_per_member: Count = 0
    """An authorization beyond it revokes the oldest one's tokens; 0: no limit. The number is not
    known."""
    lead_sync_product: bool = True
    """Whether the app was granted the Lead Sync API; without it only forms are readable."""

    # Ad accounts
    account_ids: Literal["number", "urn"] = "number"
    search_with_page_token: Literal["refused", "allowed"] = "refused"
    """Whether ``search`` and ``pageToken`` exclude each other, as one connector reports."""

    # Lead responses
    retention_days: Literal[90, 365] = 90
    """How long LinkedIn keeps responses; sources disagree."""
    range_beyond_retention: Literal["cut", "refused"] = "cut"
    """What becomes of a time range that begins before the retention [open]."""
    range_end: Literal["exclusive", "inclusive"] = "exclusive"
    range_start: Literal["exclusive", "inclusive"] = "inclusive"
    open_range: Literal["refused", "allowed"] = "refused"
    """A time range with one end only [open]."""
    order: Literal["newest_first", "oldest_first", "none"] = "newest_first"
    """Order of the responses finder [open]; ``none``: mixed, but the same each time."""
    largest_count: Annotated[int, Meta(ge=1)] = 100
    count_above_largest: Literal["refused", "cut"] = "refused"
    """What becomes of a larger ``count`` [open]."""
    shows_total: bool = True
    """Whether ``paging`` has a ``total`` [open]."""
    limited_false_hides_tests: bool = False
    """Whether ``limitedToTestLeads=false`` hides test leads [open]."""
    lead_lag_seconds: Seconds = 0.0
    """How long after its submission a lead is readable; the notification does not wait [open]."""
    form_decoration_fails: bool = False
    """Whether an inlined ``form`` comes as ``form!`` with an error."""
    space_in_versioned_urns: bool = False
    """Whether versioned form URNs have a blank after the comma, as in some of LinkedIn's
    samples."""
    sponsored_on_pages: Literal["refused", "allowed"] = "refused"
    """Whether SPONSORED goes with an organization as owner; sources disagree."""

    # Notifications
    signature_header: Literal["bare", "prefixed"] = "bare"
    """Whether ``X-LI-Signature`` is hexadecimal digits alone or follows ``hmacsha256=`` [open]."""
    signed: Literal["prefixed_body", "body"] = "prefixed_body"
    """What is signed; the second as n8n's docs have it."""
    push_retries: Literal["none", "as_social"] = "none"
    """Whether a failed delivery is tried again as page social events are, every 5 minutes for 8
    hours; not documented for leads."""
    associated_key: Literal["associatedCreative", "sponsoredCreative"] = "associatedCreative"
    """Key of the creative in a notification [open]."""
    duplicate_subscription: Literal["allowed", "refused"] = "allowed"
    """A second subscription that is the same as another [open]."""
    creation_answer: Literal["201", "200"] = "201"
    """201 without a body, or 200 with ``{}``; the id is in ``x-restli-id`` [open]."""
    creation_unblocks: bool = False
    """Whether a new subscription's challenge sets a blocked webhook free [open]."""
    subscriptions_per_owner: Count = 1500
    revocation_removes_subscriptions: bool = False
    """Whether subscriptions go when the member's tokens are revoked or a role is lost [open]."""

    def change(self, name: str, *, value: Any) -> None:
        """Set one switch; :class:`ActRefused` names what is allowed."""
        kinds = get_type_hints(Switches, include_extras=True)
        if name not in self.__struct_fields__:
            raise ActRefused(
                f"unknown switch {name!r}; allowed: {', '.join(sorted(self.__struct_fields__))}"
            )
        try:
            setattr(self, name, msgspec.convert(value, kinds[name]))
        except msgspec.ValidationError as error:
            raise ActRefused(f"switch {name}: {error}") from error
