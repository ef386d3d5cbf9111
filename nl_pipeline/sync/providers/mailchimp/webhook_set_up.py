"""The two webhooks of an audience: one tells what people do, one what staff does.

Belongs here: which flags they have at Mailchimp. Must not be here: comparing and mending them
(``sync.webhook_watch``).

A webhook does not say who caused what it tells, so there is one for each; and none for API clients,
or our own writes would come back as news. Campaigns have no source: every webhook with that flag
would tell each of them (Mailchimp's old guide to webhooks). Addresses that bounce are cleaned by
Mailchimp itself; which source that counts as is documented nowhere, so both webhooks ask for it.
"""

from __future__ import annotations

from collections.abc import Callable

from nl_pipeline.clients.mailchimp import MailchimpClient, Webhook
from nl_pipeline.clients.mailchimp.webhooks import EVENTS, SOURCES
from nl_pipeline.sync.providers.port import MadeHook, SeenHook, WantedHook

_CONSENT = frozenset({"subscribe", "unsubscribe", "profile", "cleaned", "upemail"})
_SOURCES = {"person": "user", "staff": "admin"}


class WebhookSetUp:
    """The webhooks of one account's audiences; the methods are those of ``ProviderHooks``."""

    provider = "mailchimp"
    lost_during: frozenset[str] = frozenset()

    def __init__(self, client: MailchimpClient) -> None:
        self._client = client

    def wanted(
        self, *, url_of: Callable[[str], str], token_of: Callable[[str], str]
    ) -> tuple[WantedHook, ...]:
        """Without tokens: Mailchimp signs, with a secret of its own."""
        return tuple(
            WantedHook(
                origin=origin,
                url=url_of(origin),
                events=_CONSENT | ({"campaign"} if origin == "person" else set()),
                sources=frozenset({source}),
            )
            for origin, source in _SOURCES.items()
        )

    def all(self, audience_id: str) -> list[SeenHook]:
        return [_seen(webhook) for webhook in self._client.webhooks.all(audience_id)]

    def check_reached(self, wanted: WantedHook) -> None:
        self._client.webhooks.check_reached(wanted.url)

    def create(self, audience_id: str, *, wanted: WantedHook) -> MadeHook:
        made = self._client.webhooks.create(
            audience_id, url=wanted.url, events=wanted.events, sources=wanted.sources
        )
        return MadeHook(_seen(made.webhook), made.signing_secret)

    def change(self, audience_id: str, *, hook_id: str, wanted: WantedHook) -> None:
        self._client.webhooks.change(
            audience_id, hook_id, url=wanted.url, events=wanted.events, sources=wanted.sources
        )

    def delete(self, audience_id: str, *, hook_id: str) -> None:
        self._client.webhooks.delete(audience_id, hook_id)


def _seen(webhook: Webhook) -> SeenHook:
    """A webhook with the flags that we know: newer ones (text messages) are none of ours."""
    return SeenHook(
        webhook.id,
        webhook.url,
        webhook.events & set(EVENTS),
        webhook.sources & set(SOURCES),
        webhook.signing_enabled,
    )
