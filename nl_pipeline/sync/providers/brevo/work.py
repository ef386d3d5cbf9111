"""What changes of contacts cost at Brevo in a form that keeps every opt-out.

Belongs here: which changes can share a call. Must not be here: sending them (``writing``).

- Removals from the list go 150 a call; a cancellation blocklists and takes off the list in one call
  of its own.
- Subscriptions go in imports as large as Brevo takes them. Updates do not: an import carries a
  list, which would put whoever was taken off it back.
- A change of address is read before and after, and an opt-out is written once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from nl_pipeline.clients.brevo import BrevoClient, ImportRow
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.least_calls import ProviderWork
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.refusals import attributes_of
from nl_pipeline.sync.providers.brevo.writing import is_for_good
from nl_pipeline.sync.providers.results import values_of
from nl_pipeline.warehouse.outcomes import Pending

#: Reading, writing, reading again.
_CALLS_OF_AN_ADDRESS = 3
#: An id of a list, for the size of an import: what stands around its rows.
_SOME_LIST = 1


class Work:
    """Counts what is to be done; ``fields`` are those that are synced."""

    def __init__(
        self, client: BrevoClient, *, fields: tuple[ProfileField, ...], names: AttributeNames
    ) -> None:
        self._client = client
        self._fields = fields
        self._names = names

    def work_of(self, pending: Sequence[Pending]) -> ProviderWork:
        """What it takes to send these changes."""
        single = removed = 0
        rows: list[ImportRow] = []
        for item in pending:
            match item.change.action:
                case "subscribe" | "resubscribe":
                    rows.append(self._row(item))
                case "archive":
                    removed += 1
                case "unsubscribe":
                    single += is_for_good(item)
                    removed += not is_for_good(item)
                case "change_address":
                    single += _CALLS_OF_AN_ADDRESS
                case "update_member" | "confirm":
                    single += 1
        size = self._client.import_size(_SOME_LIST, rows) if rows else 0
        return ProviderWork(
            single=(single,) if single else (),
            bulk=(removed,) if removed else (),
            imports=(size,) if size else (),
        )

    def _row(self, item: Pending) -> ImportRow:
        values = values_of(item.change.after, fields=self._fields)
        return ImportRow(
            item.change.after["email"], attributes_of(values, names=self._names.names())
        )
