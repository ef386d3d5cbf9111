"""The one path by which submissions reach the CRM, whoever told of them: push, pull or a person.

Belongs here: the order of the steps, and one bad submission by itself. Must not be here: where
submissions come from (``push``, ``pull``, ``manual``), the steps.

Importing again what is imported does nothing, so push, pull and manual import may meet in any
order. One process of a connection imports at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.clients.onoffice import AddressRecord, CrmZone
from nl_pipeline.domain.leads import ImportMode, ManualOptions
from nl_pipeline.sync import activities
from nl_pipeline.sync.leads import workflow, writing
from nl_pipeline.sync.leads.composing import Composed, Surroundings, compose
from nl_pipeline.sync.leads.consenting import Departed, newsletter_move
from nl_pipeline.sync.leads.crm_fields import LeadFields
from nl_pipeline.sync.leads.judging import Judged, judge
from nl_pipeline.sync.leads.matching import match
from nl_pipeline.sync.leads.writing import Sent
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms, lead_runs, leads
from nl_pipeline.warehouse.lead_forms import ToldBy
from nl_pipeline.warehouse.lead_runs import FormRun, LeadError
from nl_pipeline.warehouse.leads import Imported

#: Submissions that are looked up, written and noted together.
_PORTION = 100
_REVOKED = "speicherungwiderrufen"


@dataclass(frozen=True)
class ImportResult:
    """What an import came to, by form; `stopped_by` is what a service did not do, with all else
    done and noted. `import_id` is "" where there was nothing to be entered into the history."""

    runs: tuple[FormRun, ...]
    import_id: str
    consents: int = 0
    stopped_by: ApiError | None = None

    @property
    def created(self) -> int:
        """Contacts that were created."""
        return sum(run.created for run in self.runs)

    @property
    def updated(self) -> int:
        """Contacts that existed and were reached."""
        return sum(run.updated for run in self.runs)

    @property
    def errors(self) -> int:
        """Errors that were not known before."""
        return sum(run.errors for run in self.runs)


@dataclass
class _Tally:
    created: Counter[int] = field(default_factory=Counter)
    updated: Counter[int] = field(default_factory=Counter)
    errors: Counter[int] = field(default_factory=Counter)
    reached: list[Judged] = field(default_factory=list)
    consents: int = 0
    stopped_by: ApiError | None = None


def lead_fields(link: Link) -> LeadFields:
    """The account's fields as leads see them."""
    zone = CrmZone(link.settings.crm.time_zone)
    return LeadFields(link.crm.client.read_fields(), zone=zone)


def judged_leads(
    link: Link,
    *,
    form_ids: Collection[int],
    mode: ImportMode | None = None,
    since: Mapping[int, datetime | None],
    fields: LeadFields,
) -> list[Judged]:
    """The verdict on every submission of these forms that an import could take."""
    states = leads.UNFINISHED if mode is None or not mode.takes_imported else leads.LIVING
    stored = leads.read(link.warehouse, form_ids=form_ids, states=states)
    return judge(link, stored=stored, mode=mode, since=since, fields=fields)


def import_leads(
    link: Link,
    *,
    told_by: ToldBy,
    form_ids: Collection[int],
    mode: ImportMode | None = None,
    since: Mapping[int, datetime | None] | None = None,
    started_at: datetime | None = None,
) -> ImportResult:
    """Import what is stored of these forms and was not imported, or what `mode` takes. Activities
    are planned; whoever calls writes them (``sync.activities``).

    Raises nothing for what a service answers: it is in ``stopped_by``.
    """
    if not form_ids:
        return ImportResult((), "")
    started = started_at or link.now()
    options = ManualOptions() if mode is None else mode.options
    tally = _Tally()
    left_out: dict[int, Counter[str]] = {form_id: Counter() for form_id in form_ids}
    try:
        fields = lead_fields(link)
        judged = judged_leads(link, form_ids=form_ids, mode=mode, since=since or {}, fields=fields)
        for one in judged:
            if not one.verdict.takes:
                left_out.setdefault(one.lead.form_id, Counter())[str(one.verdict)] += 1
        _carry_out(
            link,
            [one for one in judged if one.verdict.takes],
            fields=fields,
            overwrites=mode is not None and mode.since_creation and mode.takes_imported,
            tally=tally,
        )
        restarts = mode is not None and mode.restarts_workflows
        workflow.plan_entries(link, imported=tally.reached, restarts=restarts)
        tally.stopped_by = tally.stopped_by or workflow.carry_out(link).stopped_by
    except ApiError as error:
        tally.stopped_by = error
    runs = tuple(
        FormRun(i, tally.created[i], tally.updated[i], tally.errors[i], dict(left))
        for i, left in sorted(left_out.items())
    )
    import_id = ""
    if told_by == "manual" or any(
        (run.created, run.updated, run.errors) != (0, 0, 0) for run in runs
    ):
        import_id = lead_runs.note_run(
            link.warehouse,
            runs=runs,
            told_by=told_by,
            options=options,
            started_at=started,
            now=link.now(),
            stopped_by="" if tally.stopped_by is None else tally.stopped_by.code,
        )
    return ImportResult(runs, import_id, tally.consents, tally.stopped_by)


