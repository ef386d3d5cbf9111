"""The Brevo client: reads and writes of one account as typed calls.

Belongs here: one method per thing a sync asks of Brevo. Does not belong here: retries, limits,
paging, imports (their own modules), the decision what to ask.

Reads raise on failure. Writes of contacts never raise for what Brevo answers: each address or
operation gets its own outcome, so that what was done before a failure is not lost. No method
deletes a contact or lifts a blocklisting.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from nl_pipeline.clients.brevo import exports, imports, lists, processes, removal, writing
from nl_pipeline.clients.brevo.attributes import Attributes
from nl_pipeline.clients.brevo.campaigns import Campaigns
from nl_pipeline.clients.brevo.contacts import Contacts
from nl_pipeline.clients.brevo.custom_events import CustomEvents
from nl_pipeline.clients.brevo.exports import Selection
from nl_pipeline.clients.brevo.limits import Limiter, Limits
from nl_pipeline.clients.brevo.models import (
    Account,
    Attribute,
    Budget,
    ContactDetails,
    ContactList,
    Folder,
    ImportOutcome,
    ImportRow,
    OperationOutcome,
    Process,
    Refusal,
    RemovalOutcome,
)
from nl_pipeline.clients.brevo.operations import Operation
from nl_pipeline.clients.brevo.paging import LARGEST_PAGE, ContactPages
from nl_pipeline.clients.brevo.problems import SYSTEM
from nl_pipeline.clients.brevo.session import API, Session
from nl_pipeline.clients.brevo.statistics import ContactStatistics
from nl_pipeline.clients.brevo.times import query_time
from nl_pipeline.clients.brevo.webhooks import Webhooks
from nl_pipeline.clients.http import Transport, connections
from nl_pipeline.domain.least_calls import ProviderLimits


class BrevoClient:
    """One API key. `base_url` None is Brevo itself.

    `calls` counts HTTP requests by "METHOD template", repeats included. At most `max_connections`
    requests are open at a time, and `limits` are kept ahead of time. An import carries at most
    `import_bytes`. `sleep` and `ticks` belong together.

    `webhooks`, `campaigns` and `custom_events` are the calls of those resources.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None = None,
        limits: Limits | None = None,
        max_connections: int = 4,
        page_size: int = LARGEST_PAGE,
        import_bytes: int = imports.LARGEST_IMPORT,
        timeout_seconds: float = 60.0,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 1 <= page_size <= LARGEST_PAGE:
            raise ValueError(f"page_size must be 1 to {LARGEST_PAGE}, got {page_size}")
        if not 1 <= import_bytes <= imports.LARGEST_IMPORT:
            raise ValueError(
                f"import_bytes must be 1 to {imports.LARGEST_IMPORT}, got {import_bytes}"
            )
        root = base_url or API
        http = http or connections(root, timeout_seconds=timeout_seconds, most=max_connections)
        self._limiter = Limiter(limits or Limits(), ticks=ticks, sleep=sleep)
        self._session = Session(
            root=root,
            api_key=api_key,
            http=http,
            transport=Transport(system=SYSTEM, http=http, sleep=sleep),
            limiter=self._limiter,
        )
        self._pool = ThreadPoolExecutor(max_connections, thread_name_prefix="brevo")
        self._window = 2 * max_connections
        self._page_size = page_size
        self._import_bytes = import_bytes
        self._sleep = sleep
        self._account: Account | None = None
        self._attributes = Attributes(self._session)
        self._contacts = Contacts(self._session)
        self._writer = writing.Writer(
            self._session, contacts=self._contacts, attributes=self._attributes, sleep=sleep
        )
        self.calls: Counter[str] = self._session.calls
        self.webhooks = Webhooks(self._session)
        self.custom_events = CustomEvents(self._session)
        self.campaigns = Campaigns(self._session)

    def now(self) -> datetime | None:
        """Return the time at Brevo by its last answer (aware UTC), None before one."""
        return self._session.server_time.now()

    def budget(self) -> Budget:
        """Return what is left of the calls an hour that all but contacts share."""
        left, limit, seconds = self._limiter.left("other")
        now = self.now()
        renewed_at = None if now is None else now + timedelta(seconds=seconds)
        return Budget(left=left, limit=limit, renewed_at=renewed_at)

    def account(self) -> Account:
        """Return the account: the test of a connection. Asked for once, as such calls are few."""
        if self._account is None:
            self._account = lists.account(self._session)
        return self._account

    def contacts(
        self,
        *,
        modified_since: datetime | None = None,
        attribute_names: Sequence[str] | None = None,
    ) -> ContactPages:
        """Return the pages of all contacts of the account; nothing is read before iterating.

        All of them, whatever list they are on: an opt-out may sit on a contact that is on none.
        `modified_since` is inclusive, and has milliseconds. With `attribute_names` contacts carry
        these attributes only.
        """
        params = {} if modified_since is None else {"modifiedSince": query_time(modified_since)}
        return ContactPages(
            self._session,
            pool=self._pool,
            params=params,
            page_size=self._page_size,
            window=self._window,
            attribute_names=attribute_names,
        )

    def contact(self, contact_id: int) -> ContactDetails | None:
        """Return one contact by its id; None when there is none."""
        return self._contacts.by_id(contact_id)

    def contact_of(self, email: str) -> ContactDetails | None:
        """Return one contact by its address; None when there is none, or Brevo takes it for no
        address."""
        return self._contacts.by_email(email)

    def statistics(
        self, contact_id: int, *, since: datetime | None = None, until: datetime | None = None
    ) -> ContactStatistics | None:
        """Return what happened to a contact in the last 90 days, or since then in windows of 90
        days, or from `since` to `until` (90 days at most); None when there is no such contact."""
        return self._contacts.statistics(contact_id, since=since, until=until)

    def attributes(self) -> tuple[Attribute, ...]:
        """Return all attributes of the account, anew."""
        return self._attributes.all()

    def create_attribute(self, name: str, *, type: str = "text") -> None:
        """Create a `normal` attribute; one that exists with this type already is no error."""
        self._attributes.create(name, type_=type)

    def lists(self) -> tuple[ContactList, ...]:
        """Return all lists of the account."""
        return lists.all_lists(self._session)

    def list_by_id(self, list_id: int) -> ContactList | None:
        """Return one list; None when there is none."""
        return lists.list_by_id(self._session, list_id=list_id)

    def create_list(self, name: str, *, folder_id: int) -> ContactList:
        """Create a list in a folder. After a lost answer it is looked up by its name."""
        return lists.create_list(self._session, name=name, folder_id=folder_id)

    def folders(self) -> tuple[Folder, ...]:
        """Return all folders of lists."""
        return lists.all_folders(self._session)

    def create_folder(self, name: str) -> Folder:
        """Create a folder. After a lost answer it is looked up by its name."""
        return lists.create_folder(self._session, name=name)

    def import_contacts(
        self,
        list_id: int,
        rows: Sequence[ImportRow],
        *,
        withheld: Callable[[Sequence[str]], Collection[str]] | None = None,
    ) -> ImportOutcome:
        """Put contacts on a list in as few imports as their bytes need; existing ones are updated.

        Blocklistings and opt-outs stay as they are. `withheld` is asked right before each request,
        repeats included, which of these addresses must not be sent after all. Never repeated after
        a lost answer. Brevo carries imports out later: await `process_ids`, then read back.
        Beware: an import creates whoever was deleted.
        """
        return imports.import_contacts(
            self._session,
            list_id=list_id,
            rows=rows,
            attributes=self._attributes,
            most_bytes=self._import_bytes,
            withheld=withheld,
        )

    def import_size(self, list_id: int, rows: Iterable[ImportRow]) -> int:
        """Return the bytes these rows would take in one import, for `least_calls`."""
        return imports.size(list_id, rows)

    def import_refusals(self, process: Process) -> list[Refusal]:
        """Return which rows an import reports it did not take, as far as it tells; the reports'
        columns are documented nowhere."""
        return exports.refusals(self._session, process)

    def process(self, process_id: int) -> Process | None:
        """Return a process; None when Brevo does not know it."""
        return processes.process(self._session, process_id=process_id)

    def await_processes(
        self,
        process_ids: Collection[int],
        *,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[int, Process]:
        """Wait until these processes are over and return them; one that Brevo does not know, or
        that is not over after the client's patience, is missing.

        `on_progress` gets the number over and the number of all, after every look, and may raise.
        """
        return processes.await_over(
            self._session, process_ids, sleep=self._sleep, on_progress=on_progress
        )

    def settle(
        self,
        process_ids: Collection[int] | None = None,
        *,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Wait for processes of an earlier run that are still under way; returns how many were.

        None: for every import of the account that is under way.
        """
        if process_ids is None:
            running: Collection[int] = processes.running_imports(self._session)
        else:
            looks = [processes.process(self._session, process_id=i) for i in process_ids]
            running = [found.id for found in looks if found is not None and not found.is_over]
        self.await_processes(running, on_progress=on_progress)
        return len(running)

    def remove_from_list(self, list_id: int, contact_ids: Sequence[int]) -> list[RemovalOutcome]:
        """Take contacts off a list, 150 a call; one outcome each, in the same order.

        Whoever is not on it (any more) is done: that is looked up, not believed.
        """
        return removal.remove(
            self._session, contacts=self._contacts, list_id=list_id, contact_ids=contact_ids
        )

    def run(
        self,
        operations: Sequence[Operation],
        *,
        on_progress: Callable[[int, int], None] | None = None,
        withheld: Callable[[Sequence[Operation]], Collection[str]] | None = None,
    ) -> list[OperationOutcome]:
        """Carry out writes of single contacts; one outcome each, in the same order.

        `withheld` is asked right before each request, repeats included and from several threads,
        which of these operations (by reference) must not be sent after all: their error is
        `Withheld`. After a failure that concerns the whole account nothing more is sent.
        """
        return self._writer.run(
            operations, pool=self._pool, on_progress=on_progress, withheld=withheld
        )

    def export_contacts(
        self, *, list_id: int, selection: Selection, attribute_names: Sequence[str] = ()
    ) -> int:
        """Have Brevo write a file of contacts of a list; returns the process to wait for.

        `unsubscribed` are the blocklisted ones, `unsubscribedPerList` those who left this list.
        """
        return exports.export_contacts(
            self._session, list_id=list_id, selection=selection, attribute_names=attribute_names
        )

    def rows_of(self, process: Process) -> list[Mapping[str, str]]:
        """Return the rows of the file a completed export made, by column name."""
        return exports.rows_of(self._session, process)

    @property
    def limits(self) -> ProviderLimits:
        """What this client puts into one call at most."""
        return ProviderLimits(
            page_rows=self._page_size,
            rows_per_bulk_call=removal.CHUNK,
            # Nothing takes several changes of single contacts.
            operations_per_batch=1,
            calls_per_batch=1,
            bytes_per_import=self._import_bytes,
        )

    def close(self) -> None:
        """End the threads and close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._session.close()
