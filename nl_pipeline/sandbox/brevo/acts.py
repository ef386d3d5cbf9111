"""Acts: what people, staff, other API clients and imports do at Brevo itself.

Belongs here: the actions of the control API and who may do them. Does not belong here: calls of
the API. Actions and keys have the names they have at the other newsletter twin where both know
them, so that a story can be told to either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from nl_pipeline.sandbox.brevo import changes
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.acting import Act, existing, named_list, refuse, values_of
from nl_pipeline.sandbox.brevo.attribute_values import address
from nl_pipeline.sandbox.brevo.double_opt_in import confirm
from nl_pipeline.sandbox.brevo.lists import remove_list
from nl_pipeline.sandbox.brevo.mail_acts import MAIL_ACTIONS
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.state import Confirmation, Contact
from nl_pipeline.sandbox.service import ActRefused

Action = Callable[[Account, Act], Contact]


def carry_out(account: Account, payload: dict[str, Any]) -> dict[str, Any]:
    """Do one act; :class:`ActRefused` says what is wrong and what is allowed."""
    try:
        act = msgspec.convert(payload, Act)
    except msgspec.ValidationError as error:
        raise ActRefused(f"brevo act: {error}") from error
    if act.action in LIST_ACTIONS:
        return LIST_ACTIONS[act.action](account, act)
    if act.action not in ACTIONS:
        known = ", ".join(sorted([*ACTIONS, *LIST_ACTIONS]))
        raise ActRefused(f"brevo act: unknown action {act.action!r}; allowed: {known}")
    if not act.email:
        raise ActRefused(f"brevo act {act.action}: needs email")
    contact = ACTIONS[act.action](account, act)
    return {
        "id": contact.id,
        "email": contact.email,
        "emailBlacklisted": contact.email_blacklisted,
        "listIds": contact.list_ids,
    }


def _subscribe(account: Account, act: Act) -> Contact:
    """A form, a list in the interface, another program or an import: nobody is allowed again by
    it, except by the form when the switch says so."""
    list_id = named_list(account, name=act.audience).id
    email = address(act.email)
    if not email:
        raise ActRefused("brevo act subscribe: not an address Brevo takes")
    values, contact = values_of(account, act), account.by_email(email)
    if contact is None:
        contact = changes.create(account, email=email, attributes=values, cause=act.cause)
    elif values:
        changes.change_values(account, contact, attributes=values, cause=act.cause)
    if act.actor == "person" and account.switches.form_lifts_blocklist:
        changes.allow(account, contact, cause=act.cause)
        changes.resubscribe_to_lists(account, contact, (list_id,), cause=act.cause)
    changes.add_to_lists(account, contact, (list_id,), cause=act.cause)
    return contact


def _ask_to_confirm(account: Account, act: Act) -> Contact:
    """A form with double opt-in: a mail goes out, and nothing else happens before the click."""
    refuse(act, actors=("import", "system"), why="only a form or a program asks")
    list_id = named_list(account, name=act.audience).id
    contact = existing(account, act)
    account.confirmations.append(
        Confirmation(
            email=contact.email,
            list_ids=(list_id,),
            exclude_list_ids=(),
            template_id=account.switches.templates[0],
            redirection_url="https://sandbox-immobilien.example/danke",
            attributes=values_of(account, act),
            asked_at=account.now(),
            key_name=act.cause.key_name,
        )
    )
    return contact


def _confirm(account: Account, act: Act) -> Contact:
    """The click in the newest mail that asks for a confirmation."""
    refuse(act, actors=("staff", "api", "import", "system"), why="only the person has the mail")
    email = address(act.email)
    asked = [one for one in account.confirmations if one.email == email and not one.confirmed_at]
    if not asked:
        raise ActRefused("brevo act confirm: nobody asked this person to confirm anything")
    return confirm(account, asked[-1], cause=act.cause)


def _unsubscribe(account: Account, act: Act) -> Contact:
    """By the link in a mail, or with ``list_only`` from this list alone; staff and programs
    blocklist."""
    contact = existing(account, act)
    if act.consent_group:
        changes.unsubscribe_from_group(
            account, contact, group_id=act.consent_group, cause=act.cause
        )
    elif act.list_only:
        refuse(act, actors=("staff", "api", "import", "system"), why="only the person can")
        list_id = named_list(account, name=act.audience).id
        changes.unsubscribe_from_lists(account, contact, (list_id,), cause=act.cause)
    else:
        told: NoticeKind | None = "unsubscribed" if act.actor == "person" else None
        changes.block(account, contact, cause=act.cause, told=told)
    return contact


def _resubscribe(account: Account, act: Act) -> Contact:
    """Lift a blocklisting, in the interface or by another program."""
    refuse(act, actors=("person", "import", "system"), why="only staff or a program can")
    contact = existing(account, act)
    if not changes.allow(account, contact, cause=act.cause):
        raise ActRefused("brevo act resubscribe: the contact is not blocklisted")
    return contact


def _remove_from_list(account: Account, act: Act) -> Contact:
    refuse(act, actors=("person", "system"), why="contacts do not see lists")
    contact = existing(account, act)
    list_id = named_list(account, name=act.audience).id
    if not changes.remove_from_lists(account, contact, (list_id,), cause=act.cause):
        raise ActRefused("brevo act remove_from_list: the contact is not on the list")
    return contact


def _delete(account: Account, act: Act) -> Contact:
    refuse(act, actors=("person", "import", "system"), why="only staff or a program can")
    contact = existing(account, act)
    changes.delete(account, contact, cause=act.cause)
    return contact


def _update(account: Account, act: Act) -> Contact:
    values = values_of(account, act)
    if not values:
        raise ActRefused(
            "brevo act update: needs first_name, last_name or attributes the account has: "
            + ", ".join(account.attributes)
        )
    contact = existing(account, act)
    changes.change_values(account, contact, attributes=values, cause=act.cause)
    return contact


def _change_email(account: Account, act: Act) -> Contact:
    """A blocklisted contact is allowed again by it, whoever does it."""
    contact, email = existing(account, act), address(act.new_email)
    if not email:
        raise ActRefused("brevo act change_email: new_email is not an address Brevo takes")
    holder = account.by_email(email)
    if holder is not None and holder is not contact:
        raise ActRefused("brevo act change_email: another contact has the new address")
    changes.change_address(account, contact, email=email, cause=act.cause)
    return contact


def _complain(account: Account, act: Act) -> Contact:
    refuse(act, actors=("staff", "api", "import"), why="only the person who got mail can")
    contact = existing(account, act)
    changes.block(account, contact, cause=act.cause, told="spam")
    return contact


def _bounce(account: Account, act: Act) -> Contact:
    """A hard bounce blocklists."""
    contact = existing(account, act)
    cause = Cause("system", campaign_id=act.campaign_id, reason=act.reason or "Unknown mailbox")
    changes.block(account, contact, cause=cause, told="hardBounce")
    return contact


def _soft_bounce(account: Account, act: Act) -> Contact:
    """A soft bounce changes nothing but the statistics."""
    contact = existing(account, act)
    cause = Cause("system", campaign_id=act.campaign_id, reason=act.reason or "Mailbox full")
    changes.record(account, contact, "softBounces", cause=cause)
    changes.tell(account, contact, "softBounce", cause=cause)
    return contact


def _delete_list(account: Account, act: Act) -> dict[str, Any]:
    """Staff delete a list; its contacts stay."""
    refuse(act, actors=("person", "import", "system"), why="only staff or a program can")
    one = named_list(account, name=act.audience)
    remove_list(account, one, cause=act.cause)
    return {"list_id": one.id, "deleted": True}


def _empty_list(account: Account, act: Act) -> dict[str, Any]:
    """Staff take everybody off a list."""
    refuse(act, actors=("person", "import", "system"), why="only staff or a program can")
    list_id = named_list(account, name=act.audience).id
    removed = [
        contact.id
        for contact in account.contacts.values()
        if changes.remove_from_lists(account, contact, (list_id,), cause=act.cause)
    ]
    return {"list_id": list_id, "removed": len(removed)}


LIST_ACTIONS: dict[str, Callable[[Account, Act], dict[str, Any]]] = {
    "delete_list": _delete_list,
    "empty_list": _empty_list,
}
"""The acts on a whole list by name."""

ACTIONS: dict[str, Action] = {
    "subscribe": _subscribe,
    "ask_to_confirm": _ask_to_confirm,
    "confirm": _confirm,
    "unsubscribe": _unsubscribe,
    "resubscribe": _resubscribe,
    "remove_from_list": _remove_from_list,
    "delete": _delete,
    "update": _update,
    "change_email": _change_email,
    "complain": _complain,
    "bounce": _bounce,
    "soft_bounce": _soft_bounce,
    **MAIL_ACTIONS,
}
"""The acts on a contact by name."""
