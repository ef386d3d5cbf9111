"""Acts about leads: filling in a form, once more, as a test; taking a registration back.

Belongs here: what happens at LinkedIn when somebody does so, and that it is told. Does not belong
here: acts about forms, tokens and roles (``acts``).
"""

from __future__ import annotations

import hashlib
from typing import Any

from nl_pipeline.sandbox.linkedin.account import DAY, Account
from nl_pipeline.sandbox.linkedin.acting import SHORT_NAMES, Act, named_form, named_lead
from nl_pipeline.sandbox.linkedin.form_making import add_lead, answers_of, consents_of
from nl_pipeline.sandbox.linkedin.seeding import CAMPAIGN_ID
from nl_pipeline.sandbox.linkedin.state import Form, Lead
from nl_pipeline.sandbox.service import ActRefused

_TEST_NAMES = {"FIRST_NAME": "Test", "LAST_NAME": "Lead"}


def submit(account: Account, act: Act) -> dict[str, Any]:
    """Somebody fills in a form."""
    form = _open_form(account, act)
    return _submitted(account, act, form=form, given=_given(act))


def resubmit(account: Account, act: Act) -> dict[str, Any]:
    """The same person fills in the form again, with their old answers where no new are given.

    It is another response; only who registers again for an event after cancelling comes back under
    the old id.
    """
    form = _open_form(account, act)
    before = named_lead(account, act, form=form)
    given = _old_answers(form, before) | _given(act)
    lead_id = ""
    if before.event_id is not None and before.deleted_at is not None:
        lead_id = before.id
    return _submitted(
        account, act, form=form, given=given, submitter=before.submitter, lead_id=lead_id
    )


def test_submit(account: Account, act: Act) -> dict[str, Any]:
    """Staff send a test lead from the campaign manager; what is required is filled in for them."""
    form = _open_form(account, act)
    given = dict(_TEST_NAMES) | {"EMAIL": "test.lead@sandbox-immobilien.example"}
    asked = {one.predefined for one in form.newest.questions}
    given = {name: value for name, value in given.items() if name in asked}
    for one in form.newest.questions:
        if one.required and one.predefined not in given:
            given[str(one.id)] = one.options[0] if one.options else "Test"
    return _submitted(account, act, form=form, given=given | _given(act), test=True)


def delete_lead(account: Account, act: Act) -> dict[str, Any]:
    """A person cancels: the lead is gone, and a notice orders to delete it."""
    form = named_form(account, act)
    lead = named_lead(account, act, form=form)
    if lead.deleted_at is not None:
        raise ActRefused("linkedin act delete_lead: the lead is deleted already")
    lead.deleted_at = account.now()
    account.tell(lead, "DELETED")
    return _told(lead)


def _open_form(account: Account, act: Act) -> Form:
    form = named_form(account, act)
    if form.state != "PUBLISHED":
        raise ActRefused(f"linkedin act {act.action}: form {form.id} is {form.state}")
    return form


def _given(act: Act) -> dict[str, Any]:
    short = {field: getattr(act, name) for name, field in SHORT_NAMES.items() if getattr(act, name)}
    return short | act.answers


def _old_answers(form: Form, before: Lead) -> dict[str, Any]:
    """The answers of an earlier lead to questions that are still asked, by question id."""
    asked = {one.id: one for one in form.newest.questions}
    old: dict[str, Any] = {}
    for one in before.answers:
        question = asked.get(one.question_id)
        if question is not None:
            key = question.predefined or str(question.id)
            old[key] = list(one.options) if one.is_choice else one.text
    return old


def _submitted(
    account: Account,
    act: Act,
    *,
    form: Form,
    given: dict[str, Any],
    submitter: str = "",
    lead_id: str = "",
    test: bool = False,
) -> dict[str, Any]:
    consents = dict(act.consents)
    if act.newsletter is not None:
        consents[0] = act.newsletter
    lead = add_lead(
        account,
        form,
        answers=answers_of(form, given),
        consents=consents_of(form, consents),
        submitter=submitter or _member(account, act),
        at=account.now() - int(act.days_ago * DAY),
        campaign_id=_campaign(account, act),
        test=test,
        lead_id=lead_id,
    )
    if not act.days_ago:
        account.tell(lead, "CREATED")
    return _told(lead)


def _member(account: Account, act: Act) -> str:
    """The app-scoped id of a person: the same whenever the same address is given."""
    if not act.email:
        return f"urn:li:person:{account.letters(10)}"
    digest = hashlib.sha256(act.email.lower().encode()).hexdigest()
    return f"urn:li:person:{digest[:10]}"


def _campaign(account: Account, act: Act) -> int:
    if not act.campaign:
        return CAMPAIGN_ID
    known = next((n for n, name in account.campaigns.items() if name == act.campaign), None)
    if known is None:
        known = account.number("campaign", first=CAMPAIGN_ID + 1)
        account.campaigns[known] = act.campaign
    return known


def _told(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.id,
        "form": lead.form_id,
        "versionId": lead.version_id,
        "submittedAt": lead.submitted_at,
        "testLead": lead.test,
        "deleted": lead.deleted_at is not None,
    }