def _carry_out(
    link: Link,
    taken: Sequence[Judged],
    *,
    fields: LeadFields,
    overwrites: bool,
    tally: _Tally,
) -> None:
    stopped = [one for one in taken if one.is_stopped]
    _note_errors(link, [e for one in stopped for e in one.errors], tried=stopped, tally=tally)
    departed = Departed(link)
    for portion in _portions([one for one in taken if not one.is_stopped]):
        _import(
            link,
            portion,
            fields=fields,
            overwrites=overwrites,
            departed=departed,
            tally=tally,
        )
        link.progress(
            "leads", sum(tally.created.values()) + sum(tally.updated.values()), len(taken)
        )
        if tally.stopped_by is not None:
            return


def _portions(taken: Sequence[Judged]) -> list[list[Judged]]:
    """Portions in which no contact comes twice: the second submission of a person finds the contact
    that the first one made."""
    portions: list[list[Judged]] = []
    places: Counter[str] = Counter()
    for one in taken:
        place = places[one.contact]
        while place < len(portions) and len(portions[place]) >= _PORTION:
            place += 1
        if place == len(portions):
            portions.append([])
        portions[place].append(one)
        places[one.contact] = place + 1
    return portions


def _import(
    link: Link,
    portion: Sequence[Judged],
    *,
    fields: LeadFields,
    overwrites: bool,
    departed: Departed,
    tally: _Tally,
) -> None:
    tag_field = link.settings.tags.field if link.settings.tags.enabled else None
    mapped = {name for one in portion for name in one.values}
    names = fields.to_read(mapped=mapped, tag_field=tag_field)
    matches = match(link, judged=portion, fields=fields, names=names)
    errors = list(matches.errors)
    new: list[Judged] = []
    known: list[tuple[Judged, AddressRecord]] = []
    for one in portion:
        records = matches.found.get(one.contact)
        if records is None:
            continue
        refusal = _refusal(one, records=records)
        if refusal is not None:
            errors.append(refusal)
        elif records:
            known.append((one, records[0]))
        else:
            new.append(one)
    composer = _Composer(
        link, fields=fields, tag_field=tag_field, overwrites=overwrites, departed=departed
    )
    sent: list[Sent] = []
    leads.begin_creating(link.warehouse, response_ids=[one.lead.response_id for one in new])
    created = writing.create(
        link,
        composed=composer.compose([(one, None) for one in new]),
        names=names,
        has_left=composer.has_left,
    )
    errors += created.errors
    sent += created.sent
    if created.existing:
        again = [composed.judged for composed in created.existing]
        found = match(link, judged=again, fields=fields, names=names).found
        for one in again:
            records = found.get(one.contact) or []
            refusal = _refusal(one, records=records) if records else _vanished(one)
            if refusal is not None:
                errors.append(refusal)
            else:
                known.append((one, records[0]))
    if created.stopped_by is None:
        if new:
            known = _looked_at_again(link, known, names=names, errors=errors)
        composed = composer.compose([(one, record) for one, record in known])
        ids = {one.lead.response_id: record.id for one, record in known}
        changed = writing.change(
            link,
            composed=[(c, ids[c.judged.lead.response_id]) for c in composed],
            names=names,
            has_left=composer.has_left,
        )
        errors += changed.errors
        sent += changed.sent
        tally.stopped_by = changed.stopped_by
    else:
        tally.stopped_by = created.stopped_by
    _note(link, sent, tally=tally)
    errors += [error for one in sent for error in one.errors]
    reached = {one.composed.judged.lead.response_id for one in sent}
    failed = {error.response_id for error in errors if error.stops}
    tried = [one for one in portion if one.lead.response_id in reached | failed]
    for one in portion:
        errors += [error for error in one.errors if one.lead.response_id in reached]
    _note_errors(link, errors, tried=tried, tally=tally)


