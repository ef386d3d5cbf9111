"""Which test shows which row of the semantics, against the twins.

Belongs here: every row of sections 3 to 7 and the tests that exercise it at each provider; printed
as a table by ``python -m nl_pipeline_tests.semantics_coverage``. Must not be here: tests of the rule
table alone (``properties/test_semantics_rows``).

Tests are named as in ``where_tests_run``, without their ``test_``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nl_pipeline_tests.providers import PROVIDERS, Provider
from nl_pipeline_tests.where_tests_run import providers_of

_TABLE = """
3 | S01
    t01_cut_reads.a_cut_read_changes_nothing_for_anybody
    t01_cut_reads.a_cut_read_of_the_members_changes_nothing_for_anybody
    t01_cut_reads.an_opt_out_gets_through_a_cut_read
3 | S02
    status_rules.s02_a_status_nobody_knows_is_an_alarm_and_nothing_is_written
3 | S03
    status_stories[S03 a complaint cancels]
    status_stories[S03 a complaint is for good…]
3 | S04
    status_stories[S04…]
    t02_lost_webhooks.the_next_sync_takes_an_unsubscribe_over
3 | S05
    status_stories[S05 an unsubscribe cancels a contact without a Yes]
    status_stories[S05 an unsubscribe without a contact…]
3 | S06
    status_stories[S06 a Yes that staff sets again…]
    t02_lost_webhooks.a_yes_that_staff_sets_again_is_neither_pushed_nor_overwritten
3 | S07
    status_rules.s07_a_newer_proof_makes_the_provider_ask_the_person
    status_rules.s07_whoever_does_not_confirm_and_leaves_again_is_cancelled
3 | S22
    status_stories[S22 a later act of the person beats the withdrawal]
    status_stories[S22 who may not be written to…]
3 | S23
    status_stories[S23 an import over a withdrawal is undone]
    status_rules.s23_who_is_brought_back_by_staff_or_an_import_does_not_count
3 | S08
    status_stories[S08 a No unsubscribes]
    status_stories[S08 a Cancellation unsubscribes]
3 | S09
    status_stories[S09 a No and an unsubscribe agree]
    status_stories[S09 a Cancellation…]
3 | S10
    status_stories[S10…]
    t06_missing_consent.an_emptied_value_stops_sending_and_is_no_opt_out
3 | S11
    status_stories[S11 a private contact…]
    status_stories[S11 a revoked consent…]
3 | S12
    status_stories[S12 a Yes is subscribed]
    first_sync.applying_the_first_plan_treats_each_class_as_announced
3 | S13
    status_stories[S13…]
    t04_forgotten_opt_outs.nobody_whose_opt_out_was_forgotten_is_sent_to_again
    t03_hidden_opt_outs.a_fresh_yes_never_subscribes_a_hidden_opt_out
3 | S14
    status_stories[S14 archived…]
    status_stories[S14 deleted…]
3 | S15
    status_stories[S15…]
    t03_hidden_opt_outs.a_member_that_was_deleted_for_good_is_left_alone
3 | S16
    status_stories[S16…]
    first_sync.applying_the_first_plan_treats_each_class_as_announced
3 | S17
    status_stories[S17 archiving erases no No]
    status_stories[S17 deleting erases no Cancellation]
3 | S18
    status_rules.s18_archive_all_at_the_provider_is_held
3 | S19
    status_stories[S19…]
    status_rules.s19_a_corrected_address_is_tried_as_a_new_one
3 | S20
    status_stories[S20 a new subscriber…]
    t10_fresh_sign_ups.a_subscriber_without_a_contact_becomes_one_contact
3 | S21
    status_stories[S21 a sign-up of the person…]
    status_stories[S21 a sign-up by staff…]
3 | S32
    status_stories[S32…]
    status_rules.s32_a_deleted_contact_is_taken_off_the_list_and_its_opt_out_is_kept
3 | S24
    status_stories[S24…]
    t10_fresh_sign_ups.a_private_contact_is_not_set_to_yes
3 | S25
    status_stories[S25…]
3 | S26
    status_stories[S26 a double opt-in waits]
    status_stories[S26 a double opt-in that nobody…]
3 | S27
    status_rules.s27_people_who_were_there_before_us_are_left_alone
    first_sync.who_was_there_is_taken_over_and_a_no_stays_a_no
3 | S28
    status_stories[S28…]
3 | S29
    status_stories[S29…]
    t17_plan_is_true.a_sync_does_what_its_plan_says_and_nothing_else
3 | S30
    status_stories[S30 a Cancellation withdraws…]
    status_stories[S30 a No leaves…]
    status_stories[S30 nobody sends…]
