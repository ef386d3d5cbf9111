"""What people and staff do at the Brevo twin, its statistics, its population, and what is told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline_tests.sandbox.brevo.caller import ANNA, BERT, BrevoCaller

FORM_IP = "198.51.100.20"


def whats(brevo: BrevoCaller, email: str) -> list[tuple[str, str]]:
    """Who did what to a contact."""
    return [(entry["actor"], entry["what"]) for entry in brevo.dumped(email)["history"]]


def refused(brevo: BrevoCaller, **act: Any) -> str:
    """The reason why an act is refused."""
    with pytest.raises(httpx.HTTPStatusError) as caught:
        brevo.sandbox.act("brevo", **act)
    return str(caught.value.response.json()["error"])


def test_the_link_in_a_mail_blocklists(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.act("person", "unsubscribe", ANNA)

    contact = brevo.contact(ANNA)
    assert (contact["emailBlacklisted"], contact["listIds"]) == (True, [brevo.list_id])
    (left,) = contact["statistics"]["unsubscriptions"]["userUnsubscription"]
    assert left["ip"] == FORM_IP
    assert whats(brevo, ANNA)[-1] == ("person", "blocklisted")


def test_a_person_can_leave_one_list_alone(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])

    brevo.act("person", "unsubscribe", ANNA, list_only=True)

    contact = brevo.contact(ANNA)
    assert contact["emailBlacklisted"] is False
    assert (contact["listIds"], contact["listUnsubscribed"]) == ([], [brevo.list_id])


@pytest.mark.parametrize(
    ("actor", "action", "member"),
    [("person", "complain", "complaints"), ("system", "bounce", "hardBounces")],
)
def test_a_complaint_and_a_hard_bounce_blocklist_too(
    brevo: BrevoCaller, actor: str, action: str, member: str
) -> None:
    brevo.create(ANNA)

    brevo.act(actor, action, ANNA)

    contact = brevo.contact(ANNA)
    assert contact["emailBlacklisted"] is True
    assert list(contact["statistics"]) == [member]


def test_a_soft_bounce_stands_in_the_statistics_alone(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)

    brevo.act("system", "soft_bounce", ANNA)

    contact = brevo.contact(ANNA)
    assert (contact["emailBlacklisted"], list(contact["statistics"])) == (False, ["softBounces"])


def test_blocklisting_by_staff_is_told_apart_from_a_persons(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)

    brevo.act("staff", "unsubscribe", ANNA)

    left = brevo.contact(ANNA)["statistics"]["unsubscriptions"]
    assert left["userUnsubscription"] == []
    assert len(left["adminUnsubscription"]) == 1


def test_staff_can_lift_a_blocklisting(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.act("staff", "resubscribe", ANNA)

    assert brevo.contact(ANNA)["emailBlacklisted"] is False


@pytest.mark.parametrize("lifted", [False, True])
def test_whether_a_form_lifts_a_blocklisting_is_open(brevo: BrevoCaller, lifted: bool) -> None:
    brevo.switch("form_lifts_blocklist", lifted)
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.act("person", "subscribe", ANNA, first_name="Anna")

    contact = brevo.contact(ANNA)
    assert contact["emailBlacklisted"] is not lifted
    assert (contact["listIds"], contact["attributes"]) == ([brevo.list_id], {"VORNAME": "Anna"})


@pytest.mark.parametrize("actor", ["staff", "api", "import"])
def test_nobody_but_the_person_is_allowed_again_by_a_sign_up(
    brevo: BrevoCaller, actor: str
) -> None:
    brevo.switch("form_lifts_blocklist", True)
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.act(actor, "subscribe", ANNA)

    assert brevo.contact(ANNA)["emailBlacklisted"] is True


def test_an_address_changed_at_brevo_lifts_the_blocklisting_too(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)

    brevo.act("staff", "change_email", ANNA, new_email=BERT)

    assert brevo.contact(BERT)["emailBlacklisted"] is False


def test_a_list_can_be_emptied_and_deleted_at_brevo(brevo: BrevoCaller) -> None:
    brevo.create(ANNA, listIds=[brevo.list_id])

    emptied = brevo.sandbox.act("brevo", actor="staff", action="empty_list", audience="onoffice")
    assert (emptied["removed"], brevo.contact(ANNA)["listIds"]) == (1, [])

    brevo.sandbox.act("brevo", actor="staff", action="delete_list", audience=str(brevo.list_id))
    assert brevo.call("GET", f"/contacts/lists/{brevo.list_id}").status_code == 404


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"action": "dance"}, "allowed: "),
        ({"action": "update", "first_name": "A"}, "needs email"),
        ({"action": "unsubscribe", "email": BERT}, "no such contact"),
        ({"action": "subscribe", "email": ANNA, "audience": "Nix"}, "there are: identified"),
        ({"action": "subscribe", "email": "anna"}, "not an address"),
        ({"action": "update", "email": ANNA}, "VORNAME"),
        ({"action": "update", "email": ANNA, "attributes": {"X": 1}}, "unknown attributes"),
        ({"action": "confirm", "email": ANNA}, "only the person"),
        ({"action": "resubscribe", "email": ANNA}, "not blocklisted"),
        ({"action": "remove_from_list", "email": ANNA}, "not on the list"),
        ({"action": "change_email", "email": ANNA, "new_email": "x"}, "not an address"),
        ({"action": "unsubscribe", "email": ANNA, "nonsense": 1}, "nonsense"),
    ],
)
def test_an_act_that_cannot_be_done_says_why(
    brevo: BrevoCaller, act: dict[str, Any], reason: str
) -> None:
    brevo.create(ANNA)

    assert reason in refused(brevo, actor="staff", **act)


def test_the_history_names_the_key_of_a_program(brevo: BrevoCaller) -> None:
    brevo.create(ANNA)
    brevo.act("api", "update", ANNA, first_name="Anna", key_name="kasse")

    keys = [entry["key_name"] for entry in brevo.dumped(ANNA)["history"]]

    assert keys == ["onoffice-connector", "kasse"]


def test_statistics_are_of_the_window_that_was_asked_for(brevo: BrevoCaller) -> None:
    brevo.switch("times", "utc")
    brevo.create(ANNA)
    brevo.act("person", "unsubscribe", ANNA)
    day = brevo.contact(ANNA, identifierType="email_id")["modifiedAt"][:10]
    path = f"/contacts/{ANNA}/campaignStats"
    brevo.sandbox.advance(seconds=91 * 86_400)

    assert brevo.get(path) == {}
    found = brevo.get(path, startDate=day, endDate=day)
    assert len(found["unsubscriptions"]["userUnsubscription"]) == 1


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ({"startDate": "2026-01-01"}, "missing_parameter"),
        ({"startDate": "2026-01-01", "endDate": "01.02.2026"}, "invalid_parameter"),
        ({"startDate": "2025-01-01", "endDate": "2025-06-01"}, "out_of_range"),
        ({"startDate": "2099-01-01", "endDate": "2099-01-02"}, "out_of_range"),
    ],
)
def test_a_window_that_cannot_be_is_refused(
    brevo: BrevoCaller, window: dict[str, str], code: str
) -> None:
    brevo.create(ANNA)

    answer = brevo.call("GET", f"/contacts/{ANNA}/campaignStats", **window)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_population_is_the_same_for_the_same_seed(shared_world: World) -> None:
    dumps = []
    for seed in (1, 1, 2):
        shared_world.reset(contacts=200, seed=seed, options={"existing_list": True})
        contacts = shared_world.brevo.dump()["contacts"]
        dumps.append([(one["id"], one["email"], one["emailBlacklisted"]) for one in contacts])

    assert dumps[0] == dumps[1] != dumps[2]


def test_an_account_in_use_holds_every_kind_of_contact(shared_world: World) -> None:
    shared_world.reset(contacts=2000, seed=1, options={"existing_list": True})
    dump = shared_world.brevo.dump()
    (own,) = [one["id"] for one in dump["lists"] if one["name"] == "onoffice"]
    contacts = dump["contacts"]
    kinds = {event["kind"] for contact in contacts for event in contact["events"]}

    assert kinds >= {"userUnsubscription", "adminUnsubscription", "hardBounces", "complaints"}
    assert any(own in contact["listUnsubscribed"] for contact in contacts)
    assert any(not contact["listIds"] for contact in contacts)
    created = [contact["createdAt"] for contact in contacts]
    assert created == sorted(created)


def test_a_reset_without_the_option_leaves_no_list_of_ours(shared_world: World) -> None:
    shared_world.reset(contacts=200, seed=1, options={})

    names = [one["name"] for one in shared_world.brevo.dump()["lists"]]

    assert names == ["identified_contacts", "Kunden 2019"]
