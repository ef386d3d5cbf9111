"""The rules beside the status table: address changes (E), profile fields (P), tags (T).

Belongs here: their ids, reason codes and sentences, as plans, ``explain`` and the docs show them.
Must not be here: the status rules (``rules``); the merge itself (``warehouse/sql``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProfileRule:
    """One rule: its paragraph, its reason code, what happens, in plain words."""

    id: str
    code: str
    text: str


PROFILE_RULES: tuple[ProfileRule, ...] = (
    ProfileRule(
        "E01",
        "address_changed_in_crm",
        "The address changed in the CRM and the provider does not know the new one: the member's"
        " address is changed, which keeps history and tags.",
    ),
    ProfileRule(
        "E02",
        "address_merged",
        "The address changed in the CRM to one the provider (or the ledger) knows already: the new"
        " one goes by its own status, the old member is archived.",
    ),
    ProfileRule(
        "E05",
        "address_changed_at_provider",
        "The address changed at the provider: the matching entry of the contact is changed.",
    ),
    ProfileRule(
        "E06",
        "address_conflict",
        "The address changed at the provider, but it belongs to another contact, or the old one to"
        " several: a person decides, only opt-outs still act.",
    ),
    ProfileRule(
        "E07",
        "address_changed_on_both_sides",
        "The address changed on both sides, differently: a person decides, only opt-outs still"
        " act.",
    ),
    ProfileRule(
        "P01", "changed_at_provider", "Only the provider's value changed: taken into the CRM."
    ),
    ProfileRule(
        "P02", "changed_in_crm", "The CRM's value changed, alone or too: written to the provider."
    ),
    ProfileRule(
        "P03",
        "both_changed",
        "Both sides changed a value differently: the CRM wins, the lost value is listed.",
    ),
    ProfileRule(
        "P03",
        "drift",
        "The provider's value of a field that only the CRM may change was changed: overwritten.",
    ),
    ProfileRule(
        "P03",
        "not_permitted",
        "The provider's value is not one of the CRM's permitted values: left where it is.",
    ),
    ProfileRule("T01", "tags_from_crm", "Tags of the CRM that changed go to the provider."),
    ProfileRule(
        "T02", "tags_from_provider", "Tags of the provider that changed come in at a full sync."
    ),
)

PROFILE_RULE_BY_CODE: dict[str, ProfileRule] = {rule.code: rule for rule in PROFILE_RULES}
