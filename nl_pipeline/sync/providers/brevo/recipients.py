"""Who got a campaign, and what they did with it: files that Brevo writes, read as keys.

Belongs here: asking for the files of a campaign together, and the addresses in them. Must not be
here: which row stands for which event (``past_events``).

The columns of these files are documented nowhere, so the addresses are taken from them and one
thing more: where a file of all recipients has a column about the delivery and it is empty, the mail
did not arrive. Each file costs a call and all of them together a few looks, of a hundred an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.brevo.campaigns import RecipientsType
from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline.domain.address import address_key

_DELIVERED = "deliver"


def recipients_of(
    client: BrevoClient, wanted: Collection[tuple[int, RecipientsType]]
) -> dict[tuple[int, RecipientsType], list[str]]:
    """The keys of recipients by campaign and kind of file; a campaign that is gone has nobody.

    Raises Retryable where a file was not made, and OperatorNeeded where one names nobody we could
    recognise.
    """
    processes: dict[int, tuple[int, RecipientsType]] = {}
    for campaign_id, kind in wanted:
        process_id = client.campaigns.export_recipients(campaign_id, recipients=kind)
        if process_id is not None:
            processes[process_id] = (campaign_id, kind)
    over = client.await_processes(list(processes))
    found: dict[tuple[int, RecipientsType], list[str]] = {name: [] for name in wanted}
    for process_id, name in processes.items():
        process = over.get(process_id)
        if process is None or process.status != "completed":
            raise Retryable(
                f"the file of recipients ({name[1]}) of campaign {name[0]} was not made",
                system="brevo",
                code="no-file",
                what_next="what was found is stored; start the recovery again",
            )
        rows = client.rows_of(process)
        keys = [_key(row) for row in rows]
        if rows and not any(keys):
            raise OperatorNeeded(
                f"no address was recognised in the file of recipients of campaign {name[0]}",
                system="brevo",
                code="unknown_file",
                what_next="report it with the names of the file's columns",
            )
        told: Iterable[tuple[Mapping[str, str], str | None]] = zip(rows, keys, strict=True)
        if name[1] == "all":
            told = ((row, key) for row, key in told if not _is_under_way(row))
        found[name] = list(dict.fromkeys(key for _, key in told if key is not None))
    return found


def _key(row: Mapping[str, str]) -> str | None:
    """The first value of a row that is an address."""
    return next((key for value in row.values() if (key := address_key(value))), None)


def _is_under_way(row: Mapping[str, str]) -> bool:
    """Whether the file says of deliveries and of none in this row."""
    return any(_DELIVERED in name.lower() and not value.strip() for name, value in row.items())
