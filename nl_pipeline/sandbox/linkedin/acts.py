"""Acts: what people, staff and LinkedIn do at LinkedIn itself.

Belongs here: the list of actions with who may do them, and those about forms, tokens, roles and
webhooks. Does not belong here: acts about leads (``lead_acts``) and calls of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from nl_pipeline.sandbox.linkedin import lead_acts, tokens
from nl_pipeline.sandbox.linkedin.access import ACCOUNT_ROLES, PAGE_ROLES
from nl_pipeline.sandbox.linkedin.account import Account
from nl_pipeline.sandbox.linkedin.acting import Act, Actor, AskedQuestion, named_form
from nl_pipeline.sandbox.linkedin.form_making import (
    PREDEFINED,
    Asked,
    Ticked,
    make_form,
    publish,
)
from nl_pipeline.sandbox.linkedin.seeding import AD_ACCOUNT_ID, EVENT_ID, ORGANIZATION_ID
from nl_pipeline.sandbox.linkedin.state import Form, Role
from nl_pipeline.sandbox.linkedin.urns import Owner
from nl_pipeline.sandbox.service import ActRefused

_DEFAULT_QUESTIONS = [
    AskedQuestion("FIRST_NAME", required=True),
    AskedQuestion("LAST_NAME", required=True),
    AskedQuestion("EMAIL", required=True),
]


@dataclass(frozen=True, slots=True)
class _Action:
    carry_out: Callable[[Account, Act], dict[str, Any]]
    actors: tuple[Actor, ...]


def carry_out(account: Account, payload: dict[str, Any]) -> dict[str, Any]:
    """Do one act; :class:`ActRefused` says what is wrong and what is allowed."""
    try:
        act = msgspec.convert(payload, Act, str_keys=True)
    except msgspec.ValidationError as error:
        raise ActRefused(f"linkedin act: {error}") from error
    action = _ACTIONS.get(act.action)
    if action is None:
        known = ", ".join(sorted(_ACTIONS))
        raise ActRefused(f"linkedin act: unknown action {act.action!r}; allowed: {known}")
    if act.actor not in action.actors:
        raise ActRefused(
            f"linkedin act {act.action}: not by {act.actor}; allowed: {', '.join(action.actors)}"
        )
    return action.carry_out(account, act)


def _create_form(account: Account, act: Act) -> dict[str, Any]:
    if not act.name:
        raise ActRefused("linkedin act create_form: needs name")
    owner = _place(act.owner)
    lead_type = act.lead_type or ("SPONSORED" if act.owner == "ad_account" else "EVENT")
    form = make_form(
        account,
        name=act.name,
        owner=owner,
        lead_type=lead_type,
        asked=_asked(_DEFAULT_QUESTIONS if act.questions is None else act.questions),
        consents=[Ticked(one.text, one.required) for one in act.checkboxes or ()],
        event_id=EVENT_ID if lead_type == "EVENT" else None,
    )
    return _told(form)


def _new_form_version(account: Account, act: Act) -> dict[str, Any]:
    """Publish a form anew; what is not given stays as it was."""
    form = named_form(account, act)
    before = form.newest
    asked = [Asked(one.predefined, one.text, one.required, one.options) for one in before.questions]
    ticked = [Ticked(one.text, one.required) for one in before.consents]
    publish(
        account,
        form,
        name=act.name or before.name,
        asked=asked if act.questions is None else _asked(act.questions),
        consents=(
            ticked
            if act.checkboxes is None
            else [Ticked(one.text, one.required) for one in act.checkboxes]
        ),
    )
    return _told(form)


def _archive_form(account: Account, act: Act) -> dict[str, Any]:
    form = named_form(account, act)
    form.state = "ARCHIVED"
    return _told(form)


def _revoke_token(account: Account, act: Act) -> dict[str, Any]:
    """The member in their settings, or LinkedIn: every consent, or the access tokens alone."""
    if act.token == "access":
        tokens.revoke_access(account)
    else:
        for grant in account.grants:
            tokens.revoke(account, grant)
    return {"token": act.token, "revoked": True}


def _revoke_role(account: Account, act: Act) -> dict[str, Any]:
    role = _role(account, act)
    role.state, role.changed_at = "REVOKED", account.now()
    account.after_revocation()
    return {"role": role.name, "state": role.state}


def _restore_role(account: Account, act: Act) -> dict[str, Any]:
    """Give the role back, or another one."""
    role = _role(account, act)
    allowed = PAGE_ROLES if act.target == "page" else ACCOUNT_ROLES
    if act.role and act.role not in allowed:
        raise ActRefused(f"linkedin act {act.action}: allowed roles: {', '.join(allowed)}")
    role.name = act.role or role.name
    role.state, role.changed_at = "APPROVED", account.now()
    return {"role": role.name, "state": role.state}


def _restart_validation(account: Account, act: Act) -> dict[str, Any]:
    """A developer has the webhook challenged again, at once; without a URL every blocked one."""
    wanted = [
        one
        for one in account.endpoints.values()
        if one.url == act.webhook or (not act.webhook and one.state == "blocked")
    ]
    if not wanted:
        raise ActRefused("linkedin act restart_validation: no such blocked webhook")
    for one in wanted:
        one.state, one.failures, one.due_at = "restarted", 0, account.now()
    return {"restarted": len(wanted)}


def _role(account: Account, act: Act) -> Role:
    return account.roles[_place(act.target)]


def _place(name: str) -> Owner:
    if name == "page":
        return Owner("organization", ORGANIZATION_ID)
    return Owner("sponsoredAccount", AD_ACCOUNT_ID)


def _asked(questions: Sequence[AskedQuestion]) -> list[Asked]:
    for one in questions:
        if one.predefined is None and not one.text:
            raise ActRefused("a question needs predefined or text")
        if one.predefined is not None and one.predefined not in PREDEFINED and not one.text:
            raise ActRefused(
                f"predefined {one.predefined!r} needs a text; known: {', '.join(PREDEFINED)}"
            )
    return [Asked(one.predefined, one.text, one.required, one.options) for one in questions]


def _told(form: Form) -> dict[str, Any]:
    return {
        "form": form.id,
        "versionId": form.newest.id,
        "state": form.state,
        "questions": {one.predefined or one.text: one.id for one in form.newest.questions},
    }


_ACTIONS = {
    "submit": _Action(lead_acts.submit, ("person",)),
    "resubmit": _Action(lead_acts.resubmit, ("person",)),
    "test_submit": _Action(lead_acts.test_submit, ("staff",)),
    "delete_lead": _Action(lead_acts.delete_lead, ("person", "system")),
    "create_form": _Action(_create_form, ("staff",)),
    "new_form_version": _Action(_new_form_version, ("staff",)),
    "archive_form": _Action(_archive_form, ("staff",)),
    "revoke_token": _Action(_revoke_token, ("staff", "system")),
    "revoke_role": _Action(_revoke_role, ("staff",)),
    "restore_role": _Action(_restore_role, ("staff",)),
    "restart_validation": _Action(_restart_validation, ("staff",)),
}
