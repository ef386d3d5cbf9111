"""Members of many pages as one table: what is refused, what a field means, what is left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from nl_pipeline.clients.mailchimp import Member
from nl_pipeline.clients.mailchimp.models import Tag
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.sync.providers.mailchimp.columns import MemberColumns, moments

_FIELDS = (ProfileField("first_name", crm="Vorname", provider="FNAME"),)
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def member(name: str, **values: Any) -> Member:
    return Member(
        **{
            "id": f"id-{name}",
            "email_address": f"{name}@kunde.example",
            "status": "subscribed",
            **values,
        }
    )


def tagged(name: str, *tags: str, count: int | None = None) -> Member:
    shown = tuple(Tag(place, tag) for place, tag in enumerate(tags))
    return member(name, tags=shown, tags_count=len(tags) if count is None else count)


def no_look_up(member: Member) -> list[str]:
    pytest.fail(f"the tags of {member.id} were complete")


def table(*pages: list[Member]) -> pd.DataFrame:
    columns = MemberColumns(_FIELDS)
    for page in pages:
        columns.add(page, all_tags=no_look_up)
    return columns.take(observed_at=_NOW).set_index("member_id")


def test_members_of_several_pages_stand_in_one_table() -> None:
    rows = table([member("ada"), member("grace")], [member("mary")])

    assert list(rows.index) == ["id-ada", "id-grace", "id-mary"]


def test_a_table_that_was_taken_leaves_nothing_for_the_next() -> None:
    columns = MemberColumns(_FIELDS)
    columns.add([tagged("ada", "Neubau")], all_tags=no_look_up)
    columns.take(observed_at=_NOW)

    columns.add([member("grace")], all_tags=no_look_up)

    rows = columns.take(observed_at=_NOW)
    assert list(rows["member_id"]) == ["id-grace"]
    assert list(rows["tags"]) == [[]]


def test_a_member_without_a_usable_address_is_told_and_the_others_keep_their_values() -> None:
    columns = MemberColumns(_FIELDS)
    page = [
        member("ada", merge_fields={"FNAME": "Ada"}),
        member("broken", email_address="no address", merge_fields={"FNAME": "Nobody"}),
        tagged("grace", "Neubau"),
    ]

    rejected = columns.add(page, all_tags=no_look_up)

    rows = columns.take(observed_at=_NOW).set_index("member_id")
    assert rejected == [("id-broken", "invalid_email")]
    assert list(rows.index) == ["id-ada", "id-grace"]
    assert rows.loc["id-ada", "f_first_name"] == "Ada"
    assert rows.loc["id-grace", "tags"] == ["Neubau"]


def test_only_members_with_more_tags_than_shown_are_looked_up() -> None:
    asked: list[str] = []

    def all_tags(member: Member) -> list[str]:
        asked.append(member.id)
        return ["Neubau", "Gewerbe", "onoffice"]

    columns = MemberColumns(_FIELDS)
    columns.add(
        [tagged("few", "Neubau"), tagged("many", "Neubau", count=3)],
        all_tags=all_tags,
    )

    rows = columns.take(observed_at=_NOW).set_index("member_id")
    assert asked == ["id-many"]
    assert rows.loc["id-many", "tags"] == ["Neubau", "Gewerbe"]
    assert list(rows["owned"]) == [False, True]


def test_our_own_tag_in_any_spelling_marks_a_member_and_is_not_mirrored() -> None:
    rows = table([tagged("ours", "Neubau", "OnOffice"), tagged("foreign", "Neubau")])

    assert list(rows["owned"]) == [True, False]
    assert list(rows["tags"]) == [["Neubau"], ["Neubau"]]


@pytest.mark.parametrize(
    ("status", "reason", "state", "by"),
    [
        ("subscribed", "", "SUB", None),
        ("pending", "", "PENDING", None),
        ("unsubscribed", "No longer interested", "UNSUB", "person"),
        ("unsubscribed", "", "UNSUB", "person"),
        ("unsubscribed", "N/A (Unsubscribed by admin)", "UNSUB", "staff"),
        ("cleaned", "", "CLEANED", None),
        ("archived", "", "ARCHIVED", None),
        ("transactional", "", "NONSUB", None),
        ("something new", "", "UNKNOWN", None),
    ],
)
def test_a_status_is_read_as_its_state_and_an_opt_out_with_who_did_it(
    status: str, reason: str, state: str, by: str | None
) -> None:
    [row] = table([member("ada", status=status, unsubscribe_reason=reason)]).to_dict("records")

    assert row["state"] == state
    assert (None if pd.isna(row["unsubscribed_by"]) else row["unsubscribed_by"]) == by


@pytest.mark.parametrize(
    "strange", ["", "yesterday", "now", "2026-02", "2026-13-45T21:40:57+00:00"]
)
def test_a_time_that_cannot_be_read_is_none_and_takes_no_other_with_it(strange: str) -> None:
    rows = table(
        [
            member("ada", last_changed="2026-02-01T21:40:57+00:00"),
            member("grace", last_changed=strange),
        ]
    )

    assert rows.loc["id-ada", "changed_at"] == pd.Timestamp("2026-02-01T21:40:57")
    assert list(rows["changed_at"].isna()) == [False, True]


def test_times_are_utc_in_whatever_form_they_come() -> None:
    read = moments(
        ["2026-02-01T21:40:57+00:00", "2026-02-01 21:40:57", "2026-02-01T23:40:57+02:00"]
    )

    assert {str(moment) for moment in read} == {"2026-02-01T21:40:57.000000"}
