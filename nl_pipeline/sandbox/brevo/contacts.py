"""The endpoints of contacts: collection, one contact, its statistics.

Belongs here: bodies and answers. Does not belong here: lists (``memberships``), imports, and the
rules of writing (``contact_writes``).
"""

from __future__ import annotations

import msgspec

from nl_pipeline.sandbox.brevo import changes, contact_search, errors, statistics
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.account_routes import OWNER
from nl_pipeline.sandbox.brevo.calls import NO_CONTENT, Answer, ApiCall
from nl_pipeline.sandbox.brevo.contact_view import shown
from nl_pipeline.sandbox.brevo.contact_writes import (
    CreateBody,
    UpdateBody,
    create_or_update,
    update,
)
from nl_pipeline.sandbox.brevo.paging import page_of

MOST_ON_A_PAGE = 1000
DEFAULT_ON_A_PAGE = 50


class BatchItem(UpdateBody):
    """One contact of the retired bulk update."""

    email: str = ""
    id: int = 0
    sms: str = ""


class _BatchBody(msgspec.Struct):
    contacts: list[BatchItem] = []


def list_contacts(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts``; the count is that of the filtered result."""
    found = contact_search.found(account, call)
    page = page_of(found, call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE)
    rows = [shown(contact, account=account) for contact in page.rows]
    total = page.total if account.switches.count_follows_filter else len(account.contacts)
    return Answer({"contacts": rows, "count": total}, items={"contacts": len(rows)})


def create_contact(account: Account, call: ApiCall) -> Answer:
    """``POST /contacts``: 201 with the id of a new contact, 204 for one that was updated."""
    body = call.read(CreateBody)
    contact, is_new = create_or_update(account, body, cause=call.cause)
    if is_new or body.getId:
        return Answer({"id": contact.id}, status=201)
    return NO_CONTENT


def read_contact(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/{identifier}``, with the statistics of the last 90 days or of a window."""
    contact = contact_search.named(account, call)
    window = statistics.window_of(account, call)
    return Answer(
        {
            **shown(contact, account=account),
            "statistics": statistics.rendered(contact, window=window, account=account),
        }
    )


def read_statistics(account: Account, call: ApiCall) -> Answer:
    """``GET /contacts/{identifier}/campaignStats``; a window of 90 days at the most."""
    contact = contact_search.named(account, call)
    window = statistics.window_of(account, call, longest_days=statistics.DEFAULT_DAYS)
    return Answer(statistics.rendered(contact, window=window, account=account))


def update_contact(account: Account, call: ApiCall) -> Answer:
    """``PUT /contacts/{identifier}``: what is left out stays as it is."""
    body = call.read(UpdateBody)
    contact = contact_search.named(account, call)
    update(account, contact, body, cause=call.cause)
    return NO_CONTENT


def delete_contact(account: Account, call: ApiCall) -> Answer:
    """``DELETE /contacts/{identifier}``; 405 for an address of the account's own users."""
    contact = contact_search.named(account, call)
    if contact.email == OWNER:
        raise errors.method_not_allowed()
    changes.delete(account, contact, cause=call.cause)
    return NO_CONTENT


def update_batch(account: Account, call: ApiCall) -> Answer:
    """``POST /contacts/batch``, retired."""
    if account.switches.batch_updates == "not_found":
        raise errors.unknown_path()
    if account.switches.batch_updates == "gone":
        raise errors.ApiProblem(410, "method_not_allowed", "This endpoint is deprecated")
    for item in call.read(_BatchBody).contacts:
        contact = account.contacts.get(item.id) or account.by_email(item.email)
        contact = contact or account.holders.get(("sms", item.sms))
        if contact is None:
            raise errors.contact_not_found()
        update(account, contact, item, cause=call.cause)
    return NO_CONTENT
