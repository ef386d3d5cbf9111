"""The two webhooks of a connection at Brevo: changes of contacts, and what became of mails.

Belongs here: what each of them tells, and their token. Must not be here: comparing and mending them
(``sync.webhook_watch``).

- Two, because one must never wait for the other: a campaign brings hundreds of thousands of
  openings, and an opt-out between them counts at once. What became of mails is asked for as far as
  it becomes an activity and not at all otherwise; it is nobody's business else.
- Neither collects events into batches. How those are wrapped is documented nowhere, and one answer
  that goes wrong would discard 500 events for good (facts 5.4).
- Brevo signs nothing. Each request carries a token of ours, besides the secret in the URL.
- Webhooks belong to the account, not to a list, and it takes 40 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from nl_pipeline.clients.brevo import BrevoClient, Webhook
from nl_pipeline.clients.brevo.webhooks import EVENTS
from nl_pipeline.clients.errors import OperatorNeeded, Permanent
from nl_pipeline.domain.events import EventKind
from nl_pipeline.sync.providers.port import MadeHook, SeenHook, WantedHook

_CHANGES = frozenset(
    {"unsubscribed", "spam", "hardBounce", "listAddition", "contactUpdated", "contactDeleted"}
)
_OF_MAILS: Mapping[EventKind, str] = {
    EventKind.DELIVERED: "delivered",
    EventKind.OPEN: "opened",
    EventKind.CLICK: "click",
}
#: Webhooks of an account at most, those of transactional mails among them (facts 5.1).
_MOST = 40
_DESCRIPTION = "onOffice newsletter: {origin}"


class WebhookSetUp:
    """The webhooks of one account; the methods are those of ``ProviderHooks``.

    ``booked``: which events of mails become activities.
    """

    provider = "brevo"
    #: What is carried out as an import, while which no change of a contact is told.
    lost_during = frozenset({"subscribe", "resubscribe"})

    def __init__(self, client: BrevoClient, *, booked: Collection[EventKind]) -> None:
        self._client = client
        self._of_mails = frozenset(told for kind, told in _OF_MAILS.items() if kind in booked)

    def wanted(
        self, *, url_of: Callable[[str], str], token_of: Callable[[str], str]
    ) -> tuple[WantedHook, ...]:
        return tuple(
            WantedHook(
                origin=origin,
                url=url_of(origin),
                events=events,
                sources=frozenset(),
                token=token_of(origin),
            )
            for origin, events in (("changes", _CHANGES), ("mails", self._of_mails))
        )

    def all(self, audience_id: str) -> list[SeenHook]:
        return [_seen(webhook) for webhook in self._client.webhooks.all()]

    def check_reached(self, wanted: WantedHook) -> None:
        self._client.webhooks.check_reached(wanted.url)

    def create(self, audience_id: str, *, wanted: WantedHook) -> MadeHook:
        # Brevo creates a webhook whose URL nobody answers, and would discard all it tells.
        self._client.webhooks.check_reached(wanted.url)
        try:
            made = self._client.webhooks.create(
                url=wanted.url,
                events=wanted.events,
                token=wanted.token,
                description=_DESCRIPTION.format(origin=wanted.origin),
            )
        except Permanent as refused:
            # In which words Brevo says so is documented nowhere; 39 of ours would be a wonder.
            raise OperatorNeeded(
                f"Brevo refused to create the webhook for {wanted.origin}",
                system="brevo",
                code="webhook_refused",
                status=refused.status,
                what_next=f"an account has {_MOST} webhooks at most, those of transactional mails"
                " among them, and a URL may stand in one only: delete what is not needed any more"
                " at Brevo, and run `nl-pipeline webhooks --repair` again",
            ) from refused
        return MadeHook(_seen(made), "")

    def change(self, audience_id: str, *, hook_id: str, wanted: WantedHook) -> None:
        self._client.webhooks.change(
            int(hook_id),
            url=wanted.url,
            events=wanted.events,
            token=wanted.token,
            description=_DESCRIPTION.format(origin=wanted.origin),
        )

    def delete(self, audience_id: str, *, hook_id: str) -> None:
        self._client.webhooks.delete(int(hook_id))


def _seen(webhook: Webhook) -> SeenHook:
    """A webhook with the events that we know."""
    return SeenHook(
        str(webhook.id),
        webhook.url,
        webhook.events & set(EVENTS),
        frozenset(),
        signed=False,
        token=webhook.token,
        collects=webhook.is_batched,
    )
