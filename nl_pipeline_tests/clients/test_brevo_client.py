"""The Brevo client against the twin: what it reads, writes and makes of failures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from nl_pipeline.clients.brevo import (
    AskToConfirm,
    Block,
    BrevoClient,
    ContactAbsent,
    ImportOutcome,
    ImportRow,
    RefusalCause,
    RemovalOutcome,
    UpdateProfile,
)
from nl_pipeline.clients.errors import OperatorNeeded, OutcomeUnknown, Permanent, Retryable
from nl_pipeline_tests.clients.answering import Answer, Server
from nl_pipeline_tests.clients.brevo_answering import LIST, account, client_of, refused
from nl_pipeline_tests.clients.conftest import BrevoFactory
from nl_pipeline_tests.sandbox_control import SandboxControl


def email(number: int) -> str:
    return f"person-{number}@kunde-{number}.example"


def rows(count: int, *, start: int = 0) -> list[ImportRow]:
    return [ImportRow(email(n), {"VORNAME": f"Vor {n}"}) for n in range(start, start + count)]


@dataclass(frozen=True)
class Setting:
    """A list `onoffice` in a folder."""

    client: BrevoClient
    sandbox: SandboxControl
    list_id: int

    def add(self, count: int, *, start: int = 0) -> list[int]:
        """Import `count` people, wait, and return their ids."""
        outcome = self.client.import_contacts(self.list_id, rows(count, start=start))
        self.client.await_processes(outcome.process_ids)
        stored = self.stored()
        return [int(stored[email(n)]["id"]) for n in range(start, start + count)]

    def act(self, action: str, *, actor: str = "person", **details: Any) -> dict[str, Any]:
        return self.sandbox.act("brevo", actor=actor, action=action, **details)

    def stored(self) -> dict[str, dict[str, Any]]:
        """The contacts by address, as the twin holds them."""
        contacts = self.sandbox.dump("brevo")["contacts"]
        return {one["email"]: one for one in contacts if not one["deleted"]}

    def on_list(self) -> set[str]:
        return {address for address, one in self.stored().items() if self.list_id in one["listIds"]}

    def called(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.sandbox.calls()]


@pytest.fixture
def setting(sandbox: SandboxControl, brevo: BrevoClient) -> Setting:
    folder = brevo.create_folder("onOffice")
    made = brevo.create_list("onoffice", folder_id=folder.id)
    return Setting(brevo, sandbox, made.id)


# Account, lists, attributes


def test_the_account_is_asked_for_once(sandbox: SandboxControl, brevo: BrevoClient) -> None:
    first = brevo.account()
    brevo.account()

    assert first.organization_id
    assert sum(call.count for call in sandbox.calls() if call.path.endswith("/account")) == 1


def test_a_wrong_key_needs_the_operator(brevo_with: BrevoFactory) -> None:
    with pytest.raises(OperatorNeeded, match="API key"):
        brevo_with(api_key="xkeysib-wrong").account()


def test_folders_and_lists_that_were_made_are_found_again(setting: Setting) -> None:
    folders = {folder.id: folder.name for folder in setting.client.folders()}
    [made] = [one for one in setting.client.lists() if one.name == "onoffice"]

    assert made.id == setting.list_id
    assert made.folder_id is not None
    assert folders[made.folder_id] == "onOffice"
    assert setting.client.list_by_id(setting.list_id) == made


def test_more_lists_than_a_page_holds_are_all_found(setting: Setting) -> None:
    folder_id = setting.client.folders()[0].id
    before = len(setting.client.lists())
    for number in range(51):
        setting.client.create_list(f"Liste {number}", folder_id=folder_id)

    assert len({one.id for one in setting.client.lists()}) == before + 51


def test_a_list_that_does_not_exist_is_none(setting: Setting) -> None:
    assert setting.client.list_by_id(99_999) is None


@pytest.mark.parametrize("what", ["list", "folder"])
def test_a_lost_answer_to_a_creation_makes_no_second_one(setting: Setting, what: str) -> None:
    match = "POST /brevo/v3/contacts/lists" if what == "list" else "POST /brevo/v3/contacts/folders"
    setting.sandbox.fault("brevo", kind="timeout_after_apply", match=match, times=1, seconds=0)
    client = setting.client

    if what == "list":
        made = client.create_list("zweite", folder_id=client.folders()[0].id).id
        same = [one.id for one in client.lists() if one.name == "zweite"]
    else:
        made = client.create_folder("zweiter").id
        same = [one.id for one in client.folders() if one.name == "zweiter"]

    assert same == [made]


def test_the_attributes_of_the_account_are_discovered(setting: Setting) -> None:
    by_name = {attribute.name: attribute for attribute in setting.client.attributes()}

    assert by_name["VORNAME"].is_writable
    assert by_name["VORNAME"].type == "text"
    assert not by_name["BLACKLIST"].is_writable
    assert by_name["DOUBLE_OPT-IN"].choices == ("Yes", "No")


def test_an_attribute_that_was_just_made_takes_values(setting: Setting) -> None:
    [contact_id] = setting.add(1)
    [before] = setting.client.run([UpdateProfile(contact_id, "r", {"NEU": "x"})])

    setting.client.create_attribute("NEU")
    [after] = setting.client.run([UpdateProfile(contact_id, "r", {"NEU": "x"})])

    assert before.cause is RefusalCause.ATTRIBUTES
    assert after.error is None
    assert setting.stored()[email(0)]["attributes"]["NEU"] == "x"


def test_making_an_attribute_that_exists_is_no_error(setting: Setting) -> None:
    setting.client.create_attribute("NEU")
    setting.client.create_attribute("NEU")

    assert [a.name for a in setting.client.attributes()].count("NEU") == 1


def test_an_attribute_that_exists_with_another_type_is_an_error(setting: Setting) -> None:
    setting.client.create_attribute("NEU", type="date")

    with pytest.raises(Permanent):
        setting.client.create_attribute("NEU", type="text")


# Reading


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 1000])
def test_all_contacts_of_the_account_are_read_whatever_list_they_are_on(
    setting: Setting, brevo_with: BrevoFactory, page_size: int
) -> None:
    ids = setting.add(7)
    setting.client.remove_from_list(setting.list_id, ids[:2])
    pages = brevo_with(page_size=page_size).contacts()

    read = [contact for page in pages for contact in page.contacts]

    assert {contact.email for contact in read} >= {email(n) for n in range(7)}
    assert len(read) == len(setting.stored()) == pages.rows
    assert pages.complete
    assert pages.served_at is not None


def test_contacts_carry_the_attributes_asked_for_only(setting: Setting) -> None:
    setting.add(1)
    setting.act("update", actor="staff", email=email(0), last_name="Muster")

    [page] = setting.client.contacts(attribute_names=["NACHNAME", "GIBTESNICHT"])

    [found] = [contact for contact in page.contacts if contact.email == email(0)]
    assert found.attributes == {"NACHNAME": "Muster"}


@pytest.mark.parametrize("follows", [True, False], ids=["filtered count", "count of the account"])
@pytest.mark.parametrize("page_size", [2, 3, 4, 1000])
def test_a_read_by_time_finds_what_changed_since(
    setting: Setting, brevo_with: BrevoFactory, follows: bool, page_size: int
) -> None:
    setting.sandbox.switch("brevo", name="count_follows_filter", value=follows)
    setting.add(8)
    setting.sandbox.advance(seconds=60)
    setting.client.lists()
    since = setting.client.now()
    changed = {email(n) for n in (1, 4, 6)}
    for address in changed:
        setting.act("unsubscribe", email=address)
    pages = brevo_with(page_size=page_size).contacts(modified_since=since)

    read = {contact.email: contact for page in pages for contact in page.contacts}

    assert read.keys() == changed
    assert all(contact.has_opted_out for contact in read.values())
    assert pages.complete


def test_a_contact_shows_what_happened_to_it(setting: Setting) -> None:
    [contact_id] = setting.add(1)
    setting.act("soft_bounce", actor="system", email=email(0))
    setting.act("unsubscribe", email=email(0))

    found = setting.client.contact(contact_id)
    same = setting.client.contact_of(email(0))

    assert found == same
    assert found is not None
    assert found.contact.email_blacklisted
    assert len(found.statistics.soft_bounces) == 1
    [left] = found.statistics.user_unsubscriptions
    now = setting.client.now()
    assert now is not None
    assert abs(left.at - now) < timedelta(minutes=1)


@pytest.mark.parametrize("address", ["fehlt@kunde-1.example", "keine-adresse"])
def test_whoever_is_not_there_is_none(setting: Setting, address: str) -> None:
    assert setting.client.contact_of(address) is None
    assert setting.client.contact(99_999) is None
    assert setting.client.statistics(99_999) is None


def test_an_address_with_a_plus_is_the_contact_meant(setting: Setting) -> None:
    plus = "person+neu@kunde-1.example"
    outcome = setting.client.import_contacts(setting.list_id, [ImportRow(plus)])
    setting.client.await_processes(outcome.process_ids)

    found = setting.client.contact_of(plus)

    assert found is not None
    assert found.contact.email == plus


def test_the_events_of_years_are_read_in_windows_of_ninety_days_each_event_once(
    setting: Setting,
) -> None:
    [contact_id] = setting.add(1)
    setting.client.lists()
    start = setting.client.now()
    assert start is not None
    for _ in range(9):
        setting.act("soft_bounce", actor="system", email=email(0))
        setting.sandbox.advance(seconds=44 * 86_400)

    recent = setting.client.statistics(contact_id)
    everything = setting.client.statistics(contact_id, since=start)

    assert recent is not None
    assert everything is not None
    assert len(recent.soft_bounces) == 2
    times = [event.at for event in everything.soft_bounces]
    assert len(times) == 9
    assert times == sorted(times)


# Imports


def test_people_are_imported_to_the_list_and_the_process_says_when_they_are(
    setting: Setting,
) -> None:
    setting.sandbox.switch("brevo", name="import_seconds", value=2400)
    outcome = setting.client.import_contacts(setting.list_id, rows(3))
    early = setting.on_list()
    heard: list[tuple[int, int]] = []

    over = setting.client.await_processes(
        outcome.process_ids, on_progress=lambda done, of: heard.append((done, of))
    )

    assert early == set()
    assert [process.status for process in over.values()] == ["completed"]
    assert setting.on_list() == {email(n) for n in range(3)}
    assert heard[0] == (0, 1)
    assert heard[-1] == (1, 1)
    looks = sum(call.count for call in setting.sandbox.calls() if "processes" in call.path)
    assert looks < 40
    assert setting.sandbox.dump("brevo")["violations"] == {}


def test_an_import_tells_nobody_by_mail(setting: Setting) -> None:
    setting.add(2)

    assert setting.sandbox.dump("brevo")["account_mails"] == 0


def test_an_import_keeps_whoever_opted_out_blocklisted(setting: Setting) -> None:
    setting.add(2)
    setting.act("unsubscribe", email=email(0))

    setting.add(3)

    flags = {address: one["emailBlacklisted"] for address, one in setting.stored().items()}
    assert (flags[email(0)], flags[email(1)]) == (True, False)


def test_rows_are_packed_to_the_byte(setting: Setting, brevo_with: BrevoFactory) -> None:
    people = rows(10)
    whole = setting.client.import_size(setting.list_id, people)

    exact = brevo_with(import_bytes=whole).import_contacts(setting.list_id, people)
    less = brevo_with(import_bytes=whole - 1).import_contacts(setting.list_id, people)

    assert [len(chunk.emails) for chunk in exact.chunks] == [10]
    assert [len(chunk.emails) for chunk in less.chunks] == [9, 1]


def test_what_the_twin_takes_for_an_import_is_not_exceeded(setting: Setting) -> None:
    long = "x" * 90_000
    people = [ImportRow(email(n), {"VORNAME": long}) for n in range(230)]

    outcome = setting.client.import_contacts(setting.list_id, people)

    assert outcome.stopped_by is None
    assert len(outcome.chunks) == 3
    assert [e for chunk in outcome.chunks for e in chunk.emails] == [row.email for row in people]


def test_whoever_is_withheld_right_before_an_import_is_not_in_it(setting: Setting) -> None:
    asked: list[Sequence[str]] = []

    def withheld(emails: Sequence[str]) -> Collection[str]:
        asked.append(emails)
        # The second question comes right before the request.
        return {email(1), email(3)} & set(emails) if len(asked) > 1 else {email(1)}

    outcome = setting.client.import_contacts(setting.list_id, rows(5), withheld=withheld)
    setting.client.await_processes(outcome.process_ids)

    assert set(outcome.withheld) == {email(1), email(3)}
    assert setting.on_list() == {email(0), email(2), email(4)}


def test_the_fence_is_asked_again_before_a_repeat(setting: Setting) -> None:
    setting.sandbox.fault("brevo", kind="status", match="import", status=425, times=1)
    opted_out: set[str] = set()

    def withheld(emails: Sequence[str]) -> Collection[str]:
        if setting.sandbox.struck():
            opted_out.add(email(2))
        return opted_out & set(emails)

    outcome = setting.client.import_contacts(setting.list_id, rows(4), withheld=withheld)
    setting.client.await_processes(outcome.process_ids)

    assert outcome.withheld == (email(2),)
    assert setting.on_list() == {email(0), email(1), email(3)}


def test_an_import_of_nobody_is_no_call(setting: Setting) -> None:
    setting.sandbox.forget_calls()

    outcome = setting.client.import_contacts(
        setting.list_id, [ImportRow(email(0))], withheld=lambda emails: emails
    )

    assert outcome == ImportOutcome(withheld=(email(0),))
    assert setting.called() == []


def test_an_import_whose_answer_is_lost_is_not_sent_again(setting: Setting) -> None:
    setting.sandbox.fault("brevo", kind="timeout_after_apply", match="import", times=1, seconds=0)

    outcome = setting.client.import_contacts(setting.list_id, rows(2))

    assert outcome.unknown == (email(0), email(1))
    imports = [p for p in setting.sandbox.dump("brevo")["processes"] if p["name"] == "IMPORTUSER"]
    assert len(imports) == 1


def test_the_import_of_a_run_that_was_killed_is_waited_for_by_the_next(
    setting: Setting, brevo_with: BrevoFactory
) -> None:
    setting.sandbox.switch("brevo", name="import_seconds", value=1200)
    outcome = setting.client.import_contacts(setting.list_id, rows(2))
    following = brevo_with()

    assert following.settle() == 1
    assert setting.on_list() == {email(0), email(1)}
    assert following.settle() == 0
    assert following.settle(outcome.process_ids) == 0


def test_processes_are_waited_for_with_one_look_at_all_of_them(setting: Setting) -> None:
    setting.sandbox.switch("brevo", name="import_seconds", value=100)
    ids = [
        setting.client.import_contacts(setting.list_id, rows(1, start=n)).process_ids[0]
        for n in range(4)
    ]
    setting.sandbox.forget_calls()

    over = setting.client.await_processes(ids)

    assert over.keys() == set(ids)
    assert set(setting.called()) == {"GET /v3/processes"}


def test_a_process_brevo_does_not_know_is_not_waited_for_for_ever(setting: Setting) -> None:
    assert setting.client.process(99_999) is None
    setting.sandbox.forget_calls()

    assert setting.client.await_processes([99_999]) == {}
    assert sum(call.count for call in setting.sandbox.calls()) == 3


def test_what_an_import_did_not_take_is_read_off_its_reports(setting: Setting) -> None:
    outcome = setting.client.import_contacts(
        setting.list_id, [*rows(1), ImportRow("keine-adresse")]
    )
    [process] = setting.client.await_processes(outcome.process_ids).values()

    [refusal] = setting.client.import_refusals(process)

    assert (refusal.email, refusal.cause) == ("keine-adresse", RefusalCause.INVALID_EMAIL)


@pytest.mark.parametrize("count", [1, 500])
def test_an_import_to_a_list_that_is_gone_blames_no_person(setting: Setting, count: int) -> None:
    outcome = setting.client.import_contacts(99_999, rows(count))

    assert outcome.refused == ()
    assert len(outcome.not_sent) == count
    assert isinstance(outcome.stopped_by, OperatorNeeded)


def test_imports_that_are_all_refused_blame_no_person_and_end(setting: Setting) -> None:
    setting.sandbox.fault("brevo", kind="status", match="import", status=400, rate=1.0)

    outcome = setting.client.import_contacts(setting.list_id, rows(500))

    assert outcome.refused == ()
    assert len(outcome.not_sent) == 500
    assert setting.sandbox.struck() < 70


def test_a_row_for_which_a_whole_import_is_refused_keeps_no_other_out() -> None:
    def refusing(request: httpx.Request) -> Answer:
        if request.method == "POST" and email(3) in request.content.decode():
            return refused(400, "invalid_parameter", "no")
        return account()(request)

    client = client_of(Server([refusing]))

    outcome = client.import_contacts(LIST, rows(9))

    assert [(r.email, r.cause) for r in outcome.refused] == [(email(3), RefusalCause.OTHER)]
    taken = [address for chunk in outcome.chunks for address in chunk.emails]
    assert taken == [email(n) for n in range(9) if n != 3]
    client.close()


# Taking off the list


def test_people_are_taken_off_the_list_150_a_call(setting: Setting) -> None:
    ids = setting.add(151)
    setting.sandbox.forget_calls()

    outcomes = setting.client.remove_from_list(setting.list_id, ids)

    assert outcomes == [RemovalOutcome(contact_id) for contact_id in ids]
    assert setting.on_list() == set()
    assert sum(call.count for call in setting.sandbox.calls()) == 2


def test_taking_off_a_list_is_no_opt_out(setting: Setting) -> None:
    ids = setting.add(1)

    setting.client.remove_from_list(setting.list_id, ids)

    one = setting.stored()[email(0)]
    assert (one["emailBlacklisted"], one["listUnsubscribed"]) == (False, [])


@pytest.mark.parametrize("shape", ["wrapped", "bare", "without_failure"])
def test_whoever_is_off_the_list_or_gone_already_is_done(setting: Setting, shape: str) -> None:
    setting.sandbox.switch("brevo", name="membership_answer", value=shape)
    ids = setting.add(4)
    setting.act("remove_from_list", actor="staff", email=email(0))
    setting.act("delete", actor="staff", email=email(1))

    outcomes = setting.client.remove_from_list(setting.list_id, ids)

    assert [outcome.was_gone for outcome in outcomes] == [True, True, False, False]
    assert all(outcome.error is None for outcome in outcomes)
    assert setting.on_list() == set()


def test_a_call_in_which_nobody_was_on_the_list_is_no_failure(setting: Setting) -> None:
    ids = setting.add(2)
    setting.client.remove_from_list(setting.list_id, ids)

    outcomes = setting.client.remove_from_list(setting.list_id, [*ids, 99_999])

    assert [(outcome.was_gone, outcome.error) for outcome in outcomes] == [(True, None)] * 3


# Single contacts


def test_a_blocklisted_contact_gets_no_campaign_any_more_and_stays_what_it_is(
    setting: Setting,
) -> None:
    [contact_id, other] = setting.add(2)

    [outcome] = setting.client.run([Block(contact_id, "r")])

    assert outcome.error is None
    one = setting.stored()[email(0)]
    assert one["emailBlacklisted"]
    assert one["attributes"]["VORNAME"] == "Vor 0"
    assert not setting.stored()[email(1)]["emailBlacklisted"]
    assert other != contact_id


def test_a_profile_is_changed_and_nothing_else(setting: Setting) -> None:
    [contact_id] = setting.add(1)
    setting.act("unsubscribe", email=email(0))
    setting.act("remove_from_list", actor="staff", email=email(0))

    setting.client.run([UpdateProfile(contact_id, "r", {"NACHNAME": "Neu", "VORNAME": ""})])

    one = setting.stored()[email(0)]
    assert one["attributes"]["NACHNAME"] == "Neu"
    assert not one["attributes"].get("VORNAME")
    assert one["emailBlacklisted"]
    assert one["listIds"] == []


def test_a_contact_that_was_deleted_is_not_brought_back(setting: Setting) -> None:
    [contact_id] = setting.add(1)
    setting.act("delete", actor="staff", email=email(0))

    outcomes = setting.client.run(
        [Block(contact_id, "b"), UpdateProfile(contact_id, "p", {"VORNAME": "x"})]
    )

    assert all(isinstance(outcome.error, ContactAbsent) for outcome in outcomes)
    assert email(0) not in setting.stored()


def test_one_contact_that_fails_stops_no_other_and_outcomes_keep_their_order(
    setting: Setting,
) -> None:
    ids = setting.add(12)
    asked = [Block(i, f"r{n}") for n, i in enumerate([*ids[:6], 99_999, *ids[6:]])]
    heard: list[tuple[int, int]] = []

    outcomes = setting.client.run(asked, on_progress=lambda done, of: heard.append((done, of)))

    assert [outcome.reference for outcome in outcomes] == [f"r{n}" for n in range(13)]
    assert [n for n, outcome in enumerate(outcomes) if outcome.error] == [6]
    assert heard[-1] == (13, 13)


def test_after_a_failure_of_the_account_nothing_more_is_sent(
    setting: Setting, brevo_with: BrevoFactory
) -> None:
    ids = setting.add(5)
    setting.sandbox.fault("brevo", kind="status", match="PUT", status=401, times=50)
    client = brevo_with(max_connections=1)

    outcomes = client.run([Block(contact_id, "r") for contact_id in ids])

    assert all(isinstance(outcome.error, OperatorNeeded) for outcome in outcomes)
    assert setting.sandbox.struck() == 1


def test_a_person_is_asked_to_confirm_and_on_the_list_only_after_the_click(
    setting: Setting,
) -> None:
    ask = AskToConfirm("r", email(0), setting.list_id, 1, "https://muster.example/danke")

    [outcome] = setting.client.run([ask])
    before = setting.on_list()
    setting.act("confirm", email=email(0))

    assert outcome.error is None
    assert before == set()
    assert setting.on_list() == {email(0)}


def test_a_person_is_not_asked_twice_when_the_answer_is_lost(setting: Setting) -> None:
    setting.sandbox.fault(
        "brevo", kind="timeout_after_apply", match="doubleOptin", times=1, seconds=0
    )
    ask = AskToConfirm("r", email(0), setting.list_id, 1, "https://muster.example/danke")

    [outcome] = setting.client.run([ask])

    assert isinstance(outcome.error, OutcomeUnknown)
    assert len(setting.sandbox.dump("brevo")["confirmations"]) == 1


def test_a_contact_that_is_busy_is_written_a_moment_later(setting: Setting) -> None:
    [contact_id] = setting.add(1)
    setting.sandbox.fault("brevo", kind="status", match="PUT", status=425, times=2)

    [outcome] = setting.client.run([Block(contact_id, "r")])

    assert outcome.error is None
    assert setting.stored()[email(0)]["emailBlacklisted"]


# Exports and failures


@pytest.mark.parametrize(
    ("selection", "who"),
    [("unsubscribed", {1}), ("unsubscribedPerList", {2}), ("allContacts", {0, 1})],
)
def test_an_export_names_who_opted_out(setting: Setting, selection: Any, who: set[int]) -> None:
    setting.add(3)
    setting.act("unsubscribe", email=email(1))
    setting.act("unsubscribe", email=email(2), list_only=True)
    process_id = setting.client.export_contacts(
        list_id=setting.list_id, selection=selection, attribute_names=["VORNAME"]
    )
    process = setting.client.await_processes([process_id])[process_id]

    exported = setting.client.rows_of(process)

    names = {row["EMAIL"]: row["VORNAME"] for row in exported}
    assert {email(n): f"Vor {n}" for n in who}.items() <= names.items()
    if selection != "allContacts":
        assert len(names) == len(who)


def test_the_file_of_a_process_that_made_none_is_not_read_as_empty(setting: Setting) -> None:
    setting.sandbox.switch("brevo", name="export_seconds", value=600)
    process_id = setting.client.export_contacts(list_id=setting.list_id, selection="subscribed")
    process = setting.client.process(process_id)

    assert process is not None
    with pytest.raises(Retryable, match="no file"):
        setting.client.rows_of(process)


def test_a_failure_in_html_is_passing_and_repeated(setting: Setting) -> None:
    setting.sandbox.fault("brevo", kind="html_error", match="GET", times=1, status=524)

    assert setting.client.lists()


def test_the_time_of_the_service_is_told(setting: Setting) -> None:
    setting.sandbox.switch("brevo", name="clock_skew_seconds", value=7200)
    setting.client.lists()

    now = setting.client.now()

    assert now is not None
    assert abs(now - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
