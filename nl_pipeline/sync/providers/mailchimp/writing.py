"""Changes of members, in the fewest calls that keep a status safe.

Belongs here: the order of the kinds of change, removals, confirmations and tags. Must not be here:
what is to be changed, creations (``creating``), profiles (``profiles``). Facts with their sources
are in the client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.clients.mailchimp import (
    MailchimpClient,
    Operation,
    archive_member,
    patch_member,
    tag_member,
)
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.creating import Creating
from nl_pipeline.sync.providers.mailchimp.profiles import Profiles
from nl_pipeline.sync.providers.mailchimp.work import has_own_tag_only
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG, Withdrawn
from nl_pipeline.sync.providers.results import result_of
from nl_pipeline.warehouse.outcomes import Pending, Result

#: Addresses in one bulk call (Mailchimp docs), and operations whose results are noted together.
_CHUNK = 500
_PORTION = 5_000
_CLOCKS_DIFFER = timedelta(minutes=10)


def member_id_of(address: str) -> str:
    """The id of the member with this address: MD5 of the lower-cased text (Mailchimp docs)."""
    return hashlib.md5(address.strip().lower().encode(), usedforsecurity=False).hexdigest()


class Writing:
    """Writes members; ``fields`` are those that are synced."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._creating = Creating(client, fields=fields)
        self._profiles = Profiles(client, fields=fields)
        self._segment: int | None = None

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> None:
        """Removals first, then creations in bulk, then everything else of existing members at once.

        Only tags of members whom this very push brings back or moves have to wait for that: a batch
        keeps no order. ``withdrawn`` is asked as the port says. Raises OperatorNeeded when
        Mailchimp refuses to work with us at all.
        """
        by_action: dict[str, list[Pending]] = {}
        for item in pending:
            by_action.setdefault(item.change.action, []).append(item)
        take = by_action.get
        removals = [*take("unsubscribe", []), *take("archive", [])]
        self._run(audience_id, [self._operation(p) for p in removals], on_results=on_results)
        created = self._creating.create(
            audience_id, take("subscribe", []), on_results=on_results, withdrawn=withdrawn
        )
        back = self._creating.bring_back(
            audience_id, take("resubscribe", []), on_results=on_results, withdrawn=withdrawn
        )
        withheld = _withheld([*take("confirm", []), *take("tag_member", [])], withdrawn=withdrawn)
        # Sent directly: a batch that is given up may still run hours later and mail somebody who
        # has opted out in between.
        self._run(
            audience_id,
            [self._operation(item) for item in take("confirm", [])],
            on_results=on_results,
            batched=False,
            withheld=withheld,
        )
        moved = {
            item.change.record_id: member_id_of(item.change.after["email"])
            for item in take("change_address", [])
        }
        lost = created.lost | back.lost
        on_results(
            [
                Result(p.change.seq, "overtaken", cause="not_subscribed")
                for p in take("tag_member", [])
                if p.change.key in lost
            ]
        )
        tags = [p for p in take("tag_member", []) if p.change.key not in lost]
        failed = self._mark_as_ours(audience_id, tags, on_results=on_results, withdrawn=withdrawn)
        self._profiles.update(
            audience_id,
            [*take("update_member", []), *take("change_address", [])],
            on_results=on_results,
            along=_tag_operations(
                [p for p in tags if p.change.record_id not in moved], failed=failed, moved={}
            ),
            withheld=withheld,
        )
        self._run(
            audience_id,
            _tag_operations(
                [p for p in tags if p.change.record_id in moved], failed=failed, moved=moved
            ),
            on_results=on_results,
            withheld=withheld,
        )
        # No further contact is taken: whoever is there already has been served by now.
        for stopped_by in (created.stopped_by, back.stopped_by):
            if stopped_by is not None:
                raise stopped_by

    def settle(self, *, since: datetime) -> int:
        """Wait for what was sent since and is still being carried out; returns how much it was."""
        return self._client.wait_for_batches(since=since - _CLOCKS_DIFFER)

    def _operation(self, item: Pending) -> Operation:
        change, reference = item.change, str(item.change.seq)
        if change.action == "archive":
            return archive_member(change.record_id, reference=reference)
        status = "unsubscribed" if change.action == "unsubscribe" else "pending"
        return patch_member(change.record_id, reference=reference, status=status)

    def _run(
        self,
        audience_id: str,
        operations: Sequence[Operation],
        *,
        on_results: Callable[[list[Result]], None],
        batched: bool = True,
        withheld: Callable[[Sequence[Operation]], set[str]] | None = None,
    ) -> None:
        for start in range(0, len(operations), _PORTION):
            results: list[Result] = []
            stopped: OperatorNeeded | None = None
            portion = operations[start : start + _PORTION]
            for outcome in self._client.run(
                audience_id, portion, batched=batched, withheld=withheld
            ):
                new_id = str(outcome.body.get("id", "")) if outcome.body else ""
                if isinstance(outcome.error, OperatorNeeded):
                    stopped = outcome.error
                seq = int(outcome.reference)
                results.append(result_of(seq, outcome.error, record_id=new_id))
            on_results(results)
            if stopped is not None:
                raise stopped

    def _mark_as_ours(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        withdrawn: Withdrawn,
    ) -> set[int]:
        """Give the ownership tag, in bulk through the static segment; returns who did not get it.

        The member call can suppress automations that hang on a tag (``is_syncing``), the segment
        call cannot, so only our own tag goes that way.
        """
        owning = [p for p in pending if OWNERSHIP_TAG in p.change.after["add"]]
        failed: set[int] = set()
        if owning and self._segment is None:
            self._segment = self._client.static_segment(
                audience_id, name=OWNERSHIP_TAG, create=True
            )
        for start in range(0, len(owning), _CHUNK):
            assert self._segment is not None
            chunk = owning[start : start + _CHUNK]
            left = withdrawn({p.change.key for p in chunk})
            gone = [p for p in chunk if p.change.key in left]
            on_results([Result(p.change.seq, "overtaken", cause="withdrawn") for p in gone])
            failed |= {p.change.seq for p in gone}
            chunk = [p for p in chunk if p.change.key not in left]
            if not chunk:
                continue
            cause = ""
            try:
                outcome = self._client.change_segment(
                    audience_id, self._segment, add=[p.address for p in chunk], remove=[]
                )
                refused = {r.email_address.lower() for r in outcome.errors}
            except OperatorNeeded:
                raise
            except ApiError as error:
                refused, cause = {p.address.lower() for p in chunk}, error.code
            bad = [p for p in chunk if p.address.lower() in refused]
            failed |= {p.change.seq for p in bad}
            on_results([Result(p.change.seq, "failed", cause=cause or "tag_refused") for p in bad])
            on_results(
                [
                    Result(p.change.seq, "sent")
                    for p in chunk
                    if p.change.seq not in failed and has_own_tag_only(p)
                ]
            )
        return failed


def _tag_operations(
    pending: Sequence[Pending], *, failed: set[int], moved: dict[str, str]
) -> list[Operation]:
    """Everything but the ownership tag, one operation a member; ``moved``: new ids by old ones."""
    return [
        tag_member(
            moved.get(p.change.record_id, p.change.record_id) or member_id_of(p.address),
            reference=str(p.change.seq),
            add=[t for t in p.change.after["add"] if t != OWNERSHIP_TAG],
            remove=p.change.after["remove"],
        )
        for p in pending
        if p.change.seq not in failed and not has_own_tag_only(p)
    ]


def _withheld(
    pending: Sequence[Pending], *, withdrawn: Withdrawn
) -> Callable[[Sequence[Operation]], set[str]]:
    """Which operations that ask or tag people must not be sent, by reference."""
    keys: Mapping[str, str] = {str(p.change.seq): p.change.key for p in pending}

    def withheld(operations: Sequence[Operation]) -> set[str]:
        asked = {op.reference: keys[op.reference] for op in operations if op.reference in keys}
        gone = withdrawn(set(asked.values())) if asked else ()
        return {reference for reference, key in asked.items() if key in gone}

    return withheld
