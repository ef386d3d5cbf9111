"""Who leaves while an import is under way.

Belongs here: looking for opt-outs of the people in an import. Must not be here: imports
(``importing``), why somebody is blocklisted (``reasons``).

An import takes half an hour at times, and Brevo tells of nothing that happens to its people
meanwhile. What it does to an opt-out of that time is documented nowhere. So opt-outs are looked for
as long as it lasts, and count whatever the import makes of them: one that it lifted is written
again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from nl_pipeline.clients.brevo import Block, BrevoClient, Contact
from nl_pipeline.clients.brevo.times import moment_of
from nl_pipeline.clients.errors import Retryable
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.states import ProviderState
from nl_pipeline.sync.providers.brevo.columns import BLOCKLISTED, state_of
from nl_pipeline.sync.providers.brevo.reading import OVERLAP
from nl_pipeline.sync.providers.brevo.reasons import Reasons

#: Causes of refusals (``domain.refusals``): the first is evidence of an opt-out.
LEFT, BOUNCED = "unsubscribed", "cleaned"


class Watch:
    """Looks for opt-outs of people, by key, from ``since`` on; ``found`` are causes by key."""

    def __init__(
        self,
        client: BrevoClient,
        *,
        reasons: Reasons,
        list_id: int,
        keys: Collection[str],
        since: datetime | None,
    ) -> None:
        self._client = client
        self._reasons = reasons
        self._list_id = list_id
        self._keys = frozenset(keys)
        self._since = since
        self.found: dict[str, str] = {}
        self._left: set[int] = set()

    def look(self) -> None:
        """Look at what changed since the last look. One that fails is made up for by the next."""
        if self._since is None:
            return
        try:
            pages = self._client.contacts(modified_since=self._since - OVERLAP, attribute_names=())
            for page in pages:
                for contact in page.contacts:
                    self._take(contact)
        except Retryable:
            return
        self._since = pages.served_at or self._since

    def _take(self, contact: Contact) -> None:
        key = address_key(contact.email or "")
        state, status, by = state_of(contact, list_id=self._list_id)
        if key not in self._keys or key in self.found or state != ProviderState.UNSUB:
            return
        assert key is not None
        # Before the reason is asked for, which may fail.
        self.found[key] = LEFT
        self._left.add(contact.id)
        if status == BLOCKLISTED and by is None:
            changed_at = moment_of(contact.modified_at)
            reason = self._reasons.of(contact.id, changed_at=changed_at)
            if reason is not None and reason.state == ProviderState.CLEANED:
                self.found[key] = BOUNCED
                self._left.discard(contact.id)

    def assert_again(self) -> None:
        """Blocklist whoever left and does not look like it any more. What fails here is planned
        anew, over the ledger that knows of the opt-out."""
        lifted = []
        for contact_id in sorted(self._left):
            details = self._client.contact(contact_id)
            if details is not None:
                state, _, _ = state_of(details.contact, list_id=self._list_id)
                lifted += [contact_id] if state != ProviderState.UNSUB else []
        self._client.run([Block(i, reference=str(i), list_id=self._list_id) for i in lifted])
