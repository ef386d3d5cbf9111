"""Which answer goes into which field of the CRM: suggestion and check.

Belongs here: where a value may come from, the suggestion for a form, what is wrong with a mapping.
Must not be here: the values themselves (``answers``), whether the CRM has a field.

Question ids differ from form to form, LinkedIn's names of its own questions do not: a mapping
names a question by its predefined name where it has one, else by its id.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nl_pipeline.domain.leads.forms import LeadForm, Question

DEFAULT_KEY = "email"
"""The field of the CRM by which a lead finds its contact."""


@dataclass(frozen=True)
class FieldMapping:
    """One row: `source` goes into the field `crm`.

    `source` is a predefined name (``EMAIL``), a question id (``208120345``), ``hidden:<name>`` for
    a hidden field, ``consent:<id>`` for a consent box, or ``lead:<fact>`` for one of `LEAD_FACTS`.
    """

    source: str
    crm: str


class Because(StrEnum):
    """What a suggestion rests on."""

    PREDEFINED = "predefined"
    QUESTION = "question"


@dataclass(frozen=True)
class Suggestion:
    """A suggested row, and why."""

    mapping: FieldMapping
    because: Because


class MappingFlaw(StrEnum):
    """What is wrong with a mapping."""

    KEY_NOT_MAPPED = "key_not_mapped"
    KEY_NOT_ON_FORM = "key_not_on_form"
    KEY_OPTIONAL = "key_optional"
    FIELD_TWICE = "field_twice"
    SOURCE_NOT_ON_FORM = "source_not_on_form"
    SOURCE_UNCLEAR = "source_unclear"
    FIELD_NOT_IN_CRM = "field_not_in_crm"


@dataclass(frozen=True)
class MappingProblem:
    """One flaw. `stops` says whether nothing can be imported with this mapping."""

    flaw: MappingFlaw
    source: str
    crm: str
    text: str
    stops: bool


def suggested_mapping(form: LeadForm) -> tuple[Suggestion, ...]:
    """Return rows for what can be told from the form; one row for a field of the CRM at most."""
    raise NotImplementedError


def mapping_problems(
    rows: Sequence[FieldMapping],
    *,
    key: str = DEFAULT_KEY,
    form: LeadForm | None = None,
    crm_fields: Collection[str] | None = None,
) -> tuple[MappingProblem, ...]:
    """Return what is wrong with a mapping, worst first; without `form` only what shows anyway."""
    raise NotImplementedError
