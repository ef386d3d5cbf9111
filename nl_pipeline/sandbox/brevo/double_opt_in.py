"""``POST /contacts/doubleOptinConfirmation``: asking a person to confirm a sign-up by mail.

Belongs here: the request and what the click does. Does not belong here: who clicks (``acts``). A
person is on the list from the click on, not before [inferred from the flow's purpose].
"""

from __future__ import annotations

from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import changes, errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address, checked
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.state import Confirmation, Contact


class _ConfirmationBody(msgspec.Struct):
    email: str
    includeListIds: list[int]
    templateId: int
    redirectionUrl: str
    attributes: dict[str, Any] = {}
    excludeListIds: list[int] = []


def ask(account: Account, call: ApiCall) -> Answer:
    """201 for an address that is new, 204 for a contact; raises 400."""
    body = call.read(_ConfirmationBody)
    email = address(body.email)
    if not email:
        raise errors.invalid("Invalid email address")
    if not body.includeListIds:
        raise errors.missing("includeListIds is missing")
    if any(n not in account.lists for n in body.includeListIds + body.excludeListIds):
        raise errors.invalid("List ID does not exist")
    if body.templateId not in account.switches.templates:
        raise errors.invalid("Template ID does not exist or is not a double opt-in template")
    if not body.redirectionUrl.startswith(("http://", "https://")):
        raise errors.invalid("redirectionUrl is not valid")
    confirmation = Confirmation(
        email=email,
        list_ids=tuple(body.includeListIds),
        exclude_list_ids=tuple(body.excludeListIds),
        template_id=body.templateId,
        redirection_url=body.redirectionUrl,
        attributes=checked(account, body.attributes),
        asked_at=account.now(),
        key_name=call.key_name,
    )
    account.confirmations.append(confirmation)
    is_new = account.by_email(email) is None
    if is_new and account.switches.confirmation_creates_contact:
        changes.create(account, email=email, attributes=confirmation.attributes, cause=call.cause)
    return Answer(None, status=201) if is_new else NO_CONTENT


def confirm(account: Account, confirmation: Confirmation, *, cause: Cause) -> Contact:
    """The person clicks: the contact is on the lists, allowed again if the switch says so."""
    confirmation.confirmed_at = account.now()
    values = confirmation.attributes
    contact = account.by_email(confirmation.email)
    if contact is None:
        contact = changes.create(account, email=confirmation.email, attributes=values, cause=cause)
    elif values:
        changes.change_values(account, contact, attributes=values, cause=cause)
    if account.switches.confirmation_lifts_blocklist:
        changes.allow(account, contact, cause=cause)
        changes.resubscribe_to_lists(account, contact, confirmation.list_ids, cause=cause)
    changes.add_to_lists(account, contact, confirmation.list_ids, cause=cause)
    changes.remove_from_lists(account, contact, confirmation.exclude_list_ids, cause=cause)
    return contact
