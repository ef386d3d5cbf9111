"""What a reason means in plain words, and what a person can do about it.

Belongs here: sentences by reason, code and cause. Must not be here: counting or printing. The
sentences of the status rules stand with the rules (``domain.rules``).
"""

from __future__ import annotations

from nl_pipeline.domain.rules import RULE_BY_CODE

#: Reason codes of changes that no status rule makes: addresses, profile fields, tags.
_OTHER_CODES = {
    "address_changed_in_crm": "The address was changed in the CRM: the member gets the new one.",
    "address_merged": "The new address is a member already: the old member is archived.",
    "address_changed_at_provider": "The address was changed at the provider: the contact gets it.",
    "address_conflict": "The new address belongs to somebody else, or the old one is shared.",
    "address_changed_on_both_sides": "Both sides changed the address to different ones.",
    "changed_at_provider": "A profile field changed at the provider only: taken into the CRM.",
    "changed_in_crm": "A profile field changed in the CRM: written to the provider.",
    "both_changed": "Both sides changed the field: the CRM wins, the other value is listed.",
    "drift": "The provider's value differs from the CRM, which is its master: overwritten.",
    "not_permitted": "The provider's value is none the CRM's select field permits: not taken.",
    "tags_from_crm": "Tags, or the mark that the member is ours, are written to the provider.",
    "tags_from_provider": "Tags were changed at the provider: taken into the CRM.",
    "missing_email": "The contact has no main e-mail address.",
    "invalid_email": "The main e-mail address can't be one.",
    "other_contact_withdrawn": "Another contact with the same address says No or Cancellation.",
}

#: Reasons for which the numbers of both sides differ (semantics, counts that differ).
_REASONS = {
    "missing_email": ("without a main e-mail address", "enter an address in the CRM"),
    "invalid_email": ("main e-mail address can't be one", "correct the address in the CRM"),
    "private": ("private contact", "nothing, or take the mark Private off the contact"),
    "archived": ("archived contact", "nothing, or activate the contact"),
    "revoked": ("storage consent revoked", "nothing; the contact may not be written to"),
    "duplicate_address": ("another contact with the address stands for it", "merge the contacts"),
    "suppressed": ("withdrawn: an opt-out wins over Yes", "nothing; only the person can come back"),
    "forgotten": ("deleted for good at the provider", "the person has to use a sign-up form"),
    "bounced": ("the address bounced for good", "correct the address in the CRM"),
    "waiting": ("the provider waits for the person to confirm", "nothing"),
    "held": ("held by a brake", "look at the plan, then release it"),
    "conflict": ("conflict", "a person decides, see `nl-pipeline errors`"),
    "listed": ("listed for a person to look at", "see `nl-pipeline errors`"),
    "excluded": ("excluded", "nothing"),
    "foreign": ("was subscribed before the first sync", "nothing, or set adopt_existing"),
    "secondary_address": ("only a secondary address of a contact", "make it the main address"),
    "refused": ("refused by the provider", "see `nl-pipeline errors`"),
    "failed": ("could not be sent", "nothing; the next run tries again"),
    "unknown": ("sent without an answer", "nothing; the next run looks it up"),
    "no_effect": ("accepted without any effect", "look at the record, then run a full sync"),
    "incomplete_read": ("the last full read was incomplete", "run a full sync"),
    "planned": ("part of the plan, not done yet", "apply the plan, or run a sync"),
}

