"""Open facts and conflicting shapes of the Brevo API as switches, each with a default.

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
    existing_list: bool = False
    """As an option of a reset: fill a list ``onoffice`` that has been in use."""
    language: Literal["de", "en", "fr", "it"] = "de"
    """As an option of a reset: the language the account was created in, which names the attributes
    of the names (German: expected, in no source)."""

    # Account and transport
    clock_skew_seconds: float = 0.0
    """How far the service's clock is ahead of true time, negative: behind."""
    contacts_per_second: Count = 10
    contacts_per_hour: Count = 36_000
    """Limits of all plans for everything below ``/contacts`` (and, apart, ``POST /events``)."""
    other_per_hour: Count = 100
    """Limit for every endpoint that has no limit of its own."""
    limit_headers: Literal["second", "hour"] = "second"
    """Which of two windows the headers ``x-sib-ratelimit-*`` tell of [open]."""
    times: Literal["local", "utc"] = "local"
    """``+01:00``/``+02:00`` as in a live capture, or ``Z`` as documented."""
    enterprise: bool = False
    """Whether the account has the features of an Enterprise plan, such as the history export."""

    # Contacts
    duplicate_code: Literal["new", "old"] = "new"
    """Code of a conflict: ``invalid_parameter`` since May 2026, ``duplicate_parameter`` before."""
    count_follows_filter: bool = True
    """Whether ``count`` of ``GET /contacts`` is that of the filtered result [open]."""
    address_change_resubscribes_to_lists: bool = True
    """Whether a changed address lifts unsubscriptions from lists as it lifts a blocklisting
    [open]."""
    address_change_keeps_flag_sent: bool = False
    """Whether ``emailBlacklisted: true`` survives in the call that changes the address; if not, the
    reset of a changed address wins [open]."""
    blocklisting_moves_modified: bool = True
    """Whether ``modifiedAt`` moves when a contact is blocklisted or leaves a list [open]."""
    blocklist_change_tells_unsubscribed: bool = False
    """Whether blocklisting by API, staff or import fires ``unsubscribed`` besides the event of a
    change [open]."""
    added_resubscribes_to_list: bool = False
    """Whether adding somebody to a list lifts their unsubscription from that list [open]."""
    form_lifts_blocklist: bool = False
    """Whether a sign-up by form without confirmation lifts blocklist and unsubscription [open]."""
    confirmation_lifts_blocklist: bool = True
    """Whether the click of a double opt-in does [open]."""
    confirmation_creates_contact: bool = False
    """Whether asking for a confirmation creates the contact before the click [open]."""
    templates: tuple[int, ...] = (1,)
    """Templates that carry the link of a double opt-in."""
    batch_updates: Literal["gone", "not_found", "works"] = "gone"
    """``POST /contacts/batch``, retired since 2026-10-30: 410, 404 or as before [open]."""
    consent_groups: bool = False
    """Whether the account has consent groups, which contacts then show."""

    membership_answer: Literal["wrapped", "bare", "without_failure"] = "wrapped"
    """Shape of an answer to adding and removing: below ``contacts`` as the specification's schema
    has it, without as its samples do, or without ``failure`` when nothing failed."""

    # Processes
    import_seconds: Seconds = 0.0
    """Time from an import's acceptance to its end; 0: done when somebody next looks."""
    export_seconds: Seconds = 0.0
    """The same for exports and for emptying a list."""
    import_keeps_blocklist: bool = True
    """Whether an import leaves blocklisted contacts blocklisted [open, likely]."""
    import_keeps_list_unsubscribed: bool = True
    """Whether an import leaves unsubscriptions from a list as they are [open]."""
    import_loses_notices: bool = True
    """Whether no webhook tells of contacts that change while an import runs [open]."""
    process_wording: Literal["processing", "in_process"] = "processing"
    """Status of a process under way; the second is the older word."""
    too_large_status: Literal[400, 413] = 413
    """Answer to an import of more than 10 MB [open]."""

    # Webhooks
    webhook_5xx: Literal["discarded", "retried"] = "discarded"
    """What becomes of an event whose receiver answers 5xx: by the current wording it is gone, the
    older one can be read the other way."""
    webhook_timeout_seconds: Seconds = 10.0
    """How long, in real time, a receiver may take for its answer [open]."""
    webhook_url_unique: bool = True
    """Whether two webhooks cannot have the same URL, as in the old API [open]."""
    webhook_events_shown: Literal["singular", "plural"] = "singular"
    """``hardBounce`` in stored webhooks, or ``hardBounces`` as in older samples."""
    batch_envelope: Literal["array", "object"] = "array"
    """Body of a batched webhook: an array of events, or an object around one [open]."""
    payload_spelling: Literal["guide", "samples", "requests"] = "guide"
    """``unsubscribe`` and ``hard_bounce``, or ``unsubscribed`` and ``hard_bounced``, or the names
    of requests (``unsubscribed``, ``hardBounce``, ``listAddition``)."""
    unsubscribed_lists: Literal["named", "empty", "missing"] = "named"
    """``list_id`` of an unsubscription from everything: the lists of the campaign or else of the
    contact, as in the samples, an empty array, or no such key [open]."""
    payload_email: Literal["text", "list"] = "text"
    """Whether ``email`` is an array, which one connector handles."""
    proxy_open_event: Literal["proxy_open", "unique_proxy_open", "opened"] = "proxy_open"
    """How an opening by a mail provider's machine is told to who asked for ``opened`` [open]."""
    content_shape: Literal["list", "object"] = "list"
    """``content`` of a changed contact: an array of one object, or the object."""
    content_extent: Literal["full", "changes"] = "full"
    """Whether it holds all attributes or the changed ones."""
    contact_ts: Literal["utc", "local"] = "utc"
    """Whether ``ts`` of a contact's change is true UTC or shifted as a campaign event's."""
    api_key_name_told: bool = True
    """``api_key_name`` in payloads, as since 2026-11-01."""
    import_loses_mail_notices: bool = False
    """Whether unsubscriptions and other events of mails are lost as well while an import runs."""
    history_refusal: Literal[402, 403, 404] = 403
    """Answer to ``POST /webhooks/export`` without an Enterprise plan [open]."""

    # Campaigns
    global_stats: Literal["zero", "filled"] = "filled"
    """``globalStats`` was all zeros at a live account while ``campaignStats`` had the numbers."""
    links_stats: Literal["number", "object"] = "number"
    """A link's clicks as a number or as ``{"nbClick": n}``."""
    event_creates_contact: bool = False
    """Whether an event of the events API creates the contact it names [open]."""

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
