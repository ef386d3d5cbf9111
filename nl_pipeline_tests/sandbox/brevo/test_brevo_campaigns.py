"""Campaigns of the Brevo twin: who gets them, their numbers, and the export of recipients."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from nl_pipeline_tests.sandbox.brevo.caller import ANNA
from nl_pipeline_tests.sandbox.brevo.hooked import Hooked

LINK = "https://immobilien.example/objekte"
EVERYBODY = ("a@kunde.example", "b@kunde.example", "c@kunde.example")


def numbers(hooked: Hooked, campaign_id: int, kind: str = "globalStats") -> dict[str, Any]:
    campaign = hooked.do("GET", f"/emailCampaigns/{campaign_id}", statistics=kind)
    found: dict[str, Any] = campaign["statistics"]
    return found


def exported(hooked: Hooked, campaign_id: int, recipients: str) -> list[str]:
    body = {"recipientsType": recipients}
    path = f"/emailCampaigns/{campaign_id}/exportRecipients"
    rows = hooked.file_of(hooked.do("POST", path, body)["processId"])
    return [row["Email_ID"] for row in rows]


def test_who_left_the_list_or_is_blocklisted_gets_nothing(hooked: Hooked) -> None:
    hooked.add(*EVERYBODY, "d@kunde.example")
    hooked.act("unsubscribe", email="a@kunde.example")
    hooked.act("unsubscribe", email="b@kunde.example", list_only=True)
    hooked.act("remove_from_list", actor="staff", email="c@kunde.example")
    assert exported(hooked, hooked.send(), "all") == ["d@kunde.example"]


def test_who_left_one_list_and_was_put_on_it_again_gets_nothing(hooked: Hooked) -> None:
    hooked.add()
    hooked.act("unsubscribe", list_only=True)
    hooked.do("PUT", f"/contacts/{ANNA}", {"listIds": [hooked.list_id]})
    assert exported(hooked, hooked.send(), "all") == []


def test_a_campaign_shows_numbers_only_when_asked(hooked: Hooked) -> None:
    hooked.add()
    campaign_id = hooked.send()
    shown = hooked.do("GET", f"/emailCampaigns/{campaign_id}")["statistics"]
    assert (shown["globalStats"]["sent"], shown["campaignStats"]) == (0, [])
    assert numbers(hooked, campaign_id)["globalStats"]["sent"] == 1


def test_numbers_follow_from_what_happened(hooked: Hooked) -> None:
    hooked.add(*EVERYBODY, "d@kunde.example")
    campaign_id = hooked.send(on_their_way=True)
    for name in "abc":
        hooked.act("deliver", actor="system", email=f"{name}@kunde.example")
    hooked.act("bounce", actor="system", email="d@kunde.example", campaign_id=campaign_id)
    hooked.act("open", email="a@kunde.example", times=3)
    hooked.act("proxy_open", actor="system", email="b@kunde.example")
    hooked.act("click", email="a@kunde.example", times=2)
    hooked.act("unsubscribe", email="b@kunde.example", campaign_id=campaign_id)
    hooked.act("complain", email="c@kunde.example", campaign_id=campaign_id)
    shown = numbers(hooked, campaign_id)
    expected = {
        "sent": 4,
        "delivered": 3,
        "hardBounces": 1,
        "viewed": 4,
        "uniqueViews": 2,
        "trackableViews": 1,
        "appleMppOpens": 1,
        "clickers": 2,
        "uniqueClicks": 1,
        "unsubscriptions": 1,
        "complaints": 1,
        "opensRate": 66.67,
    }
    for found in (shown["globalStats"], shown["campaignStats"][0]):
        assert {name: found[name] for name in expected} == expected
    assert shown["campaignStats"][0]["listId"] == hooked.list_id


def test_what_happens_without_the_campaign_does_not_count(hooked: Hooked) -> None:
    hooked.add()
    campaign_id = hooked.send()
    hooked.act("unsubscribe")
    assert numbers(hooked, campaign_id)["globalStats"]["unsubscriptions"] == 0


def test_the_statistics_of_a_contact_tell_the_same_as_its_webhooks(hooked: Hooked) -> None:
    hooked.add()
    campaign_id = hooked.send()
    hooked.watch(["click", "unsubscribed"])
    hooked.act("click")
    hooked.act("unsubscribe", campaign_id=campaign_id)
    click, unsubscription = hooked.told(), hooked.told()
    shown = hooked.do("GET", f"/contacts/{ANNA}/campaignStats")
    assert [event["campaignId"] for event in shown["messagesSent"]] == [campaign_id]
    assert shown["clicked"][0]["links"][0]["url"] == click["URL"]
    assert [e["campaignId"] for e in shown["unsubscriptions"]["userUnsubscription"]] == [
        unsubscription["camp_id"]
    ]


def test_a_deleted_contact_still_counts(hooked: Hooked) -> None:
    hooked.add()
    campaign_id = hooked.send()
    hooked.do("DELETE", f"/contacts/{ANNA}")
    assert numbers(hooked, campaign_id)["globalStats"]["sent"] == 1
    assert exported(hooked, campaign_id, "all") == []


def test_rates_decide_how_recipients_react(hooked: Hooked) -> None:
    hooked.add(*EVERYBODY)
    bounced = hooked.send(soft_bounce_rate=1)
    read = hooked.send(open_rate=1, click_rate=1, proxy_open_rate=1)
    left = hooked.send(unsubscribe_rate=1)
    assert numbers(hooked, bounced)["globalStats"]["softBounces"] == 3
    assert numbers(hooked, read)["globalStats"]["viewed"] == 6
    assert numbers(hooked, left)["globalStats"]["unsubscriptions"] == 3
    assert exported(hooked, hooked.send(), "all") == []


@pytest.mark.parametrize(
    ("recipients", "expected"),
    [
        ("all", "abcd"),
        ("openers", "a"),
        ("nonOpeners", "bc"),
        ("clickers", "a"),
        ("nonClickers", "bc"),
        ("softBounces", ""),
        ("hardBounces", "d"),
        ("unsubscribed", "b"),
    ],
)
def test_recipients_are_exported_by_what_they_did(
    recipients: str, expected: str, hooked: Hooked
) -> None:
    hooked.add(*EVERYBODY, "d@kunde.example")
    campaign_id = hooked.send(on_their_way=True)
    for name in "abc":
        hooked.act("deliver", actor="system", email=f"{name}@kunde.example")
    hooked.act("open", email="a@kunde.example")
    hooked.act("click", email="a@kunde.example")
    hooked.act("unsubscribe", email="b@kunde.example", campaign_id=campaign_id)
    hooked.act("bounce", actor="system", email="d@kunde.example", campaign_id=campaign_id)
    assert exported(hooked, campaign_id, recipients) == [f"{n}@kunde.example" for n in expected]


def test_complaints_cannot_be_exported(hooked: Hooked) -> None:
    hooked.add()
    path = f"/emailCampaigns/{hooked.send()}/exportRecipients"
    assert hooked.call("POST", path, {"recipientsType": "complaints"}).status_code == 400


def test_the_end_of_an_export_is_told_to_its_url(hooked: Hooked) -> None:
    hooked.add()
    path = f"/emailCampaigns/{hooked.send()}/exportRecipients"
    body = {"recipientsType": "all", "notifyURL": hooked.receiver.url}
    process_id = hooked.do("POST", path, body)["processId"]
    assert hooked.told()["id"] == process_id


def test_campaigns_are_listed_newest_first_in_pages(hooked: Hooked) -> None:
    ids = [hooked.send(f"Ausgabe {number}") for number in range(3)]
    page = hooked.do("GET", "/emailCampaigns", limit=2)
    assert page["count"] == 3
    assert [campaign["id"] for campaign in page["campaigns"]] == ids[:0:-1]


def test_a_page_holds_a_hundred_campaigns(hooked: Hooked) -> None:
    answer = hooked.call("GET", "/emailCampaigns", limit=101)
    assert (answer.status_code, answer.json()["code"]) == (400, "out_of_range")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "sent"}, 1),
        ({"status": "draft"}, 0),
        ({"type": "classic"}, 1),
        ({"type": "trigger"}, 0),
        ({"startDate": "2026-01-01T00:00:00.000Z", "endDate": "2026-01-02T00:00:00.000Z"}, 0),
    ],
)
def test_campaigns_are_filtered(query: dict[str, str], count: int, hooked: Hooked) -> None:
    hooked.send()
    assert hooked.do("GET", "/emailCampaigns", **query)["count"] == count


@pytest.mark.parametrize(
    "query",
    [
        {"status": "inprocess"},
        {"statistics": "alles"},
        {"startDate": "2026-01-01T00:00:00.000Z"},
        {
            "startDate": "2026-01-01T00:00:00.000Z",
            "endDate": "2026-01-02T00:00:00.000Z",
            "status": "draft",
        },
        {"startDate": "2020-01-01T00:00:00.000Z", "endDate": "2026-01-02T00:00:00.000Z"},
        {"startDate": "2999-01-01T00:00:00.000Z", "endDate": "2999-01-02T00:00:00.000Z"},
    ],
    ids=["status", "statistics", "one date", "dates of drafts", "six years", "future"],
)
def test_a_wrong_filter_is_refused(query: dict[str, str], hooked: Hooked) -> None:
    assert hooked.call("GET", "/emailCampaigns", **query).status_code == 400


def test_the_global_numbers_can_be_zero_as_at_a_live_account(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="global_stats", value="zero")
    hooked.add()
    shown = numbers(hooked, hooked.send())
    assert (shown["globalStats"]["sent"], shown["campaignStats"][0]["sent"]) == (0, 1)


def test_numbers_can_be_divided_by_domain(hooked: Hooked) -> None:
    hooked.add("a@kunde.example", "b@kunde.example", "c@makler.example")
    shown = numbers(hooked, hooked.send(), "statsByDomain")["statsByDomain"]
    assert {domain: found["sent"] for domain, found in shown.items()} == {
        "kunde.example": 2,
        "makler.example": 1,
    }


@pytest.mark.parametrize(("shape", "expected"), [("number", 1), ("object", {"nbClick": 1})])
def test_clicks_of_a_link_come_in_both_shapes(shape: str, expected: Any, hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="links_stats", value=shape)
    hooked.add()
    campaign_id = hooked.send()
    hooked.act("click")
    assert numbers(hooked, campaign_id, "linksStats")["linksStats"] == {LINK: expected}


def test_an_unknown_campaign_is_404(hooked: Hooked) -> None:
    for method, path in (("GET", "/emailCampaigns/77"),
                         ("POST", "/emailCampaigns/77/exportRecipients")):  # fmt: skip
        answer = hooked.call(method, path, {"recipientsType": "all"})
        assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


def test_a_mail_that_was_not_sent_cannot_be_opened(hooked: Hooked) -> None:
    hooked.add()
    with pytest.raises(httpx.HTTPStatusError):
        hooked.act("open")


def test_the_dump_names_recipients_and_webhooks(hooked: Hooked) -> None:
    hooked.add()
    number, campaign_id = hooked.watch(["spam"]), hooked.send()
    dump = hooked.sandbox.dump("brevo")
    contact_id = hooked.do("GET", f"/contacts/{ANNA}")["id"]
    assert [(one["id"], one["recipients"]) for one in dump["campaigns"]] == [
        (campaign_id, [contact_id])
    ]
    assert [(one["id"], one["events"]) for one in dump["webhooks"]] == [(number, ["spam"])]
