"""Whom a Yes entitles: contacts that share an address, contacts archived in the CRM."""

from __future__ import annotations

import pytest

from nl_pipeline_tests.scenario import DOI, NOT_SPECIFIED, YES, Scenario

SHARED = "geteilt"
ARCHIVED = "kunde-07"


@pytest.mark.parametrize("other", [NOT_SPECIFIED, DOI], ids=["not specified", "pending"])
def test_a_revoked_yes_gains_nothing_from_another_contact_of_the_address(
    scenario: Scenario, other: str
) -> None:
    scenario.add_contact(SHARED, YES, DSGVOStatus="speicherungwiderrufen")
    scenario.add_contact(SHARED, other)

    scenario.sync("full")

    assert scenario.status(SHARED) == "absent"


def test_a_yes_of_one_contact_subscribes_the_address_it_shares_with_a_revoked_one(
    scenario: Scenario,
) -> None:
    scenario.add_contact(SHARED, YES, DSGVOStatus="speicherungwiderrufen")
    scenario.add_contact(SHARED, YES)

    scenario.sync("full")

    assert scenario.status(SHARED) == "subscribed"


def test_our_own_archiving_does_not_take_the_yes_of_an_archived_contact(scenario: Scenario) -> None:
    scenario.set_field(ARCHIVED, Status2Adr="status2adr_archive")

    scenario.sync()
    scenario.sync("full")

    assert (scenario.status(ARCHIVED), scenario.newsletter(ARCHIVED)) == ("archived", YES)


def test_a_contact_that_is_activated_again_is_subscribed_again(scenario: Scenario) -> None:
    scenario.set_field(ARCHIVED, Status2Adr="status2adr_archive")
    scenario.sync("full")
    scenario.set_field(ARCHIVED, Status2Adr="status2adr_active")

    scenario.sync("full")

    assert scenario.status(ARCHIVED) == "subscribed"
