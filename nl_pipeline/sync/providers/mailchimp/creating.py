"""Subscribing: creations in bulk, and archived members brought back one by one.

Belongs here: how a subscription is sent, and sent again without a field whose value was refused.
Must not be here: whom to subscribe. Creating with ``update_existing: false`` cannot overwrite an
existing status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.mailchimp import (
    MailchimpClient,
    MemberRefused,
    NewMember,
    Operation,
    Refusal,
    RefusalCause,
    put_member,
)
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.refusals import (
    drop_refused,
    is_about_values,
    merge_fields,
)
from nl_pipeline.sync.providers.port import Withdrawn
from nl_pipeline.sync.providers.results import result_of, values_of
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result

#: Creations whose results are noted together.
_PORTION = 5_000

OnResults = Callable[[list[Result]], None]


@dataclass
class _Subscription:
    """One change while it is being sent: the values still in it, and those taken out."""

    item: Pending
    values: dict[str, str]
    dropped: tuple[DroppedField, ...] = ()

    def drop(self, fields: tuple[DroppedField, ...]) -> None:
        self.dropped += fields
        gone = {f.name for f in fields}
        self.values = {name: value for name, value in self.values.items() if name not in gone}


@dataclass
class Subscribed:
    """What became of subscriptions: keys that are not subscribed, and what stopped the rest."""

    lost: set[str] = field(default_factory=set)
    stopped_by: OperatorNeeded | None = None


class Creating:
    """Subscribes; ``fields`` are those that are synced."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = fields

    def create(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: OnResults,
        withdrawn: Withdrawn,
    ) -> Subscribed:
        """Create members in bulk. What stops creations is handed back, not raised: a plan that
        takes no more contacts still takes opt-outs and updates."""
        told = Subscribed()
        for start in range(0, len(pending), _PORTION):
            portion = [self._subscription(item) for item in pending[start : start + _PORTION]]
            if told.stopped_by is not None:
                on_results([_not_sent(one, stopped_by=told.stopped_by) for one in portion])
                told.lost |= {one.item.change.key for one in portion}
                continue
            # Each round takes at least one field off whoever is sent again.
            while portion:
                portion = self._create(
                    audience_id, portion, told=told, on_results=on_results, withdrawn=withdrawn
                )
        return told

    def _create(
        self,
        audience_id: str,
        portion: Sequence[_Subscription],
        *,
        told: Subscribed,
        on_results: OnResults,
        withdrawn: Withdrawn,
    ) -> list[_Subscription]:
        """One bulk call and its results; returns those to be sent again without a field.

        An answer is matched by the key of its address, because Mailchimp may spell it differently
        than it was sent. One that matches nobody is dropped: what was sent for it has no result,
        and the read-back decides.
        """
        by_key = {one.item.change.key: one for one in portion}
        keys = {one.item.change.after["email"]: one.item.change.key for one in portion}

        def withheld(addresses: Sequence[str]) -> set[str]:
            gone = withdrawn({keys[address] for address in addresses})
            return {address for address in addresses if keys[address] in gone}

        outcome = self._client.add_members(
            audience_id,
            [
                NewMember(
                    email_address=one.item.change.after["email"],
                    status="subscribed",
                    merge_fields=merge_fields(one.values, fields=self._fields),
                )
                for one in portion
            ],
            withheld=withheld,
        )
        if isinstance(outcome.stopped_by, OperatorNeeded):
            told.stopped_by = outcome.stopped_by
        results: list[Result] = []
        again: list[_Subscription] = []

        def note(address: str, result: str, *, cause: str = "", member_id: str = "") -> None:
            one = by_key.get(address_key(address) or "")
            if one is not None:
                results.append(
                    Result(
                        one.item.change.seq,
                        result,
                        cause=cause,
                        record_id=member_id,
                        dropped=one.dropped,
                    )
                )

        for member in (*outcome.created, *outcome.updated):
            note(member.email_address, "sent", member_id=member.id)
        for refusal in outcome.refused:
            one = by_key.get(address_key(refusal.email_address) or "")
            if one is not None and self._can_do_without(one, refusal=refusal):
                again.append(one)
            else:
                # That the plan takes no further contact is nothing about this one.
                full = refusal.cause is RefusalCause.CONTACT_LIMIT
                result = "failed" if full else "refused"
                note(refusal.email_address, result, cause=str(refusal.cause))
        for address in outcome.unknown:
            note(address, "unknown", cause="no_answer")
        for address in outcome.withheld:
            note(address, "overtaken", cause="withdrawn")
        why = "not_sent" if outcome.stopped_by is None else outcome.stopped_by.code
        for address in outcome.not_sent:
            note(address, "failed", cause=why)
        created = {address_key(m.email_address) for m in (*outcome.created, *outcome.updated)}
        told.lost |= by_key.keys() - created
        if told.stopped_by is not None:
            stopped_by = told.stopped_by
            results += [_not_sent(one, stopped_by=stopped_by) for one in again]
            again = []
        told.lost -= {one.item.change.key for one in again}
        on_results(results)
        return again

    def _can_do_without(self, one: _Subscription, *, refusal: Refusal) -> bool:
        """Whether fields were refused that can be left out; they are then."""
        if refusal.cause is not RefusalCause.MERGE_FIELDS or not one.values:
            return False
        one.drop(drop_refused({refusal.merge_field}, values=one.values, fields=self._fields))
        return True

    def bring_back(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: OnResults,
        withdrawn: Withdrawn,
    ) -> Subscribed:
        """Subscribe archived members again. Sent directly: a batch that is given up may still run
        hours later, over an opt-out that came in between."""
        told = Subscribed()
        left = [self._subscription(item) for item in pending]

        def withheld(operations: Sequence[Operation]) -> set[str]:
            keys = {op.reference: left[int(op.reference)].item.change.key for op in operations}
            gone = withdrawn(set(keys.values()))
            return {reference for reference, key in keys.items() if key in gone}

        while left:
            outcomes = self._client.run(
                audience_id,
                [
                    put_member(
                        one.item.change.record_id,
                        reference=str(position),
                        email_address=one.item.address,
                        status_if_new="subscribed",
                        status="subscribed",
                        merge_fields=merge_fields(one.values, fields=self._fields),
                    )
                    for position, one in enumerate(left)
                ],
                batched=False,
                withheld=withheld,
            )
            results: list[Result] = []
            again: list[_Subscription] = []
            for outcome in outcomes:
                one = left[int(outcome.reference)]
                error = outcome.error
                if isinstance(error, OperatorNeeded):
                    told.stopped_by = error
                if isinstance(error, MemberRefused) and is_about_values(error) and one.values:
                    one.drop(drop_refused(error.fields, values=one.values, fields=self._fields))
                    again.append(one)
                    continue
                member_id = str(outcome.body.get("id", "")) if outcome.body else ""
                results.append(
                    result_of(one.item.change.seq, error, record_id=member_id, dropped=one.dropped)
                )
                if error is not None:
                    told.lost.add(one.item.change.key)
            on_results(results)
            left = again
        return told

    def _subscription(self, item: Pending) -> _Subscription:
        return _Subscription(item, values_of(item.change.after, fields=self._fields))


def _not_sent(one: _Subscription, *, stopped_by: OperatorNeeded) -> Result:
    return Result(one.item.change.seq, "failed", cause=stopped_by.code, dropped=one.dropped)
