"""The published rule table: the same rows that decide, as a page.

Belongs here: the text of ``docs/rules.md``. Must not be here: anything that decides.
``python -m nl_pipeline.domain.rule_page`` prints the page; a test holds the file against it.
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
`python -m nl_pipeline.domain.rule_page > docs/rules.md`.

For every address in an audience the **first** row that matches decides. An empty cell means "any".
Opt-outs that are observed go into the consent ledger before any row is looked at. A brake (S18 is
the one on `removed_at_provider`) holds rows back; it never holds an opt-out on its way to the CRM.

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


def rule_page() -> str:
    """The page in Markdown."""
    rows = "\n".join(_row(rule) for rule in RULES)
    beside = "\n".join(f"| {r.id} | `{r.code}` | {r.text} |" for r in PROFILE_RULES)
    return (
        f"{_HEAD}{rows}\n\n## Addresses, profile fields and tags\n\n"
        f"| rule | reason code | in words |\n|---|---|---|\n{beside}\n"
    )


if __name__ == "__main__":
    print(rule_page(), end="")
