"""The import that a person starts: first what it would do, then doing it.

Belongs here: reading, counting, and the run with its counters. Must not be here: the eight
combinations (``domain.leads``), the path into the CRM (``importing``).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nl_pipeline.clients.errors import ApiError, OperatorNeeded, Retryable
from nl_pipeline.domain.leads import ImportMode, ManualOptions, Verdict, mode_of
from nl_pipeline.sync.leads.forms import discover, note_blocked, source_of
from nl_pipeline.sync.leads.importing import (
    ImportResult,
    import_leads,
    judged_leads,
    lead_fields,
)
from nl_pipeline.sync.leads.matching import match
from nl_pipeline.sync.leads.pull import WAIT_SECONDS, Read, read_owner, window_start
from nl_pipeline.sync.leads.wanted import owners, wish_of
from nl_pipeline.sync.link import Link
from nl_pipeline.sync.turns import turn
from nl_pipeline.warehouse import lead_forms
from nl_pipeline.warehouse.lead_forms import KnownForm


@dataclass(frozen=True)
class ManualPlan:
    """What a manual import would do. ``left_out``: submissions it leaves, by verdict.

    ``creates``, ``updates`` and ``conflicts`` go by what the CRM says now; ``unusable`` can't be
    imported as they are. ``again``: of all, those that were imported before. ``since`` None:
    everything since the form was created, as far as LinkedIn keeps it.
    """

    form_id: int
    form_name: str
    mode: ImportMode
    since: datetime | None
    planned_at: datetime
    stored: int
    creates: int
    updates: int
    conflicts: int
    unusable: int
    again: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """Submissions the import takes."""
        return self.creates + self.updates + self.conflicts + self.unusable


def plan(link: Link, *, form_id: int, options: ManualOptions) -> ManualPlan:
    """Read what the options ask for, and count. Nothing is written in the CRM.

    ValueError with the reason for options that are refused; OperatorNeeded for a form that is not
    known or not imported; the errors of LinkedIn and the CRM as they are.
    """
    mode = _legal(options)
    with _alone(link):
        form = _form(link, form_id=form_id)
        planned_at = link.now()
        stored = _read(link, form=form, mode=mode, end=planned_at)
        fields = lead_fields(link)
        since = None if mode.since_creation else form.last_run_at
        judged = judged_leads(
            link, form_ids=[form_id], mode=mode, since={form_id: since}, fields=fields
        )
        taken = [one for one in judged if one.verdict.takes]
        usable = [one for one in taken if not one.is_stopped]
        names = fields.to_read(mapped={n for one in usable for n in one.values}, tag_field=None)
        found = match(link, judged=usable, fields=fields, names=names).found
        places: Counter[int] = Counter()
        for one in usable:
            places[min(2, len(found.get(one.contact, ())))] += 1
        return ManualPlan(
            form_id=form_id,
            form_name=form.form.name,
            mode=mode,
            since=since,
            planned_at=planned_at,
            stored=stored,
            creates=places[0],
            updates=places[1],
            conflicts=places[2],
            unusable=len(taken) - len(usable),
            again=sum(one.verdict is Verdict.TAKEN_AGAIN for one in taken),
            left_out=Counter(str(one.verdict) for one in judged if not one.verdict.takes),
        )


def run(link: Link, *, planned: ManualPlan) -> ImportResult:
    """Carry a plan out: what has been submitted since is left to push and pull.

    The counters of the form begin anew; the history of its runs stays. Raises nothing for what a
    service answers.
    """
    form_id = planned.form_id
    with _alone(link):
        lead_forms.count_anew(link.warehouse, form_id=form_id, now=link.now())
        result = import_leads(
            link,
            told_by="manual",
            form_ids=[form_id],
            mode=planned.mode,
            since={form_id: planned.since},
        )
        if result.stopped_by is None:
            lead_forms.note_read(
                link.warehouse, form_ids=[form_id], told_by="manual", at=planned.planned_at
            )
        return result


@contextlib.contextmanager
def _alone(link: Link) -> Iterator[None]:
    """The turn of the lead import, or an error that says that another process has it."""
    with turn(link.warehouse, name="leads", wait_seconds=WAIT_SECONDS) as ours:
        if not ours:
            raise Retryable(
                "another process of this connection has been importing leads for minutes",
                system="leads",
                code="busy",
                what_next="wait for the other run and start again",
            )
        yield


def _legal(options: ManualOptions) -> ImportMode:
    mode = mode_of(options)
    if mode.refusal:
        raise ValueError(mode.refusal)
    return mode


def _form(link: Link, *, form_id: int) -> KnownForm:
    """The form, in its latest version, and where its import is not off."""
    source_of(link)
    found = discover(link)
    form = lead_forms.known(link.warehouse).get(form_id)
    if form is None:
        failed: ApiError | None = next(iter(found.failed.values()), None)
        if failed is not None:
            raise failed
        raise OperatorNeeded(
            f"no owner of connection {link.name} has a form {form_id}",
            system="linkedin",
            code="form_unknown",
            what_next="name one of the forms that `leads forms` lists",
        )
    gate = wish_of(link, form_id=form_id).gate
    if not (gate.import_on and gate.form_enabled):
        where = "of this connection" if not gate.import_on else f"of form {form_id}"
        raise OperatorNeeded(
            f"the import {where} is off",
            system="leads",
            code="import_off",
            what_next="switch it on in the settings file, once the mapping of the form is right",
        )
    return form


def _read(link: Link, *, form: KnownForm, mode: ImportMode, end: datetime) -> int:
    """Store what LinkedIn has of the form in the wanted span; returns how many are new."""
    linkedin, _ = source_of(link)
    since = None if mode.since_creation else form.last_run_at
    read = Read()
    asked = [form.form.owner] if form.form.owner is not None else owners(linkedin)
    for owner in asked:
        read_owner(
            link,
            owner=owner,
            start=window_start(form, now=end, since=since),
            end=end,
            form_ids=[form.form.id],
            told_by="manual",
            read=read,
        )
    note_blocked(link, failed=read.failed, asked=asked)
    if read.failed:
        raise next(iter(read.failed.values()))
    return sum(read.stored.values())
