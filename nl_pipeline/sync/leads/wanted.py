"""What the settings want of the lead import, in the words of the rules.

Belongs here: the translation. Must not be here: what a form asks, what the CRM has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from nl_pipeline.domain.leads import (
    ConsentMapping,
    FieldMapping,
    FormGate,
    LeadType,
    NewsletterAs,
    Owner,
    OwnerKind,
)
from nl_pipeline.settings import Connection, LinkedIn
from nl_pipeline.settings.leads import LeadOwner
from nl_pipeline.sync.link import Link


@dataclass(frozen=True)
class FormWish:
    """How the leads of a form are imported. No `rows`: what can be told from the form itself."""

    gate: FormGate
    rows: tuple[FieldMapping, ...]
    key: str
    consent: ConsentMapping | None
    tag: str
    interval: timedelta


def linkedin_of(connection: Connection) -> LinkedIn | None:
    """The settings of the lead import, None where there is none."""
    return connection.leads.linkedin


def imports(link: Link) -> bool:
    """Whether leads are imported at all."""
    chosen = linkedin_of(link.settings)
    return chosen is not None and chosen.import_leads and link.open_leads is not None


def wish_of(link: Link, *, form_id: int) -> FormWish:
    """What is wanted for a form; nothing is imported where there are no settings."""
    linkedin = linkedin_of(link.settings)
    if linkedin is None:
        gate = FormGate(import_on=False, form_enabled=False)
        return FormWish(gate, (), "", None, "", timedelta(days=1))
    chosen = linkedin.form(form_id)
    consent = None
    if chosen.consent is not None:
        consent = ConsentMapping(
            chosen.consent.consent_id, NewsletterAs(chosen.consent.newsletter), chosen.consent.text
        )
    return FormWish(
        gate=FormGate(
            import_on=linkedin.import_leads,
            form_enabled=chosen.enabled,
            includes_tests=chosen.include_test_leads,
        ),
        rows=tuple(FieldMapping(field.question, field.crm) for field in chosen.fields),
        key=chosen.key,
        consent=consent,
        tag=chosen.tag or "",
        interval=timedelta(hours=chosen.interval_hours),
    )


def owner_of(chosen: LeadOwner) -> Owner:
    """An owner of the settings in the words of the rules."""
    if chosen.ad_account is not None:
        return Owner(OwnerKind.AD_ACCOUNT, chosen.ad_account)
    if chosen.organization is None:
        raise TypeError("validated owners are one or the other")
    return Owner(OwnerKind.ORGANIZATION, chosen.organization)


def owners(linkedin: LinkedIn) -> list[Owner]:
    """Whose forms are read, each once."""
    return list(dict.fromkeys(owner_of(chosen) for chosen in linkedin.owners))


def lead_types(linkedin: LinkedIn, *, owner: Owner) -> list[LeadType]:
    """The kinds of leads an owner can have: sponsored ones belong to ad accounts, all others to
    pages (LinkedIn refuses the other pairs)."""
    sponsored = owner.kind is OwnerKind.AD_ACCOUNT
    wanted = [LeadType(name) for name in dict.fromkeys(linkedin.lead_types)]
    return [one for one in wanted if (one is LeadType.SPONSORED) is sponsored]
