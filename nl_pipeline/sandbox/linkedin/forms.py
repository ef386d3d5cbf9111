"""Lead forms: by owner, by id, several at once.

Belongs here: the views of a form; an id gives its newest version, older ones come only inlined in a
response. Does not belong here: making forms (``form_making``).
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.sandbox.linkedin import errors
from nl_pipeline.sandbox.linkedin.access import may_read_forms
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.calls import Answer, ApiCall, batch, page
from nl_pipeline.sandbox.linkedin.state import Form, FormVersion, Question

_LARGEST_COUNT = 100
_NOTHING: frozenset[str] = frozenset()
_REVIEW_MILLISECONDS = 3_600_000
MAX_ANSWER_LENGTH = 300


def find_by_owner(account: Account, call: ApiCall) -> Answer:
    """``q=owner``, in the order of creation."""
    owner = call.owner()
    if not may_read_forms(account, owner):
        raise call.denied()
    forms = [form for form in account.forms.values() if form.owner == owner]
    found, paging = page(call, forms, largest=_LARGEST_COUNT)
    elements = [call.shown(record(account, form), on_demand=_NOTHING) for form in found]
    return Answer({"elements": elements, "paging": paging})


def read(account: Account, call: ApiCall) -> Answer:
    """One form."""
    return Answer(_shown(account, call, form_id=call.number_in_path(what="leadForm")))


def read_several(account: Account, call: ApiCall) -> Answer:
    """``ids=List(…)``."""
    found, problems = {}, {}
    for key in call.ids():
        try:
            if not key.isdecimal():
                raise errors.bad_parameter("ids", why="a form's id is a number")
            found[key] = _shown(account, call, form_id=int(key))
        except errors.ApiProblem as problem:
            problems[key] = problem
    return batch(found, problems=problems)


def _shown(account: Account, call: ApiCall, *, form_id: int) -> dict[str, Any]:
    form = account.forms.get(form_id)
    if form is None:
        raise errors.not_found(f"leadForm {form_id} does not exist")
    if not may_read_forms(account, form.owner):
        raise call.denied()
    return call.shown(record(account, form), on_demand=_NOTHING)


def record(account: Account, form: Form, *, version: FormVersion | None = None) -> dict[str, Any]:
    """A form as the API shows it, with its newest version or another."""
    shown = version or form.newest
    whole: dict[str, Any] = {
        "id": form.id,
        "versionId": shown.id,
        "name": shown.name,
        "state": form.state,
        "owner": form.owner.union,
        "created": form.created_at,
        "lastModified": shown.published_at,
        "creationLocale": {"country": form.country, "language": form.language},
        "hiddenFields": [{"name": name, "value": value} for name, value in shown.hidden_fields],
        "content": _content(form, shown),
    }
    # Absent until somebody at LinkedIn has looked.
    if account.now() - shown.published_at >= _REVIEW_MILLISECONDS:
        whole["reviewInfo"] = {
            "reviewStatus": "APPROVED",
            "rejectionReasons": [],
            "lastUpdated": shown.published_at + _REVIEW_MILLISECONDS,
        }
    return whole


def _content(form: Form, version: FormVersion) -> dict[str, Any]:
    def localized(text: str) -> dict[str, Any]:
        return {"localized": {form.locale: text}}

    legal: dict[str, Any] = {
        "legalInfoId": 100_000_000 + form.id % 100_000_000,
        "privacyPolicyUrl": "https://sandbox-immobilien.example/datenschutz",
    }
    if version.consents:
        legal["legalDisclaimer"] = localized("Hinweise zum Datenschutz")
        legal["consents"] = [
            {"id": one.id, "checkRequired": one.required, "consent": localized(one.text)}
            for one in version.consents
        ]
    content: dict[str, Any] = {
        "headline": localized(version.headline),
        "questions": [_question(form, one) for one in version.questions],
        "postSubmissionInfo": {
            "message": localized("Vielen Dank"),
            "callToAction": {
                "callToActionLabel": "VISIT_COMPANY_WEBSITE",
                "callToActionTarget": {"landingPageUrl": "https://sandbox-immobilien.example"},
            },
        },
        "legalInfo": legal,
    }
    if version.description:
        content["description"] = localized(version.description)
    return content


def _question(form: Form, one: Question) -> dict[str, Any]:
    details: dict[str, Any] = {"textQuestionDetails": {"maxResponseLength": MAX_ANSWER_LENGTH}}
    if one.options:
        options = [
            {"id": number, "text": {"localized": {form.locale: text}}}
            for number, text in enumerate(one.options)
        ]
        details = {"multipleChoiceQuestionDetails": {"options": options}}
    shown: dict[str, Any] = {
        "questionId": one.id,
        "name": one.name,
        "question": {"localized": {form.locale: one.text}},
        "responseRequired": one.required,
        "responseEditable": True,
        "questionDetails": details,
    }
    if one.predefined is not None:
        shown["predefinedField"] = one.predefined
    return shown
