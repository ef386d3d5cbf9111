"""The Mailchimp adapter: an account in the words of the warehouse.

Belongs here: the adapter behind the port, put together from set-up, reading, look-ups, history,
webhooks and writing.
Must not be here: rules, SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from nl_pipeline.clients.mailchimp import MailchimpClient
from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.least_calls import ProviderLimits
from nl_pipeline.sync.providers.mailchimp.history import History
from nl_pipeline.sync.providers.mailchimp.look_ups import LookUps
from nl_pipeline.sync.providers.mailchimp.reading import Reading
from nl_pipeline.sync.providers.mailchimp.set_up import SetUp
from nl_pipeline.sync.providers.mailchimp.webhook_set_up import WebhookSetUp
from nl_pipeline.sync.providers.mailchimp.work import work_of
from nl_pipeline.sync.providers.mailchimp.writing import Writing
from nl_pipeline.sync.providers.port import ProviderTraits
from nl_pipeline.warehouse.reasons import WhyLeft

__all__ = ["MailchimpAudience"]


class MailchimpAudience:
    """One Mailchimp account; the methods are those of the port (``AudienceSide``)."""

    settings_calls: Final = frozenset(
        {
            "GET /lists",
            "GET /lists/{list_id}/merge-fields",
            "GET /lists/{list_id}/abuse-reports",
            "GET /lists/{list_id}/tag-search",
        }
    )

    traits: Final = ProviderTraits(
        shows_pending=True, shows_removed=True, tells_why=True, has_tags=True
    )

    changes_at_once: Final = None

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        synced = tuple(f for f in fields if f.direction is not Direction.OFF)
        self.client = client
        set_up, look_ups = SetUp(client, fields=synced), LookUps(client)
        reading = self._reading = Reading(client, fields=fields)
        self.now = client.now
        self.check = set_up.check
        self.prepare = set_up.prepare
        self.read = reading.read
        self.read_again = reading.read_again
        self.complaints = reading.complaints
        self.look_up_signups = look_ups.look_up_signups
        self.look_up_archived = look_ups.look_up_archived
        self.past = History(client)
        self.hooks = WebhookSetUp(client)
        writing = Writing(client, fields=synced)
        self.push = writing.push
        self.settle = writing.settle
        self.work_of = work_of

    def why_left(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> Iterator[Sequence[WhyLeft]]:
        """Nothing to ask: every member's own status and the abuse reports tell."""
        return iter(())

    @property
    def calls(self) -> Counter[str]:
        return self.client.calls

    @property
    def limits(self) -> ProviderLimits:
        return self.client.limits

    @property
    def passes(self) -> tuple[int, ...]:
        return self._reading.passes
