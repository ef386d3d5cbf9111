"""Which contacts a collection call means, and which one an identifier.

Belongs here: filters of ``GET /contacts`` and of a list's contacts, and ``identifierType``. Does
not belong here: paging and rendering. The order is that of creation and no other; ``modifiedSince``
is inclusive (as a third party found).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nl_pipeline.sandbox.brevo import errors, times
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import address, telephone
from nl_pipeline.sandbox.brevo.calls import ApiCall
from nl_pipeline.sandbox.brevo.state import Attribute, Contact, IdentifierKind

MOST_IDS = 20

_EQUALS = re.compile(r'^equals\(([^,()]+),"(.*)"\)$')
_TELEPHONES: dict[str, IdentifierKind] = {
    "phone_id": "sms",
    "whatsapp_id": "whatsapp",
    "landline_number_id": "landline_number",
}
_TYPES = ("email_id", "contact_id", "ext_id", *_TELEPHONES)


def named(account: Account, call: ApiCall) -> Contact:
    """The contact that path and ``identifierType`` mean; raises 400 or 404."""
    contact = _by_identifier(
        account, identifier=call.parameters["identifier"], kind=call.text("identifierType")
    )
    if contact is None:
        raise errors.contact_not_found()
    return contact


def found(account: Account, call: ApiCall) -> list[Contact]:
    """The contacts that the filters of ``GET /contacts`` leave."""
    list_ids = _numbers(call, "listIds")
    if list_ids and call.text("segmentId"):
        raise errors.invalid("listIds and segmentId can not be used together")
    contacts: Iterable[Contact] = account.contacts.values()
    if "ids" in call.query:
        ids = _numbers(call, "ids")
        if len(ids) > MOST_IDS:
            raise errors.out_of_range(f"ids should not be more than {MOST_IDS}")
        contacts = [account.contacts[n] for n in sorted(set(ids)) if n in account.contacts]
    if list_ids:
        wanted = set(list_ids)
        contacts = [contact for contact in contacts if not wanted.isdisjoint(contact.list_ids)]
    if call.text("segmentId"):
        segment = account.segments.get(call.whole_number("segmentId", default=0))
        members = set() if segment is None else segment.contact_ids
        contacts = [contact for contact in contacts if contact.id in members]
    contacts = since(contacts, call=call)
    if call.text("filter"):
        contacts = _equal(account, contacts, text=call.text("filter"))
    return list(contacts)


def since(contacts: Iterable[Contact], *, call: ApiCall) -> Iterable[Contact]:
    """Those modified and created since the moments a call names, the moments included."""
    modified, created = _moment(call, "modifiedSince"), _moment(call, "createdSince")
    if modified is not None:
        contacts = [contact for contact in contacts if contact.modified_at >= modified]
    if created is not None:
        contacts = [contact for contact in contacts if contact.created_at >= created]
    return contacts


def _by_identifier(account: Account, *, identifier: str, kind: str) -> Contact | None:
    if not kind:
        kind = "contact_id" if identifier.isdecimal() else "email_id"
    if kind not in _TYPES:
        raise errors.invalid(f"identifierType should be one of {', '.join(_TYPES)}")
    if kind == "contact_id":
        if not identifier.isdecimal():
            raise errors.invalid("Invalid contact id")
        return account.contacts.get(int(identifier))
    if kind == "email_id":
        email = address(identifier)
        if not email:
            raise errors.invalid("Invalid email address")
        return account.holders.get(("email", email))
    if kind == "ext_id":
        return account.holders.get(("ext_id", identifier))
    return account.holders.get((_TELEPHONES[kind], telephone(identifier)))


def _moment(call: ApiCall, name: str) -> int | None:
    text = call.text(name)
    if not text:
        return None
    moment = times.parse(text)
    if moment is None:
        raise errors.invalid(f"{name} should be a UTC date-time (YYYY-MM-DDTHH:mm:ss.SSSZ)")
    return moment


def _numbers(call: ApiCall, name: str) -> list[int]:
    texts = [part for value in call.query.get(name, []) for part in value.split(",") if part]
    if not all(text.isdecimal() for text in texts):
        raise errors.invalid(f"{name} should be valid integers")
    return [int(text) for text in texts]


def _equal(account: Account, contacts: Iterable[Contact], *, text: str) -> list[Contact]:
    match = _EQUALS.match(text)
    if match is None:
        raise errors.invalid('filter should be like equals(ATTRIBUTE,"value")')
    name, value = match.groups()
    attribute = account.attributes.get(name)
    if attribute is None:
        raise errors.invalid("filter names an attribute that does not exist")
    return [c for c in contacts if _is_equal(attribute, c.attributes.get(name), value)]


def _is_equal(attribute: Attribute, stored: object, value: str) -> bool:
    if stored is None:
        return False
    if attribute.category == "category" and isinstance(stored, int):
        return value in (str(stored), attribute.enumeration.get(stored))
    if isinstance(stored, list):
        return set(value.split(",")) <= set(stored)
    if isinstance(stored, bool):
        return value.lower() == str(stored).lower()
    if isinstance(stored, float):
        return value in (str(stored), f"{stored:g}")
    return str(stored) == value