class _Composer:
    """Composes a portion, with one last look at who has left."""

    def __init__(
        self,
        link: Link,
        *,
        fields: LeadFields,
        tag_field: str | None,
        overwrites: bool,
        departed: Departed,
    ) -> None:
        self._link = link
        self._fields = fields
        self._tag_field = tag_field
        self._overwrites = overwrites
        self._departed = departed

    def has_left(self, one: Composed) -> bool:
        """Whether the person of a submission has left by now."""
        return one.judged.address in self._departed.of([one.judged])

    def compose(self, pairs: Sequence[tuple[Judged, AddressRecord | None]]) -> list[Composed]:
        if not pairs:
            return []
        ids = [record.id for _, record in pairs if record is not None]
        before = leads.written_before(self._link.warehouse, crm_ids=ids)
        forms = leads.forms_of_contacts(self._link.warehouse, crm_ids=ids)
        names = {i: one.form.name for i, one in lead_forms.known(self._link.warehouse).items()}
        consented = leads.consented(
            self._link.warehouse, response_ids=[one.lead.response_id for one, _ in pairs]
        )
        departed = self._departed.of([one for one, _ in pairs])
        composed = []
        for one, record in pairs:
            crm_id = 0 if record is None else record.id
            came = sorted({one.lead.form_id, *forms.get(crm_id, ())})
            around = Surroundings(
                fields=self._fields,
                tag_field=self._tag_field,
                now=self._link.now(),
                overwrites=self._overwrites,
                before=before.get(crm_id, {}),
                form_names=[f"{names.get(i, '')} ({i})".strip() for i in came],
            )
            move = newsletter_move(one, record=record, departed=departed, consented=consented)
            composed.append(compose(one, record=record, move=move, around=around))
        return composed


def _looked_at_again(
    link: Link,
    known: Sequence[tuple[Judged, AddressRecord]],
    *,
    names: Sequence[str],
    errors: list[LeadError],
) -> list[tuple[Judged, AddressRecord]]:
    """The contacts as they are after others were created, which takes a while: whoever has
    cancelled meanwhile is not written over."""
    if not known:
        return []
    with link.counting("look_up"):
        found = link.crm.client.read_addresses_by_id(
            sorted({record.id for _, record in known}), fields=names
        )
    records = {record.id: record for record in found}
    left = []
    for one, before in known:
        record = records.get(before.id)
        refusal = _removed(one) if record is None else _refusal(one, records=[record])
        if refusal is not None:
            errors.append(refusal)
        elif record is not None:
            left.append((one, record))
    return left


def _refusal(one: Judged, *, records: Sequence[AddressRecord]) -> LeadError | None:
    """Why nothing is written at what was found, None where something is."""
    key = one.wish.key
    if len(records) > 1:
        ids = ", ".join(str(record.id) for record in records[:10])
        return _error(
            one,
            "several_contacts",
            f"{len(records)} contacts have this {key}: {ids}",
            "merge them in onOffice, or correct the wrong ones; the next import tries again",
        )
    if records and records[0].elements.get("DSGVOStatus") == _REVOKED:
        return _error(
            one,
            "storage_revoked",
            f"contact {records[0].id} has revoked the storage of its data",
            "ask the person; nothing more of them is stored until the GDPR status changes",
        )
    return None


def _vanished(one: Judged) -> LeadError:
    return _error(
        one,
        "found_by_duplicate_check_only",
        f"the CRM says that a contact has this {one.wish.key}, but a search does not find it",
        "check that the API user may read all addresses; the next import tries again",
    )


def _removed(one: Judged) -> LeadError:
    return _error(
        one,
        "contact_removed",
        "the contact was removed a moment before it was written to",
        "nothing, the next import looks again",
    )


def _error(one: Judged, reason: str, text: str, what_next: str) -> LeadError:
    return LeadError(one.lead.response_id, one.lead.form_id, reason, text, what_next)


def _note(link: Link, sent: Sequence[Sent], *, tally: _Tally) -> None:
    if not sent:
        return
    notes = activities.notes_leads(link)
    imported = []
    for one in sent:
        judged = one.composed.judged
        came_from_it = one.is_created or judged.stored.origin == "created"
        imported.append(
            Imported(
                stored=judged.stored,
                crm_id=one.crm_id,
                origin="created" if came_from_it else "found",
                key=judged.address or judged.contact,
                written=one.composed.written,
                note=_note_of(judged) if notes else "",
                granted=one.composed.move.granted,
            )
        )
        counted = tally.created if one.is_created else tally.updated
        counted[judged.lead.form_id] += 1
        tally.reached.append(judged)
    tally.consents += leads.note_imported(link.warehouse, imported=imported, now=link.now())


def _note_of(judged: Judged) -> str:
    """The text of the activity: form and campaign, and no answer."""
    lead = judged.lead
    name = judged.form.name if judged.form is not None else ""
    parts = [f'form "{name}" ({lead.form_id})' if name else f"form {lead.form_id}"]
    if lead.campaign_name or lead.campaign_id:
        parts.append(f'campaign "{lead.campaign_name}" ({lead.campaign_id})')
    if lead.is_test:
        parts.append("test lead")
    return ", ".join(parts)


def _note_errors(
    link: Link, errors: Sequence[LeadError], *, tried: Sequence[Judged], tally: _Tally
) -> None:
    ids = [one.lead.response_id for one in tried]
    stopped = {error.response_id for error in errors if error.stops}
    leads.leave_open(link.warehouse, response_ids=stopped)
    tally.errors += lead_runs.note_errors(link.warehouse, errors=errors, tried=ids, now=link.now())
