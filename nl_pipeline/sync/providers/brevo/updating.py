"""Profiles and addresses of existing contacts: one call each, more only where a value is refused.

Belongs here: taking refused changes of a contact apart, so that one bad field does not keep the
rest out. Must not be here: opt-outs; a profile update carries none and puts nobody on a list.

Imports are not used for it: they create whoever was erased meanwhile, and put back on the list
whoever was taken off it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nl_pipeline.clients.brevo import (
    BrevoClient,
    ChangeAddress,
    ContactRefused,
    RefusalCause,
    UpdateProfile,
)
from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.brevo.attributes import AttributeNames
from nl_pipeline.sync.providers.brevo.refusals import (
    attributes_of,
    drop_refused,
    is_about_values,
)
from nl_pipeline.sync.providers.results import result_of, values_of
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result

#: Contacts whose results are noted together.
_PORTION = 1_000


@dataclass
class _Update:
    """One change of a profile, and what became of it so far."""

    item: Pending
    dropped: tuple[DroppedField, ...] = ()
    sent: bool = False
    error: ApiError | None = None

    def result(self) -> Result:
        seq = self.item.change.seq
        if self.error is None and not self.sent and self.dropped:
            cause = str(RefusalCause.ATTRIBUTES)
            return Result(seq, "refused", cause=cause, dropped=self.dropped)
        return result_of(
            seq, self.error, record_id=self.item.change.record_id, dropped=self.dropped
        )


@dataclass
class _Part:
    """Values that go into one call."""

    update: _Update
    values: dict[str, str]


class Updating:
    """Updates contacts; ``fields`` are those that are synced."""

    def __init__(
        self, client: BrevoClient, *, fields: tuple[ProfileField, ...], names: AttributeNames
    ) -> None:
        self._client = client
        self._fields = fields
        self._names = names

    def update(
        self, pending: Sequence[Pending], *, on_results: Callable[[list[Result]], None]
    ) -> None:
        """Send profile updates. Raises OperatorNeeded when Brevo refuses to work with us at all."""
        for start in range(0, len(pending), _PORTION):
            updates = [_Update(item) for item in pending[start : start + _PORTION]]
            parts = [
                _Part(one, values_of(one.item.change.after, fields=self._fields)) for one in updates
            ]
            stopped: OperatorNeeded | None = None
            # Each round carries fewer values of whoever is sent again.
            while parts:
                parts, why = self._send(parts)
                stopped = stopped or why
            on_results([one.result() for one in updates])
            if stopped is not None:
                raise stopped

    def _send(self, parts: Sequence[_Part]) -> tuple[list[_Part], OperatorNeeded | None]:
        names = self._names.names()
        outcomes = self._client.run(
            [
                UpdateProfile(
                    int(part.update.item.change.record_id),
                    reference=str(position),
                    attributes=attributes_of(part.values, names=names),
                )
                for position, part in enumerate(parts)
            ]
        )
        again: list[_Part] = []
        stopped: OperatorNeeded | None = None
        for part, outcome in zip(parts, outcomes, strict=True):
            update, error = part.update, outcome.error
            if isinstance(error, OperatorNeeded):
                stopped = error
            if error is None:
                update.sent = True
            elif isinstance(error, ContactRefused) and is_about_values(error):
                again += self._taken_apart(part, error=error)
            else:
                update.error = error
        return again, stopped

    def _taken_apart(self, part: _Part, *, error: ContactRefused) -> list[_Part]:
        dropped = drop_refused(
            error.fields, values=part.values, names=self._names.names(), fields=self._fields
        )
        if not all(one.at_fault for one in dropped):
            return [_Part(part.update, {name: value}) for name, value in part.values.items()]
        part.update.dropped += dropped
        names = {one.name for one in dropped}
        left = {name: value for name, value in part.values.items() if name not in names}
        return [_Part(part.update, left)] if left else []

    def change_addresses(
        self,
        list_id: int,
        pending: Sequence[Pending],
        *,
        on_results: Callable[[list[Result]], None],
    ) -> None:
        """Give contacts another address; the client carries their opt-outs over.

        Where another contact has the address already, one that is on no list of ours and has opted
        out of nothing, for any other would have been planned with: the old address is taken off
        the list, so that nobody goes on writing to it, and the next plan sees a fresh address.
        """
        for start in range(0, len(pending), _PORTION):
            portion = pending[start : start + _PORTION]
            outcomes = self._client.run(
                [
                    ChangeAddress(
                        int(item.change.record_id),
                        reference=str(item.change.seq),
                        email=item.change.after["email"],
                        list_id=list_id,
                    )
                    for item in portion
                ]
            )
            on_results(
                [
                    result_of(item.change.seq, outcome.error, record_id=item.change.record_id)
                    for item, outcome in zip(portion, outcomes, strict=True)
                ]
            )
            self._client.remove_from_list(
                list_id,
                [
                    int(item.change.record_id)
                    for item, outcome in zip(portion, outcomes, strict=True)
                    if isinstance(outcome.error, ContactRefused)
                    and outcome.error.cause is RefusalCause.EXISTS
                ],
            )
            for outcome in outcomes:
                if isinstance(outcome.error, OperatorNeeded):
                    raise outcome.error
