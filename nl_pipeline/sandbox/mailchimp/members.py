"""Endpoints of members: the collection, one member, archiving and permanent deletion.

Belongs here: ``/lists/{list_id}/members`` and ``…/members/{subscriber_hash}``. Does not belong
here: the bulk call (``bulk``) and what hangs on a member (``tags``, ``feed``, ``member_notes``). A
member is meant by hash, plain address or ``contact_id``.
"""

from __future__ import annotations

from msgspec import UNSET

from nl_pipeline.sandbox.mailchimp import changes, errors
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import accepted_address, subscriber_hash
from nl_pipeline.sandbox.mailchimp.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.mailchimp.member_search import found
from nl_pipeline.sandbox.mailchimp.member_view import NAMES, rendered, rendered_all
from nl_pipeline.sandbox.mailchimp.member_writes import (
    PATCH_STATUSES,
    POST_STATUSES,
    MemberBody,
    free_address,
    wanted_status,
    write_member,
)
from nl_pipeline.sandbox.mailchimp.paging import page_of
from nl_pipeline.sandbox.mailchimp.projection import Projection
from nl_pipeline.sandbox.mailchimp.shown_pages import as_json, shown
from nl_pipeline.sandbox.mailchimp.state import Audience, Member, ShownPage
from nl_pipeline.sandbox.mailchimp.tagging import give_tag, segment_named
from nl_pipeline.sandbox.mailchimp.transitions import Verdict, Write, decide


def list_members(account: Account, call: ApiCall) -> Answer:
    """``GET …/members``: a page, with the size of the filtered set as ``total_items``."""
    audience = account.audience(call.parameters["list_id"])
    projection = Projection.of(call.query)
    _check_names(account, projection.inside("members"))

    def render() -> ShownPage:
        page = page_of(found(audience, query=call.query, switches=account.switches), call=call)
        shown_rows = page.rows if projection.wants("members") else []
        rows = rendered_all(shown_rows, audience=audience, projection=projection.inside("members"))
        return ShownPage(as_json(rows), rows=len(rows), total=page.total)

    # A damaged page is none that anybody else may see.
    page = (
        render()
        if call.fault is not None
        else shown(
            audience,
            key=(*sorted(call.query.items()), account.switches.unfiltered_includes_archived),
            render=render,
        )
    )
    content = {
        "members": page.members,
        "list_id": audience.id,
        "total_items": page.total,
        "_links": [],
    }
    return Answer({name: value for name, value in content.items() if projection.wants(name)})


def read_member(account: Account, call: ApiCall) -> Answer:
    """``GET …/members/{subscriber_hash}``: archived members too."""
    audience, member = _find(account, call)
    projection = Projection.of(call.query)
    _check_names(account, projection)
    return Answer(rendered_all([member], audience=audience, projection=projection)[0])


def add_member(account: Account, call: ApiCall) -> Answer:
    """``POST …/members``: needs address and status, un-archives, refuses any other existing one."""
    audience = account.audience(call.parameters["list_id"])
    body = call.read(MemberBody)
    status = wanted_status(body.status, name="status", allowed=POST_STATUSES)
    if body.email_address is UNSET or not status:
        missing = "status" if not status else "email_address"
        raise errors.invalid_body(errors.FieldError(missing, "This value should not be blank."))
    written = write_member(
        account,
        audience,
        email_address=accepted_address(body.email_address, switches=account.switches),
        body=body,
        write=Write.POST,
        status=status,
        required_checked=not call.flag("skip_merge_validation"),
        cause=_cause(call),
    )
    for name in [] if body.tags is UNSET else body.tags:
        segment = segment_named(account, audience, name=name)
        give_tag(account, audience, written.member, segment=segment)
    return Answer(rendered(written.member, audience=audience))


def put_member(account: Account, call: ApiCall) -> Answer:
    """``PUT …/members/{subscriber_hash}``: insert or update.

    ``status`` overwrites, ``status_if_new`` never touches an existing member; tags are ignored.
    A hash that matches nobody creates the member under the body's address.
    """
    audience = account.audience(call.parameters["list_id"])
    body = call.read(MemberBody)
    status = wanted_status(body.status, name="status", allowed=POST_STATUSES)
    if_new = wanted_status(body.status_if_new, name="status_if_new", allowed=POST_STATUSES)
    reference = call.parameters["subscriber_hash"]
    member = audience.find(reference)
    if member is not None:
        return _update(
            account, audience, member, body=body, status=status, if_new=if_new, call=call
        )
    sent = reference if body.email_address is UNSET and "@" in reference else body.email_address
    if sent is UNSET or not (status or if_new):
        missing = "email_address" if sent is UNSET else "status_if_new"
        raise errors.invalid_body(errors.FieldError(missing, "This value should not be blank."))
    address = accepted_address(sent, switches=account.switches)
    if subscriber_hash(address) in audience.by_hash:
        raise errors.member_exists(address)
    written = write_member(
        account,
        audience,
        email_address=address,
        body=body,
        write=Write.DATA if if_new else Write(f"status={status}"),
        status=if_new or status,
        required_checked=not call.flag("skip_merge_validation"),
        cause=_cause(call),
    )
    return Answer(rendered(written.member, audience=audience))


def patch_member(account: Account, call: ApiCall) -> Answer:
    """``PATCH …/members/{subscriber_hash}``: partial update, 404 when there is no such member."""
    audience, member = _find(account, call)
    body = call.read(MemberBody)
    status = wanted_status(body.status, name="status", allowed=PATCH_STATUSES)
    return _update(account, audience, member, body=body, status=status, if_new="", call=call)


def archive_member(account: Account, call: ApiCall) -> Answer:
    """``DELETE …/members/{subscriber_hash}``: archive; 405 for cleaned, pending and archived."""
    audience, member = _find(account, call)
    verdict = decide(changes.member_state(member), write=Write.ARCHIVE, switches=account.switches)
    if verdict is Verdict.NOT_REMOVABLE:
        raise errors.not_removable()
    changes.set_status(account, audience, member, status="archived", cause=_cause(call))
    return NO_CONTENT


def delete_permanently(account: Account, call: ApiCall) -> Answer:
    """``POST …/actions/delete-permanent``: gone for good, the address is refused from now on."""
    audience, member = _find(account, call)
    changes.forget_member(account, audience, member, cause=_cause(call))
    return NO_CONTENT


def _update(
    account: Account,
    audience: Audience,
    member: Member,
    *,
    body: MemberBody,
    status: str,
    if_new: str,
    call: ApiCall,
) -> Answer:
    address = member.email_address
    if body.email_address is not UNSET and body.email_address.strip() != address:
        address = free_address(account, audience, member=member, wanted=body.email_address)
    write_member(
        account,
        audience,
        email_address=member.email_address,
        body=body,
        write=Write(f"status={status}") if status else Write.DATA,
        status=status or if_new,
        required_checked=not call.flag("skip_merge_validation"),
        cause=_cause(call),
    )
    changes.change_address(account, audience, member, email_address=address, cause=_cause(call))
    return Answer(rendered(member, audience=audience))


def _find(account: Account, call: ApiCall) -> tuple[Audience, Member]:
    return account.member(call.parameters["list_id"], call.parameters["subscriber_hash"])


def _cause(call: ApiCall) -> Cause:
    return Cause("api", client_ip=call.client_ip)


def _check_names(account: Account, projection: Projection) -> None:
    if account.switches.unknown_fields == "error" and projection.names - NAMES:
        raise errors.bad_request("The requested fields are not valid.")
