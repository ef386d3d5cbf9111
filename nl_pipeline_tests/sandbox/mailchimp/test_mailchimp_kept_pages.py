"""Pages the twin keeps: nobody may see one that is older than the member on it, or a damaged one.

Here every page is kept, however small; a member read alone is never kept and so is the truth.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nl_pipeline.sandbox.mailchimp import shown_pages
from nl_pipeline_tests.sandbox.mailchimp.caller import ANNA, MailchimpCaller, subscriber_hash
from nl_pipeline_tests.sandbox_control import SandboxControl

MEMBER = f"members/{subscriber_hash(ANNA)}"


@pytest.fixture(autouse=True)
def every_page_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_pages, "SMALLEST_KEPT", 1)


def field_id(mailchimp: MailchimpCaller, *, tag: str) -> int:
    fields = mailchimp.get("merge-fields", count=100)["merge_fields"]
    found: int = next(field["merge_id"] for field in fields if field["tag"] == tag)
    return found


def rename_tag(mailchimp: MailchimpCaller) -> None:
    [segment] = mailchimp.get("segments", count=100)["segments"]
    mailchimp.do("PATCH", f"segments/{segment['id']}", {"name": "Altbau"})


CHANGES: dict[str, Callable[[MailchimpCaller], object]] = {
    "status": lambda m: m.patch(ANNA, status="unsubscribed"),
    "merge field": lambda m: m.patch(ANNA, merge_fields={"FNAME": "Anne"}),
    "language": lambda m: m.patch(ANNA, language="it"),
    "tag": lambda m: m.do(
        "POST", f"{MEMBER}/tags", {"tags": [{"name": "Neu", "status": "active"}]}
    ),
    "name of a tag": rename_tag,
    "note": lambda m: m.do("POST", f"{MEMBER}/notes", {"note": "ruft an"}),
    "new field": lambda m: m.do(
        "POST", "merge-fields", {"name": "Ort", "tag": "ORT", "type": "text"}
    ),
    "tag of a field": lambda m: m.do(
        "PATCH", f"merge-fields/{field_id(m, tag='FNAME')}", {"tag": "VORNAME"}
    ),
    "field deleted": lambda m: m.do("DELETE", f"merge-fields/{field_id(m, tag='FNAME')}"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_page_shows_every_change_of_its_members(
    mailchimp: MailchimpCaller, change: Callable[[MailchimpCaller], object]
) -> None:
    mailchimp.add(tags=["Neubau"], merge_fields={"FNAME": "Anna"})
    [before] = mailchimp.get("members", count=1000)["members"]

    change(mailchimp)

    [after] = mailchimp.get("members", count=1000)["members"]
    assert after == mailchimp.member()
    assert after != before


def test_a_damaged_page_is_damaged_once(
    mailchimp: MailchimpCaller, sandbox: SandboxControl
) -> None:
    mailchimp.add()
    mailchimp.add("gast@kunde.example")
    sandbox.fault("mailchimp", kind="short_page", match="/members", rows=1)

    pages = [mailchimp.addresses() for _ in range(2)]

    assert pages == [[ANNA], [ANNA, "gast@kunde.example"]]


def test_a_kept_page_is_sent_only_for_the_same_question(mailchimp: MailchimpCaller) -> None:
    mailchimp.add()
    mailchimp.add("gast@kunde.example", status="unsubscribed")
    mailchimp.addresses()

    assert mailchimp.addresses(status="unsubscribed") == ["gast@kunde.example"]
    assert mailchimp.addresses(offset=1) == ["gast@kunde.example"]
    assert mailchimp.get("members", fields="members.status")["members"] == [
        {"status": "subscribed"},
        {"status": "unsubscribed"},
    ]
