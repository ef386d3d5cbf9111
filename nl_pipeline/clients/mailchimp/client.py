"""The Mailchimp client: reads and writes of one account as typed calls.

Belongs here: one method per thing a sync asks of Mailchimp. Does not belong here: retries, paging,
batches (their own modules), the decision what to ask.

Reads raise on failure. Writes of members never raise for what Mailchimp answers: each address or
operation gets its own outcome, so that what was done before a failure is not lost.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import msgspec

from nl_pipeline.clients.http import Transport, connections
from nl_pipeline.clients.mailchimp import audiences, batches, bulk, feeds
from nl_pipeline.clients.mailchimp.campaigns import Campaigns
from nl_pipeline.clients.mailchimp.journeys import Journeys
from nl_pipeline.clients.mailchimp.models import (
    Account,
    AddOutcome,
    Audience,
    AudienceDetails,
    AudienceList,
    FeedItem,
    Member,
    MergeField,
    NewMember,
    OperationOutcome,
    SegmentOutcome,
    Tag,
)
from nl_pipeline.clients.mailchimp.operations import Operation
from nl_pipeline.clients.mailchimp.paging import LARGEST_PAGE, MemberPages, collect, member_fields
from nl_pipeline.clients.mailchimp.problems import SYSTEM, MemberAbsent
from nl_pipeline.clients.mailchimp.reports import Reports
from nl_pipeline.clients.mailchimp.session import Path, Session, api_root
from nl_pipeline.clients.mailchimp.times import query_time
from nl_pipeline.clients.mailchimp.webhooks import Webhooks
from nl_pipeline.domain.least_calls import ProviderLimits

MOST_CONNECTIONS = 10
"""Simultaneous requests Mailchimp allows one user, over all programs together."""

_MEMBER = "/lists/{list_id}/members/{subscriber_hash}"


class _TagsAnswer(msgspec.Struct, frozen=True):
    tags: list[Tag]
    total_items: int


class MailchimpClient:
    """One API key. `base_url` None takes the data centre from the key.

    `calls` counts HTTP requests by "METHOD template", repeats included. At most `max_connections`
    requests are open at a time. `timeout_seconds` is above Mailchimp's own 120. From
    `batch_threshold` operations on a batch is used: it costs three calls at least, and in practice
    some more while it is waited for. Feeds are read in batches from `feed_batch_threshold` on: a
    plan waits for them, and a hundred single reads are faster than a batch.

    `webhooks`, `campaigns`, `reports` and `journeys` are the calls of those resources.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str,
        max_connections: int = 8,
        page_size: int = LARGEST_PAGE,
        batch_threshold: int = 10,
        feed_batch_threshold: int = 100,
        timeout_seconds: float = 130.0,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 1 <= max_connections <= MOST_CONNECTIONS:
            raise ValueError(
                f"max_connections must be 1 to {MOST_CONNECTIONS}, got {max_connections}"
            )
        if not 1 <= page_size <= LARGEST_PAGE:
            raise ValueError(f"page_size must be 1 to {LARGEST_PAGE}, got {page_size}")
        root = api_root(base_url, api_key=api_key)
        http = http or connections(root, timeout_seconds=timeout_seconds, most=max_connections)
        transport = Transport(system=SYSTEM, http=http, sleep=sleep)
        self._session = Session(root=root, api_key=api_key, http=http, transport=transport)
        self._pool = ThreadPoolExecutor(max_connections, thread_name_prefix="mailchimp")
        # Twice the connections: while the caller works on a page, no connection waits for it.
        self._window = 2 * max_connections
        self._page_size = page_size
        self._batch_threshold = batch_threshold
        self._feed_batch_threshold = feed_batch_threshold
        self._sleep = sleep
        self.calls: Counter[str] = self._session.calls
        self.webhooks = Webhooks(self._session)
        self.journeys = Journeys(self._session)
        self.campaigns = Campaigns(self._session)
        self.reports = Reports(self._session, pool=self._pool)

    def now(self) -> datetime | None:
        """Return the time at Mailchimp by its last answer (aware UTC), None before one."""
        return self._session.server_time.now()

    def account(self) -> Account:
        """Return the account: the test of a connection."""
        return self._session.get(Path("/"), answer=Account)

    def audiences(self) -> AudienceList:
        """Return all audiences and whether the plan allows another."""
        return audiences.all_audiences(self._session)

    def create_audience(self, *, name: str, details: AudienceDetails) -> Audience:
        """Create an audience. Raises `OperatorNeeded` when the plan allows no further one."""
        return audiences.create_audience(self._session, name=name, details=details)

    def merge_fields(self, audience_id: str) -> list[MergeField]:
        """Return all merge fields of an audience; `EMAIL` is none of them."""
        return audiences.merge_fields(self._session, audience_id=audience_id)

    def create_merge_field(self, audience_id: str, *, tag: str, name: str, type: str) -> MergeField:
        """Create a merge field that is not required and not public."""
        return audiences.create_merge_field(
            self._session, audience_id=audience_id, tag=tag, name=name, type_=type
        )

    def members(
        self,
        audience_id: str,
        *,
        status: str | None = None,
        since_last_changed: datetime | None = None,
        before_last_changed: datetime | None = None,
        merge_tags: Sequence[str] | None = None,
    ) -> MemberPages:
        """Return the pages of members; nothing is read before iterating.

        With `merge_tags` members carry the values of these merge fields only.

        Without `status` archived members may be missing: ask for them by name. The time filters
        have whole seconds, `since` is exclusive: start a few seconds early and expect repeats.
        """
        # A fixed order, so that members who change while pages are read move as little as possible.
        windowed = since_last_changed is not None or before_last_changed is not None
        params: dict[str, str | int] = {
            "fields": member_fields(prefix="members.") + ",total_items",
            "sort_field": "last_changed" if windowed else "timestamp_opt",
            "sort_dir": "ASC",
        }
        if status is not None:
            params["status"] = status
        if since_last_changed is not None:
            params["since_last_changed"] = query_time(since_last_changed)
        if before_last_changed is not None:
            params["before_last_changed"] = query_time(before_last_changed)
        return MemberPages(
            self._session,
            pool=self._pool,
            audience_id=audience_id,
            params=params,
            page_size=self._page_size,
            window=self._window,
            merge_tags=merge_tags,
        )

    def member(self, audience_id: str, member_id: str) -> Member | None:
        """Return one member by id or `contact_id`, archived ones too; None when there is none."""
        try:
            return self._session.get(
                Path(_MEMBER, [audience_id, member_id]),
                answer=Member,
                params={"fields": member_fields(prefix="")},
            )
        except MemberAbsent:
            return None

    def member_tags(self, audience_id: str, member_id: str) -> list[Tag]:
        """Return all tags of a member; a member answer itself carries 50 at most."""
        pages = collect(
            self._session,
            Path(f"{_MEMBER}/tags", [audience_id, member_id]),
            answer=_TagsAnswer,
            rows_of=lambda page: page.tags,
            total_of=lambda page: page.total_items,
        )
        return [tag for page in pages for tag in page.tags]

    def activity_feeds(
        self, audience_id: str, member_ids: Sequence[str], *, filters: Sequence[str]
    ) -> dict[str, list[FeedItem]]:
        """Return the events of several members, of the kinds named in `filters` (all when empty).

        Absent members have no entry.
        """
        return feeds.read_feeds(
            self._session,
            pool=self._pool,
            audience_id=audience_id,
            member_ids=member_ids,
            filters=filters,
            batch_threshold=self._feed_batch_threshold,
            sleep=self._sleep,
        )

    def add_members(
        self,
        audience_id: str,
        members: Sequence[NewMember],
        *,
        withheld: Callable[[Sequence[str]], Collection[str]] | None = None,
    ) -> AddOutcome:
        """Add members who are not on the audience yet, 500 a call; existing ones are refused.

        `withheld` is asked right before each request, repeats included and from several threads,
        which of these addresses must not be sent after all. Never repeated after a lost answer.
        Beware: Mailchimp un-archives an archived address.
        """
        return bulk.add_members(
            self._session,
            pool=self._pool,
            audience_id=audience_id,
            members=members,
            withheld=withheld,
        )

    def run(
        self,
        audience_id: str,
        operations: Sequence[Operation],
        *,
        batched: bool = True,
        on_progress: Callable[[int, int], None] | None = None,
        withheld: Callable[[Sequence[Operation]], Collection[str]] | None = None,
    ) -> list[OperationOutcome]:
        """Carry out writes of single members; one outcome each, in the same order.

        `withheld` is asked right before each request, repeats included and from several threads,
        which of these operations (by reference) must not be sent after all: their error is
        `Withheld`.

        Fewer than `batch_threshold` are sent directly, more as batches unless `batched` is false.
        Each outcome stands for itself; `on_progress` gets the number done and the number of all.
        """
        if not batched or len(operations) < self._batch_threshold:
            return batches.run_directly(
                self._session,
                pool=self._pool,
                audience_id=audience_id,
                operations=operations,
                on_progress=on_progress,
                withheld=withheld,
            )
        return batches.run_in_batches(
            self._session,
            audience_id=audience_id,
            operations=operations,
            sleep=self._sleep,
            on_progress=on_progress,
            withheld=withheld,
        )

    def wait_for_batches(self, *, since: datetime) -> int:
        """Wait until no batch submitted `since` is under way; returns how many were."""
        return batches.wait_for_running(self._session, since=since, sleep=self._sleep)

    @property
    def limits(self) -> ProviderLimits:
        """What this client puts into one call at most."""
        return ProviderLimits(
            page_rows=self._page_size,
            rows_per_bulk_call=bulk.CHUNK,
            operations_per_batch=batches.CHUNK,
            # It is handed in, asked for until it is finished, and its archive is fetched.
            calls_per_batch=3,
        )

    def static_segment(self, audience_id: str, *, name: str, create: bool) -> int | None:
        """Return the id of a tag by its name, creating it if asked; None if absent."""
        return audiences.static_segment(
            self._session, audience_id=audience_id, name=name, create=create
        )

    def change_segment(
        self, audience_id: str, segment_id: int, *, add: Sequence[str], remove: Sequence[str]
    ) -> SegmentOutcome:
        """Tag and untag addresses, 500 a call; addresses not on the audience are refused."""
        return bulk.change_segment(
            self._session, audience_id=audience_id, segment_id=segment_id, add=add, remove=remove
        )

    def close(self) -> None:
        """End the threads and close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._session.close()
