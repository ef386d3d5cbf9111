"""Typed values of the LinkedIn client that are not forms or leads.

Belongs here: what callers pass in and get back. Does not belong here: forms and leads, which are
words of the domain (``domain.leads``). Reprs show ids only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nl_pipeline.domain.leads import Lead, LeadForm, Owner


@dataclass(frozen=True)
class AdAccount:
    """An ad account. Without a page (`organization_id` None) its leads can't be read."""

    id: int
    name: str
    is_test: bool
    status: str = ""
    organization_id: int | None = None
    organization_name: str = ""


@dataclass(frozen=True)
class PageRole:
    """A role of the signed-in member on a page."""

    organization_id: int
    role: str
    state: str


@dataclass(frozen=True)
class UnreadableRow:
    """A row LinkedIn sent that could not be understood; `id` is "" where not even that could."""

    id: str


@dataclass(frozen=True)
class LeadPage:
    """One page of leads, repeats of earlier pages left out; `total` None where none was told."""

    start: int
    leads: tuple[Lead, ...]
    unreadable: tuple[UnreadableRow, ...]
    total: int | None


@dataclass(frozen=True)
class FormPage:
    """All forms of an owner, and the rows that could not be understood."""

    forms: tuple[LeadForm, ...]
    unreadable: tuple[UnreadableRow, ...]


@dataclass(frozen=True)
class Notification:
    """A subscription to notices of leads. Its URL holds a secret of ours and is in no repr."""

    id: str
    webhook: str = field(repr=False)
    owner: Owner | None
    lead_type: str
    is_narrowed: bool = False
    """Whether it is about one form, event or creative only."""
