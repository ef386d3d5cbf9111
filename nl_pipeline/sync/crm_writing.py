"""Changes of contacts as modify and create actions of onOffice.

Belongs here: which action carries out which change, and how a refused one is taken apart, so that
one bad value does not keep the rest out. Must not be here: what is to be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from nl_pipeline.clients.errors import (
    ApiError,
    OperatorNeeded,
    Permanent,
    Retryable,
    SkipRecord,
)
from nl_pipeline.clients.onoffice import (
    ActionOutcome,
    AddressChange,
    NewAddress,
    OnOfficeClient,
    ValueRefused,
)
from nl_pipeline.domain.address import address_key
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.states import KEY_BY_NEWSLETTER, Newsletter
from nl_pipeline.warehouse.outcomes import DroppedField, Pending, Result

#: Actions whose results are noted together.
_PORTION = 200
_STATUS = "newsletter_aktiv"

OnResults = Callable[[list[Result]], None]
#: Of these keys, those who have left since a Yes was planned for them.
Left = Callable[[Collection[str]], Collection[str]]


def _nobody(keys: Collection[str]) -> Collection[str]:
    return ()


class CrmWriting:
    """Writes contacts; ``fields`` are the mapped ones."""

    def __init__(
        self, client: OnOfficeClient, *, fields: tuple[ProfileField, ...], tag_field: str | None
    ) -> None:
        self._client = client
        self._fields = {f.name: f for f in fields}
        self._tag_field = tag_field

    def push(
        self, pending: Sequence[Pending], *, on_results: OnResults, left: Left = _nobody
    ) -> None:
        """Send changes of contacts, all of one contact in one action; results as they come.

        Right before each portion that is sent ``left`` is asked for those who get a Yes, or were
        asked for one; whoever it names gets none, and it is "overtaken". Raises OperatorNeeded when
        the service refuses to work with us at all.
        """
        creations = [p for p in pending if p.change.action == "create_contact"]
        by_contact: dict[str, list[Pending]] = {}
        others = [p for p in pending if p.change.action != "create_contact"]
        for item in self._by_entry(others):
            by_contact.setdefault(item.change.record_id, []).append(item)
        refused = self._modify(list(by_contact.values()), on_results=on_results, left=left)
        # One bad value refuses the whole action: the changes of that contact go one by one then,
        # and the values of a profile change too.
        single = [[item] for items in refused if len(items) > 1 for item in items]
        alone = [items[0] for items in refused if len(items) == 1]
        again = self._modify(single, on_results=on_results, left=left)
        alone += [items[0] for items in again]
        for start in range(0, len(alone), _PORTION):
            self._modify_by_value(alone[start : start + _PORTION], on_results=on_results)
        for start in range(0, len(creations), _PORTION):
            self._create(creations[start : start + _PORTION], on_results=on_results, left=left)

    def _by_entry(self, pending: Sequence[Pending]) -> list[Pending]:
        """The changes, with a new main address put where the contact has it already.

        A contact that has the address as a further entry gets that entry as its main one and keeps
        the former; another entry of the same address would make every later change of it ambiguous
        (onOffice error 87). The entry is named as it is spelled there.
        """
        moving = sorted(
            {int(p.change.record_id) for p in pending if p.change.action == "change_email"}
        )
        entries: dict[int, dict[str | None, str]] = {}
        for start in range(0, len(moving), 500):
            for record in self._client.read_addresses_by_id(
                moving[start : start + 500], fields=["Email", "email"]
            ):
                spelled = {address_key(entry): entry for entry in record.email_addresses}
                entries[record.id] = spelled
        found = []
        for item in pending:
            change = item.change
            if change.action == "change_email":
                own = entries.get(int(change.record_id), {}).get(address_key(change.after["email"]))
                if own is not None:
                    item = replace(item, change=replace(change, before={"email": own}))
            found.append(item)
        return found

    def _modify(
        self, groups: Sequence[list[Pending]], *, on_results: OnResults, left: Left
    ) -> list[list[Pending]]:
        """One action per group of changes of one contact; returns refused groups that can be taken
        apart."""
        refused: list[list[Pending]] = []
        for start in range(0, len(groups), _PORTION):
            portion = groups[start : start + _PORTION]
            chunk = [g for g in _asked(portion, on_results=on_results, left=left) if g]
            if not chunk:
                continue
            outcomes = self._client.modify_addresses(
                [_change(items[0], parameters=self._parameters(items)) for items in chunk]
            )
            results: list[Result] = []
            for items, outcome in zip(chunk, outcomes, strict=True):
                if _is_refused(outcome) and (len(items) > 1 or self._is_taken_apart(items[0])):
                    refused.append(items)
                    continue
                results += [
                    self._result(item, outcome, record_id=item.change.record_id) for item in items
                ]
            on_results(results)
            _stop_if_needed(outcomes)
        return refused

    def _is_taken_apart(self, item: Pending) -> bool:
        return item.change.action == "update_contact" and len(item.change.after) > 1

    def _modify_by_value(self, items: Sequence[Pending], *, on_results: OnResults) -> None:
        """Every value of these profile changes in an action of its own."""
        parts = [(item, name) for item in items for name in item.change.after]
        outcomes = self._client.modify_addresses(
            [_change(item, parameters=self._values(item, only={name})) for item, name in parts]
        )
        by_seq: dict[int, list[tuple[str, ActionOutcome]]] = {}
        for (item, name), outcome in zip(parts, outcomes, strict=True):
            by_seq.setdefault(item.change.seq, []).append((name, outcome))
        on_results([self._joined(item, parts=by_seq[item.change.seq]) for item in items])
        _stop_if_needed(outcomes)

    def _joined(self, item: Pending, *, parts: Sequence[tuple[str, ActionOutcome]]) -> Result:
        """The result of a change whose values were sent one by one."""
        record_id = item.change.record_id
        refused = [(name, o.error) for name, o in parts if o.error is not None and _is_refused(o)]
        others = [outcome for _, outcome in parts if not _is_refused(outcome)]
        # Where the CRM took another value of the contact, the refusal is about this one.
        proven = any(outcome.ok for outcome in others)
        dropped = tuple(
            DroppedField(name, error.code)
            for name, error in refused
            if proven or isinstance(error, ValueRefused)
        )
        if not others:
            return Result(item.change.seq, "refused", refused[0][1].code, record_id, dropped)
        # One value whose outcome is not known makes that of the change unknown.
        worst = next((o for o in others if not o.ok), others[0])
        return _result(item.change.seq, worst, record_id=record_id, dropped=dropped)

    def _create(self, items: Sequence[Pending], *, on_results: OnResults, left: Left) -> None:
        [items] = _asked([list(items)], on_results=on_results, left=left)
        if not items:
            return
        outcomes = self._client.create_addresses(
            [self._new(item, without=frozenset()) for item in items]
        )
        results = []
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome.error, ValueRefused):
                results.append(self._create_without_refused(item, refused=outcome, left=left))
            else:
                results.append(self._result(item, outcome, record_id=str(outcome.record_id or "")))
        on_results(results)
        _stop_if_needed(outcomes)

    def _create_without_refused(
        self, item: Pending, *, refused: ActionOutcome, left: Left
    ) -> Result:
        """Create again without a refused value: the one the CRM named, else each in turn, else
        all. A create that was refused has left nothing behind, so it may be sent again."""
        names = [name for name in item.change.after if name.startswith("field:")]
        tried = self._candidates(refused, names=names)
        dropped: tuple[DroppedField, ...] = ()
        outcome = refused
        for without in tried:
            if _says_wanted(item) and left({item.change.key}):
                return _overtaken(item)
            cause = outcome.error.code if outcome.error is not None else ""
            [outcome] = self._client.create_addresses([self._new(item, without=without)])
            dropped = tuple(
                DroppedField(name.removeprefix("field:"), cause) for name in sorted(without)
            )
            if not isinstance(outcome.error, ValueRefused):
                break
        else:
            # Not a mapped field: the change as it is.
            dropped = ()
        return _result(
            item.change.seq, outcome, record_id=str(outcome.record_id or ""), dropped=dropped
        )

    def _candidates(self, refused: ActionOutcome, *, names: Sequence[str]) -> list[frozenset[str]]:
        """Sets of fields to create without, the likeliest first."""
        error = refused.error
        named = [
            name
            for name in names
            if isinstance(error, ValueRefused)
            and self._fields[name.removeprefix("field:")].crm in error.fields
        ]
        # A message may quote a value that reads like the name of another field.
        first = [frozenset(named)] if len(named) == 1 else []
        rest = [frozenset({name}) for name in names if frozenset({name}) not in first]
        every = [frozenset(names)] if len(names) > 1 else []
        return [*first, *rest, *every]

    def _new(self, item: Pending, *, without: frozenset[str]) -> NewAddress:
        return NewAddress(
            reference=str(item.change.seq),
            parameters={
                **self._values(item, only=item.change.after.keys() - without),
                "email": item.change.after["email"],
                # Never overwrites: an existing contact with the address stays as it is and the
                # next plan sees it (onOffice apidoc, address create).
                "checkDuplicate": True,
                "noOverrideByDuplicate": True,
            },
        )

    def _parameters(self, items: Sequence[Pending]) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        for item in items:
            if item.change.action == "change_email":
                parameters["email"] = {
                    "action": "modify",
                    "oldvalue": item.change.before["email"],
                    "newvalue": item.change.after["email"],
                    "default": True,
                }
            else:
                parameters |= self._values(item, only=item.change.after.keys())
        return parameters

    def _values(self, item: Pending, *, only: Any) -> dict[str, Any]:
        """The values of a change that are among ``only``, by the CRM's field names."""
        parameters: dict[str, Any] = {}
        for name, value in item.change.after.items():
            if name not in only:
                continue
            if name == "newsletter":
                parameters[_STATUS] = KEY_BY_NEWSLETTER[Newsletter(value)]
            elif name == "tags" and self._tag_field:
                parameters[self._tag_field] = list(value)
            elif name.removeprefix("field:") in self._fields:
                parameters[self._fields[name.removeprefix("field:")].crm] = value
        return parameters

    def _result(self, item: Pending, outcome: ActionOutcome, *, record_id: str) -> Result:
        dropped: tuple[DroppedField, ...] = ()
        if item.change.action == "update_contact" and isinstance(outcome.error, ValueRefused):
            [name] = item.change.after
            dropped = (DroppedField(name, outcome.error.code),)
        return _result(item.change.seq, outcome, record_id=record_id, dropped=dropped)


