"""The Brevo adapter: an account in the words of the warehouse.

Belongs here: the adapter behind the port, put together from set-up, reading, reasons, history,
webhooks and writing.
Must not be here: rules, SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.domain.events import EventKind
from nl_pipeline.domain.fields import Direction, ProfileField
from nl_pipeline.domain.least_calls import ProviderLimits
from nl_pipeline.settings import Brevo
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.history import History
from nl_pipeline.sync.providers.brevo.importing import Progress
from nl_pipeline.sync.providers.brevo.reading import Reading
from nl_pipeline.sync.providers.brevo.reasons import Reasons
from nl_pipeline.sync.providers.brevo.set_up import SetUp
from nl_pipeline.sync.providers.brevo.webhook_set_up import WebhookSetUp
from nl_pipeline.sync.providers.brevo.work import Work
from nl_pipeline.sync.providers.brevo.writing import Writing
from nl_pipeline.sync.providers.port import ProviderTraits
from nl_pipeline.warehouse.observations import Evidence

__all__ = ["BrevoAudience"]


class BrevoAudience:
    """One Brevo account; the methods are those of the port (``AudienceSide``).

    ``progress`` is told while an import is awaited; ``booked`` are the events of mails that become
    activities.
    """

    traits: Final = ProviderTraits(
        shows_pending=False,
        shows_removed=False,
        tells_why=False,
        has_tags=False,
        tells_signups=False,
    )
    #: One import and a part of another, awaited together. With every portion it is waited once
    #: more, and who leaves meanwhile is looked for among everybody whom the last one changed.
    changes_at_once: Final = 100_000
    settings_calls: Final = frozenset(
        {"GET /contacts/lists", "GET /contacts/folders", "GET /contacts/attributes"}
    )

    def __init__(
        self,
        client: BrevoClient,
        *,
        fields: tuple[ProfileField, ...],
        settings: Brevo,
        progress: Progress,
        booked: Collection[EventKind] = (),
    ) -> None:
        synced = tuple(f for f in fields if f.direction is not Direction.OFF)
        self.client = client
        names, reasons = AttributeNames(client, fields=fields), Reasons(client)
        set_up = SetUp(client, names=names, folder=settings.folder)
        reading = self._reading = Reading(client, fields=fields, names=names, reasons=reasons)
        writing = Writing(
            client,
            fields=synced,
            names=names,
            reasons=reasons,
            double_opt_in=settings.double_opt_in,
            progress=progress,
        )
        self.now = client.now
        self.check = set_up.check
        self.prepare = set_up.prepare
        self.read = reading.read
        self.read_again = reading.read_again
        self.why_left = reasons.why_left
        self.push = writing.push
        self.settle = writing.settle
        self.past = History(client)
        self.hooks = WebhookSetUp(client, booked=booked)
        self.work_of = Work(client, fields=synced, names=names).work_of

    @property
    def calls(self) -> Counter[str]:
        return self.client.calls

    @property
    def limits(self) -> ProviderLimits:
        return self.client.limits

    @property
    def passes(self) -> tuple[int, ...]:
        return self._reading.passes

    def complaints(self, audience_id: str) -> list[str]:
        """Nobody: Brevo has no list of complaints, whoever complained is told by ``why_left``."""
        return []

    def look_up_signups(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Brevo tells of nobody who put a contact on a list, so nothing proves an act of theirs."""
        return [
            Evidence(
                "signup",
                key,
                "OTHER",
                None,
                None if changed_at is None else changed_at.replace(tzinfo=UTC),
            )
            for key, _, changed_at in members
        ]

    def look_up_archived(
        self, audience_id: str, members: Sequence[tuple[str, str, datetime | None]]
    ) -> list[Evidence]:
        """Nothing: Brevo archives nobody."""
        return []
