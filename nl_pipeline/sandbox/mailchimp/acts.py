"""Acts: what people, staff, other API clients and imports do at Mailchimp itself.

Belongs here: the actions of the control API and who may do them. Does not belong here: calls of
the API. An act follows Mailchimp's interface, not its API: a person can always come back through a
form, staff cannot subscribe somebody who left, unless ``force`` says the consent is on paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.mailchimp import changes
from nl_pipeline.sandbox.mailchimp.account import Account, Cause
from nl_pipeline.sandbox.mailchimp.addresses import accepted_address, subscriber_hash
from nl_pipeline.sandbox.mailchimp.audiences import remove_audience
from nl_pipeline.sandbox.mailchimp.campaigns import bounce_later
from nl_pipeline.sandbox.mailchimp.errors import ApiProblem
from nl_pipeline.sandbox.mailchimp.member_writes import free_address
from nl_pipeline.sandbox.mailchimp.merge_values import checked_values
from nl_pipeline.sandbox.mailchimp.reports import record_complaint
from nl_pipeline.sandbox.mailchimp.state import Audience, Member, Webhook
from nl_pipeline.sandbox.mailchimp.tagging import (
    find_segment,
    give_tag,
    segment_named,
    take_tag,
)
from nl_pipeline.sandbox.service import ActRefused

DEFAULT_AUDIENCE = "onoffice"
FORM_IP = "198.51.100.20"
"""Where people of the sandbox fill in forms (a documentation address)."""


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One act as posted to the control API."""

    actor: Literal["person", "staff", "api", "import"]
    action: str
    audience: str = DEFAULT_AUDIENCE
    """Name or id."""
    email: str = ""
    new_email: str = ""
    merge_fields: dict[str, Any] = {}
    tags: list[str] = []
    tag: str = ""
    reason: str = "No longer interested"
    campaign_id: str = ""
    force: bool = False
    webhook_id: str = ""
    url: str = ""
    events: dict[str, bool] = {}
    sources: dict[str, bool] = {}
    delete: bool = False

    @property
    def cause(self) -> Cause:
        """Who changes the member."""
        client_ip = FORM_IP if self.actor == "person" else ""
        return Cause(self.actor, client_ip=client_ip)


def carry_out(account: Account, payload: dict[str, Any]) -> dict[str, Any]:
    """Do one act; :class:`ActRefused` says what is wrong and what is allowed."""
    try:
        act = msgspec.convert(payload, Act)
    except msgspec.ValidationError as error:
        raise ActRefused(f"mailchimp act: {error}") from error
    audience = named_audience(account, name=act.audience)
    try:
        if act.action in _ON_AUDIENCES:
            return _ON_AUDIENCES[act.action](account, audience, act)
        if act.action not in _ON_MEMBERS:
            known = ", ".join(sorted([*_ON_AUDIENCES, *_ON_MEMBERS]))
            raise ActRefused(f"mailchimp act: unknown action {act.action!r}; allowed: {known}")
        if not act.email:
            raise ActRefused(f"mailchimp act {act.action}: needs email")
        member = _ON_MEMBERS[act.action](account, audience, act)
    except ApiProblem as problem:
        # The texts of the API name the address, which has no place in an error of ours.
        fields = ", ".join(f"{error.field}: {error.message}" for error in problem.errors)
        raise ActRefused(
            f"mailchimp act {act.action}: refused as {problem.title!r} {fields}".rstrip()
        ) from None
    return {
        "list_id": audience.id,
        "id": member.id,
        "contact_id": member.contact_id,
        "email_address": member.email_address,
        "status": member.status,
    }


