"""Every change of a member, carried out with all that follows from it.

Belongs here: the only code that creates or changes a member: status and who set it, history,
activity feed, ``last_changed``, counters, webhook notices. Does not belong here: whether a change
is allowed (``transitions``, ``merge_fields``) or where it was asked for (API, act, campaign).
Each function moves ``last_changed`` only if something did change, as recorded for the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Any

from nl_pipeline.sandbox.mailchimp import notices, times
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import subscriber_hash
from nl_pipeline.sandbox.mailchimp.state import (
    Actor,
    Audience,
    FeedItem,
    HistoryEntry,
    Member,
)
from nl_pipeline.sandbox.mailchimp.transitions import State

ADMIN_REASON = "N/A (Unsubscribed by admin)"
"""``unsubscribe_reason`` after an unsubscribe by API or staff, as recorded."""

SOURCES: Mapping[Actor, str] = {
    "api": "API - Generic",
    "person": "Hosted Signup Form",
    "staff": "Admin Add",
    "import": "Import",
    "system": "API - Generic",
}
"""``source`` of a member by who created it; all but the API's are [inferred]."""


def state_of(audience: Audience, *, email_address: str) -> State:
    """The state of an address in the audience, as the state table names it."""
    identity = subscriber_hash(email_address)
    member = audience.by_hash.get(identity)
    if member is not None:
        return member_state(member)
    return State.FORGOTTEN if identity in audience.forgotten else State.ABSENT


def member_state(member: Member) -> State:
    """The state of a member, as the state table names it."""
    if member.status == "unsubscribed":
        if member.opted_out:
            return State.UNSUBSCRIBED_BY_CONTACT
        return State.UNSUBSCRIBED_BY_ADMIN
    if member.status == "pending" and member.opted_out:
        return State.PENDING_AFTER_OPT_OUT
    return State(member.status)