3 | S31
    status_stories[S31…]
    t06_missing_consent.an_unknown_value_changes_nothing_for_a_subscriber
4 | only CRM changed
    profile_fields.a_value_changed_in_the_crm_goes_to_the_provider
4 | only provider changed, direction both
    profile_fields.a_value_changed_at_the_provider_comes_into_the_crm_with_a_note
    profile_fields.a_note_is_written_once_per_change
4 | only provider changed, direction to_provider
    profile_fields.a_field_that_only_goes_out_is_reported_and_overwritten
4 | both changed, equal
    profile_fields.the_same_change_on_both_sides_is_the_new_base
4 | both changed, different
    profile_fields.of_two_different_changes_the_crms_wins_and_the_other_is_listed
4 | CRM empty, provider filled, base empty
    profile_fields.a_value_that_only_the_provider_ever_had_is_left
4 | CRM emptied
    profile_fields.a_value_emptied_in_the_crm_stays_at_the_provider
    profile_fields.a_value_emptied_in_the_crm_is_emptied_at_the_provider_on_demand
4 | provider blank
    profile_fields.a_value_emptied_at_the_provider_never_empties_the_crm
4 | provider rejects a field
    t14_refused_values.a_person_is_subscribed_without_the_refused_value
    t14_refused_values.the_other_values_of_an_update_are_written
    t14_refused_values.every_refused_value_is_quarantined_by_itself_and_listed
    t14_rejected_fields.a_refused_field_does_not_keep_an_address_from_changing
4 | field missing at the provider or in another language
    setup.set_up_creates_the_merge_fields_that_are_missing_and_only_those
    setup.a_merge_field_that_vanishes_stops_the_sync_before_it_writes
    brevo/set_up.names_go_into_the_attributes_of_the_accounts_language
    brevo/set_up.an_account_that_does_not_fit_stops_the_connection_and_says_what_to_do
5 | CRM a→b, a SUB, b unknown at provider
    t09_address_changes[in the CRM: an address the provider does not know…]
    t09_address_changes[in the CRM: tags go along]
5 | same, b exists
    t09_address_changes[in the CRM: a subscribed address takes over]
    t09_address_changes[in the CRM: an unsubscribed address…]
    t09_address_changes[in the CRM: an address that complained…]
    t09_address_changes[in the CRM: a bounced address…]
    t09_address_changes[in the CRM: an archived address…]
    t09_address_changes[in the CRM: an address that waits for its confirmation…]
    t09_address_changes[in the CRM: an address of another contact that says No…]