def named_audience(account: Account, *, name: str) -> Audience:
    """The audience of a name or id; refused when there is none or more than one."""
    if name in account.audiences:
        return account.audiences[name]
    found = [audience for audience in account.audiences.values() if audience.name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{audience.name} ({audience.id})" for audience in account.audiences.values())
    raise ActRefused(f"{len(found)} audiences are named {name!r}; there are: {names}")


def _subscribe(account: Account, audience: Audience, act: Act) -> Member:
    address = accepted_address(act.email, switches=account.switches)
    member = audience.find(address)
    by_person = act.actor == "person"
    blocked = member is not None and member.opted_out and member.status != "archived"
    blocked = blocked or subscriber_hash(address) in audience.forgotten
    if blocked and not by_person and not act.force:
        raise ActRefused(
            f"mailchimp act subscribe: {act.actor} cannot subscribe a contact who left, bounced or "
            'was deleted for good; use actor person, or "force": true for consent on paper'
        )
    status = "subscribed"
    if by_person and audience.details["double_optin"]:
        status = "pending"
    values = checked_values(audience, sent=act.merge_fields, stored={}, required_checked=False)
    if member is None:
        member = changes.create_member(
            account,
            audience,
            email_address=address,
            status=status,
            cause=act.cause,
            merge_fields=values,
        )
        if by_person:
            member.timestamp_signup, member.ip_signup = account.now(), FORM_IP
    else:
        if member.status != "subscribed":
            changes.set_status(account, audience, member, status=status, cause=act.cause)
        changes.change_values(
            account, audience, member, merge_fields=values, properties={}, cause=act.cause
        )
    for name in act.tags:
        give_tag(account, audience, member, segment=segment_named(account, audience, name=name))
    return member


def _confirm(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act, statuses=("pending",))
    changes.set_status(account, audience, member, status="subscribed", cause=act.cause)
    return member


def _unsubscribe(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act, statuses=("subscribed", "pending", "transactional"))
    title = ""
    if act.campaign_id:
        campaign = account.campaign(act.campaign_id)
        title = campaign.title
        for delivery in campaign.deliveries:
            if delivery.member is member:
                delivery.unsubscribed = act.actor == "person"
    cause = Cause(act.actor, reason=act.reason, campaign_id=act.campaign_id, campaign_title=title)
    changes.set_status(account, audience, member, status="unsubscribed", cause=cause)
    return member


def _archive(account: Account, audience: Audience, act: Act) -> Member:
    _refuse(act, actor="person", why="contacts cannot archive themselves")
    member = _existing(audience, act)
    if member.status == "archived":
        raise ActRefused("mailchimp act archive: the member is archived already")
    changes.set_status(account, audience, member, status="archived", cause=act.cause)
    return member


def _delete_permanent(account: Account, audience: Audience, act: Act) -> Member:
    _refuse(act, actor="person", why="contacts cannot delete themselves")
    member = _existing(audience, act)
    changes.forget_member(account, audience, member, cause=act.cause)
    return member


def _clean(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act, statuses=("subscribed", "pending", "unsubscribed"))
    title = ""
    if act.campaign_id:
        campaign = account.campaign(act.campaign_id)
        title = campaign.title
        bounce_later(account, campaign, member=member)
    cause = Cause("system", campaign_id=act.campaign_id, campaign_title=title)
    changes.set_status(account, audience, member, status="cleaned", cause=cause)
    return member


def _complain(account: Account, audience: Audience, act: Act) -> Member:
    _refuse(act, actor="staff", why="only the person who got mail can complain")
    member = _existing(audience, act, statuses=("subscribed",))
    record_complaint(account, audience, member, campaign_id=act.campaign_id)
    cause = Cause("person", reason=act.reason, campaign_id=act.campaign_id, complaint=True)
    changes.set_status(
        account, audience, member, status=account.switches.complaint_status, cause=cause
    )
    return member


def _update(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act)
    unknown = sorted(set(act.merge_fields) - set(audience.merge_tags))
    if unknown or not act.merge_fields:
        raise ActRefused(
            f"mailchimp act update: merge_fields {unknown or 'missing'}; "
            f"allowed: {', '.join(audience.merge_tags)}"
        )
    values = checked_values(
        audience, sent=act.merge_fields, stored=member.merge_fields, required_checked=False
    )
    changes.change_values(
        account, audience, member, merge_fields=values, properties={}, cause=act.cause
    )
    return member


def _change_email(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act)
    address = free_address(account, audience, member=member, wanted=act.new_email)
    changes.change_address(account, audience, member, email_address=address, cause=act.cause)
    return member


def _tag(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act)
    if not act.tag:
        raise ActRefused("mailchimp act tag: needs tag")
    give_tag(account, audience, member, segment=segment_named(account, audience, name=act.tag))
    return member


def _untag(account: Account, audience: Audience, act: Act) -> Member:
    member = _existing(audience, act)
    segment = find_segment(audience, name=act.tag)
    if segment is None or not take_tag(account, audience, member, segment=segment):
        raise ActRefused(f"mailchimp act untag: the member does not have the tag {act.tag!r}")
    return member


def _archive_all(account: Account, audience: Audience, act: Act) -> dict[str, Any]:
    _refuse(act, actor="person", why="contacts cannot archive anybody")
    present = [member for member in audience.members if member.status != "archived"]
    for member in present:
        changes.set_status(account, audience, member, status="archived", cause=act.cause)
    return {"list_id": audience.id, "archived": len(present)}


def _delete_audience(account: Account, audience: Audience, act: Act) -> dict[str, Any]:
    _refuse(act, actor="person", why="contacts cannot delete an audience")
    remove_audience(account, audience)
    return {"list_id": audience.id, "deleted": True}


def _edit_webhook(account: Account, audience: Audience, act: Act) -> dict[str, Any]:
    _refuse(act, actor="person", why="contacts cannot edit webhooks")
    webhook = _webhook(audience, act)
    if act.delete:
        del audience.webhooks[webhook.id]
        return {"list_id": audience.id, "id": webhook.id, "deleted": True}
    webhook.url = act.url or webhook.url
    for flags, sent in ((webhook.events, act.events), (webhook.sources, act.sources)):
        unknown = sorted(set(sent) - set(flags))
        if unknown:
            raise ActRefused(
                f"mailchimp act edit_webhook: unknown {unknown}; allowed: {list(flags)}"
            )
        flags.update(sent)
    return {"list_id": audience.id, "id": webhook.id, "deleted": False}


def _webhook(audience: Audience, act: Act) -> Webhook:
    if act.webhook_id in audience.webhooks:
        return audience.webhooks[act.webhook_id]
    if act.webhook_id or len(audience.webhooks) != 1:
        raise ActRefused(
            f"mailchimp act edit_webhook: webhook_id must be one of {list(audience.webhooks)}"
        )
    return next(iter(audience.webhooks.values()))


def _existing(audience: Audience, act: Act, *, statuses: tuple[str, ...] = ()) -> Member:
    member = audience.find(act.email)
    if member is None:
        raise ActRefused(f"mailchimp act {act.action}: no such member in audience {audience.id}")
    if statuses and member.status not in statuses:
        raise ActRefused(
            f"mailchimp act {act.action}: the member is {member.status}; "
            f"allowed: {', '.join(statuses)}"
        )
    return member


def _refuse(act: Act, *, actor: str, why: str) -> None:
    if act.actor == actor:
        raise ActRefused(f"mailchimp act {act.action}: not by {actor}: {why}")


_ON_MEMBERS: dict[str, Callable[[Account, Audience, Act], Member]] = {
    "subscribe": _subscribe,
    "confirm": _confirm,
    "unsubscribe": _unsubscribe,
    "archive": _archive,
    "delete_permanent": _delete_permanent,
    "clean": _clean,
    "complain": _complain,
    "update": _update,
    "change_email": _change_email,
    "tag": _tag,
    "untag": _untag,
}

_ON_AUDIENCES: dict[str, Callable[[Account, Audience, Act], dict[str, Any]]] = {
    "archive_all": _archive_all,
    "delete_audience": _delete_audience,
    "edit_webhook": _edit_webhook,
}
