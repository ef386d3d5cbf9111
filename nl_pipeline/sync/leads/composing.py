"""What a submission writes at its contact: the parameters of one create or change.

Belongs here: comparing with what the contact says, and whose value stays. Must not be here:
sending, who is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nl_pipeline.clients.onoffice import AddressRecord, multiselect_keys
from nl_pipeline.domain.leads import Verdict
from nl_pipeline.domain.states import KEY_BY_NEWSLETTER
from nl_pipeline.sync.leads.consenting import NewsletterMove
from nl_pipeline.sync.leads.crm_fields import (
    STATUS,
    LeadFields,
    Mark,
    comparable_value,
    current,
    entries,
    has_entry,
    is_entry,
)
from nl_pipeline.sync.leads.judging import Judged
from nl_pipeline.warehouse.lead_runs import LeadError

_FLAWS = {
    "value_not_permitted": (
        "the answer is none of the values that {name} has in the CRM",
        "add the value in onOffice, or map the question to a text field",
    ),
    "value_cut": (
        "the answer is longer than {name} in the CRM and was cut",
        "look the submission up at LinkedIn, or map the question to a longer field",
    ),
}


@dataclass(frozen=True)
class Composed:
    """What is sent for a submission, and what it means.

    `parameters` go to the CRM as they are; an entry of a contact that exists is an instruction.
    `shown`: what a read has to show afterwards; `written`: what counts as written by us.
    """

    judged: Judged
    parameters: Mapping[str, Any] = field(repr=False)
    shown: Mapping[str, str] = field(repr=False)
    written: Mapping[str, str] = field(repr=False)
    move: NewsletterMove
    errors: tuple[LeadError, ...]


@dataclass(frozen=True)
class Surroundings:
    """What the composing of one submission needs beside it.

    `overwrites`: values of the CRM give way also where somebody changed them. `before`: what
    submissions have written at the contact, by field; `form_names`: the forms it came through.
    """

    fields: LeadFields
    tag_field: str | None
    now: datetime
    overwrites: bool
    before: Mapping[str, Collection[str]] = field(repr=False)
    form_names: Sequence[str] = ()


def compose(
    judged: Judged,
    *,
    record: AddressRecord | None,
    move: NewsletterMove,
    around: Surroundings,
) -> Composed:
    """Compose for the contact `record`, or for one that is created.

    What a person writes for the first time is taken. What was imported before is written again
    where the CRM is empty or still says what a submission wrote: whoever corrected it since is
    right, unless everything is to be overwritten. An unanswered question writes nothing.
    """
    fields = around.fields
    parameters: dict[str, Any] = {}
    written: dict[str, str] = {}
    errors: list[LeadError] = []
    is_new = judged.verdict is Verdict.TAKEN and not judged.stored.was_imported
    for name, text in judged.values.items():
        fit = fields.fit(name, text)
        if fit.flaw:
            errors.append(_flawed(judged, name=name, flaw=fit.flaw))
        if fit.value is None:
            continue
        if is_entry(name):
            entry = _entry(judged, record=record, name=name, value=text, fields=fields)
            if entry is not None:
                parameters[name] = entry
            continue
        wanted = comparable_value(fit.value)
        there = "" if record is None else current(record, name)
        may_write = is_new or around.overwrites or not there or there in around.before.get(name, ())
        if there == wanted or may_write:
            written[name] = wanted
        if there != wanted and may_write:
            parameters[name] = fit.value
    plain = [name for name in parameters if not is_entry(name)]
    parameters |= _marks(record=record, is_new=is_new, around=around)
    parameters |= _tag(judged, record=record, around=around, errors=errors)
    if move.to is not None:
        parameters[STATUS] = KEY_BY_NEWSLETTER[move.to]
    shown = {
        name: comparable_value(value)
        for name, value in parameters.items()
        if not is_entry(name) and (name in plain or name == STATUS or name == around.tag_field)
    }
    return Composed(judged, parameters, shown, written, move, (*errors, *move.errors))


def _entry(
    judged: Judged, *, record: AddressRecord | None, name: str, value: str, fields: LeadFields
) -> Any:
    """The value of an entry to create, or the instruction to add it; None where it is there."""
    if record is None:
        return value
    if has_entry(record, parameter=name, value=value):
        return None
    is_key = name == fields.name(judged.wish.key)
    # The contact was found by it: it stands there in another spelling.
    if is_key:
        return None
    return {"action": "add", "newvalue": value, "default": not entries(record, name)}


def _marks(*, record: AddressRecord | None, is_new: bool, around: Surroundings) -> dict[str, Any]:
    """The LinkedIn fields, as far as the account has them."""
    marks = around.fields.marks
    wanted: dict[Mark, str] = {Mark.IMPORTED: "1", Mark.FORMS: ", ".join(around.form_names)}
    if Mark.IMPORT_DATE in marks and (
        is_new or record is None or not current(record, marks[Mark.IMPORT_DATE].name).strip("0-: ")
    ):
        wanted[Mark.IMPORT_DATE] = around.fields.day(Mark.IMPORT_DATE, around.now)
    found = {}
    for mark, value in wanted.items():
        if mark in marks:
            name, length = marks[mark].name, marks[mark].length
            value = value[:length] if length else value
            if record is None or current(record, name) != value:
                found[name] = value
    return found


def _tag(
    judged: Judged,
    *,
    record: AddressRecord | None,
    around: Surroundings,
    errors: list[LeadError],
) -> dict[str, Any]:
    if not judged.wish.tag or not around.tag_field:
        return {}
    key = around.fields.tag_key(judged.wish.tag, tag_field=around.tag_field)
    if key is None:
        errors.append(
            LeadError(
                judged.lead.response_id,
                judged.lead.form_id,
                "tag_missing",
                f"the account has no newsletter tag {judged.wish.tag}",
                f"add it to {around.tag_field} in onOffice, and import the form by hand",
                field=around.tag_field,
                stops=False,
            )
        )
        return {}
    keys = multiselect_keys(record.elements.get(around.tag_field)) if record is not None else ()
    return {} if key in keys else {around.tag_field: [*keys, key]}


def _flawed(judged: Judged, *, name: str, flaw: str) -> LeadError:
    text, what_next = _FLAWS[flaw]
    lead = judged.lead
    return LeadError(
        lead.response_id,
        lead.form_id,
        flaw,
        text.format(name=name),
        what_next,
        field=name,
        stops=False,
    )
