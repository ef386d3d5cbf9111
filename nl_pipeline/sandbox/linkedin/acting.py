"""What an act is, and what all acts need: the form and the lead it names.

Belongs here: the form of an act and the looking up. Does not belong here: what acts do (``acts``,
``lead_acts``).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.state import Form, Lead, LeadType
from nl_pipeline.sandbox.service import ActRefused

DEFAULT_FORM = "Kontakt aufnehmen"
Actor = Literal["person", "staff", "api", "system"]

SHORT_NAMES = {
    "email": "EMAIL",
    "first_name": "FIRST_NAME",
    "last_name": "LAST_NAME",
    "phone": "PHONE_NUMBER",
    "company": "COMPANY_NAME",
}
"""Key of an act -> predefined field it answers."""


class AskedQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """A question of a form that staff make."""

    predefined: str | None = None
    text: str = ""
    required: bool = False
    options: tuple[str, ...] = ()


class Checkbox(msgspec.Struct, forbid_unknown_fields=True):
    """A consent below a form that staff make."""

    text: str
    required: bool = False


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One act as posted to the control API."""

    actor: Actor
    action: str

    # Leads
    form: str | int = DEFAULT_FORM
    """Name or id."""
    lead: str = ""
    """Id of a response; otherwise the newest of this form and address."""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    company: str = ""
    answers: dict[str, Any] = {}
    """By predefined field, question id or question text; a choice by option's text or id."""
    newsletter: bool | None = None
    """The first checkbox of the form."""
    consents: dict[int, bool] = {}
    campaign: str = ""
    """Name; a new one is made."""
    days_ago: float = 0
    """Fill it in in the past, when nobody was told."""

    # Forms
    name: str = ""
    owner: Literal["ad_account", "page"] = "ad_account"
    lead_type: LeadType | None = None
    """``None``: SPONSORED for the ad account, EVENT for the page."""
    questions: list[AskedQuestion] | None = None
    checkboxes: list[Checkbox] | None = None

    # Tokens, roles, webhooks
    token: Literal["access", "refresh"] = "refresh"
    """``revoke_token``: the access tokens alone, or the consent with all its tokens."""
    target: Literal["ad_account", "page"] = "page"
    role: str = ""
    webhook: str = ""


def named_form(account: Account, act: Act) -> Form:
    """The form of a name or id; refused when there is none or more than one."""
    wanted = str(act.form)
    found = [
        one for one in account.forms.values() if str(one.id) == wanted or one.newest.name == wanted
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{one.newest.name} ({one.id})" for one in account.forms.values())
    raise ActRefused(f"{len(found)} forms are named {wanted!r}; there are: {names}")


def named_lead(account: Account, act: Act, *, form: Form) -> Lead:
    """The lead an act is about, deleted or not; refused when there is none."""
    if act.lead:
        found = account.leads.get(act.lead)
        if found is None or found.form_id != form.id:
            raise ActRefused(f"linkedin act {act.action}: form {form.id} has no such lead")
        return found
    of_person = [
        lead
        for lead in account.leads.values()
        if act.email and lead.form_id == form.id and address_of(form, lead) == act.email.lower()
    ]
    if not of_person:
        raise ActRefused(f"linkedin act {act.action}: nobody of this address filled in the form")
    return max(of_person, key=lambda lead: lead.submitted_at)


def address_of(form: Form, lead: Lead) -> str:
    """The e-mail address of a lead, in lower case; ``""`` when the form has none."""
    version = form.version(lead.version_id)
    for answer in lead.answers:
        question = version.question(answer.question_id) if version is not None else None
        if question is not None and question.predefined in ("EMAIL", "WORK_EMAIL"):
            return answer.text.lower()
    return ""
