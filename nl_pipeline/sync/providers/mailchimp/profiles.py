"""Profiles and addresses of existing members: one call each, more only where a value is refused.

Belongs here: taking refused changes of a member apart, so that one bad field or address does not
keep the rest out. Must not be here: statuses; a profile update carries none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.clients.mailchimp import (
    MailchimpClient,
    MemberRefused,
    Operation,
    OperationOutcome,
    RefusalCause,
    patch_member,
)
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.refusals import (
    drop_refused,
    is_about_values,
    merge_fields,
)
from nl_pipeline.sync.providers.results import result_of, values_of
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result

#: Members whose results are noted together.
_PORTION = 5_000


@dataclass
class _Update:
    """All changes of one member, and what became of them so far."""

    items: list[Pending]
    dropped: tuple[DroppedField, ...] = ()
    sent: bool = False
    value_error: ApiError | None = None
    address_error: ApiError | None = None
    member_id: str = ""

    @property
    def record_id(self) -> str:
        return self.items[0].change.record_id


@dataclass
class _Part:
    """What goes into one call: values, an address, or both."""

    update: _Update
    values: dict[str, str]
    address: str | None = None


@dataclass
class _Rounds:
    """Parts to be sent next, and those that wait until nothing else of their member is open:
    after a change of address the member is not found under its id any more."""

    again: list[_Part] = field(default_factory=list)
    addresses: list[_Part] = field(default_factory=list)


@dataclass
class _Told:
    """What came of a portion beside its profiles."""

    along: list[Result] = field(default_factory=list)
    stopped: OperatorNeeded | None = None


class Profiles:
    """Updates members; ``fields`` are those that are synced."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = fields

    def update(
        self,
        audience_id: str,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
        along: Sequence[Operation] = (),
        withheld: Callable[[Sequence[Operation]], set[str]] | None = None,
    ) -> None:
        """Send profile updates and changes of address, and other operations ``along`` with them in
        the same batches; the reference of such a one is the number of its change, and ``withheld``
        names those of them that must not be sent after all.

        Raises OperatorNeeded when Mailchimp refuses to work with us at all.
        """
        by_member: dict[str, list[Pending]] = {}
        for item in pending:
            by_member.setdefault(item.change.record_id, []).append(item)
        updates = [_Update(items) for items in by_member.values()]
        for start in range(0, max(len(updates), len(along)), _PORTION):
            portion = updates[start : start + _PORTION]
            parts = [self._whole(update) for update in portion]
            told = self._send(
                audience_id, parts, along=along[start : start + _PORTION], withheld=withheld
            )
            on_results([*told.along, *(r for update in portion for r in _results(update))])
            if told.stopped is not None:
                raise told.stopped

    def _send(
        self,
        audience_id: str,
        parts: list[_Part],
        *,
        along: Sequence[Operation],
        withheld: Callable[[Sequence[Operation]], set[str]] | None,
    ) -> _Told:
        told = _Told()
        rounds = _Rounds(again=parts)
        while rounds.again or rounds.addresses or along:
            now, rounds.again = rounds.again, []
            if not now:
                now, rounds.addresses = rounds.addresses, []
            operations = [
                # Not to be mistaken for one of those that go along.
                self._operation(part, reference=f"profile {position}")
                for position, part in enumerate(now)
            ]
            outcomes = self._client.run(audience_id, [*operations, *along], withheld=withheld)
            for outcome in outcomes:
                if isinstance(outcome.error, OperatorNeeded):
                    told.stopped = outcome.error
            for part, outcome in zip(now, outcomes, strict=False):
                self._take(part, outcome=outcome, rounds=rounds)
            told.along += [
                result_of(int(o.reference), o.error, record_id="")
                for o in outcomes[len(operations) :]
            ]
            along = ()
        return told

    def _take(self, part: _Part, *, outcome: OperationOutcome, rounds: _Rounds) -> None:
        update, error = part.update, outcome.error
        if error is None:
            update.sent = update.sent or bool(part.values)
            update.member_id = str((outcome.body or {}).get("id", "")) or update.member_id
        elif isinstance(error, MemberRefused) and is_about_values(error) and part.values:
            self._take_apart(part, error=error, rounds=rounds)
        elif isinstance(error, MemberRefused) and part.values and part.address is not None:
            # The address may be to blame, or the values: each is sent by itself.
            rounds.again.append(_Part(update, part.values))
            rounds.addresses.append(_Part(update, {}, part.address))
        else:
            if part.values:
                update.value_error = error
            if part.address is not None:
                update.address_error = error

    def _take_apart(self, part: _Part, *, error: MemberRefused, rounds: _Rounds) -> None:
        update = part.update
        dropped = drop_refused(error.fields, values=part.values, fields=self._fields)
        if part.address is not None:
            rounds.addresses.append(_Part(update, {}, part.address))
        if not all(one.at_fault for one in dropped):
            rounds.again += [_Part(update, {name: value}) for name, value in part.values.items()]
            return
        update.dropped += dropped
        names = {one.name for one in dropped}
        left = {name: value for name, value in part.values.items() if name not in names}
        if left:
            rounds.again.append(_Part(update, left))

    def _whole(self, update: _Update) -> _Part:
        part = _Part(update, {})
        for item in update.items:
            if item.change.action == "change_address":
                part.address = item.change.after["email"]
            else:
                part.values |= values_of(item.change.after, fields=self._fields)
        return part

    def _operation(self, part: _Part, *, reference: str) -> Operation:
        return patch_member(
            part.update.record_id,
            reference=reference,
            merge_fields=merge_fields(part.values, fields=self._fields) or None,
            email_address=part.address,
        )


def _results(update: _Update) -> list[Result]:
    results = []
    for item in update.items:
        seq = item.change.seq
        if item.change.action == "change_address":
            results.append(result_of(seq, update.address_error, record_id=update.member_id))
        elif update.value_error is None and not update.sent and update.dropped:
            cause = str(RefusalCause.MERGE_FIELDS)
            results.append(Result(seq, "refused", cause=cause, dropped=update.dropped))
        else:
            results.append(
                result_of(
                    seq, update.value_error, record_id=update.member_id, dropped=update.dropped
                )
            )
    return results
