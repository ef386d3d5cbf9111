"""When a lead is consent to the newsletter, and what proves it.

Belongs here: the judgement over one lead. Must not be here: the ledger it is entered into.

A lead alone is no consent. Only a box that was mapped as the newsletter's, ticked by the person,
and whose text is known, is evidence; everything else has a reason of its own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nl_pipeline.domain.leads.forms import Lead, LeadForm


class NewsletterAs(StrEnum):
    """What the CRM is set to by an accepted consent."""

    DOI = "doi"
    YES = "yes"


@dataclass(frozen=True)
class ConsentMapping:
    """The consent box that is the newsletter's.

    `text` is what the box said when it was mapped, "" if that was not written down.
    """

    consent_id: int
    newsletter: NewsletterAs = NewsletterAs.DOI
    text: str = ""


@dataclass(frozen=True)
class ConsentEvidence:
    """What proves a consent: who asked what, in which version, and when it was accepted."""

    response_id: str
    form_id: int
    form_version: int
    consent_id: int
    locale: str
    text: str
    accepted_at: datetime
    newsletter: NewsletterAs


class ConsentReason(StrEnum):
    """What a lead says about the newsletter."""

    ACCEPTED = "accepted"
    NOT_MAPPED = "not_mapped"
    NOT_ANSWERED = "not_answered"
    NOT_ACCEPTED = "not_accepted"
    TEST_LEAD = "test_lead"
    TEXT_UNKNOWN = "text_unknown"
    TEXT_CHANGED = "text_changed"


@dataclass(frozen=True)
class ConsentFinding:
    """The judgement; `evidence` is there if and only if `reason` is ACCEPTED."""

    reason: ConsentReason
    evidence: ConsentEvidence | None = field(default=None)


def consent_of(
    lead: Lead, *, form: LeadForm | None, mapping: ConsentMapping | None
) -> ConsentFinding:
    """Judge one lead. `form` is the version it was filled in.

    Boxes are counted anew in each version, so box 0 of the next version may ask for something
    else: where the text at the time of the mapping is known, another text is no consent to it.
    A test lead is an act of whoever tests, never of a person who could consent.
    """
    if mapping is None:
        return ConsentFinding(ConsentReason.NOT_MAPPED)
    said = [c.accepted for c in lead.consents if c.consent_id == mapping.consent_id]
    if not said:
        return ConsentFinding(ConsentReason.NOT_ANSWERED)
    if not all(said):
        return ConsentFinding(ConsentReason.NOT_ACCEPTED)
    if lead.is_test:
        return ConsentFinding(ConsentReason.TEST_LEAD)
    box = form.consent(mapping.consent_id) if form and _is_form_of(lead, form=form) else None
    if form is None or box is None or not box.text.text(form.locale).strip():
        return ConsentFinding(ConsentReason.TEXT_UNKNOWN)
    texts = {_words(text) for text in box.text.by_locale.values()}
    if mapping.text and _words(mapping.text) not in texts:
        return ConsentFinding(ConsentReason.TEXT_CHANGED)
    evidence = ConsentEvidence(
        response_id=lead.response_id,
        form_id=lead.form_id,
        form_version=lead.form_version,
        consent_id=mapping.consent_id,
        locale=box.text.locale(form.locale),
        text=box.text.text(form.locale),
        accepted_at=lead.submitted_at,
        newsletter=mapping.newsletter,
    )
    return ConsentFinding(ConsentReason.ACCEPTED, evidence)


def _is_form_of(lead: Lead, *, form: LeadForm) -> bool:
    """Whether this is the very version; a form that came with a lead does not say its own."""
    return (form.id, form.version) in {(lead.form_id, lead.form_version), (lead.form_id, 0)}


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
