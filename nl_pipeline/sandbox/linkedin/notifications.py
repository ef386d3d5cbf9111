"""Lead notifications: subscriptions of webhooks.

Belongs here: the resource ``leadNotifications`` with the challenge of a new webhook. Does not
belong here: telling (``teller``) and sending (``sender``). Statuses of refusals are [inferred].
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from nl_pipeline.sandbox.linkedin import challenges, errors
from nl_pipeline.sandbox.linkedin.access import fits, may_read_leads
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall, page
from nl_pipeline.sandbox.linkedin.state import LEAD_TYPES, Endpoint, Subscription
from nl_pipeline.sandbox.linkedin.urns import owner_in, versioned_form_in
from nl_pipeline.sandbox.loopback import is_loopback

_FIRST_ID = 7012
_NOTHING: frozenset[str] = frozenset()
_ENTITIES = ("event", "associatedCreative", "sponsoredCreative")


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a creation."""

    webhook: str
    owner: dict[str, str]
    leadType: str
    versionedForm: str | None = None
    associatedEntity: dict[str, str] | None = None


async def create(account: Account, call: ApiCall) -> Answer:
    """Subscribe a webhook, which is challenged meanwhile."""
    wanted = _checked(account, call.read(_Wanted))
    if not may_read_leads(account, wanted.owner, lead_type=wanted.lead_type):
        raise call.denied()
    of_owner = [one for one in account.subscriptions.values() if one.owner == wanted.owner]
    if len(of_owner) >= account.switches.subscriptions_per_owner:
        raise errors.bad_request(
            f"The limit of {account.switches.subscriptions_per_owner} lead notifications per "
            "owner is reached"
        )
    if account.switches.duplicate_subscription == "refused" and any(
        _is_same(one, wanted) for one in of_owner
    ):
        raise errors.ApiProblem(409, "This lead notification exists", code="DUPLICATE")
    # Without certificates, which loopback has none of: loading them takes longer than a call.
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        if not await challenges.passes(client, wanted.webhook, code=account.uuid()):
            raise errors.bad_request("This URL did not pass the security challenge check")
    wanted.id = account.number("notification", first=_FIRST_ID)
    account.subscriptions[wanted.id] = wanted
    now = account.now()
    endpoint = account.endpoints.setdefault(wanted.webhook, Endpoint(wanted.webhook, now, now))
    if endpoint.state != "blocked" or account.switches.creation_unblocks:
        challenges.passed(endpoint, at=now)
    headers = {"x-restli-id": str(wanted.id), "location": f"/leadNotifications/{wanted.id}"}
    if account.switches.creation_answer == "200":
        return Answer({}, headers=headers)
    return Answer(status=201, headers=headers)


def find(account: Account, call: ApiCall) -> Answer:
    """``q=criteria``; here the owner stands in one more pair of parentheses than elsewhere."""
    owner, lead_type = call.owner(wrapped=True), call.lead_type()
    if not may_read_leads(account, owner, lead_type=lead_type):
        raise call.denied()
    found, paging = page(
        call,
        [
            one
            for one in account.subscriptions.values()
            if one.owner == owner and one.lead_type == lead_type
        ],
    )
    elements = [call.shown(record(account, one), on_demand=_NOTHING) for one in found]
    return Answer({"elements": elements, "paging": paging})


def read(account: Account, call: ApiCall) -> Answer:
    """One subscription."""
    return Answer(call.shown(record(account, _known(account, call)), on_demand=_NOTHING))


def delete(account: Account, call: ApiCall) -> Answer:
    """End a subscription."""
    account.unsubscribe(_known(account, call))
    return Answer(status=204)


def record(account: Account, one: Subscription) -> dict[str, Any]:
    """A subscription as the API shows it."""
    shown: dict[str, Any] = {
        "id": one.id,
        "owner": one.owner.union,
        "leadType": one.lead_type,
        "webhook": one.webhook,
    }
    if one.versioned_form is not None:
        form_id, version_id = one.versioned_form
        shown["versionedForm"] = account.versioned_form_urn(form_id, version_id=version_id)
    if one.associated_entity is not None:
        shown["associatedEntity"] = one.associated_entity
    return shown


def _known(account: Account, call: ApiCall) -> Subscription:
    number = call.number_in_path(what="leadNotification")
    found = account.subscriptions.get(number)
    if found is None:
        raise errors.not_found(f"leadNotification {number} does not exist")
    if not may_read_leads(account, found.owner, lead_type=found.lead_type):
        raise call.denied()
    return found


def _checked(account: Account, sent: _Wanted) -> Subscription:
    owner = owner_in(sent.owner)
    if owner is None:
        raise errors.bad_request("owner: sponsoredAccount or organization is expected")
    lead_type = next((one for one in LEAD_TYPES if one == sent.leadType), None)
    if lead_type is None or not fits(account, owner, lead_type=lead_type):
        raise errors.bad_request("leadType does not go with this owner")
    form = None
    if sent.versionedForm is not None:
        form = versioned_form_in(sent.versionedForm)
        if form is None:
            raise errors.bad_request("versionedForm: a URN with form and version is expected")
    entity = sent.associatedEntity
    if entity is not None and (len(entity) != 1 or next(iter(entity)) not in _ENTITIES):
        raise errors.bad_request("associatedEntity: one event or creative is expected")
    _check_url(sent.webhook)
    return Subscription(0, sent.webhook, owner, lead_type, form, entity)


def _check_url(url: str) -> None:
    """HTTPS, except on loopback, where the sandbox's receivers have no certificate."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.endswith((".ngrok.io", ".ngrok.app", ".ngrok-free.app", ".ngrok.dev")):
        raise errors.bad_request("webhook: ngrok addresses are not allowed")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
        raise errors.bad_request("webhook: an HTTPS URL is expected")


def _is_same(one: Subscription, other: Subscription) -> bool:
    return (one.webhook, one.lead_type, one.versioned_form, one.associated_entity) == (
        other.webhook,
        other.lead_type,
        other.versioned_form,
        other.associated_entity,
    )
