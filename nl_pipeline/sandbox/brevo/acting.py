"""What an act is, and what all acts need: the contact, the list, the attributes it names.

Belongs here: the form of an act and the looking up. Does not belong here: what acts do (``acts``).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.brevo import changes
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.attribute_values import checked, conflicts
from nl_pipeline.sandbox.brevo.errors import ApiProblem
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.seeding import NAMES
from nl_pipeline.sandbox.brevo.state import Actor, Contact, ContactList
from nl_pipeline.sandbox.service import ActRefused

DEFAULT_LIST = "onoffice"
FORM_IP = "198.51.100.20"
"""Where people of the sandbox fill in forms (a documentation address)."""


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One act as posted to the control API."""

    actor: Literal["person", "staff", "api", "import", "system"]
    action: str
    audience: str = DEFAULT_LIST
    """Name or id of the list."""
    email: str = ""
    new_email: str = ""
    attributes: dict[str, Any] = {}
    first_name: str | None = None
    last_name: str | None = None
    """The names, whatever the account's language calls their attributes."""
    key_name: str = ""
    """With the actor ``api``: the name of the key that another program uses."""
    list_only: bool = False
    """``unsubscribe``: from this list alone."""
    consent_group: int = 0
    """``unsubscribe``: from this group alone."""
    campaign_id: int = 0
    reason: str = ""
    url: str = ""
    times: int = 1

    @property
    def cause(self) -> Cause:
        """Who changes the contact."""
        return Cause(
            self.actor,
            key_name=self.key_name if self.actor == "api" else "",
            campaign_id=self.campaign_id,
            ip=FORM_IP if self.actor == "person" else "",
            reason=self.reason,
            by_import=self.actor == "import",
        )


def named_list(account: Account, *, name: str) -> ContactList:
    """The list of a name or id; refused when there is none or more than one."""
    if name.isdecimal() and int(name) in account.lists:
        return account.lists[int(name)]
    found = [one for one in account.lists.values() if one.name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{one.name} ({one.id})" for one in account.lists.values())
    raise ActRefused(f"{len(found)} lists are named {name!r}; there are: {names}")


def existing(account: Account, act: Act) -> Contact:
    """The contact an act is about; refused when there is none."""
    contact = account.by_email(act.email)
    if contact is None:
        raise ActRefused(f"brevo act {act.action}: no such contact")
    return contact


def refuse(act: Act, *, actors: tuple[Actor, ...], why: str) -> None:
    """Refuse an act whose actor is one of ``actors``."""
    if act.actor in actors:
        raise ActRefused(f"brevo act {act.action}: not by {act.actor}: {why}")


def values_of(account: Account, act: Act) -> dict[str, Any]:
    """The attributes of an act, the names under what the account calls them."""
    sent = dict(act.attributes)
    first, last = NAMES[account.switches.language]
    if act.first_name is not None:
        sent[first] = act.first_name
    if act.last_name is not None:
        sent[last] = act.last_name
    unknown = sorted(name for name in sent if name not in account.attributes)
    unknown = [name for name in unknown if name not in changes.IDENTIFIERS]
    if unknown:
        raise ActRefused(
            f"brevo act {act.action}: unknown attributes {unknown}; "
            f"allowed: {', '.join(account.attributes)}"
        )
    try:
        values = checked(account, sent)
    except ApiProblem as problem:
        raise ActRefused(f"brevo act {act.action}: refused as {problem.code}") from None
    taken = conflicts(account, account.by_email(act.email), email="", attributes=values)
    if taken:
        raise ActRefused(f"brevo act {act.action}: another contact has {', '.join(taken)}")
    return values
