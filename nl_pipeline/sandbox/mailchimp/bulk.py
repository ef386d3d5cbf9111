"""The bulk call ``POST /lists/{list_id}``: up to 500 members added or updated at once.

Belongs here: this call and its per-address errors. Does not belong here: batches of arbitrary
calls (``batches``). With ``update_existing`` the sent status hits existing members too, as
documented: there is no ``status_if_new`` here.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from nl_pipeline.sandbox.mailchimp import errors
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import accepted_address, subscriber_hash
from nl_pipeline.sandbox.mailchimp.calls import Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.changes import member_state
from nl_pipeline.sandbox.mailchimp.contact_limit import check_room
from nl_pipeline.sandbox.mailchimp.errors import ApiProblem
from nl_pipeline.sandbox.mailchimp.member_view import rendered_in_bulk
from nl_pipeline.sandbox.mailchimp.member_writes import (
    POST_STATUSES,
    MemberBody,
    Written,
    raise_refusal,
    wanted_status,
    write_member,
)
from nl_pipeline.sandbox.mailchimp.state import Audience, Member
from nl_pipeline.sandbox.mailchimp.tagging import give_tag, segment_named, take_tag
from nl_pipeline.sandbox.mailchimp.transitions import Verdict, Write, decide

MEMBER_LIMIT = 500


class _BulkBody(msgspec.Struct):
    members: list[MemberBody]
    update_existing: bool = False
    sync_tags: bool = False


class _AlreadyMember(Exception):
    """The address exists and the call may not update."""


def write_members(account: Account, call: ApiCall) -> Answer:
    """Answer 200 with new and updated members and one error per refused address."""
    audience = account.audience(call.parameters["list_id"])
    body = call.read(_BulkBody)
    if len(body.members) > MEMBER_LIMIT:
        raise errors.bad_request("You may only add or update up to 500 members per call.")
    if account.switches.contact_limit_error == "call":
        check_room(account, wanted=sum(_is_new(audience, item) for item in body.members))
    new: list[Member] = []
    updated: list[Member] = []
    refused: list[dict[str, str]] = []
    seen: set[str] = set()
    for item in body.members:
        sent = "" if item.email_address is UNSET else item.email_address
        identity = subscriber_hash(sent)
        if identity in seen:
            if not call.flag("skip_duplicate_check"):
                refused.append(_error(sent, "Duplicate items found in the request."))
            continue
        seen.add(identity)
        try:
            written = _write(account, audience, item=item, sent=sent, body=body, call=call)
        except _AlreadyMember:
            text = (
                f"{sent} is already a list member, do you want to update? please provide "
                "update_existing:true in the request body"
            )
            refused.append(_error(sent, text, code="ERROR_CONTACT_EXISTS"))
        except ApiProblem as problem:
            refused.append(_refusal(sent, problem))
        else:
            (new if written.created else updated).append(written.member)
    return Answer(
        {
            "new_members": [rendered_in_bulk(member, audience=audience) for member in new],
            "updated_members": [rendered_in_bulk(member, audience=audience) for member in updated],
            "errors": refused,
            "total_created": len(new),
            "total_updated": len(updated),
            "error_count": len(refused),
            "_links": [],
        },
        items={"members": len(body.members)},
    )


def _is_new(audience: Audience, item: MemberBody) -> bool:
    sent = "" if item.email_address is UNSET else item.email_address
    member = audience.by_hash.get(subscriber_hash(sent))
    return member is None or member.status == "archived"


def _write(
    account: Account,
    audience: Audience,
    *,
    item: MemberBody,
    sent: str,
    body: _BulkBody,
    call: ApiCall,
) -> Written:
    address = accepted_address(sent, switches=account.switches)
    status = wanted_status(item.status, name="status", allowed=POST_STATUSES)
    if not status:
        raise errors.invalid_body(errors.FieldError("status", "This value should not be blank."))
    member = audience.by_hash.get(subscriber_hash(address))
    if member is not None and member.status != "archived" and not body.update_existing:
        state = member_state(member)
        verdict = decide(state, write=Write.POST, switches=account.switches)
        if verdict is Verdict.COMPLIANCE:
            raise_refusal(verdict, account=account, email_address=address, state=state)
        raise _AlreadyMember
    written = write_member(
        account,
        audience,
        email_address=address,
        body=item,
        write=Write(f"status={status}"),
        status=status,
        required_checked=not call.flag("skip_merge_validation"),
        cause=Cause("api", client_ip=call.client_ip),
    )
    if item.tags is not UNSET:
        _tag(account, audience, written.member, names=item.tags, replace=body.sync_tags)
    return written


def _tag(
    account: Account, audience: Audience, member: Member, *, names: list[str], replace: bool
) -> None:
    wanted = [segment_named(account, audience, name=name) for name in names]
    if replace:
        kept = {segment.id for segment in wanted}
        for segment_id in [known for known in member.tags if known not in kept]:
            take_tag(account, audience, member, segment=audience.segments[segment_id])
    for segment in wanted:
        give_tag(account, audience, member, segment=segment)


def _refusal(sent: str, problem: ApiProblem) -> dict[str, str]:
    error = _error(sent, problem.detail)
    if problem.errors:
        error["field"] = problem.errors[0].field
        error["field_message"] = problem.errors[0].message
    return error


def _error(sent: str, text: str, *, code: str = "ERROR_GENERIC") -> dict[str, Any]:
    return {
        "email_address": sent,
        "error": text,
        "error_code": code,
        "field": "",
        "field_message": "",
    }
