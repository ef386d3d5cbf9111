"""Acts at the LinkedIn twin: who may do what, and what a form takes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline.sandbox.app import World
from nl_pipeline_tests.sandbox.linkedin.caller import ANNA, BERT, LinkedInCaller, answers_of

NAMES = {"first_name": "Anna", "last_name": "Berg"}


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"action": "dance"}, "allowed: archive_form"),
        ({"action": "submit", "actor": "staff"}, "allowed: person"),
        ({"action": "submit", "email": ANNA}, "needs an answer"),
        ({"action": "submit", "form": "Kontakt"}, "0 forms are named"),
        ({"action": "submit", "answers": {"SHOE_SIZE": "43"}, "email": ANNA, **NAMES}, "SHOE_SIZE"),
        ({"action": "submit", "email": ANNA, "phone": "1" * 301, **NAMES}, "at most 300"),
        ({"action": "submit", "email": ANNA, "consents": {"7": True}, **NAMES}, "no consent [7]"),
        ({"action": "submit", "form": "Umfrage", "answers": {"Was fehlt Ihnen?": "x"}}, "answer"),
        (
            {"action": "submit", "form": 6083, "answers": {"Wie gefällt Ihnen unser Angebot?": 5}},
            "options are ['Gut', 'Nicht']",
        ),
        ({"action": "resubmit", "email": BERT}, "nobody of this address"),
        ({"action": "delete_lead", "lead": "x"}, "no such lead"),
        ({"action": "create_form", "actor": "staff"}, "needs name"),
        ({"action": "restart_validation", "actor": "staff"}, "no such blocked webhook"),
        ({"action": "restore_role", "actor": "staff", "role": "KING"}, "allowed roles"),
    ],
    ids=lambda value: None if isinstance(value, str) else value["action"],
)
def test_what_cannot_happen_is_refused_with_the_reason(
    linkedin: LinkedInCaller, act: dict[str, Any], reason: str
) -> None:
    payload = {"actor": "person", **act}
    answer = linkedin.http.post("/_sandbox/linkedin/act", json=payload)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_an_archived_form_cannot_be_filled_in(linkedin: LinkedInCaller) -> None:
    linkedin.act("staff", "archive_form")

    with pytest.raises(httpx.HTTPStatusError):
        linkedin.submit()


def test_who_fills_in_again_is_another_lead_of_the_same_person(linkedin: LinkedInCaller) -> None:
    first = linkedin.submit(phone="1", newsletter=True)["id"]
    second = linkedin.act("person", "resubmit", email=ANNA, phone="2")["id"]
    leads = {one["id"]: one for one in linkedin.leads()}

    assert set(leads) == {first, second}
    assert leads[first]["submitter"] == leads[second]["submitter"]
    assert {"1", ANNA} <= set(answers_of(leads[first]).values())
    assert {"2", ANNA} <= set(answers_of(leads[second]).values())
    assert [
        leads[one]["formResponse"]["consentResponses"][0]["accepted"] for one in (first, second)
    ] == [True, False]


def test_a_deleted_sponsored_lead_does_not_come_back_under_its_id(linkedin: LinkedInCaller) -> None:
    first = linkedin.submit()["id"]
    linkedin.act("person", "delete_lead", email=ANNA)

    assert linkedin.act("person", "resubmit", email=ANNA)["id"] != first


def test_who_registers_twice_without_cancelling_is_another_lead(linkedin: LinkedInCaller) -> None:
    event = "Infoabend Immobilien"
    first = linkedin.submit(form=event)["id"]

    assert linkedin.act("person", "resubmit", form=event, email=ANNA)["id"] != first


def test_who_fills_in_after_a_change_answers_the_new_version(linkedin: LinkedInCaller) -> None:
    linkedin.submit(company="Berg GmbH")
    new = [{"predefined": "EMAIL"}, {"predefined": "JOB_TITLE"}]
    ids = linkedin.act("staff", "new_form_version", questions=new)["questions"]
    again = linkedin.act("person", "resubmit", email=ANNA, answers={"JOB_TITLE": "Chefin"})
    lead = linkedin.get(f"leadFormResponses/{again['id']}")

    assert again["versionId"] == 2
    assert answers_of(lead) == {ids["EMAIL"]: ANNA, ids["JOB_TITLE"]: "Chefin"}


def test_consents_are_ticked_one_by_one(linkedin: LinkedInCaller) -> None:
    boxes = [{"text": "Newsletter"}, {"text": "Anrufe"}]
    linkedin.act("staff", "create_form", name="Neubau", checkboxes=boxes)
    linkedin.submit(form="Neubau", consents={"1": True})
    (lead,) = linkedin.leads()

    assert lead["formResponse"]["consentResponses"] == [
        {"consentId": 0, "accepted": False},
        {"consentId": 1, "accepted": True},
    ]


def test_a_choice_is_stored_by_id(linkedin: LinkedInCaller) -> None:
    linkedin.submit(answers={"Wofür interessieren Sie sich?": ["Verkauf", "Kauf"]})
    (lead,) = linkedin.leads()

    assert [2, 0] in answers_of(lead).values()


def test_a_form_without_contact_key_takes_answers_of_nobody(linkedin: LinkedInCaller) -> None:
    answers = {"Wie gefällt Ihnen unser Angebot?": "Gut"}
    linkedin.act("person", "submit", form="Umfrage", answers=answers)
    (lead,) = linkedin.sandbox.dump("linkedin")["leads"]

    assert lead["email"] == ""


def test_the_dump_tells_deleted_leads_and_no_tokens(linkedin: LinkedInCaller) -> None:
    lead = linkedin.submit()["id"]
    linkedin.act("person", "delete_lead", lead=lead)
    dump = linkedin.sandbox.dump("linkedin")
    (kept,) = dump["leads"]

    assert (kept["id"], kept["readable"]) == (lead, False)
    assert kept["deletedAt"] >= kept["submittedAt"]
    assert "AQX" not in str(dump)


def test_a_reset_puts_everything_back(linkedin: LinkedInCaller, shared_world: World) -> None:
    linkedin.submit()
    linkedin.switch("order", "none")
    linkedin.act("staff", "revoke_token")
    shared_world.reset(contacts=0, seed=1, options={"retention_days": 365})
    switches = shared_world.linkedin.switches()

    assert linkedin.leads() == []
    assert (switches["order"], switches["retention_days"]) == ("newest_first", 365)


def test_the_same_seed_makes_the_same_leads(shared_world: World) -> None:
    def ids(seed: int) -> list[str]:
        shared_world.reset(contacts=60, seed=seed, options={})
        return list(shared_world.linkedin.account.leads)

    assert ids(3) == ids(3)
    assert ids(3) != ids(4)
