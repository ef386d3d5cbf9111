"""Single-member writes as values, sent directly or in a batch.

Belongs here: the shapes of the writes and which of them may be repeated. Does not belong here: the
decision to write, and how they are sent.

A profile write never carries a status: whoever wants one names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nl_pipeline.clients.mailchimp.session import Path

_MEMBER = "/lists/{list_id}/members/{subscriber_hash}"
_LENIENT: Mapping[str, str] = {"skip_merge_validation": "true"}
"""Fields someone marked as required must not keep an opt-out or a name from being written."""


@dataclass(frozen=True)
class Operation:
    """One write of one member; made by the functions below.

    `reference` is the caller's own id (never an address) and comes back with the outcome.
    `member_id` is the member's id (MD5 of the lower-cased address) or its `contact_id`.
    `repeatable` is false where sending twice differs from sending once.
    """

    reference: str
    method: str
    template: str
    member_id: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True

    def path(self, audience_id: str) -> Path:
        """Return the path in one audience."""
        return Path(self.template, [audience_id, self.member_id])


def patch_member(
    member_id: str,
    *,
    reference: str,
    status: str | None = None,
    merge_fields: Mapping[str, Any] | None = None,
    email_address: str | None = None,
) -> Operation:
    """Change an existing member; what is None stays. "" clears a merge field of any type.

    With `email_address` the member moves to that address and keeps `contact_id`, tags and history;
    that is not repeated after a lost answer, because the old id is gone if it worked.
    """
    body: dict[str, Any] = {}
    if status is not None:
        body["status"] = status
    if merge_fields is not None:
        body["merge_fields"] = dict(merge_fields)
    if email_address is not None:
        body["email_address"] = email_address
    return Operation(
        reference,
        "PATCH",
        _MEMBER,
        member_id,
        body,
        _LENIENT,
        repeatable=email_address is None,
    )


def put_member(
    member_id: str,
    *,
    reference: str,
    email_address: str,
    status_if_new: str,
    status: str | None = None,
    merge_fields: Mapping[str, Any] | None = None,
) -> Operation:
    """Create or update a member. `status_if_new` never touches an existing one; `status` does."""
    body: dict[str, Any] = {"email_address": email_address, "status_if_new": status_if_new}
    if status is not None:
        body["status"] = status
    if merge_fields is not None:
        body["merge_fields"] = dict(merge_fields)
    return Operation(reference, "PUT", _MEMBER, member_id, body, _LENIENT)


def archive_member(member_id: str, *, reference: str) -> Operation:
    """Archive a member. Refused (405) for pending, cleaned and already archived ones."""
    return Operation(reference, "DELETE", _MEMBER, member_id)


def tag_member(
    member_id: str, *, reference: str, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> Operation:
    """Add and remove tags by name; others stay. Automations on tags are not triggered."""
    tags = [{"name": name, "status": "active"} for name in add]
    tags += [{"name": name, "status": "inactive"} for name in remove]
    return Operation(
        reference, "POST", f"{_MEMBER}/tags", member_id, {"tags": tags, "is_syncing": True}
    )
