"""What webhooks of the Brevo twin say of each event, who is told, and what is lost on the way."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nl_pipeline.sandbox.credentials import BREVO_KEY_NAME
from nl_pipeline_tests.sandbox.brevo.caller import ANNA
from nl_pipeline_tests.sandbox.brevo.hooked import CONTACT_EVENTS, MAIL_EVENTS, Hooked

LINK = "https://immobilien.example/objekte"

MAIL_KEYS = {
    "id",
    "camp_id",
    "email",
    "campaign name",
    "date_sent",
    "date_event",
    "event",
    "tag",
    "ts_sent",
    "ts_event",
    "ts",
}

OWN_KEYS = {
    "deliver": {"sending_ip"},
    "open": set(),
    "proxy_open": set(),
    "click": {"URL"},
    "soft_bounce": {"sending_ip", "reason"},
    "bounce": {"sending_ip", "reason"},
    "complain": {"reason"},
    "unsubscribe": {"sending_ip", "list_id"},
}
"""Act -> the keys of its event that not all events of mails have."""

SPELLINGS = {
    "guide": {
        "bounce": "hard_bounce",
        "soft_bounce": "soft_bounce",
        "unsubscribe": "unsubscribe",
        "complain": "spam",
        "open": "opened",
        "proxy_open": "proxy_open",
    },
    "samples": {
        "bounce": "hard_bounced",
        "soft_bounce": "soft_bounced",
        "unsubscribe": "unsubscribed",
    },
    "requests": {
        "bounce": "hardBounce",
        "soft_bounce": "softBounce",
        "unsubscribe": "unsubscribed",
    },
}
SYSTEM_ACTS = ("deliver", "proxy_open", "bounce", "soft_bounce")


def happen(hooked: Hooked, act: str, **details: Any) -> None:
    hooked.act(act, actor="system" if act in SYSTEM_ACTS else "person", **details)


def sent_to_anna(hooked: Hooked) -> int:
    """A campaign that is on its way to Anna."""
    hooked.add()
    return hooked.send("Neubau", tag="bau", on_their_way=True)


@pytest.mark.parametrize("act", OWN_KEYS)
def test_an_event_of_a_mail_has_its_documented_keys(act: str, hooked: Hooked) -> None:
    campaign_id = sent_to_anna(hooked)
    number = hooked.watch(MAIL_EVENTS)
    happen(hooked, act, campaign_id=campaign_id)
    told = hooked.told()
    assert set(told) == MAIL_KEYS | OWN_KEYS[act]
    assert {name: told[name] for name in ("id", "camp_id", "email", "campaign name", "tag")} == {
        "id": number,
        "camp_id": campaign_id,
        "email": ANNA,
        "campaign name": "Neubau",
        "tag": "bau",
    }


def test_dates_are_local_and_only_ts_event_is_true_utc(hooked: Hooked) -> None:
    campaign_id = sent_to_anna(hooked)
    hooked.watch(["click"])
    hooked.act("click", campaign_id=campaign_id)
    told = hooked.told()
    local = datetime.fromtimestamp(told["ts_event"], tz=ZoneInfo("Europe/Berlin"))
    offset = local.utcoffset()
    assert told["date_event"] == local.strftime("%Y-%m-%d %H:%M:%S")
    assert offset is not None
    assert told["ts"] == told["ts_event"] + offset.total_seconds()
    assert told["URL"] == LINK


@pytest.mark.parametrize(
    ("spelling", "act", "expected"),
    [(spelling, act, name) for spelling, names in SPELLINGS.items() for act, name in names.items()],
)
def test_events_are_spelled_as_the_switch_says(
    spelling: str, act: str, expected: str, hooked: Hooked
) -> None:
    hooked.sandbox.switch("brevo", name="payload_spelling", value=spelling)
    sent_to_anna(hooked)
    hooked.watch(MAIL_EVENTS)
    happen(hooked, act)
    assert hooked.told()["event"] == expected


def test_a_campaign_to_segments_names_them(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["delivered"])
    hooked.send(segment_ids=[3, 4])
    assert hooked.told()["segment_ids"] == [3, 4]


def test_leaving_one_list_names_the_list(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.act("unsubscribe", list_only=True)
    assert hooked.told()["list_id"] == [hooked.list_id]


@pytest.mark.parametrize("lists", ["named", "empty", "missing"])
def test_leaving_everything_names_lists_as_the_switch_says(lists: str, hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="unsubscribed_lists", value=lists)
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.act("unsubscribe")
    told = hooked.told()
    expected = {"named": [hooked.list_id], "empty": [], "missing": None}[lists]
    assert told.get("list_id") == expected


def test_an_event_nobody_asked_for_is_not_told(hooked: Hooked) -> None:
    sent_to_anna(hooked)
    hooked.watch(["click"])
    hooked.act("open")
    hooked.act("click")
    assert hooked.told()["event"] == "click"


def test_an_addition_to_a_list_names_list_and_key(hooked: Hooked) -> None:
    number = hooked.watch(CONTACT_EVENTS)
    hooked.add()
    told = hooked.told()
    assert set(told) == {"id", "email", "event", "key", "api_key_name", "list_id", "date", "ts"}
    assert (told["id"], told["event"], told["list_id"]) == (
        number,
        "list_addition",
        [hooked.list_id],
    )
    assert told["api_key_name"] == BREVO_KEY_NAME


def test_a_change_by_staff_names_no_key(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["contactUpdated"])
    hooked.act("update", actor="staff", last_name="Berg-Neu")
    told = hooked.told()
    assert (told["event"], told["api_key_name"]) == ("contact_updated", "")
    assert told["content"][0]["NACHNAME"] == "Berg-Neu"


def test_a_change_by_another_program_names_its_key(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["contactUpdated"])
    hooked.act("update", actor="api", key_name="webshop", last_name="Berg-Neu")
    assert hooked.told()["api_key_name"] == "webshop"


def test_keys_can_go_unnamed_as_before_november_2026(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="api_key_name_told", value=False)
    hooked.watch(["listAddition"])
    hooked.add()
    assert "api_key_name" not in hooked.told()


@pytest.mark.parametrize("shape", ["list", "object"])
@pytest.mark.parametrize("extent", ["full", "changes"])
def test_the_content_of_a_change_comes_in_every_shape(
    shape: str, extent: str, hooked: Hooked
) -> None:
    hooked.sandbox.switch("brevo", name="content_shape", value=shape)
    hooked.sandbox.switch("brevo", name="content_extent", value=extent)
    hooked.add(attributes={"VORNAME": "Anna"})
    hooked.watch(["contactUpdated"])
    hooked.do("PUT", f"/contacts/{ANNA}", {"attributes": {"NACHNAME": "Berg"}})
    expected = {"NACHNAME": "Berg"}
    if extent == "full":
        expected |= {"EMAIL": ANNA, "VORNAME": "Anna"}
    assert hooked.told()["content"] == ([expected] if shape == "list" else expected)


def test_a_deletion_names_the_lists(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch(["contactDeleted"])
    hooked.do("DELETE", f"/contacts/{ANNA}")
    told = hooked.told()
    assert set(told) == {"id", "email", "event", "key", "list_id", "date", "ts"}
    assert (told["event"], told["list_id"]) == ("contact_deleted", [hooked.list_id])


def test_blocklisting_by_a_call_is_told_as_a_change(hooked: Hooked) -> None:
    hooked.add()
    hooked.watch()
    hooked.do("PUT", f"/contacts/{ANNA}", {"emailBlacklisted": True})
    hooked.act("unsubscribe")
    assert [hooked.told()["event"] for _ in range(2)] == ["contact_updated", "unsubscribe"]


def test_blocklisting_by_a_call_can_be_told_as_an_unsubscription(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="blocklist_change_tells_unsubscribed", value=True)
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.do("PUT", f"/contacts/{ANNA}", {"emailBlacklisted": True})
    assert hooked.told()["event"] == "unsubscribe"


@pytest.mark.parametrize("loses", [True, False])
def test_an_import_tells_of_its_rows_as_the_switch_says(loses: bool, hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="import_loses_notices", value=loses)
    hooked.watch(["listAddition"])
    row = {"email": "neu@kunde.example", "attributes": {}}
    body = {"jsonBody": [row], "listIds": [hooked.list_id]}
    hooked.do("POST", "/contacts/import", body)
    hooked.add()
    assert hooked.told()["email"] == (ANNA if loses else "neu@kunde.example")


def test_an_import_by_staff_tells_nothing_either(hooked: Hooked) -> None:
    hooked.watch(["listAddition"])
    hooked.act("subscribe", actor="import", email="neu@kunde.example")
    hooked.add()
    assert hooked.told()["email"] == ANNA


def test_while_an_import_runs_nobody_is_told_of_other_changes(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="import_seconds", value=1200)
    hooked.add()
    hooked.watch()
    row = {"email": "neu@kunde.example", "attributes": {}}
    hooked.do("POST", "/contacts/import", {"jsonBody": [row], "listIds": [hooked.list_id]})
    hooked.act("update", actor="staff", last_name="Berg-Neu")
    hooked.act("unsubscribe")
    assert hooked.told()["event"] == "unsubscribe"


def test_while_an_import_runs_unsubscriptions_can_be_lost_too(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="import_seconds", value=1200)
    hooked.sandbox.switch("brevo", name="import_loses_mail_notices", value=True)
    hooked.add()
    hooked.watch()
    row = {"email": "neu@kunde.example", "attributes": {}}
    hooked.do("POST", "/contacts/import", {"jsonBody": [row], "listIds": [hooked.list_id]})
    hooked.act("unsubscribe")
    hooked.sandbox.advance(seconds=1200)
    hooked.add("b@kunde.example")
    assert hooked.told()["email"] == "b@kunde.example"


def test_the_address_can_come_in_an_array(hooked: Hooked) -> None:
    hooked.sandbox.switch("brevo", name="payload_email", value="list")
    hooked.add()
    hooked.watch(["unsubscribed"])
    hooked.act("unsubscribe")
    assert hooked.told()["email"] == [ANNA]
