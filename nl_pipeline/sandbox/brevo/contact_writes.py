"""Writing a contact by the API: what is checked before, and in which order it takes effect.

Belongs here: the rules of ``POST`` and ``PUT``. Does not belong here: imports, which have rules of
their own, and the changes themselves (``changes``). A call that is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from nl_pipeline.sandbox.brevo import changes, errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address, checked, conflicts
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.state import Contact


class ContactBody(msgspec.Struct, kw_only=True):
    """A body whose unknown members are ignored."""


class UpdateBody(ContactBody):
    """``PUT /contacts/{identifier}``, in the API's names."""

    attributes: dict[str, Any] | UnsetType = UNSET
    ext_id: str | UnsetType = UNSET
    listIds: list[int] = []
    unlinkListIds: list[int] = []
    emailBlacklisted: bool | UnsetType = UNSET
    smsBlacklisted: bool | UnsetType = UNSET
    smtpBlacklistSender: list[str] = []
    forceMerge: bool = False


class CreateBody(UpdateBody):
    """``POST /contacts``."""

    email: str = ""
    updateEnabled: bool = False
    getId: bool = False


def create_or_update(account: Account, body: CreateBody, *, cause: Cause) -> tuple[Contact, bool]:
    """The contact written, and whether it is new; raises 400."""
    values = _values(account, body)
    values.pop("EMAIL", None)
    email = address(body.email) if body.email else ""
    if body.email and not email:
        raise errors.invalid("Invalid email address")
    if not email and values.get("SMS") is None and values.get("EXT_ID") is None:
        raise errors.missing("Please provide Email or SMS attribute value to create user")
    _check_lists(account, body.listIds)
    contact = _written(account, email=email, values=values)
    if contact is None:
        contact = changes.create(account, email=email, attributes=values, cause=cause)
        _apply_flags(account, contact, body, cause=cause)
        _apply_lists(account, contact, body, cause=cause)
        return contact, True
    if not body.updateEnabled:
        names = list(conflicts(account, None, email=email, attributes=values))
        raise _taken(account, names, verb="create")
    contact = _resolved(
        account, contact, email=email, values=values, body=body, verb="create", cause=cause
    )
    _apply_flags(account, contact, body, cause=cause)
    changes.change_values(account, contact, attributes=values, cause=cause)
    _apply_lists(account, contact, body, cause=cause)
    return contact, False


def update(account: Account, contact: Contact, body: UpdateBody, *, cause: Cause) -> None:
    """Write an existing contact; raises 400.

    The flag takes effect before the address unless the switch says otherwise, so that a changed
    address lifts a blocklisting that the same call asks for.
    """
    values = _values(account, body)
    sent = values.pop("EMAIL", None)
    email = address(str(sent)) if sent is not None else ""
    if sent is not None and not email:
        raise errors.invalid("Invalid email address")
    _check_lists(account, [*body.listIds, *body.unlinkListIds])
    contact = _resolved(
        account, contact, email=email, values=values, body=body, verb="update", cause=cause
    )
    if account.switches.address_change_keeps_flag_sent:
        if email:
            changes.change_address(account, contact, email=email, cause=cause)
        _apply_flags(account, contact, body, cause=cause)
    else:
        _apply_flags(account, contact, body, cause=cause)
        if email:
            changes.change_address(account, contact, email=email, cause=cause)
    changes.change_values(account, contact, attributes=values, cause=cause)
    _apply_lists(account, contact, body, cause=cause)
    changes.remove_from_lists(account, contact, body.unlinkListIds, cause=cause)


def _values(account: Account, body: UpdateBody) -> dict[str, Any]:
    """Attributes to store, with ``EMAIL`` when the body names an address among them."""
    sent = {} if body.attributes is UNSET else dict(body.attributes)
    values: dict[str, Any] = {}
    if "EMAIL" in sent:
        values["EMAIL"] = sent.pop("EMAIL")
    if body.ext_id is not UNSET:
        sent["EXT_ID"] = body.ext_id
    return values | checked(account, sent)


def _written(account: Account, *, email: str, values: dict[str, Any]) -> Contact | None:
    """Whom a ``POST`` means: the address decides, then the external id, then the number."""
    holders = account.holders
    if email:
        return holders.get(("email", email))
    for name in ("EXT_ID", "SMS"):
        if values.get(name) is not None:
            holder = holders.get((changes.IDENTIFIERS[name], values[name]))
            if holder is not None:
                return holder
    return None


def _resolved(
    account: Account,
    contact: Contact,
    *,
    email: str,
    values: dict[str, Any],
    body: UpdateBody,
    verb: str,
    cause: Cause,
) -> Contact:
    """The contact to write when an identifier belongs to another: 400, or with ``forceMerge`` the
    one modified last, the others being deleted."""
    others = conflicts(account, contact, email=email, attributes=values)
    if not others:
        return contact
    if not body.forceMerge:
        raise _taken(account, list(others), verb=verb)
    everybody = [contact, *others.values()]
    survivor = max(everybody, key=lambda one: one.modified_at)
    for one in dict.fromkeys(everybody):
        if one is not survivor:
            changes.delete(account, one, cause=cause)
    return survivor


def _taken(account: Account, identifiers: list[str], *, verb: str) -> errors.ApiProblem:
    is_new = account.switches.duplicate_code == "new"
    code = "invalid_parameter" if is_new else "duplicate_parameter"
    return errors.taken(identifiers, verb=verb, code=code)


def _check_lists(account: Account, list_ids: Iterable[int]) -> None:
    if any(list_id not in account.lists for list_id in list_ids):
        raise errors.invalid("List ID does not exist")


def _apply_flags(account: Account, contact: Contact, body: UpdateBody, *, cause: Cause) -> None:
    if body.emailBlacklisted is True:
        changes.block(account, contact, cause=cause, told=None)
    elif body.emailBlacklisted is False:
        changes.allow(account, contact, cause=cause)
    if body.smsBlacklisted is not UNSET:
        contact.sms_blacklisted = body.smsBlacklisted
    if body.smtpBlacklistSender:
        contact.smtp_blacklist_senders = list(body.smtpBlacklistSender)


def _apply_lists(account: Account, contact: Contact, body: UpdateBody, *, cause: Cause) -> None:
    changes.add_to_lists(account, contact, body.listIds, cause=cause)
