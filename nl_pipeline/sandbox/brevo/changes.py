"""Every change of a contact: the record, its history, its statistics, and what is told of it.

Belongs here: the only functions that change a contact, each telling ``account.notices`` what it
did. Does not belong here: who may ask for which change (endpoints, imports, acts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import (
    Contact,
    HistoryEntry,
    IdentifierKind,
    MailEvent,
    MailKind,
)

IDENTIFIERS: dict[str, IdentifierKind] = {
    "SMS": "sms",
    "WHATSAPP": "whatsapp",
    "LANDLINE_NUMBER": "landline_number",
    "EXT_ID": "ext_id",
}
"""Attributes that are unique over all contacts."""


def create(account: Account, *, email: str, attributes: Mapping[str, Any], cause: Cause) -> Contact:
    """A new contact on no list; nothing is told, for there is no such event."""
    now = account.now()
    contact = Contact(
        id=account.ids.number("contact"), email=email, created_at=now, modified_at=now
    )
    account.contacts[contact.id] = contact
    if email:
        account.holders["email", email] = contact
    _store(account, contact, attributes)
    _note(account, contact, what="created", cause=cause)
    return contact


def delete(account: Account, contact: Contact, *, cause: Cause) -> None:
    """Forget a contact, and with it that it ever left."""
    del account.contacts[contact.id]
    if contact.email:
        account.holders.pop(("email", contact.email), None)
    for name, kind in IDENTIFIERS.items():
        if name in contact.attributes:
            account.holders.pop((kind, str(contact.attributes[name])), None)
    for segment in account.segments.values():
        segment.contact_ids.discard(contact.id)
    account.gone.append(contact)
    _note(account, contact, what="deleted", cause=cause)
    tell(account, contact, "contactDeleted", cause=cause, list_ids=tuple(contact.list_ids))


def change_values(
    account: Account,
    contact: Contact,
    *,
    attributes: Mapping[str, Any],
    cause: Cause,
) -> None:
    """Set attributes that were checked before; ``None`` erases one."""
    changed = {
        name: value for name, value in attributes.items() if contact.attributes.get(name) != value
    }
    contact.modified_at = account.now()
    if not changed:
        return
    _store(account, contact, changed)
    _note(account, contact, what="updated", cause=cause)
    content = {name: "" if value is None else value for name, value in changed.items()}
    tell(account, contact, "contactUpdated", cause=cause, content=content)


def change_address(account: Account, contact: Contact, *, email: str, cause: Cause) -> None:
    """Give a contact another address, which nobody has; a blocklisted one is allowed again, as
    Brevo documents."""
    if email == contact.email:
        return
    if contact.email:
        account.holders.pop(("email", contact.email), None)
    contact.email = email
    account.holders["email", email] = contact
    contact.modified_at = account.now()
    _note(account, contact, what="address", cause=cause)
    if contact.email_blacklisted:
        contact.email_blacklisted = False
        _note(account, contact, what="allowed", cause=cause)
    if account.switches.address_change_resubscribes_to_lists:
        resubscribe_to_lists(account, contact, tuple(contact.list_unsubscribed), cause=cause)
    tell(account, contact, "contactUpdated", cause=cause, content={"EMAIL": email})


def add_to_lists(
    account: Account, contact: Contact, list_ids: Iterable[int], *, cause: Cause
) -> tuple[int, ...]:
    """Put a contact on lists; gives those it was not on."""
    added = tuple(dict.fromkeys(n for n in list_ids if n not in contact.list_ids))
    if account.switches.added_resubscribes_to_list and not cause.by_import:
        resubscribe_to_lists(account, contact, list_ids, cause=cause)
    if not added:
        return ()
    contact.list_ids.extend(added)
    contact.modified_at = account.now()
    _note(account, contact, what="added", cause=cause, list_ids=added)
    tell(account, contact, "listAddition", cause=cause, list_ids=added)
    return added


def remove_from_lists(
    account: Account, contact: Contact, list_ids: Iterable[int], *, cause: Cause
) -> tuple[int, ...]:
    """Take a contact off lists, which says nothing about its wishes; gives those it was on."""
    removed = tuple(dict.fromkeys(n for n in list_ids if n in contact.list_ids))
    if not removed:
        return ()
    contact.list_ids = [n for n in contact.list_ids if n not in removed]
    if account.switches.blocklisting_moves_modified:
        contact.modified_at = account.now()
    _note(account, contact, what="removed", cause=cause, list_ids=removed)
    return removed


def block(account: Account, contact: Contact, *, cause: Cause, told: NoticeKind | None) -> bool:
    """Blocklist a contact for campaigns; gives whether it was not before.

    ``told`` is the event of a mail that caused it (``unsubscribed``, ``spam``, ``hardBounce``),
    ``None`` for staff, the API or an import, of which Brevo documents no event but a change.
    """
    was_allowed = not contact.email_blacklisted
    contact.email_blacklisted = True
    _touch_by_leaving(account, contact)
    if was_allowed:
        _note(account, contact, what="blocklisted", cause=cause)
    kind = _STATISTICS_OF[told] if told else "adminUnsubscription"
    if told or was_allowed:
        record(account, contact, kind, cause=cause)
    if told:
        tell(account, contact, told, cause=cause)
    elif was_allowed:
        tell(account, contact, "contactUpdated", cause=cause, content={})
        if account.switches.blocklist_change_tells_unsubscribed:
            tell(account, contact, "unsubscribed", cause=cause)
    return was_allowed


def allow(account: Account, contact: Contact, *, cause: Cause) -> bool:
    """Lift a contact's blocklisting; gives whether there was one."""
    if not contact.email_blacklisted:
        return False
    contact.email_blacklisted = False
    contact.modified_at = account.now()
    _note(account, contact, what="allowed", cause=cause)
    tell(account, contact, "contactUpdated", cause=cause, content={})
    return True