5 | same, a unknown at provider
    t09_address_changes[in the CRM: a deleted member's contact…]
    t09_address_changes[in the CRM: whom the provider never knew…]
5 | a UNSUB or WITHDRAW
    t09_address_changes[in the CRM: an address that had unsubscribed…]
    t09_address_changes[in the CRM: an unsubscribe before the change…]
    t09_address_changes[in the CRM: who unsubscribed and was deleted…]
    t09_address_changes[in the CRM: it takes an unsubscribe of the same window along]
5 | a CLEANED
    t09_address_changes[in the CRM: an address after a bounce…]
    t09_address_changes[in the CRM: a bounce in the same window…]
5 | provider a→b
    t09_address_changes[at the provider: a new address moves the contact]
    t09_address_changes[at the provider: a further address of the contact…]
5 | provider a→b, b on another contact
    t09_address_changes[at the provider: an address of another contact is a conflict]
    t09_address_changes[at the provider: the conflict ends when the contact takes the address]
    t09_address_changes[at the provider: an unsubscribe during the conflict…]
5 | provider a→b, a not unique
    t09_address_changes[at the provider: an address that several contacts had…]
    t09_address_changes[at the provider: an unsubscribe reaches all who had the address]
5 | event names only the new address
    t09_address_changes[at the provider: two changes in one window are one]
5 | only case or spaces differ
    t09_address_changes[in the CRM: case and blanks are no change]
    t09_address_changes.other_case_and_blanks_are_no_change
6 | profile source
    t08_shared_addresses.who_is_linked_already_gives_the_profile_before_a_lower_id
    t08_shared_addresses.who_may_be_written_to_gives_the_profile_before_a_lower_id
    t08_shared_addresses.of_equals_the_lowest_id_gives_the_profile
6 | status of the group
    t08_duplicates.a_group_is_subscribed_if_one_may_be_and_nobody_objects
6 | inbound opt-out to all contacts
    t08_duplicates.an_opt_out_reaches_every_contact_of_its_group
    t08_shared_addresses.an_opt_out_reaches_whoever_has_the_address_as_a_further_one
    t08_shared_addresses.a_cancellation_that_one_of_three_contacts_refused_is_tried_until_all_have_it
6 | inbound profile change to the linked contact
    t08_shared_addresses.a_profile_change_at_the_provider_reaches_the_linked_contact_alone
6 | activities
    t08_shared_addresses.an_opt_out_is_booked_on_every_contact_with_the_address
    t08_shared_addresses.a_sign_up_is_booked_on_every_contact_with_the_address
6 | winner gone
    t08_shared_addresses.where_the_linked_contact_goes_the_next_one_takes_its_place
6 | listed before the first sync
    t08_shared_addresses.groups_are_listed_before_the_first_sync
7 | three-way on sets
    tags.a_full_sync_brings_both_sides_together
7 | onoffice is never mirrored
    tags.our_own_tag_is_never_mirrored_even_where_an_option_has_its_name
7 | CRM → provider at every sync
    tags.every_sync_brings_the_changes_of_the_crm_to_the_provider_and_none_back
7 | provider → CRM in a full sync only
    tags.a_tag_given_at_the_provider_comes_in_at_a_full_sync_only
    tags.a_tag_taken_away_at_the_provider_goes_at_a_full_sync
7 | identified by its option key
    tags.a_renamed_label_renames_the_tag_and_takes_it_from_nobody
7 | option list unreadable
    tags.an_option_list_that_cannot_be_read_takes_no_tag_from_anybody
"""

EVERY_ROW: dict[str, tuple[str, ...]] = {
    "3": tuple(f"S{number:02d}" for number in range(1, 33)),
    "4": (
        "only CRM changed",
        "only provider changed, direction both",
        "only provider changed, direction to_provider",
        "both changed, equal",
        "both changed, different",
        "CRM empty, provider filled, base empty",
        "CRM emptied",
        "provider blank",
        "provider rejects a field",
        "field missing at the provider or in another language",
    ),
    "5": (
        "CRM a→b, a SUB, b unknown at provider",
        "same, b exists",
        "same, a unknown at provider",
        "a UNSUB or WITHDRAW",
        "a CLEANED",
        "provider a→b",
        "provider a→b, b on another contact",
        "provider a→b, a not unique",
        "event names only the new address",
        "only case or spaces differ",
    ),
    "6": (
        "profile source",
        "status of the group",
        "inbound opt-out to all contacts",
        "inbound profile change to the linked contact",
        "activities",
        "winner gone",
        "listed before the first sync",
    ),
    "7": (
        "three-way on sets",
        "onoffice is never mirrored",
        "CRM → provider at every sync",
        "provider → CRM in a full sync only",
        "identified by its option key",
        "option list unreadable",
    ),
}
"""The rows of each section, by their id or by the words of the page."""

_GROUPS = "decided over the contacts of the CRM; the provider takes no part in it"
_TAGS = "Brevo has no tags: the list alone says who is ours"
NOT_AT: dict[Provider, dict[tuple[str, str], str]] = {
    "brevo": {
        ("3", "S28"): "Brevo knows no customers without consent: whoever is on no list is nobody",
        **{("6", row): _GROUPS for row in EVERY_ROW["6"]},
        **{("7", row): _TAGS for row in EVERY_ROW["7"]},
    }
}
"""Rows that no test shows at a provider, each with the reason."""


@dataclass(frozen=True)
class Covered:
    """One row and the names of its tests."""

    section: str
    row: str
    tests: tuple[str, ...]

    def at(self, provider: Provider) -> tuple[str, ...]:
        """Those of its tests that show it at a provider."""
        return tuple(test for test in self.tests if provider in providers_of(test))


def _read(text: str) -> tuple[Covered, ...]:
    rows: list[tuple[str, str, list[str]]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            named = re.sub(r"^(\w+/)?(\w+)", r"\1test_\2", line.strip())
            rows[-1][2].append(re.sub(r"^([\w/]+)\.", r"\1.test_", named))
        else:
            section, row = line.split(" | ")
            rows.append((section, row, []))
    return tuple(Covered(section, row, tuple(tests)) for section, row, tests in rows)


COVERED: tuple[Covered, ...] = _read(_TABLE)


def as_markdown() -> str:
    """The table as it goes into a note, a line for each row and provider."""
    lines = ["| section | row | provider | tests |", "|---|---|---|---|"]
    lines += [
        f"| {c.section} | {c.row} | {provider} | {_shown(c, provider=provider)} |"
        for c in COVERED
        for provider in PROVIDERS
    ]
    return "\n".join(lines)


def _shown(covered: Covered, *, provider: Provider) -> str:
    reason = NOT_AT.get(provider, {}).get((covered.section, covered.row), "")
    return reason or "<br>".join(f"`{test}`" for test in covered.at(provider))


if __name__ == "__main__":
    print(as_markdown())
