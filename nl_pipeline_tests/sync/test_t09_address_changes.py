"""Changes of an e-mail address, in either direction, and addresses that several contacts share."""

from __future__ import annotations

from nl_pipeline_tests.scenario import CANCEL, NOT_SPECIFIED, YES, Scenario


def move_contact(scenario: Scenario, old: str, new: str) -> None:
    """Staff corrects the main address of a contact."""
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email=f"{old}@kunde.example",
        new_email=f"{new}@kunde.example",
    )


def test_a_new_address_in_the_crm_moves_the_member_with_its_history(scenario: Scenario) -> None:
    before = scenario.picture().member("kunde-01")
    move_contact(scenario, "kunde-01", "neu")

    scenario.sync()

    after = scenario.picture()
    moved = after.member("neu")
    assert before is not None
    assert moved is not None
    assert (moved["contact_id"], moved["status"]) == (before["contact_id"], "subscribed")
    assert moved["tags"] == ["onoffice"]
    assert after.status("kunde-01") == "absent"


def test_a_new_address_that_is_a_member_already_keeps_the_stricter_status(
    scenario: Scenario,
) -> None:
    move_contact(scenario, "kunde-01", "stranger-left")
    move_contact(scenario, "kunde-02", "stranger")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert [after.status(n) for n in ("kunde-01", "stranger-left")] == ["archived", "unsubscribed"]
    assert [after.status(n) for n in ("kunde-02", "stranger")] == ["archived", "subscribed"]


def test_a_withdrawn_address_hands_its_withdrawal_on(scenario: Scenario) -> None:
    scenario.person("unsubscribe", "kunde-01")
    scenario.sync()
    move_contact(scenario, "kunde-01", "neu")
    scenario.sync()
    scenario.set_newsletter("neu", YES)

    scenario.sync()
    scenario.sync("full")

    assert scenario.status("neu") in ("absent", "unsubscribed")


def test_an_unsubscribe_during_a_move_reaches_the_contact(scenario: Scenario) -> None:
    move_contact(scenario, "kunde-01", "neu")
    scenario.person("unsubscribe", "kunde-01")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert after.newsletter("neu") == CANCEL
    assert after.status("neu") in ("absent", "unsubscribed")


def test_a_new_address_at_the_provider_moves_the_contact(scenario: Scenario) -> None:
    number = scenario.picture().contact("kunde-01")["id"]
    scenario.person("change_email", "kunde-01", new_email="neu@kunde.example")

    scenario.sync()
    scenario.control.forget_calls()
    scenario.sync("full")

    after = scenario.picture()
    assert (after.contact("neu")["id"], after.newsletter("neu")) == (number, YES)
    assert scenario.writes() == {}


def test_a_new_address_and_an_unsubscribe_at_the_provider_cancel_the_contact(
    scenario: Scenario,
) -> None:
    number = scenario.picture().contact("kunde-01")["id"]
    scenario.person("change_email", "kunde-01", new_email="neu@kunde.example")
    scenario.person("unsubscribe", "neu")

    scenario.sync()
    scenario.sync("full")

    assert scenario.picture().contacts[number]["newsletter_aktiv"] == CANCEL
    assert scenario.status("neu") == "unsubscribed"


def test_a_new_address_that_belongs_to_somebody_else_is_left_to_a_person(
    scenario: Scenario,
) -> None:
    before = scenario.picture()
    scenario.person("change_email", "kunde-01", new_email="none@kunde.example")

    scenario.sync()
    scenario.sync("full")

    after = scenario.picture()
    assert after.contact("kunde-01") == before.contact("kunde-01")
    assert after.newsletter("none") == NOT_SPECIFIED


def test_other_case_and_blanks_are_no_change(scenario: Scenario) -> None:
    scenario.control.forget_calls()
    scenario.control.act(
        "onoffice",
        actor="staff",
        action="change_email",
        email="kunde-01@kunde.example",
        new_email=" Kunde-01@Kunde.example",
    )

    scenario.sync()

    assert scenario.writes() == {}


def test_the_winner_of_a_shared_address_can_go_without_an_archiving(scenario: Scenario) -> None:
    (winner,) = scenario.picture().contacts_of("gruppe")
    scenario.control.act("onoffice", actor="staff", action="delete", id=winner["id"])

    scenario.sync("full")

    assert scenario.status("gruppe") == "subscribed"
