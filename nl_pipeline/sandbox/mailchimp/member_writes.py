"""One write to one member: checked against the state table, then carried out, all or nothing.

Belongs here: what POST, PUT, PATCH and the bulk call have in common. Does not belong here: which
member a call means, and its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.mailchimp import changes, errors, times
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import accepted_address, subscriber_hash
from nl_pipeline.sandbox.mailchimp.contact_limit import check_room
from nl_pipeline.sandbox.mailchimp.merge_values import checked_values
from nl_pipeline.sandbox.mailchimp.state import Audience, Member
from nl_pipeline.sandbox.mailchimp.transitions import State, Verdict, Write, decide

POST_STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
PATCH_STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending")


class MemberBody(msgspec.Struct):
    """Body of a member write; what is not named here is ignored, as the API does."""

    email_address: str | UnsetType = UNSET
    email_type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    status_if_new: str | UnsetType = UNSET
    merge_fields: dict[str, Any] | UnsetType = UNSET
    interests: dict[str, bool] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    vip: bool | UnsetType = UNSET
    ip_signup: str | UnsetType = UNSET
    timestamp_signup: str | UnsetType = UNSET
    ip_opt: str | UnsetType = UNSET
    timestamp_opt: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Written:
    """A carried-out write."""

    member: Member
    created: bool
    """New, or un-archived."""


def wanted_status(value: str | UnsetType, *, name: str, allowed: tuple[str, ...]) -> str:
    """A status of a body, ``""`` when it is not sent; 400 for one that cannot be written."""
    if value is UNSET:
        return ""
    if value not in allowed:
        raise errors.invalid_body(
            errors.FieldError(name, "This value is not one of the allowed statuses.")
        )
    return value


def write_member(
    account: Account,
    audience: Audience,
    *,
    email_address: str,
    body: MemberBody,
    write: Write,
    status: str,
    required_checked: bool,
    cause: Cause,
) -> Written:
    """Create or change the member of an address; raises the API's refusal before any change.

    ``status`` is what the member gets if the verdict of the state table is to set one.
    """
    state = changes.state_of(audience, email_address=email_address)
    verdict = decide(state, write=write, switches=account.switches)
    if verdict is Verdict.UNARCHIVE and not status:
        verdict = Verdict.KEEP
    member = audience.by_hash.get(subscriber_hash(email_address))
    shown = member.email_address if member else email_address
    raise_refusal(verdict, account=account, email_address=shown, state=state)
    check_room(account, wanted=1 if member is None or verdict is Verdict.UNARCHIVE else 0)
    sent = {} if body.merge_fields is UNSET else body.merge_fields
    values = checked_values(
        audience,
        sent=sent,
        stored={} if member is None else member.merge_fields,
        required_checked=required_checked and (member is None or bool(sent)),
    )
    properties = _properties(body)
    if body.interests:
        raise errors.invalid_resource("The request contains an invalid interest id.")
    if member is None:
        address = accepted_address(email_address, switches=account.switches)
        member = changes.create_member(
            account,
            audience,
            email_address=address,
            status=status,
            cause=cause,
            merge_fields=values,
            properties=properties,
        )
        return Written(member, created=True)
    if verdict in (Verdict.SET, Verdict.UNARCHIVE):
        changes.set_status(account, audience, member, status=status, cause=cause)
    changes.change_values(
        account, audience, member, merge_fields=values, properties=properties, cause=cause
    )
    return Written(member, created=verdict is Verdict.UNARCHIVE)


def free_address(account: Account, audience: Audience, *, member: Member, wanted: str) -> str:
    """The address a member may change to; raises when it is bad, taken or forgotten.

    Another case of its own address is no change.
    """
    address = accepted_address(wanted, switches=account.switches)
    if subscriber_hash(address) == member.id:
        return member.email_address
    state = changes.state_of(audience, email_address=address)
    if state is State.FORGOTTEN and account.switches.forgotten == "refused":
        raise errors.forgotten(address)
    if state not in (State.ABSENT, State.FORGOTTEN):
        raise errors.member_exists(address)
    return address


def raise_refusal(verdict: Verdict, *, account: Account, email_address: str, state: State) -> None:
    """Raise the API's refusal that a verdict stands for, if it is one."""
    if verdict is Verdict.EXISTS:
        raise errors.member_exists(email_address)
    if verdict is Verdict.FORGOTTEN:
        raise errors.forgotten(email_address)
    if verdict is Verdict.NOT_FOUND:
        raise errors.not_found()
    if verdict is Verdict.COMPLIANCE:
        if account.switches.refusal_wording == "status":
            raise errors.refused_by_status(email_address, status=state.value)
        raise errors.compliance(email_address)


def _properties(body: MemberBody) -> dict[str, Any]:
    properties: dict[str, Any] = {
        name: value
        for name in ("email_type", "language", "vip", "ip_signup", "ip_opt")
        if (value := getattr(body, name)) is not UNSET
    }
    for name in ("timestamp_signup", "timestamp_opt"):
        text = getattr(body, name)
        if text is UNSET or not text:
            continue
        at = times.parse(text)
        if at is None:
            raise errors.invalid_body(errors.FieldError(name, "This value is not a valid time."))
        properties[name] = int(at)
    return properties