def _asked(
    groups: Sequence[list[Pending]], *, on_results: OnResults, left: Left
) -> list[list[Pending]]:
    """The groups without the Yes, given or asked for, of those who have left; it is noted."""
    keys = {item.change.key for items in groups for item in items if _says_wanted(item)}
    gone = left(keys) if keys else ()
    stopped = [
        item for items in groups for item in items if _says_wanted(item) and item.change.key in gone
    ]
    if not stopped:
        return list(groups)
    on_results([_overtaken(item) for item in stopped])
    numbers = {item.change.seq for item in stopped}
    return [[item for item in items if item.change.seq not in numbers] for items in groups]


def _says_wanted(item: Pending) -> bool:
    """Whether the contact is to say Yes, or that it was asked to confirm one."""
    return item.change.after.get("newsletter") in (Newsletter.YES.value, Newsletter.DOI.value)


def _overtaken(item: Pending) -> Result:
    return Result(item.change.seq, "overtaken", cause="withdrawn")


def _change(item: Pending, *, parameters: dict[str, Any]) -> AddressChange:
    return AddressChange(address_id=int(item.change.record_id), parameters=parameters)


def _stop_if_needed(outcomes: Sequence[ActionOutcome]) -> None:
    """Raise what concerns the whole account, after the results of the others were kept."""
    for outcome in outcomes:
        if isinstance(outcome.error, OperatorNeeded):
            raise outcome.error


def _is_refused(outcome: ActionOutcome) -> bool:
    return isinstance(outcome.error, (SkipRecord, Permanent))


def _result(
    seq: int,
    outcome: ActionOutcome,
    *,
    record_id: str,
    dropped: tuple[DroppedField, ...] = (),
) -> Result:
    error: ApiError | None = outcome.error
    if outcome.ok:
        return Result(seq, "sent", record_id=record_id, dropped=dropped)
    if error is not None and error.may_be_applied:
        # What may have been applied is read back, however often it was tried.
        return Result(seq, "unknown", cause=error.code, record_id=record_id, dropped=dropped)
    if isinstance(error, (Retryable, OperatorNeeded)):
        return Result(seq, "failed", cause=error.code, record_id=record_id, dropped=dropped)
    cause = error.code if error is not None else "refused"
    return Result(seq, "refused", cause=cause, record_id=record_id, dropped=dropped)