def create_member(
    account: Account,
    audience: Audience,
    *,
    email_address: str,
    status: str,
    cause: Cause,
    merge_fields: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> Member:
    """Add a member; a subscribed one gets opt-in time and IP of the caller, as recorded.

    ``properties`` (consent times and addresses, language, …) win over those.
    """
    identity = subscriber_hash(email_address)
    audience.forgotten.discard(identity)
    member = Member(
        email_address=email_address,
        id=identity,
        unique_email_id=_unique_email_id(audience, identity),
        contact_id=account.ids.hexadecimal("contact", digits=32),
        web_id=account.ids.number("web", start=400_000_001),
        status="",
        last_changed=account.now(),
        source=SOURCES[cause.actor],
    )
    member.merge_fields = {
        merge_field.tag: merge_field.default_value
        for merge_field in audience.merge_fields
        if merge_field.default_value
    }
    member.merge_fields |= {
        tag: value for tag, value in (merge_fields or {}).items() if value != ""
    }
    audience.insert(member)
    set_status(account, audience, member, status=status, cause=cause)
    for name, value in (properties or {}).items():
        setattr(member, name, value)
    return member


def set_status(
    account: Account, audience: Audience, member: Member, *, status: str, cause: Cause
) -> None:
    """Move a member to a status; nothing happens when it has it already."""
    before = member.status
    if before == status:
        return
    now = account.now()
    audience.counts[before] -= 1
    audience.counts[status] += 1
    member.status = status
    member.history.append(
        HistoryEntry(now, cause.actor, before or "absent", status, member.email_address)
    )
    if status == "subscribed":
        _became_subscribed(audience, member, before=before, cause=cause, now=now)
    elif status in ("unsubscribed", "cleaned"):
        _left(audience, member, cause=cause, now=now)
    if status != "unsubscribed":
        member.unsubscribe_reason = ""
    touch(account, audience, member)
    _announce_status(account, audience, member, before=before, cause=cause)


def _became_subscribed(
    audience: Audience, member: Member, *, before: str, cause: Cause, now: int
) -> None:
    if before != "unsubscribed" or cause.actor == "person":
        # Recorded: a re-subscription by API leaves timestamp_opt, un-archiving renews it.
        member.timestamp_opt, member.ip_opt = now, cause.client_ip
    member.opted_out = False
    audience.last_sub = now
    if cause.actor == "person":
        member.feed.append(FeedItem("signup", now, {}))
        audience.count_day(times.day(now), what="subs")
    else:
        category = SOURCES[cause.actor]
        member.feed.append(FeedItem("generic_signup", now, {"signup_category": category}))
        audience.count_day(times.day(now), what="other_adds")


def _left(audience: Audience, member: Member, *, cause: Cause, now: int) -> None:
    by_admin = cause.actor in ("api", "staff", "import")
    if member.status == "cleaned":
        member.opted_out = True
        audience.count_day(times.day(now), what="other_removes")
        return
    # An admin who unsubscribes an address that is opted out already (pending again, bounced)
    # does not lift the wall [inferred].
    member.opted_out = member.opted_out or not by_admin
    member.unsubscribe_reason = ADMIN_REASON if by_admin else cause.reason
    member.unsubscribed_at = audience.last_unsub = now
    audience.count_day(times.day(now), what="other_removes" if by_admin else "unsubs")
    member.feed.append(
        FeedItem(
            "unsub",
            now,
            {
                "campaign_id": cause.campaign_id,
                "campaign_title": cause.campaign_title,
                "is_admin_unsubscribed": by_admin,
                "unsubscribe_reason": member.unsubscribe_reason,
            },
        )
    )


def change_values(
    account: Account,
    audience: Audience,
    member: Member,
    *,
    merge_fields: Mapping[str, Any],
    properties: Mapping[str, Any],
    cause: Cause,
) -> None:
    """Merge checked values into a member: ``""`` clears a merge field, others stay."""
    changed = False
    for tag, value in merge_fields.items():
        if member.merge_fields.get(tag, "") != value:
            changed = True
            if value == "":
                del member.merge_fields[tag]
            else:
                member.merge_fields[tag] = value
    for name, value in properties.items():
        if getattr(member, name) != value:
            changed = True
            setattr(member, name, value)
    if changed:
        touch(account, audience, member)
        account.announce(audience, notices.of_profile(member, audience=audience, cause=cause))


def change_address(
    account: Account, audience: Audience, member: Member, *, email_address: str, cause: Cause
) -> None:
    """Give a member another address: new hash, same ``contact_id``, ``web_id`` and tags.

    The caller has made sure that the address is free.
    """
    if email_address == member.email_address:
        return
    old_address = member.email_address
    del audience.by_hash[member.id]
    member.email_address = email_address
    member.id = subscriber_hash(email_address)
    member.unique_email_id = _unique_email_id(audience, member.id)
    audience.by_hash[member.id] = member
    touch(account, audience, member)
    account.announce(
        audience, notices.of_address(member, audience=audience, old=old_address, cause=cause)
    )
    account.announce(audience, notices.of_profile(member, audience=audience, cause=cause))


def forget_member(account: Account, audience: Audience, member: Member, *, cause: Cause) -> None:
    """Delete a member for good: its address cannot be added by API any more."""
    now = account.now()
    audience.remove(member)
    member.history.append(
        HistoryEntry(now, cause.actor, member.status, "deleted", member.email_address)
    )
    before, member.status = member.status, "deleted"
    audience.forgotten.add(member.id)
    audience.gone.append(member)
    _announce_status(account, audience, member, before=before, cause=cause)


def touch(account: Account, audience: Audience, member: Member) -> None:
    """Move ``last_changed`` to now and make cached views stale."""
    member.last_changed = account.now()
    audience.revision += 1


def _announce_status(
    account: Account, audience: Audience, member: Member, *, before: str, cause: Cause
) -> None:
    if not audience.webhooks:
        return
    for notice in notices.of_status(
        member, audience=audience, before=before, cause=cause, switches=account.switches
    ):
        account.announce(audience, notice)


def _unique_email_id(audience: Audience, identity: str) -> str:
    return md5(f"{audience.id}:{identity}".encode(), usedforsecurity=False).hexdigest()[:10]
