"""Who is told of what happens: from a change to the webhooks that asked for it.

Belongs here: which webhook wants an event, what an import keeps from being told, and the record the
history export reads. Does not belong here: wording (``payloads``) and delivery (``sender``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nl_pipeline.sandbox.brevo import payloads
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.history import KEPT
from nl_pipeline.sandbox.brevo.notices import Cause, NoticeKind
from nl_pipeline.sandbox.brevo.outlets import Told
from nl_pipeline.sandbox.brevo.sender import Sender
from nl_pipeline.sandbox.brevo.state import Contact, Said


@dataclass(slots=True)
class Teller:
    """Tells the marketing webhooks of one account."""

    account: Account
    sender: Sender
    key: str
    """What payloads of contact changes carry as ``key``; opaque, the same in all of them."""

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
        """Tell every webhook that asked for it; see :class:`Notices`."""
        # A proxy's opening has no name to ask for.
        wanted = "opened" if kind == "proxyOpen" else kind
        listening = [
            webhook
            for webhook in self.account.webhooks.values()
            if webhook.type == "marketing"
            and webhook.channel == "email"
            and wanted in webhook.events
        ]
        if not listening or self._is_lost(kind, cause=cause):
            return
        switches = self.account.switches
        if kind in payloads.OF_CONTACTS:
            attributes = content if switches.content_extent == "changes" else _all_of(contact)
            said = payloads.of_contact(
                kind,
                email=contact.email,
                at=at,
                key=self.key,
                switches=switches,
                api_key_name=by_key_name,
                list_ids=list_ids,
                attributes=attributes,
            )
        else:
            campaign = self.account.campaigns.get(cause.campaign_id)
            if not list_ids and switches.unsubscribed_lists == "named":
                list_ids = tuple(contact.list_ids) if campaign is None else campaign.list_ids
            said = payloads.of_mail(
                kind,
                email=contact.email,
                campaign=campaign,
                at=at,
                switches=switches,
                url=url,
                reason=cause.reason,
                list_ids=list_ids,
            )
        ids = tuple(webhook.id for webhook in listening)
        history = self.account.said
        history.append(Said(at, kind, contact.email, ids, said))
        while history[0].at < at - KEPT:
            history.popleft()
        told = Told(kind, said)
        for webhook in listening:
            self.sender.announce(webhook, told)

    def call_back(self, url: str, *, body: Mapping[str, Any]) -> None:
        """Tell that a process is done."""
        self.sender.call_back(url, told=Told("process", dict(body)))

    def _is_lost(self, kind: NoticeKind, *, cause: Cause) -> bool:
        switches = self.account.switches
        loses = (
            switches.import_loses_notices
            if kind in payloads.OF_CONTACTS
            else switches.import_loses_mail_notices
        )
        return loses and (cause.by_import or self.account.import_is_running)


def _all_of(contact: Contact) -> dict[str, Any]:
    return {"EMAIL": contact.email, **contact.attributes}
