"""DELETED: LinkedIn orders a submission to be erased.

Belongs here: erasing the submission, and archiving a contact that came from it alone. Must not be
here: receiving the order (``push``).

onOffice deletes no address by API (apidoc: there is no such call). A contact that came from the
submission alone is archived, which also ends the sending, and listed to be deleted by hand. One
that anybody else has a use for stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from nl_pipeline.clients.onoffice import AddressChange, AddressRecord
from nl_pipeline.domain.states import KEY_BY_NEWSLETTER, Newsletter
from nl_pipeline.sync.leads.crm_fields import STATUS, current
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_notices, lead_runs, leads
from nl_pipeline.warehouse.lead_notices import LeadNotice
from nl_pipeline.warehouse.lead_runs import LeadError
from nl_pipeline.warehouse.leads import StoredLead

_ARCHIVED = {"Status2Adr": "status2adr_archive", "Status": "0"}
#: What the newsletter field says of somebody whose newsletter is no business of anybody else's.
_UNDECIDED = (Newsletter.NONE, Newsletter.DOI)


@dataclass(frozen=True)
class Deleted:
    """A submission that was erased, and the contact that was archived with it, if one was."""

    response_id: str
    archived: int | None = None


def delete(link: Link, *, notice: LeadNotice) -> list[Deleted]:
    """Carry out an order. Nothing is left to do for one that is carried out already, or that came
    after the person submitted again. Raises what the CRM answers; it is tried again then."""
    known = leads.read(link.warehouse, response_ids=[notice.response_id], states=leads.LIVING)
    contact = known[0] if known else None
    is_meant = contact is None or contact.lead.submitted_at <= notice.occurred_at
    archived = _archive(link, contact) if contact is not None and is_meant else None
    before = leads.erase(
        link.warehouse,
        response_id=notice.response_id,
        form_id=notice.form_id,
        at=notice.occurred_at,
        now=link.now(),
    )
    lead_notices.note(link.warehouse, notices=[notice], state="done")
    if archived is not None:
        error = LeadError(
            notice.response_id,
            notice.form_id,
            "delete_contact_by_hand",
            f"the submission was taken back; contact {archived} came from it alone and is archived",
            "delete it in onOffice, which has no deleting by API",
        )
        lead_runs.note_errors(link.warehouse, errors=[error], tried=(), now=link.now())
    return [] if before is None else [Deleted(notice.response_id, archived)]


def _archive(link: Link, stored: StoredLead) -> int | None:
    """Archive the contact, if it came from this submission and nobody had to do with it since."""
    crm_id = stored.crm_id
    if stored.origin != "created" or crm_id is None:
        return None
    if leads.others_of_contact(link.warehouse, crm_id=crm_id) > 1:
        return None
    known = link.crm.client.read_fields()
    archive = {name: value for name, value in _ARCHIVED.items() if name in known}
    names = ["Email", "email", STATUS, *archive, *stored.written]
    with link.counting("look_up"):
        found = link.crm.client.read_addresses_by_id([crm_id], fields=list(dict.fromkeys(names)))
    if not found or not archive or not _is_untouched(found[0], stored=stored):
        return None
    with link.counting("write"):
        [outcome] = link.crm.client.modify_addresses([AddressChange(crm_id, archive)])
    if outcome.error is not None:
        raise outcome.error
    return crm_id


def _is_untouched(record: AddressRecord, *, stored: StoredLead) -> bool:
    """Whether the contact says what the submission wrote and nothing was decided about it."""
    undecided = {KEY_BY_NEWSLETTER[one] for one in _UNDECIDED} | {""}
    return current(record, STATUS) in undecided and all(
        current(record, name) == value for name, value in stored.written.items()
    )
