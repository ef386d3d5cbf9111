"""Sending what submissions write, and looking whether it is there.

Belongs here: creates and changes with their read-back, a refused value by itself. Must not be here:
what is written (``composing``), noting it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.clients.onoffice import (
    ActionOutcome,
    AddressChange,
    AddressRecord,
    NewAddress,
    ValueRefused,
)
from nl_pipeline.sync.leads.composing import Composed
from nl_pipeline.sync.leads.crm_fields import STATUS, current, is_entry
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse.lead_runs import LeadError

#: Whether somebody has left since a submission was composed.
HasLeft = Callable[[Composed], bool]


@dataclass(frozen=True)
class Sent:
    """A submission that is at its contact. `is_created` tells whether the contact came from it."""

    composed: Composed
    crm_id: int
    is_created: bool
    errors: tuple[LeadError, ...] = ()


@dataclass
class Written:
    """What became of a portion: who is there, what stood in the way, and whose contact turned out
    to exist when it was to be created."""

    sent: list[Sent] = field(default_factory=list)
    errors: list[LeadError] = field(default_factory=list)
    existing: list[Composed] = field(default_factory=list)
    stopped_by: OperatorNeeded | None = None

    def fail(self, composed: Composed, error: ApiError) -> None:
        """Note that nothing of a submission is known to be there."""
        if isinstance(error, OperatorNeeded):
            self.stopped_by = error
            return
        lead = composed.judged.lead
        self.errors.append(
            LeadError(
                lead.response_id, lead.form_id, f"crm_{error.code}", error.what, error.what_next
            )
        )


def create(
    link: Link, *, composed: Sequence[Composed], names: Sequence[str], has_left: HasLeft
) -> Written:
    """Create a contact for each, with the duplicate check that leaves what exists as it is."""
    written = Written()
    if not composed:
        return written
    with link.counting("write"):
        outcomes = link.crm.client.create_addresses(
            [_new(one, only=one.parameters.keys()) for one in composed]
        )
        made: list[tuple[Composed, int]] = []
        for one, outcome in zip(composed, outcomes, strict=True):
            if isinstance(outcome.error, ValueRefused):
                one, outcome = _without_refused(link, one, refused=outcome, has_left=has_left)
            if outcome.error is not None:
                written.fail(one, outcome.error)
            else:
                made.append((one, outcome.record_id or 0))
    _look(link, made=made, names=names, written=written, is_created=True)
    return written


def change(
    link: Link,
    *,
    composed: Sequence[tuple[Composed, int]],
    names: Sequence[str],
    has_left: HasLeft,
) -> Written:
    """Write the changes of each contact; one without any is there already."""
    written = Written()
    there = [(one, crm_id) for one, crm_id in composed if not one.parameters]
    written.sent += [Sent(one, crm_id, is_created=False) for one, crm_id in there]
    changing = [(one, crm_id) for one, crm_id in composed if one.parameters]
    if not changing:
        return written
    with link.counting("write"):
        outcomes = link.crm.client.modify_addresses(
            [AddressChange(crm_id, one.parameters) for one, crm_id in changing]
        )
        made = []
        for (one, crm_id), outcome in zip(changing, outcomes, strict=True):
            error = outcome.error
            if isinstance(error, ValueRefused):
                one, error = _value_by_value(link, _unless(one, has_left), crm_id=crm_id)
            if error is not None:
                written.fail(one, error)
            else:
                made.append((one, crm_id))
    _look(link, made=made, names=names, written=written, is_created=False)
    return written


def _new(one: Composed, *, only: Any) -> NewAddress:
    parameters = {name: value for name, value in one.parameters.items() if name in only}
    if any(name.startswith("email") for name in parameters):
        # Alone the check would overwrite the contact it finds (onOffice apidoc, address create).
        parameters |= {"checkDuplicate": True, "noOverrideByDuplicate": True}
    return NewAddress(one.judged.lead.response_id, parameters)


def _without_refused(
    link: Link, one: Composed, *, refused: ActionOutcome, has_left: HasLeft
) -> tuple[Composed, ActionOutcome]:
    """Create without the values the CRM refused: those it named, else with the address or number
    alone, and every other value by itself. A create that was refused left nothing behind."""
    named = set(refused.error.fields) if isinstance(refused.error, ValueRefused) else set()
    one = _unless(one, has_left)
    if named and named < one.parameters.keys():
        one = _without(one, names=named)
        [outcome] = link.crm.client.create_addresses([_new(one, only=one.parameters.keys())])
        if not isinstance(outcome.error, ValueRefused):
            return one, outcome
    one = _unless(one, has_left)
    least = {name for name in one.parameters if is_entry(name) or name == STATUS}
    [outcome] = link.crm.client.create_addresses([_new(one, only=least)])
    if outcome.error is not None or not outcome.record_id:
        return one, outcome
    others = {name: v for name, v in one.parameters.items() if name not in least}
    after, error = _value_by_value(link, replace(one, parameters=others), crm_id=outcome.record_id)
    if error is not None:
        return one, replace(outcome, ok=False, error=error)
    return replace(after, parameters=one.parameters), outcome


def _value_by_value(link: Link, one: Composed, *, crm_id: int) -> tuple[Composed, ApiError | None]:
    """Write every value by itself; what is refused is left out, anything else ends it."""
    names = list(one.parameters)
    outcomes = link.crm.client.modify_addresses(
        [AddressChange(crm_id, {name: one.parameters[name]}) for name in names]
    )
    refused = {n for n, o in zip(names, outcomes, strict=True) if isinstance(o.error, ValueRefused)}
    other = [o.error for o in outcomes if o.error and not isinstance(o.error, ValueRefused)]
    return _without(one, names=refused), other[0] if other else None


def _unless(one: Composed, has_left: HasLeft) -> Composed:
    """The same without the newsletter field, if somebody has left since it was composed."""
    if STATUS not in one.parameters or not has_left(one):
        return one
    granted = one.move.granted
    return replace(
        one,
        parameters={n: v for n, v in one.parameters.items() if n != STATUS},
        shown={n: v for n, v in one.shown.items() if n != STATUS},
        written={n: v for n, v in one.written.items() if n != STATUS},
        move=replace(
            one.move, to=None, granted=None if granted is None else replace(granted, counts=False)
        ),
    )


def _without(one: Composed, *, names: set[str]) -> Composed:
    lead = one.judged.lead
    errors = [
        LeadError(
            lead.response_id,
            lead.form_id,
            "value_refused",
            f"the CRM refused the value for {name}",
            "enter it by hand, or correct the mapping of the form",
            field=name,
            stops=False,
        )
        for name in sorted(names)
    ]

    def rest(values: Any) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in names}

    return replace(
        one,
        parameters=rest(one.parameters),
        shown=rest(one.shown),
        written=rest(one.written),
        errors=(*one.errors, *errors),
    )


def _look(
    link: Link,
    *,
    made: Sequence[tuple[Composed, int]],
    names: Sequence[str],
    written: Written,
    is_created: bool,
) -> None:
    """Read the contacts back: a change is done when it is seen there."""
    if not made:
        return
    with link.counting("read_back"):
        found = link.crm.client.read_addresses_by_id(
            sorted({crm_id for _, crm_id in made}), fields=names
        )
    records = {record.id: record for record in found}
    for one, crm_id in made:
        record = records.get(crm_id)
        unseen = _unseen(one, record=record)
        if record is not None and not unseen:
            written.sent.append(Sent(one, crm_id, is_created=is_created, errors=one.errors))
        elif is_created:
            # The duplicate check answered with a contact that was there: it was left as it is.
            written.existing.append(one)
        elif record is None or STATUS in unseen:
            written.errors.append(_not_there(one, name=STATUS if record else "", stops=True))
        else:
            errors = [_not_there(one, name=name, stops=False) for name in unseen]
            written.sent.append(Sent(one, crm_id, is_created=False, errors=(*one.errors, *errors)))


def _unseen(one: Composed, *, record: AddressRecord | None) -> list[str]:
    if record is None:
        return list(one.shown)
    return [name for name, value in one.shown.items() if current(record, name) != value]


def _not_there(one: Composed, *, name: str, stops: bool) -> LeadError:
    lead = one.judged.lead
    what = f"the CRM took {name}, but it does not show" if name else "the contact is gone again"
    return LeadError(
        lead.response_id,
        lead.form_id,
        "accepted_but_not_visible",
        what,
        "nothing, the next import looks again" if stops else "enter it by hand",
        field=name,
        stops=stops,
    )
