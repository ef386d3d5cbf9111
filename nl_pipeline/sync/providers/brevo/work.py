"""What changes of contacts cost at Brevo in a form that keeps every opt-out.

Belongs here: which changes can share a call. Must not be here: sending them (``writing``).

- Removals from the list go 150 a call; a cancellation blocklists and takes off the list in one call
  of its own.
- Subscriptions go in imports as large as Brevo takes them. Updates do not: an import carries a
  list, which would put whoever was taken off it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nl_pipeline.domain.least_calls import ProviderWork
from nl_pipeline.sync.providers.brevo.writing import is_for_good
from nl_pipeline.warehouse.outcomes import Pending


def work_of(pending: Sequence[Pending]) -> ProviderWork:
    """What it takes to send these changes."""
    actions = Counter(p.change.action for p in pending)
    for_good = sum(p.change.action == "unsubscribe" and is_for_good(p) for p in pending)
    return ProviderWork()
