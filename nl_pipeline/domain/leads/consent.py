"""When a lead is consent to the newsletter, and what proves it.

Belongs here: the judgement over one lead. Must not be here: the ledger it is entered into.

A lead alone is no consent. Only a box that was mapped as the newsletter's, ticked by the person,
and whose text is known, is evidence; everything else has a reason of its own.
"""

from __future__ import annotations

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
    """Judge one lead. `form` is the version it was filled in."""
    raise NotImplementedError
