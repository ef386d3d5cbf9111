"""What the twin tells of everything that happens to a contact.

Belongs here: the interface between changes and whoever tells the outside, and the one who tells
nobody. Does not belong here: payloads and delivery, which are the teller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from nl_pipeline.sandbox.brevo.state import Actor, Contact

NoticeKind = Literal[
    "listAddition", "contactUpdated", "contactDeleted", "unsubscribed", "spam", "hardBounce",
    "softBounce", "delivered", "opened", "proxyOpen", "click",
]  # fmt: skip
"""What happened, by the name a webhook subscribes to (``proxyOpen``: no name is documented)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes a contact, and what else is known about it."""

    actor: Actor
    key_name: str = ""
    """Name of the API key a call or import came with; ``""`` when it did not come by the API."""
    campaign_id: int = 0
    ip: str = ""
    reason: str = ""
    by_import: bool = False
    """A row of an import did it, whoever started that."""


class Notices(Protocol):
    """Takes notice of what happened, in the order it happened."""

    def tell(
        self,
        kind: NoticeKind,
        contact: Contact,
        *,
        by_key_name: str,
        at: int,
        cause: Cause,
        list_ids: tuple[int, ...] = (),
        content: Mapping[str, Any] | None = None,
        url: str = "",
    ) -> None:
        """``at`` is in milliseconds; ``list_ids`` the lists of an addition, of an unsubscription
        from single lists, or those a deleted contact was on; ``content`` what an update changed, by
        attribute name. The contact is as it is after the change, or as it was when deleted."""
        ...

    def call_back(self, url: str, *, body: Mapping[str, Any]) -> None:
        """A process with a ``notifyUrl`` is done."""
        ...


class Nobody:
    """Tells nobody anything."""

    def tell(
        self,
        kind: NoticeKind,
        contact: Contact,
        *,
        by_key_name: str,
        at: int,
        cause: Cause,
        list_ids: tuple[int, ...] = (),
        content: Mapping[str, Any] | None = None,
        url: str = "",
    ) -> None:
        """Keep it."""

    def call_back(self, url: str, *, body: Mapping[str, Any]) -> None:
        """Call nobody."""
