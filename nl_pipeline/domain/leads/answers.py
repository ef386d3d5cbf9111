"""From the answers of a lead to values for the CRM.

Belongs here: text and option ids to text, what is missing, what is not understood. Must not be
here: the mapping itself (``mapping``), whether a value fits a field of the CRM.

Answers come in any order, unanswered questions are missing, and options come as ids whose text
stands in the version of the form that was filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from nl_pipeline.domain.leads.forms import Lead, LeadForm
from nl_pipeline.domain.leads.mapping import FieldMapping


class AnswerFlaw(StrEnum):
    """Why an answer did not become a value, or not a good one."""

    UNKNOWN_OPTION = "unknown_option"
    FORM_UNKNOWN = "form_unknown"
    KEY_MISSING = "key_missing"


@dataclass(frozen=True)
class AnswerProblem:
    """One flaw of one lead; holds no answer."""

    flaw: AnswerFlaw
    source: str
    crm: str
    text: str


@dataclass(frozen=True)
class LeadValues:
    """Values by field of the CRM. A field without an answer is absent: it is never emptied."""

    values: Mapping[str, str] = field(repr=False)
    problems: tuple[AnswerProblem, ...]


def values_of(lead: Lead, *, form: LeadForm | None, rows: Sequence[FieldMapping]) -> LeadValues:
    """Return what the mapped answers of a lead say. `form` is the version it was filled in."""
    raise NotImplementedError


def text_answers(lead: Lead, *, form: LeadForm | None) -> tuple[tuple[str, str], ...]:
    """Return (question, answer) as a person reads them, in the order of the form."""
    raise NotImplementedError
