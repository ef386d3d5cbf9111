"""Finding the forms of a connection's owners, and what stood in the way of reading an owner.

Belongs here: discovery, and remembering why an owner cannot be read. Must not be here: leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nl_pipeline.clients.errors import ApiError, OperatorNeeded
from nl_pipeline.clients.linkedin import LinkedInClient
from nl_pipeline.domain.leads import Owner
from nl_pipeline.settings import LinkedIn
from nl_pipeline.sync.leads.wanted import linkedin_of, owners
from nl_pipeline.sync.link import Link
from nl_pipeline.warehouse import lead_forms, observations


@dataclass(frozen=True)
class Discovered:
    """Forms that were found, those that are new, and what did not answer, by owner."""

    form_ids: tuple[int, ...]
    new: tuple[int, ...]
    unreadable: int = 0
    failed: dict[Owner, ApiError] = field(default_factory=dict)


def discover(link: Link) -> Discovered:
    """Read the forms of every owner and keep each version that was not seen before.

    A new form has the settings of new forms. An owner that cannot be read stops no other.
    """
    linkedin, client = source_of(link)
    found: list[int] = []
    new: list[int] = []
    unreadable = 0
    failed: dict[Owner, ApiError] = {}
    for owner in owners(linkedin):
        try:
            page = client.forms(owner)
        except ApiError as error:
            failed[owner] = error
            continue
        forms = [replace(form, owner=form.owner or owner) for form in page.forms]
        new += lead_forms.store(link.warehouse, forms=forms, now=link.now())
        found += [form.id for form in forms]
        unreadable += len(page.unreadable)
    return Discovered(tuple(found), tuple(new), unreadable, failed)


def source_of(link: Link) -> tuple[LinkedIn, LinkedInClient]:
    """Settings and client of the lead import. OperatorNeeded where the connection has none."""
    linkedin = linkedin_of(link.settings)
    if linkedin is None or link.leads is None:
        raise OperatorNeeded(
            f"connection {link.name} has no lead import",
            system="linkedin",
            code="no_leads",
            what_next="add leads.linkedin to the connection in the settings file",
        )
    return linkedin, link.leads


def note_blocked(link: Link, *, failed: dict[Owner, ApiError], asked: Sequence[Owner]) -> None:
    """Remember why owners can't be read, and forget it of those that can. What passes by itself is
    no reason to call anybody."""
    for owner in asked:
        error = failed.get(owner)
        if error is not None and not isinstance(error, OperatorNeeded):
            continue
        text = "" if error is None else f"{error.what}. Next: {error.what_next}"
        observations.write_state(link.warehouse, name=_blocked_name(owner), value=text)


def blocked_by(link: Link, *, owner: Owner | None) -> str:
    """Why an owner could not be read the last time, "" if nothing stands in the way."""
    if owner is None:
        return ""
    return observations.read_state(link.warehouse, name=_blocked_name(owner)) or ""


def _blocked_name(owner: Owner) -> str:
    return f"leads_blocked:{owner.kind}:{owner.id}"
