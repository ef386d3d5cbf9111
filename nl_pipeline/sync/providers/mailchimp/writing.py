"""Changes of members, in the fewest calls that keep a status safe.

Belongs here: which operation carries out which change. Must not be here: what is to be changed.
Facts with their sources are in the client; the reading of them that matters here: creating with
``update_existing: false`` cannot overwrite an existing status, a profile update carries none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.mailchimp import (
    MailchimpClient,
    NewMember,
    Operation,
    archive_member,
    patch_member,
    put_member,
    tag_member,
)
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.work import has_own_tag_only
from nl_pipeline.sync.providers.port import OWNERSHIP_TAG
from nl_pipeline.warehouse.outcomes import Pending, Result

#: Addresses in one bulk call (Mailchimp docs), and operations whose results are noted together.
_CHUNK = 500
_PORTION = 5_000


def member_id_of(address: str) -> str:
    """The id of the member with this address: MD5 of the lower-cased text (Mailchimp docs)."""
    return hashlib.md5(address.strip().lower().encode(), usedforsecurity=False).hexdigest()


class Writing:
    """Writes members; ``fields`` are those that are synced."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = fields
        self._segment: int | None = None

    def push(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        """Removals first, then creations in bulk, then everything else of existing members at once.

        Only tags of members whom this very push brings back or moves have to wait for that: a batch
        keeps no order. Raises OperatorNeeded when Mailchimp refuses to work with us at all.
        """
        by_action: dict[str, list[Pending]] = {}
        for item in pending:
            by_action.setdefault(item.change.action, []).append(item)
        take = by_action.get
        removals = [*take("unsubscribe", []), *take("archive", [])]
        self._run(
            audience_id, [self._operation([item]) for item in removals], on_results=on_results
        )
        lost = self._subscribe(audience_id, take("subscribe", []), on_results=on_results)
        returning = take("resubscribe", [])
        back = {item.change.key for item in returning}
        moved = {
            item.change.record_id: member_id_of(item.change.after["email"])
            for item in take("change_address", [])
        }
        on_results(
            [
                Result(p.change.seq, "overtaken", cause="not_subscribed")
                for p in take("tag_member", [])
                if p.change.key in lost
            ]
        )
        tags = [p for p in take("tag_member", []) if p.change.key not in lost]
        here = [p for p in tags if p.change.key not in back]
        failed = self._mark_as_ours(audience_id, here, on_results=on_results)
        statuses = [[item] for item in (*returning, *take("confirm", []))]
        profiles: dict[str, list[Pending]] = {}
        for item in (*take("update_member", []), *take("change_address", [])):
            profiles.setdefault(item.change.record_id, []).append(item)
        at_once = [p for p in here if p.change.record_id not in moved]
        self._run(
            audience_id,
            [
                *(self._operation(items) for items in (*statuses, *profiles.values())),
                *_tag_operations(at_once, failed=failed, moved={}),
            ],
            on_results=on_results,
        )
        failed |= self._mark_as_ours(
            audience_id, [p for p in tags if p.change.key in back], on_results=on_results
        )
        later = [p for p in tags if p.change.key in back or p.change.record_id in moved]
        self._run(
            audience_id,
            _tag_operations(later, failed=failed, moved=moved),
            on_results=on_results,
        )

    def _subscribe(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> set[str]:
        """Create members in bulk; returns the keys that were not created.

        An answer is matched by the key of its address, because Mailchimp may spell it differently
        than it was sent. One that matches nobody is dropped: what was sent for it has no result,
        and the read-back decides.
        """
        lost: set[str] = set()
        for start in range(0, len(pending), _PORTION):
            chunk = pending[start : start + _PORTION]
            by_key = {item.change.key: item for item in chunk}
            outcome = self._client.add_members(
                audience_id,
                [
                    NewMember(
                        email_address=item.change.after["email"],
                        status="subscribed",
                        merge_fields=self._merge_fields(item.change.after),
                    )
                    for item in chunk
                ],
            )
            created = [
                (member.email_address, "sent", "", member.id)
                for member in (*outcome.created, *outcome.updated)
            ]
            answers = [
                *created,
                *((r.email_address, "refused", str(r.cause), "") for r in outcome.refused),
                *((address, "unknown", "no_answer", "") for address in outcome.unknown),
                *((address, "failed", "not_sent", "") for address in outcome.not_sent),
            ]
            results = [
                Result(item.change.seq, result, cause=cause, record_id=member_id)
                for address, result, cause, member_id in answers
                if (item := by_key.get(address_key(address) or "")) is not None
            ]
            lost |= by_key.keys() - {address_key(address) for address, *_ in created}
            on_results(results)
            if isinstance(outcome.stopped_by, OperatorNeeded):
                raise outcome.stopped_by
        return lost

    def _merge_fields(self, after: dict[str, Any]) -> dict[str, str]:
        """The mapped values among ``after`` by merge tag; a creation marks them with ``field:``."""
        return {
            f.provider: str(after[name])
            for f in self._fields
            for name in (f.name, f"field:{f.name}")
            if name in after
        }

    def _operation(self, items: Sequence[Pending]) -> Operation:
        reference = ",".join(str(item.change.seq) for item in items)
        first = items[0].change
        if first.action == "unsubscribe":
            return patch_member(first.record_id, reference=reference, status="unsubscribed")
        if first.action == "archive":
            return archive_member(first.record_id, reference=reference)
        if first.action == "confirm":
            return patch_member(first.record_id, reference=reference, status="pending")
        if first.action == "resubscribe":
            return put_member(
                first.record_id,
                reference=reference,
                email_address=items[0].address,
                status_if_new="subscribed",
                status="subscribed",
                merge_fields=self._merge_fields(first.after),
            )
        merged: dict[str, str] = {}
        address: str | None = None
        for item in items:
            if item.change.action == "change_address":
                address = item.change.after["email"]
            else:
                merged |= self._merge_fields(item.change.after)
        return patch_member(
            first.record_id, reference=reference, merge_fields=merged or None, email_address=address
        )

    def _run(
        self,
        audience_id: str,
        operations: Sequence[Operation],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        for start in range(0, len(operations), _PORTION):
            results: list[Result] = []
            stopped: OperatorNeeded | None = None
            for outcome in self._client.run(audience_id, operations[start : start + _PORTION]):
                new_id = str(outcome.body.get("id", "")) if outcome.body else ""
                if isinstance(outcome.error, OperatorNeeded):
                    stopped = outcome.error
                results += [
                    _result(int(seq), outcome.error, record_id=new_id)
                    for seq in outcome.reference.split(",")
                ]
            on_results(results)
            if stopped is not None:
                raise stopped

    def _mark_as_ours(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
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


def _result(seq: int, error: ApiError | None, *, record_id: str) -> Result:
    if error is None:
        return Result(seq, "sent", record_id=record_id)
    if isinstance(error, OutcomeUnknown):
        return Result(seq, "unknown", cause=error.code)
    if isinstance(error, (Retryable, OperatorNeeded)):
        return Result(seq, "failed", cause=error.code)
    return Result(seq, "refused", cause=error.code)
