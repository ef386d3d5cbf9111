"""Who got a campaign, and what they did with it: files that Brevo writes, read as keys.

Belongs here: asking for the files of a campaign together, and the addresses in them. Must not be
here: which row stands for which event (``past_events``).

The columns of these files are documented nowhere, so nothing but the addresses is taken from them.
Each file costs a call and all of them together a few looks, of a hundred an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nl_pipeline.clients.brevo import BrevoClient
from nl_pipeline.clients.brevo.campaigns import RecipientsType
from nl_pipeline.clients.errors import OperatorNeeded, Retryable
from nl_pipeline.domain.address import address_key


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
        found[name] = _keys(rows)
        if rows and not found[name]:
            raise OperatorNeeded(
                f"no address was recognised in the file of recipients of campaign {name[0]}",
                system="brevo",
                code="unknown_file",
                what_next="report it with the names of the file's columns",
            )
    return found


def _keys(rows: Collection[Mapping[str, str]]) -> list[str]:
    """The address of each row: its first value that is one."""
    keys = []
    for row in rows:
        key = next((key for value in row.values() if (key := address_key(value))), None)
        if key is not None:
            keys.append(key)
    return list(dict.fromkeys(keys))
