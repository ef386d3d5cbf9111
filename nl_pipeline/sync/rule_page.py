"""The published rule table: the same rows that decide, as a page.

Belongs here: the text of ``docs/rules.md``. Must not be here: anything that decides or calls.
``python -m nl_pipeline.sync.rule_page`` prints the page; a test holds the file against it.
"""

from __future__ import annotations

from nl_pipeline.domain.profile_rules import PROFILE_RULES
from nl_pipeline.domain.rules import CONDITIONS, RULES, Rule
from nl_pipeline.domain.states import (
    Base,
    Eligibility,
    Ledger,
    Newsletter,
    ProviderState,
    Signup,
    SinceBase,
)
from nl_pipeline.sync.providers.brevo.endpoints import CALLS as BREVO
from nl_pipeline.sync.providers.endpoints import BEFORE_ARCHIVING, SIGNUP, WHY_LEFT, Calls
from nl_pipeline.sync.providers.mailchimp.endpoints import CALLS as MAILCHIMP

PROVIDERS = (MAILCHIMP, BREVO)
"""The calls of every provider, in the order of the columns."""

_ALL: dict[str, frozenset[object]] = {
    "base": frozenset(Base),
    "newsletter": frozenset(Newsletter),
    "provider": frozenset(ProviderState),
    "ledger": frozenset(Ledger),
    "eligibility": frozenset(Eligibility),
    "since_base": frozenset(SinceBase),
    "signup": frozenset(Signup),
    "complete": frozenset({True, False}),
    "adopt_existing": frozenset({True, False}),
}

_HEAD = """# The rule table

Generated from the rows that decide (`nl_pipeline/domain/rules.py`); do not edit by hand, run
`python -m nl_pipeline.sync.rule_page > docs/rules.md`.

For every address in an audience the **first** row that matches decides. An empty cell means "any".
Opt-outs that are observed go into the consent ledger before any row is looked at. A brake (S18 is
the one on `removed_at_provider`) holds rows back; it never holds an opt-out on its way to the CRM.

What a rule makes us call at a provider stands [below](#what-is-called-at-the-provider).

| rule | reason code | base | CRM | provider | ledger | and | at the provider | in the CRM | ledger entry | listed as | in words |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501


def _values(rule: Rule, name: str) -> str:
    allowed = getattr(rule, name)
    if not allowed:
        return ""
    left_out = _ALL[name] - allowed
    if len(left_out) < len(allowed):
        return "not " + ", ".join(sorted(str(value) for value in left_out))
    return ", ".join(sorted(str(value) for value in allowed))


def _others(rule: Rule) -> str:
    shown = ("base", "newsletter", "provider", "ledger")
    parts = [
        f"{name.replace('_', ' ')}: {_values(rule, name)}"
        for name in CONDITIONS
        if name not in shown and getattr(rule, name)
    ]
    return "; ".join(parts)


def _row(rule: Rule) -> str:
    cells = [
        rule.id,
        f"`{rule.code}`",
        *(_values(rule, name) for name in ("base", "newsletter", "provider", "ledger")),
        _others(rule),
        rule.provider_action or "",
        rule.crm_action or "",
        rule.ledger_entry or "",
        rule.listing or "",
        rule.text,
    ]
    return "| " + " | ".join(cells) + " |"


def _actions(rule: Rule) -> tuple[str, ...]:
    """The actions of a plan that a rule leads to at the provider.

    Whoever the provider knows already is subscribed again.
    """
    if rule.provider_action != "subscribe":
        return () if rule.provider_action is None else (str(rule.provider_action),)
    return ("subscribe",) if rule.provider <= {ProviderState.ABSENT} else ("resubscribe",)


def _looks(rule: Rule) -> tuple[str, ...]:
    """What has to be looked up for a rule to decide."""
    left = {ProviderState.COMPLAINT, ProviderState.CLEANED}
    looks = []
    if rule.signup or rule.ledger_entry == "grant_signup":
        looks.append(SIGNUP)
    if rule.provider and rule.newsletter and rule.provider <= {ProviderState.ARCHIVED}:
        looks.append(BEFORE_ARCHIVING)
    if rule.provider and rule.provider <= left | {ProviderState.UNSUB}:
        looks.append(WHY_LEFT)
    return tuple(looks)


def _called(actions: tuple[str, ...], *, looks: tuple[str, ...], at: Calls) -> str:
    asked = [str(call) for look in looks for call in at.looks.get(look, ())]
    written = [str(call) for action in actions for call in at.actions.get(action, ())]
    return "<br>".join(dict.fromkeys([*asked, *written])) or "nothing"


def _called_by(rule: Rule, *, at: Calls) -> str:
    """The calls of a rule, or why it never decides at this provider."""
    if rule.signup and Signup.OTHER not in rule.signup and SIGNUP in at.never:
        return f"never: {at.never[SIGNUP]}"
    if rule.provider and rule.provider <= at.never.keys():
        return f"never: {at.never[next(iter(rule.provider))]}"
    return _called(_actions(rule), looks=_looks(rule), at=at)


def _called_beside(actions: tuple[str, ...], *, at: Calls) -> str:
    never = [f"never: {at.never[action]}" for action in actions if action in at.never]
    return "<br>".join(never) or _called(actions, looks=(), at=at)


_CALLS_OF_BESIDE = {
    "address_changed_in_crm": ("change_address",),
    "address_merged": ("archive",),
    "changed_in_crm": ("update_member",),
    "both_changed": ("update_member",),
    "drift": ("update_member",),
    "tags_from_crm": ("tag_member",),
}
"""Actions of plans by the reason codes of the rules beside the status table."""


def _calls_section() -> str:
    rows = []
    for rule in RULES:
        actions, looks = _actions(rule), _looks(rule)
        if actions or looks:
            cells = [_called_by(rule, at=calls) for calls in PROVIDERS]
            rows.append(f"| {rule.id} | `{rule.code}` | {' | '.join(cells)} |")
    for beside in PROFILE_RULES:
        actions = _CALLS_OF_BESIDE.get(beside.code, ())
        if actions:
            cells = [_called_beside(actions, at=calls) for calls in PROVIDERS]
            rows.append(f"| {beside.id} | `{beside.code}` | {' | '.join(cells)} |")
    names = " | ".join(calls.provider for calls in PROVIDERS)
    return f"| rule | reason code | {names} |\n|---|---|{'---|' * len(PROVIDERS)}\n" + "\n".join(
        rows
    )


_CALLS = """## What is called at the provider

Beside the reads of both sides, with which every sync begins and ends. A rule that is not here calls
nothing at the provider. Changes of single members at Mailchimp go in batches (`POST /batches`)
where those take fewer calls.
"""


def rule_page() -> str:
    """The page in Markdown."""
    rows = "\n".join(_row(rule) for rule in RULES)
    beside = "\n".join(f"| {r.id} | `{r.code}` | {r.text} |" for r in PROFILE_RULES)
    return (
        f"{_HEAD}{rows}\n\n## Addresses, profile fields and tags\n\n"
        f"| rule | reason code | in words |\n|---|---|---|\n{beside}\n\n"
        f"{_CALLS}\n{_calls_section()}\n"
    )


if __name__ == "__main__":
    print(rule_page(), end="")
