"""The Mailchimp client against the twin: what it reads, writes and makes of failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Retryable
from nl_pipeline.clients.mailchimp import (
    AudienceDetails,
    MailchimpClient,
    MemberAbsent,
    NewMember,
    Operation,
    RefusalCause,
    StateForbids,
    archive_member,
    patch_member,
    put_member,
    tag_member,
)
from nl_pipeline_tests.clients.conftest import MailchimpFactory
from nl_pipeline_tests.sandbox_control import SandboxControl

DETAILS = AudienceDetails(
    company="Muster Immobilien GmbH",
    address1="Hauptstr. 1",
    city="Aachen",
    zip="52062",
    country="DE",
    from_name="Muster Immobilien",
    from_email="news@muster.example",
    permission_reminder="Sie haben sich auf unserer Website angemeldet.",
)


def email(number: int) -> str:
    return f"person-{number}@kunde-{number}.example"


@dataclass(frozen=True)
class Setting:
    """An audience `onoffice` with a few subscribed members."""

    client: MailchimpClient
    sandbox: SandboxControl
    audience: str

    def add(self, count: int, *, start: int = 0) -> list[str]:
        """Subscribe `count` people through the API and return their member ids."""
        new = [NewMember(email(n), "subscribed") for n in range(start, start + count)]
        return [member.id for member in self.client.add_members(self.audience, new).created]

    def act(self, action: str, *, actor: str = "person", **details: Any) -> None:
        self.sandbox.act("mailchimp", actor=actor, action=action, **details)

    def stored(self) -> dict[str, dict[str, Any]]:
        """The members of the audience by address, as the twin holds them."""
        return {
            member["email_address"]: member
            for member in self.sandbox.dump("mailchimp")["members"]
            if member["list_id"] == self.audience
        }


@pytest.fixture
def setting(sandbox: SandboxControl, mailchimp: MailchimpClient) -> Setting:
    sandbox.switch("mailchimp", name="batch_seconds", value=0)
    audience = mailchimp.create_audience(name="onoffice", details=DETAILS)
    return Setting(mailchimp, sandbox, audience.id)


def unsubscribes(ids: Sequence[str]) -> list[Operation]:
    return [patch_member(i, reference=f"c-{i}", status="unsubscribed") for i in ids]


def test_the_account_tells_the_role_of_the_key(mailchimp: MailchimpClient) -> None:
    account = mailchimp.account()

    assert account.role == "owner"
    assert account.account_id


def test_an_audience_is_found_after_it_was_created(setting: Setting) -> None:
    audiences = setting.client.audiences().audiences

    assert [a.id for a in audiences if a.name == "onoffice"] == [setting.audience]


def test_an_audience_beyond_the_plan_needs_the_operator(
    sandbox: SandboxControl, mailchimp: MailchimpClient
) -> None:
    sandbox.switch("mailchimp", name="max_audiences", value=1)

    with pytest.raises(OperatorNeeded, match="rename"):
        mailchimp.create_audience(name="onoffice", details=DETAILS)


def test_the_plan_tells_whether_another_audience_may_be_created(
    sandbox: SandboxControl, mailchimp: MailchimpClient
) -> None:
    sandbox.switch("mailchimp", name="max_audiences", value=1)

    assert not mailchimp.audiences().may_create


def test_an_audience_whose_creation_got_no_answer_is_found_and_not_made_twice(
    sandbox: SandboxControl, mailchimp_with: MailchimpFactory
) -> None:
    sandbox.fault(
        "mailchimp", kind="timeout_after_apply", match="POST /mailchimp/3.0/lists", times=1
    )

    created = mailchimp_with(timeout_seconds=0.5).create_audience(name="onoffice", details=DETAILS)

    audiences = sandbox.dump("mailchimp")["audiences"]
    assert [one["id"] for one in audiences if one["name"] == "onoffice"] == [created.id]


def test_a_merge_field_is_found_after_it_was_created(setting: Setting) -> None:
    created = setting.client.create_merge_field(
        setting.audience, tag="ONOID", name="onOffice", type="number"
    )

    found = {field.tag: field for field in setting.client.merge_fields(setting.audience)}
    assert found["ONOID"].merge_id == created.merge_id
    assert not found["ONOID"].required


def test_all_members_are_read_page_by_page(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    ids = setting.add(45)
    pages = mailchimp_with(page_size=10).members(setting.audience)

    read = [member.id for page in pages for member in page.members]

    assert sorted(read) == sorted(ids)
    assert pages.complete


def test_members_come_with_the_values_of_the_merge_fields_asked_for_and_no_others(
    setting: Setting,
) -> None:
    values = {"FNAME": "Ännchen", "LNAME": "von Tharau", "PHONE": "1"}
    setting.client.add_members(setting.audience, [NewMember(email(1), "subscribed", values)])

    pages = setting.client.members(setting.audience, merge_tags=["FNAME", "PHONE", "ABSENT"])

    [member] = [member for page in pages for member in page.members]
    assert member.merge_fields == {"FNAME": "Ännchen", "PHONE": "1"}


def test_a_member_that_comes_on_two_pages_is_counted_once(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    setting.add(4)
    setting.sandbox.fault("mailchimp", kind="page_drift", match="offset=0")

    pages = mailchimp_with(page_size=2).members(setting.audience)

    assert sum(len(page.members) for page in pages) == 4
    assert pages.rows == 3
    assert not pages.complete


def test_archived_members_are_read_by_their_status(setting: Setting) -> None:
    setting.add(3)
    setting.act("archive", actor="staff", email=email(1))

    pages = setting.client.members(setting.audience, status="archived")

    assert [m.email_address for page in pages for m in page.members] == [email(1)]


def test_changed_members_are_found_by_a_time_window(setting: Setting) -> None:
    setting.add(3)
    setting.sandbox.advance(seconds=3600)
    setting.act("unsubscribe", email=email(2))
    lately = datetime.now(UTC) + timedelta(minutes=30)

    pages = setting.client.members(setting.audience, since_last_changed=lately)

    assert [m.email_address for page in pages for m in page.members] == [email(2)]


def test_a_window_that_ends_before_a_change_leaves_it_out(setting: Setting) -> None:
    setting.add(3)
    setting.sandbox.advance(seconds=3600)
    setting.act("unsubscribe", email=email(2))
    before = datetime.now(UTC) + timedelta(minutes=30)

    pages = setting.client.members(setting.audience, before_last_changed=before)

    assert sum(len(page.members) for page in pages) == 2


def test_only_the_needed_fields_travel(setting: Setting) -> None:
    setting.add(1)

    member = next(iter(setting.client.members(setting.audience))).members[0]

    assert member.contact_id
    assert member.last_changed
    assert member.timestamp_opt
    assert member.source


def test_no_more_connections_are_open_than_allowed(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    setting.add(40)
    setting.sandbox.switch("mailchimp", name="connection_limit", value=3)
    setting.sandbox.switch("mailchimp", name="latency_seconds", value=0.02)

    pages = mailchimp_with(page_size=2, max_connections=3).members(setting.audience)
    list(pages)

    assert pages.complete
    assert not [call for call in setting.sandbox.calls() if call.status == 429]


def test_throttled_pages_are_read_again(setting: Setting, mailchimp_with: MailchimpFactory) -> None:
    setting.add(20)
    setting.sandbox.fault("mailchimp", kind="status", match="/members", status=429, times=2)

    pages = mailchimp_with(page_size=5).members(setting.audience)
    list(pages)

    assert pages.complete


@pytest.mark.parametrize("kind", ["short_page", "page_drift"])
def test_a_damaged_page_shows_in_the_counters(
    setting: Setting, mailchimp_with: MailchimpFactory, kind: str
) -> None:
    setting.add(20)
    setting.sandbox.fault("mailchimp", kind=kind, match="/members", skip=1, times=1)

    pages = mailchimp_with(page_size=5).members(setting.audience)
    list(pages)

    assert not pages.complete


def test_a_deleted_audience_needs_the_operator(setting: Setting) -> None:
    setting.act("delete_audience", actor="staff")

    with pytest.raises(OperatorNeeded):
        list(setting.client.members(setting.audience))


@pytest.mark.parametrize("key", ["id", "contact_id"])
def test_a_member_is_found_by_either_id(setting: Setting, key: str) -> None:
    setting.add(1)
    stored = setting.stored()[email(0)]

    member = setting.client.member(setting.audience, stored[key])

    assert member is not None
    assert member.email_address == email(0)


def test_a_member_nobody_knows_is_none(setting: Setting) -> None:
    assert setting.client.member(setting.audience, "0" * 32) is None


def test_a_wrong_key_needs_the_operator(mailchimp_with: MailchimpFactory) -> None:
    with pytest.raises(OperatorNeeded):
        mailchimp_with(api_key="0" * 32 + "-us0").account()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"status": 503}),
        ("status", {"status": 403, "body": None}),
        ("status", {"status": 429, "body": None, "headers": {"Retry-After": "3"}}),
        ("html_error", {}),
        ("truncate", {}),
        ("reset", {}),
        ("timeout_before", {}),
    ],
    ids=["503", "403-empty", "429", "html-502", "cut", "reset", "time-out"],
)
def test_a_read_survives_a_passing_failure(
    setting: Setting, mailchimp_with: MailchimpFactory, kind: str, options: dict[str, Any]
) -> None:
    setting.sandbox.fault("mailchimp", kind=kind, match="/merge-fields", times=1, **options)
    client = mailchimp_with(timeout_seconds=0.5)

    assert client.merge_fields(setting.audience)


def test_a_read_that_keeps_failing_is_left_to_the_next_run(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    setting.sandbox.fault("mailchimp", kind="status", match="/merge", status=503, times=9)

    with pytest.raises(Retryable):
        mailchimp_with().merge_fields(setting.audience)


def test_a_new_member_has_the_status_and_values_it_was_added_with(setting: Setting) -> None:
    new = NewMember(email(1), "subscribed", {"FNAME": "Ännchen"})

    outcome = setting.client.add_members(setting.audience, [new])

    assert [member.email_address for member in outcome.created] == [email(1)]
    assert setting.stored()[email(1)]["merge_fields"]["FNAME"] == "Ännchen"


def test_an_existing_member_is_refused_and_keeps_its_status(setting: Setting) -> None:
    setting.add(1)
    setting.act("unsubscribe", email=email(0))

    outcome = setting.client.add_members(
        setting.audience, [NewMember(email(0), "subscribed"), NewMember(email(1), "subscribed")]
    )

    assert len(outcome.created) == len(outcome.refused) == 1
    assert setting.stored()[email(0)]["status"] == "unsubscribed"


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("kein.klammeraffe.example", RefusalCause.INVALID_EMAIL),
        ("jemand@example.com", RefusalCause.FAKE_OR_INVALID),
    ],
)
def test_a_bad_address_is_refused_with_its_cause(
    setting: Setting, address: str, cause: RefusalCause
) -> None:
    outcome = setting.client.add_members(
        setting.audience, [NewMember(address, "subscribed"), NewMember(email(1), "subscribed")]
    )

    assert [refused.cause for refused in outcome.refused] == [cause]
    assert len(outcome.created) == 1


def test_more_members_than_one_call_takes_are_added(setting: Setting) -> None:
    assert len(setting.add(1100)) == 1100


def test_members_whose_addition_got_no_answer_are_added_once_and_unknown(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    setting.sandbox.fault(
        "mailchimp", kind="timeout_after_apply", match="POST /mailchimp/3.0/lists/", times=1
    )

    outcome = mailchimp_with(timeout_seconds=0.5).add_members(
        setting.audience, [NewMember(email(0), "subscribed")]
    )

    assert outcome.unknown == (email(0),)
    assert email(0) in setting.stored()


def run_both_ways(direct: bool, count: int) -> int:
    """A batch threshold that makes `count` operations travel directly or as a batch."""
    return count + 1 if direct else 1


ways = pytest.mark.parametrize("direct", [True, False], ids=["direct", "batch"])


@ways
def test_every_operation_has_its_own_outcome(
    setting: Setting, mailchimp_with: MailchimpFactory, direct: bool
) -> None:
    first, second, third = setting.add(3)
    setting.act("unsubscribe", email=email(1))
    operations = [
        patch_member(first, reference="profile", merge_fields={"FNAME": "Neu"}),
        patch_member(second, reference="opted-out", status="subscribed"),
        patch_member("0" * 32, reference="nobody", status="unsubscribed"),
        archive_member(third, reference="archive"),
    ]
    client = mailchimp_with(batch_threshold=run_both_ways(direct, 4))

    outcomes = client.run(setting.audience, operations)

    assert [o.reference for o in outcomes] == ["profile", "opted-out", "nobody", "archive"]
    assert [o.status for o in outcomes] == [200, 400, 404, 204]
    assert outcomes[0].body is not None
    assert outcomes[0].body["merge_fields"]["FNAME"] == "Neu"
    assert outcomes[1].cause is RefusalCause.COMPLIANCE
    assert isinstance(outcomes[2].error, MemberAbsent)
    assert outcomes[3].error is None
    stored = setting.stored()
    assert [stored[email(n)]["status"] for n in range(3)] == [
        "subscribed",
        "unsubscribed",
        "archived",
    ]


@ways
def test_an_archived_member_cannot_be_archived_again(
    setting: Setting, mailchimp_with: MailchimpFactory, direct: bool
) -> None:
    member_id = setting.add(1)[0]
    setting.act("archive", actor="staff", email=email(0))
    client = mailchimp_with(batch_threshold=run_both_ways(direct, 1))

    outcome = client.run(setting.audience, [archive_member(member_id, reference="r")])[0]

    assert isinstance(outcome.error, StateForbids)


@ways
def test_putting_a_member_never_changes_the_status_of_an_existing_one(
    setting: Setting, mailchimp_with: MailchimpFactory, direct: bool
) -> None:
    member_id = setting.add(1)[0]
    setting.act("unsubscribe", email=email(0))
    put = put_member(
        member_id,
        reference="r",
        email_address=email(0),
        status_if_new="subscribed",
        merge_fields={"FNAME": "Neu"},
    )

    outcome = mailchimp_with(batch_threshold=run_both_ways(direct, 1)).run(setting.audience, [put])

    assert outcome[0].error is None
    assert setting.stored()[email(0)]["status"] == "unsubscribed"


@ways
def test_tags_are_added_and_removed_by_name(
    setting: Setting, mailchimp_with: MailchimpFactory, direct: bool
) -> None:
    member_id = setting.add(1)[0]
    setting.act("tag", actor="staff", email=email(0), tag="Alt")
    change = tag_member(member_id, reference="r", add=["Käufer"], remove=["Alt"])

    mailchimp_with(batch_threshold=run_both_ways(direct, 1)).run(setting.audience, [change])

    assert setting.stored()[email(0)]["tags"] == ["Käufer"]


def test_an_address_change_keeps_the_contact_id(setting: Setting) -> None:
    member_id = setting.add(1)[0]
    before = setting.stored()[email(0)]["contact_id"]
    move = patch_member(member_id, reference="r", email_address=email(7))

    outcome = setting.client.run(setting.audience, [move])[0]

    assert outcome.error is None
    assert setting.stored()[email(7)]["contact_id"] == before


def test_an_address_change_onto_a_member_is_refused_as_existing(setting: Setting) -> None:
    member_id = setting.add(2)[0]
    move = patch_member(member_id, reference="r", email_address=email(1))

    outcome = setting.client.run(setting.audience, [move])[0]

    assert outcome.cause is RefusalCause.EXISTS


def test_a_person_deleted_for_good_is_refused_as_forgotten(setting: Setting) -> None:
    member_id = setting.add(1)[0]
    setting.act("delete_permanent", actor="staff", email=email(0))
    put = put_member(member_id, reference="r", email_address=email(0), status_if_new="subscribed")

    outcome = setting.client.run(setting.audience, [put])[0]

    assert outcome.cause is RefusalCause.FORGOTTEN


def test_a_batch_costs_few_calls(setting: Setting, mailchimp_with: MailchimpFactory) -> None:
    ids = setting.add(300)
    client = mailchimp_with(batch_threshold=25)

    outcomes = client.run(setting.audience, unsubscribes(ids))

    assert all(outcome.error is None for outcome in outcomes)
    assert client.calls["POST /batches"] == 1
    assert sum(client.calls.values()) <= 4


def test_results_missing_from_an_archive_are_unknown(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    ids = setting.add(5)
    setting.sandbox.switch("mailchimp", name="batch_lost_results", value=2)

    outcomes = mailchimp_with(batch_threshold=1).run(setting.audience, unsubscribes(ids))

    lost = [outcome for outcome in outcomes if isinstance(outcome.error, OutcomeUnknown)]
    assert len(lost) == 2
    assert len(outcomes) == 5


def test_a_batch_submitted_without_an_answer_is_submitted_once(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    ids = setting.add(3)
    setting.sandbox.fault("mailchimp", kind="reset", match="POST .*/batches", after_apply=True)

    client = mailchimp_with(batch_threshold=1)
    outcomes = client.run(setting.audience, unsubscribes(ids))

    assert all(isinstance(outcome.error, OutcomeUnknown) for outcome in outcomes)
    assert client.calls["POST /batches"] == 1


@pytest.mark.parametrize("kind", ["truncate", "html_error"])
def test_an_archive_that_arrives_broken_is_fetched_again(
    setting: Setting, mailchimp_with: MailchimpFactory, kind: str
) -> None:
    ids = setting.add(3)
    setting.sandbox.fault("mailchimp", kind=kind, match="archive|result", times=1)

    outcomes = mailchimp_with(batch_threshold=1).run(setting.audience, unsubscribes(ids))

    assert [outcome.error for outcome in outcomes] == [None, None, None]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("timeout_after_apply", {}), ("reset", {"after_apply": True}), ("html_error", {})],
)
def test_an_opt_out_survives_a_lost_answer(
    setting: Setting, mailchimp_with: MailchimpFactory, kind: str, options: dict[str, Any]
) -> None:
    member_id = setting.add(1)[0]
    setting.sandbox.fault("mailchimp", kind=kind, match="PATCH", times=1, **options)
    client = mailchimp_with(timeout_seconds=0.5)

    outcome = client.run(setting.audience, unsubscribes([member_id]))[0]

    assert outcome.error is None
    assert setting.stored()[email(0)]["status"] == "unsubscribed"


def test_a_tag_is_found_in_any_case_after_it_was_created(setting: Setting) -> None:
    created = setting.client.static_segment(setting.audience, name="onoffice", create=True)

    assert created is not None
    found = setting.client.static_segment(setting.audience, name="OnOffice", create=False)
    assert found == created


def test_a_tag_nobody_made_is_none(setting: Setting) -> None:
    assert setting.client.static_segment(setting.audience, name="onoffice", create=False) is None


def test_members_are_tagged_and_untagged_in_bulk(setting: Setting) -> None:
    setting.add(4)
    segment = setting.client.static_segment(setting.audience, name="onoffice", create=True)
    assert segment is not None
    both = [email(0), email(1)]
    setting.client.change_segment(setting.audience, segment, add=both, remove=[])

    outcome = setting.client.change_segment(
        setting.audience, segment, add=[email(2), "nobody@kunde-99.example"], remove=[email(0)]
    )

    stored = setting.stored()
    assert (outcome.added, outcome.removed) == (1, 1)
    assert [refused.email_address for refused in outcome.errors] == ["nobody@kunde-99.example"]
    tagged = [n for n in range(4) if stored[email(n)]["tags"] == ["onoffice"]]
    assert tagged == [1, 2]


def test_more_tags_than_a_member_answer_carries_are_read(setting: Setting) -> None:
    member_id = setting.add(1)[0]
    names = [f"Tag {n:02}" for n in range(60)]
    setting.client.run(setting.audience, [tag_member(member_id, reference="r", add=names)])

    member = setting.client.member(setting.audience, member_id)
    tags = setting.client.member_tags(setting.audience, member_id)

    assert member is not None
    assert not member.has_all_tags
    assert sorted(tag.name for tag in tags) == names


@ways
def test_the_feed_tells_an_opt_out_of_the_person_from_one_of_staff(
    setting: Setting, mailchimp_with: MailchimpFactory, direct: bool
) -> None:
    by_person, by_staff = setting.add(2)
    setting.act("unsubscribe", email=email(0))
    setting.act("unsubscribe", actor="staff", email=email(1))
    client = mailchimp_with(feed_batch_threshold=run_both_ways(direct, 3))

    feeds = client.activity_feeds(
        setting.audience, [by_person, by_staff, "0" * 32], filters=["unsub"]
    )

    assert {i: [item.is_admin_unsubscribed for item in feed] for i, feed in feeds.items()} == {
        by_person: [False],
        by_staff: [True],
    }


def test_feeds_of_many_members_cost_few_calls(setting: Setting) -> None:
    ids = setting.add(100)
    setting.client.calls.clear()

    feeds = setting.client.activity_feeds(setting.audience, ids, filters=["unsub"])

    assert list(feeds) == ids
    assert sum(setting.client.calls.values()) <= 4


def test_a_feed_missing_from_an_archive_is_read_by_itself(
    setting: Setting, mailchimp_with: MailchimpFactory
) -> None:
    ids = setting.add(4)
    for number in range(4):
        setting.act("unsubscribe", email=email(number))
    setting.sandbox.switch("mailchimp", name="batch_lost_results", value=2)
    client = mailchimp_with(feed_batch_threshold=1)

    feeds = client.activity_feeds(setting.audience, ids, filters=["unsub"])

    assert {member_id: len(feed) for member_id, feed in feeds.items()} == dict.fromkeys(ids, 1)
    assert client.calls["GET /lists/{list_id}/members/{subscriber_hash}/activity-feed"] == 2


def test_a_complaint_is_reported_with_its_member(setting: Setting) -> None:
    member_id = setting.add(2)[0]
    setting.act("complain", email=email(0))

    reports = setting.client.reports.complaints(setting.audience)

    assert [report.email_id for report in reports] == [member_id]
    assert reports[0].at is not None