def unsubscribe_from_lists(
    account: Account, contact: Contact, list_ids: Iterable[int], *, cause: Cause
) -> None:
    """A person leaves single lists: off them, and marked as having left them."""
    left = tuple(dict.fromkeys(list_ids))
    new = [n for n in left if n not in contact.list_unsubscribed]
    contact.list_unsubscribed += new
    contact.list_ids = [n for n in contact.list_ids if n not in left]
    _touch_by_leaving(account, contact)
    _note(account, contact, what="list_unsubscribed", cause=cause, list_ids=left)
    record(account, contact, "userUnsubscription", cause=cause, list_ids=left)
    tell(account, contact, "unsubscribed", cause=cause, list_ids=left)


def resubscribe_to_lists(
    account: Account, contact: Contact, list_ids: Iterable[int], *, cause: Cause
) -> None:
    """Forget that a contact had left single lists."""
    back = tuple(n for n in list_ids if n in contact.list_unsubscribed)
    if not back:
        return
    contact.list_unsubscribed = [n for n in contact.list_unsubscribed if n not in back]
    contact.modified_at = account.now()
    _note(account, contact, what="list_resubscribed", cause=cause, list_ids=back)


def unsubscribe_from_group(
    account: Account, contact: Contact, *, group_id: int, cause: Cause
) -> None:
    """A person leaves a consent group."""
    contact.consent_groups[group_id] = "unsubscribed"
    _touch_by_leaving(account, contact)
    _note(account, contact, what="group_unsubscribed", cause=cause)
    tell(account, contact, "contactUpdated", cause=cause, content={})


def record(
    account: Account,
    contact: Contact,
    kind: MailKind,
    *,
    cause: Cause,
    url: str = "",
    list_ids: tuple[int, ...] = (),
    by_proxy: bool = False,
) -> None:
    """Add to the contact's statistics; nothing is told."""
    contact.events.append(
        MailEvent(
            kind=kind,
            at=account.now(),
            campaign_id=cause.campaign_id,
            url=url,
            ip=cause.ip,
            reason=cause.reason,
            list_ids=list_ids,
            by_proxy=by_proxy,
        )
    )


def tell(
    account: Account,
    contact: Contact,
    kind: NoticeKind,
    *,
    cause: Cause,
    list_ids: tuple[int, ...] = (),
    content: Mapping[str, Any] | None = None,
    url: str = "",
) -> None:
    """Tell of something that happened to a contact; nothing is changed."""
    account.notices.tell(
        kind,
        contact,
        by_key_name=cause.key_name,
        at=account.now(),
        cause=cause,
        list_ids=list_ids,
        content=content,
        url=url,
    )


_STATISTICS_OF: dict[NoticeKind, MailKind] = {
    "unsubscribed": "userUnsubscription",
    "spam": "complaints",
    "hardBounce": "hardBounces",
}


def _touch_by_leaving(account: Account, contact: Contact) -> None:
    if account.switches.blocklisting_moves_modified:
        contact.modified_at = account.now()


def _store(account: Account, contact: Contact, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        kind = IDENTIFIERS.get(name)
        if kind is not None:
            if name in contact.attributes:
                account.holders.pop((kind, str(contact.attributes[name])), None)
            if value is not None:
                account.holders[kind, str(value)] = contact
        if value is None:
            contact.attributes.pop(name, None)
        else:
            contact.attributes[name] = value


def _note(
    account: Account,
    contact: Contact,
    *,
    what: str,
    cause: Cause,
    list_ids: tuple[int, ...] = (),
) -> None:
    contact.history.append(HistoryEntry(account.now(), cause.actor, cause.key_name, what, list_ids))
