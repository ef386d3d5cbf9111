"""Acts: what people, staff, other API clients and imports do at Brevo itself.

Belongs here: the actions of the control API and who may do them. Does not belong here: calls of
the API. Actions and keys have the names they have at the other newsletter twin where both know
them, so that a story can be told to either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.mail_acts import MAIL_ACTIONS
from nl_pipeline.sandbox.brevo.notices import Cause
from nl_pipeline.sandbox.brevo.state import Contact
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


Action = Callable[[Account, Act], Contact]


def carry_out(account: Account, payload: dict[str, Any]) -> dict[str, Any]:
    """Do one act; :class:`ActRefused` says what is wrong and what is allowed."""
    try:
        act = msgspec.convert(payload, Act)
    except msgspec.ValidationError as error:
        raise ActRefused(f"brevo act: {error}") from error
    if act.action not in ACTIONS:
        known = ", ".join(sorted(ACTIONS))
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


ACTIONS: dict[str, Action] = {**MAIL_ACTIONS}
"""The acts on a contact by name."""
