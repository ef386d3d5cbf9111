"""Open facts and conflicting shapes of the Mailchimp API as switches, each with a default.

Belongs here: what nobody could confirm against a live account, or what differs by plan or over
time, with the values the twin can act out. Does not belong here: behaviour; the code that decides
reads the switch.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from nl_pipeline.sandbox.service import ActRefused

Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class Switches(msgspec.Struct, kw_only=True):
    """Current switch values; a default is what the facts make most likely or most demanding."""

    # Reset
    existing_audience: bool = False
    """As an option of a reset: fill an audience ``onoffice`` that has been in use."""

    # Account and transport
    max_audiences: Annotated[int, Meta(ge=-1)] = 5
    """Audiences the plan allows (``constraints.max_instances``); -1 is unlimited."""
    max_contacts: Annotated[int, Meta(ge=-1)] = -1
    """Contacts the plan allows over all audiences, archived ones not counted; -1 is unlimited."""
    contact_limit_error: Literal["call", "member"] = "call"
    """Whether one contact too many refuses the whole call (403, as for audiences) or one address
    of it; neither form nor text was seen anywhere [open]."""
    connection_limit: Count = 10
    """Simultaneous requests; one more is answered 429 (Mailchimp docs, errors)."""
    latency_seconds: Seconds = 0.002
    """How long each call holds its connection slot; the limit bites only with some."""
    bare_429: bool = False
    """Answer the connection limit without a JSON body, as seen at high volume."""
    clock_skew_seconds: float = 0.0
    """How far the service's clock is ahead of true time, negative: behind. Its records and its Date
    header go by it."""
    role: str = "owner"
    """Role of the key's user in ``GET /3.0/``."""
    stats_cache_seconds: Seconds = 300.0
    """Age up to which ``stats`` of an audience are served stale ("at least five minutes")."""
    unknown_fields: Literal["ignore", "error"] = "ignore"
    """Unknown names in ``fields``: documented as an error, ignored in recordings."""

    # Members
    unfiltered_includes_archived: bool = False
    """Whether ``GET members`` without ``status`` returns archived ones [open]."""
    omit_type_in_member_errors: bool = True
    """``Member Exists`` and compliance errors came without ``type`` in recordings."""
    refusal_wording: Literal["compliance", "status"] = "compliance"
    """Text of a refused re-subscription: the compliance sentence or the status sentences."""
    pending_to_subscribed: Literal["ok", "compliance"] = "ok"
    unsubscribed_on_cleaned: Literal["ok", "compliance"] = "ok"
    pending_on_cleaned: Literal["ok", "compliance"] = "compliance"
    post_on_opted_out: Literal["exists", "compliance"] = "exists"
    post_on_cleaned: Literal["exists", "compliance"] = "exists"
    status_if_new_on_archived: Literal["keep", "unarchive"] = "keep"
    forgotten: Literal["refused", "allowed"] = "refused"
    """Whether a permanently deleted address is refused by the API; ``allowed`` re-creates it."""
    email_case: Literal["kept", "lowered"] = "kept"
    """Case of ``email_address`` on read-back [open]."""
    fake_domains: tuple[str, ...] = ("example.com", "example.org", "example.net")
    """Domains refused as "looks fake or invalid"."""
    throttled_addresses: tuple[str, ...] = ()
    """Addresses answered with "has signed up to a lot of lists very recently"."""
    segment_change_moves_last_changed: bool = True
    """Whether a bulk tag through a segment moves ``last_changed`` [open]."""
    complaint_status: Literal["unsubscribed", "cleaned"] = "unsubscribed"
    """Status of a member after an abuse complaint [inferred]."""

    # Batches
    batch_seconds: Seconds = 0.3
    """Time from a batch's submission until it is finished, by the sandbox's clock."""
    batch_lost_results: Count = 0
    """Results missing from each archive although the operations ran."""

    # Webhooks
    signing_enabled: bool = True
    """Whether webhooks created from now on sign their deliveries."""
    archive_webhook: Literal["none", "delete", "archive"] = "delete"
    """``data[action]`` of the unsubscribe event on archiving; ``none`` sends nothing [open]."""
    unsubscribe_action: Literal["present", "missing"] = "present"
    """``data[action]`` was missing in real deliveries (mc-magento issue 169)."""
    failing_webhook: Literal["removed", "silent", "kept"] = "removed"
    """What becomes of a webhook whose deliveries keep failing."""

    # Journeys
    journeys: tuple[str, ...] = ("101/1001",)
    """``journey_id/step_id`` pairs that can be triggered."""

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
