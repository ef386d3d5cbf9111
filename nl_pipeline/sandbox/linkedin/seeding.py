"""What a fresh LinkedIn holds: a page, its ad account, three forms and a few leads.

Belongs here: the population of the twin. Does not belong here: who exists (``population``); the
leads are people of it, so that they meet contacts of the CRM.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from nl_pipeline.sandbox.credentials import LINKEDIN_ACCESS_TOKEN, LINKEDIN_REFRESH_TOKEN
from nl_pipeline.sandbox.linkedin import tokens
from nl_pipeline.sandbox.linkedin.access import SCOPES
from nl_pipeline.sandbox.linkedin.account import DAY, Account
from nl_pipeline.sandbox.linkedin.form_making import (
    LARGE_ID,
    Asked,
    Ticked,
    add_lead,
    answers_of,
    consents_of,
    make_form,
)
from nl_pipeline.sandbox.linkedin.state import AdAccount, Form, Organization, Role
from nl_pipeline.sandbox.linkedin.urns import Owner
from nl_pipeline.sandbox.population import Person

ORGANIZATION_ID = 89_000_444
AD_ACCOUNT_ID = 507_000_111
CAMPAIGN_ID = 198_000_222
EVENT_ID = 7_010_000_555
CONTACT_FORM_ID = LARGE_ID
EVENT_FORM_ID = 8_120_345
SURVEY_FORM_ID = 6083
"""The form without any contact key."""

INDUSTRY = "Immobilienwesen"
"""Prefilled enumerations arrive as text in the form's language."""

_LEADS = 6
_CONTACT_FORM = (
    Asked("FIRST_NAME", required=True),
    Asked("LAST_NAME", required=True),
    Asked("EMAIL", required=True),
    Asked("PHONE_NUMBER"),
    Asked("COMPANY_NAME"),
    Asked("INDUSTRY"),
    Asked(text="Wofür interessieren Sie sich?", options=("Kauf", "Miete", "Verkauf")),
)
_EVENT_FORM = (
    Asked("FIRST_NAME", required=True),
    Asked("LAST_NAME", required=True),
    Asked("EMAIL", required=True),
    Asked("JOB_TITLE"),
)
_SURVEY_FORM = (
    Asked(text="Wie gefällt Ihnen unser Angebot?", required=True, options=("Gut", "Nicht")),
    Asked(text="Was fehlt Ihnen?"),
)


def fill(account: Account, *, people: Iterable[Person]) -> None:
    """Fill an empty account; without people nobody has filled in a form."""
    now = account.now()
    began = now - 400 * DAY
    page = Owner("organization", ORGANIZATION_ID)
    ads = Owner("sponsoredAccount", AD_ACCOUNT_ID)
    account.organizations[page.id] = Organization(
        page.id, "Sandbox Immobilien", "sandbox-immobilien"
    )
    account.ad_accounts[ads.id] = AdAccount(ads.id, "Sandbox Immobilien Ads", page.id, began)
    account.roles[page] = Role("ADMINISTRATOR", "APPROVED", began, began)
    account.roles[ads] = Role("CAMPAIGN_MANAGER", "APPROVED", began, began)
    account.campaigns[CAMPAIGN_ID] = "Eigentümer Herbst"
    grant = tokens.authorize(account, scopes=SCOPES, refresh_token=LINKEDIN_REFRESH_TOKEN)
    tokens.issue(account, grant, token=LINKEDIN_ACCESS_TOKEN)
    contact = make_form(
        account,
        name="Kontakt aufnehmen",
        owner=ads,
        lead_type="SPONSORED",
        asked=_CONTACT_FORM,
        consents=(Ticked("Ich möchte den Newsletter per E-Mail erhalten."),),
        form_id=CONTACT_FORM_ID,
        at=began,
    )
    event = make_form(
        account,
        name="Infoabend Immobilien",
        owner=page,
        lead_type="EVENT",
        asked=_EVENT_FORM,
        form_id=EVENT_FORM_ID,
        event_id=EVENT_ID,
        at=began,
    )
    make_form(
        account,
        name="Umfrage",
        owner=ads,
        lead_type="SPONSORED",
        asked=_SURVEY_FORM,
        form_id=SURVEY_FORM_ID,
        at=began,
    )
    named = (one for one in people if one.emails and one.first_name.strip())
    for place, person in enumerate(islice(named, _LEADS)):
        form = event if place == 3 else contact
        # The first is older than LinkedIn keeps leads by default, the last came yesterday.
        age = (100, 40, 20, 12, 5, 1)[place]
        _submit(account, form, person, at=now - age * DAY, newsletter=place % 2 == 1)


def _submit(account: Account, form: Form, person: Person, *, at: int, newsletter: bool) -> None:
    given: dict[str, Any] = {
        "FIRST_NAME": person.first_name.strip(),
        "LAST_NAME": person.last_name.strip(),
        "EMAIL": person.emails[0],
    }
    if form.id == CONTACT_FORM_ID:
        given |= {"PHONE_NUMBER": person.phone, "COMPANY_NAME": person.company}
        given |= {"INDUSTRY": INDUSTRY} if person.company else {}
    add_lead(
        account,
        form,
        answers=answers_of(form, given),
        consents=consents_of(form, {0: newsletter} if form.newest.consents else {}),
        submitter=f"urn:li:person:{account.letters(10)}",
        at=at,
        campaign_id=CAMPAIGN_ID,
    )
