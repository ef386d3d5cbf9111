"""Lead forms: all of an owner, and one.

Belongs here: the calls. Does not belong here: the shape of a form (``wire``).
"""

from __future__ import annotations

import msgspec

from nl_pipeline.clients.linkedin.models import FormPage, UnreadableRow
from nl_pipeline.clients.linkedin.paging import collect
from nl_pipeline.clients.linkedin.problems import LeadAbsent
from nl_pipeline.clients.linkedin.session import Path, Session
from nl_pipeline.clients.linkedin.urns import owner_parameter
from nl_pipeline.clients.linkedin.wire import form_in
from nl_pipeline.domain.leads import LeadForm, Owner


def forms_of(session: Session, *, owner: Owner) -> FormPage:
    """Return all forms of an owner in their latest version, whatever their state."""
    rows = collect(
        session,
        Path("/leadForms"),
        row=msgspec.Raw,
        parameters={"q": "owner", "owner": owner_parameter(owner)},
    )
    forms: dict[int, LeadForm] = {}
    unreadable: list[UnreadableRow] = []
    for raw in rows:
        form = form_in(raw)
        if isinstance(form, UnreadableRow):
            unreadable.append(form)
        else:
            forms[form.id] = form
    return FormPage(tuple(forms.values()), tuple(unreadable))


def form(session: Session, *, form_id: int) -> LeadForm | None:
    """Return one form in its latest version; None when there is none, or its shape is unknown."""
    try:
        raw = session.get(Path("/leadForms/{form_id}", [form_id]), answer=msgspec.Raw)
    except LeadAbsent:
        return None
    found = form_in(raw)
    return None if isinstance(found, UnreadableRow) else found