#: What a service answers with: what it means, and what can be done about it.
_CAUSES = {
    "compliance": (
        "The person opted out at Mailchimp, bounced or complained: no program may subscribe it.",
        "nothing; at Mailchimp only the person can subscribe this address again",
    ),
    "forgotten": (
        "The address was deleted for good at the provider.",
        "ask the person to use a sign-up form; deleted for good at Mailchimp",
    ),
    "unsubscribed": (
        "The person opted out at the provider.",
        "nothing; only the person can subscribe this address again",
    ),
    "cleaned": ("Mail to the address bounces.", "correct the address in the CRM; it bounced"),
    "archived": (
        "The member is archived.",
        "unarchive the member in Mailchimp if it should get mail again",
    ),
    "exists": (
        "The address is a member already.",
        "nothing; the next run reads the existing member",
    ),
    "fake_or_invalid": (
        "The provider takes the address for a fake.",
        "correct the address in the CRM",
    ),
    "invalid_email": ("The text can't be an address.", "correct the address in the CRM"),
    "missing_email": (
        "There is no main address.",
        "enter a main e-mail address in the CRM, or leave it: nothing is sent",
    ),
    "merge_fields": (
        "The provider refused the value of a field.",
        "correct the contact's mapped fields, or the field mapping",
    ),
    "attributes": (
        "The account has no such attribute, or it does not take the value.",
        "correct the contact's mapped fields, or the attribute or its mapping",
    ),
    "account_user": (
        "The address is a login of the Brevo account itself.",
        "use another address for this contact",
    ),
    "duplicate": (
        "Another contact at Brevo has the same telephone number or external id.",
        "find the other contact in Brevo",
    ),
    "too_large": (
        "The values of this one contact are larger than a whole import may be.",
        "shorten the contact's mapped fields",
    ),
    "double_opt_in_missing": (
        "The person would have to be asked for a confirmation, and nothing says with which mail.",
        "set provider.brevo.double_opt_in (template_id, redirection_url) in connections.yaml",
    ),
    "too_many_signups": (
        "The address signed up to many lists lately.",
        "wait a day; Mailchimp limits how often one address signs up",
    ),
    "contact_limit": (
        "The plan takes no further contact.",
        "raise the contact limit of the plan at the provider, or remove members there",
    ),
    "no_effect": (
        "Accepted several times, and never there when read back.",
        "look at the record: another rule of the account may undo the change; then"
        " `nl-pipeline retry`",
    ),
    "other": (
        "The provider refused it for a reason this connector does not know.",
        "look at the member at the provider, then `nl-pipeline retry`",
    ),
}

_WRITE_RIGHT = (
    "The API user may not change this contact.",
    "give the API user the right to change all contacts; the next run writes it then",
)
_OUT_OF_SIGHT = (
    "The contact is gone, or out of the API user's sight.",
    "nothing if the contact was deleted; otherwise let the API user see and change it",
)
_CAUSES |= {
    "131": (
        "The API user may not create contacts.",
        "give the API user the right to create contacts; the next run creates it then",
    ),
    "174": _WRITE_RIGHT,
    "261": _WRITE_RIGHT,
    "80": _OUT_OF_SIGHT,
    "292": _OUT_OF_SIGHT,
}

_RESULTS = {
    "refused": "look at the record in the system that refused it, then run a sync",
    "failed": "nothing; the next run tries again",
    "unknown": "nothing; the next run looks at what is there and decides again",
    "no_effect": "look at the record: another rule of the account may have undone the change",
    "conflict": "decide which side is right and change it there",
    "listed": "look at both records; nothing is written until one of them changes",
    "alarm": "look at the member at the provider; its status is unknown to this connector",
    "bounced": "correct the address in the CRM",
    "rejected": "correct the record",
    "quarantined": "correct the record or the value; a changed one is tried again by itself",
}

_NEXT_BY_CODE = {
    "yes_after_withdrawal": "ask the person to sign up again; a Yes alone doesn't lift an opt-out",
    "withdrawn_and_forgotten": "set the contact to Cancellation, or ask the person to sign up",
    "subscribed_despite_withdrawal": "find out which import or form subscribed the address again",
    "archived_before_us": "put the member back at the provider if it should get mail",
    "address_conflict": "give the contact the new address in the CRM, or take it from the other"
    " one; or change it back at the provider",
    "address_changed_on_both_sides": "enter the same address on both sides",
    "both_changed": "nothing, or enter the lost value in the CRM",
    "drift": "nothing, or let the field go both ways in the mapping",
    "not_permitted": "add the value to the select field in the CRM, or correct it",
}


def meaning_of_code(code: str) -> str:
    """The sentence of a reason code, '' for one that explains itself."""
    rule = RULE_BY_CODE.get(code)
    if rule is not None:
        return rule.text
    return _OTHER_CODES.get(code, "") or meaning_of_cause(code)


def meaning_of_cause(cause: str) -> str:
    """What a cause of a refusal means, '' for the bare number of the CRM."""
    return _CAUSES[cause][0] if cause in _CAUSES else ""


def meaning_of_reason(reason: str) -> str:
    """Why a record makes the numbers differ."""
    return _REASONS[reason][0] if reason in _REASONS else reason


def next_step_for_reason(reason: str) -> str:
    """What to do about a record that makes the numbers differ."""
    return _REASONS[reason][1] if reason in _REASONS else "look at the record"


def next_step_for_problem(*, code: str, result: str, cause: str) -> str:
    """What to do about a row of ``errors``: by its cause, then its code, then its result."""
    steps = {name: step for name, (_, step) in _CAUSES.items()}
    for key, texts in (
        (cause, steps),
        (code, _NEXT_BY_CODE),
        (code, steps),
        (result, _RESULTS),
    ):
        if key in texts:
            return texts[key]
    return "look at the record"
