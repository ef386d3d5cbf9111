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
from datetime import datetime

import httpx

from nl_pipeline.clients.brevo import exports, imports, lists, processes, removal, writing
from nl_pipeline.clients.brevo.attributes import Attributes
from nl_pipeline.clients.brevo.campaigns import Campaigns
from nl_pipeline.clients.brevo.contacts import Contacts
from nl_pipeline.clients.brevo.exports import Selection
from nl_pipeline.clients.brevo.limits import Limiter, Limits
from nl_pipeline.clients.brevo.models import (
    Account,
    Attribute,
    Budget,
    Contact,
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
from nl_pipeline.clients.brevo.webhooks import Webhooks
from nl_pipeline.clients.http import Transport, connections
from nl_pipeline.domain.least_calls import ProviderLimits


class BrevoClient:
    """One API key. `base_url` None is Brevo itself.

    `calls` counts HTTP requests by "METHOD template", repeats included. At most `max_connections`
    requests are open at a time, and `limits` are kept ahead of time. An import carries at most
    `import_bytes`. `sleep` and `ticks` belong together.

    `webhooks` and `campaigns` are the calls of those resources.
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
        self.calls: Counter[str] = self._session.calls
        self.webhooks = Webhooks(self._session)
        self.campaigns = Campaigns(self._session)

    def now(self) -> datetime | None:
        """Return the time at Brevo by its last answer (aware UTC), None before one."""
        return self._session.server_time.now()

    def budget(self) -> Budget:
        """Return what is left of the calls an hour that all but contacts share."""

    def account(self) -> Account:
        """Return the account: the test of a connection. Asked for once, as such calls are few."""

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

    def contact(self, contact_id: int) -> ContactDetails | None:
        """Return one contact by its id; None when there is none."""

    def contact_of(self, email: str) -> ContactDetails | None:
        """Return one contact by its address; None when there is none, or Brevo takes it for no
        address."""

    def statistics(
        self, contact_id: int, *, since: datetime | None = None
    ) -> ContactStatistics | None:
        """Return what happened to a contact in the last 90 days, or since then in windows of 90
        days; None when there is no such contact."""

    def attributes(self) -> tuple[Attribute, ...]:
        """Return all attributes of the account, anew."""

    def create_attribute(self, name: str, *, type: str = "text") -> None:
        """Create a `normal` attribute; one that exists with this type already is no error."""

    def lists(self) -> tuple[ContactList, ...]:
        """Return all lists of the account."""

    def list_by_id(self, list_id: int) -> ContactList | None:
        """Return one list; None when there is none."""

    def create_list(self, name: str, *, folder_id: int) -> ContactList:
        """Create a list in a folder. After a lost answer it is looked up by its name."""

    def folders(self) -> tuple[Folder, ...]:
        """Return all folders of lists."""

    def create_folder(self, name: str) -> Folder:
        """Create a folder. After a lost answer it is looked up by its name."""

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

    def import_size(self, list_id: int, rows: Iterable[ImportRow]) -> int:
        """Return the bytes these rows would take in one import, for `least_calls`."""

    def import_refusals(self, process: Process) -> list[Refusal]:
        """Return which rows an import reports it did not take, as far as it tells; the reports'
        columns are documented nowhere."""

    def process(self, process_id: int) -> Process | None:
        """Return a process; None when Brevo does not know it."""

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

    def settle(self, process_ids: Collection[int] | None = None) -> int:
        """Wait for processes of an earlier run that are still under way; returns how many were.

        None: for every import of the account that is under way.
        """

    def remove_from_list(self, list_id: int, contact_ids: Sequence[int]) -> list[RemovalOutcome]:
        """Take contacts off a list, 150 a call; one outcome each, in the same order.

        Whoever is not on it (any more) is done: that is looked up, not believed.
        """

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

    def export_contacts(
        self, *, list_id: int, selection: Selection, attribute_names: Sequence[str] = ()
    ) -> int:
        """Have Brevo write a file of contacts of a list; returns the process to wait for.

        `unsubscribed` are the blocklisted ones, `unsubscribedPerList` those who left this list.
        """

    def rows_of(self, process: Process) -> list[Mapping[str, str]]:
        """Return the rows of the file a completed export made, by column name."""

    @property
    def limits(self) -> ProviderLimits:
        """What this client puts into one call at most."""

    def close(self) -> None:
        """End the threads and close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._session.close()
