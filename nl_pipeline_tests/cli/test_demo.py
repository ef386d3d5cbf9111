"""`demo`: plays its day, proves the result, and a proof that differs is a failure."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.demo.audiences import Audience, Member, Word, at_brevo, at_mailchimp
from nl_pipeline.cli.demo.picture import CANCELLATION, YES, Contact, Picture
from nl_pipeline.cli.demo.proof import compare
from nl_pipeline.cli.demo.stories import LEAST_CONTACTS
from nl_pipeline.cli.invocation import ExitCode


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """One demo with few contacts: exit code, what it printed, and what it left."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(settings.CONFIG_VARIABLE, raising=False)
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            code = main(["demo", "--contacts", str(LEAST_CONTACTS), "--keep", str(folder)])
    return code, printed.getvalue(), folder


def test_the_proof_of_the_demo_holds(played: tuple[int, str, Path]) -> None:
    code, printed, _ = played

    assert code == ExitCode.DONE, printed
    assert "lines hold" in printed


def test_the_day_has_every_story_of_both_providers(played: tuple[int, str, Path]) -> None:
    _, printed, _ = played

    for title in (
        "One of a household unsubscribes",
        "People unsubscribe while Brevo imports",
        "People leave our list at Brevo and no other",
        "People unsubscribe at Brevo, and staff delete them",
        "Mails from Brevo bounce for good",
        "Leads of LinkedIn",
    ):
        assert title in printed, title


def test_the_demo_leaves_a_warehouse_of_each_connection(played: tuple[int, str, Path]) -> None:
    _, _, folder = played

    for name in (settings.SANDBOX_CONNECTION, settings.SANDBOX_BREVO_CONNECTION):
        assert (folder / "data" / f"{name}.duckdb").exists()


def test_the_demo_leaves_its_runs_in_the_history_of_dagster(played: tuple[int, str, Path]) -> None:
    _, _, folder = played

    with closing(sqlite3.connect(folder / "dagster_home" / "history" / "runs.db")) as history:
        found = history.execute("SELECT pipeline_name, partition, status FROM runs").fetchall()

    runs = {(job, partition.partition("|")[0], status) for job, partition, status in found}
    assert runs == {
        (job, connection, "SUCCESS")
        for job in ("recover_history", "full_sync")
        for connection in (settings.SANDBOX_CONNECTION, settings.SANDBOX_BREVO_CONNECTION)
    }


def test_the_demo_replaces_only_its_own_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    assert main(["demo", "--keep", str(tmp_path)]) == ExitCode.USAGE
    assert "was not made by this command" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


KEY = "anna@kunde.example"
CONTACT = Contact(
    id=1,
    key=KEY,
    keys=frozenset({KEY}),
    newsletter=YES,
    first_name="Anna",
    last_name="Muster",
    may_be_written_to=True,
    is_private=False,
)
MEMBER = Member(
    key=KEY,
    status="subscribed",
    id="c1",
    first_name="Anna",
    last_name="Muster",
    refuses=False,
)
EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def picture(
    *,
    contact: Contact = CONTACT,
    mailchimp: Member | None = MEMBER,
    brevo: Member | None = MEMBER,
    said_to_mailchimp: tuple[Word, ...] = (),
    said_to_brevo: tuple[Word, ...] = (),
) -> Picture:
    """All sides with one person."""
    return Picture(
        contacts={contact.id: contact},
        holders=dict.fromkeys(contact.keys, (contact,)),
        activities={},
        mailchimp=audience("Mailchimp", mailchimp, said_to_mailchimp),
        brevo=audience("Brevo", brevo, said_to_brevo),
    )


def audience(provider: str, member: Member | None, words: tuple[Word, ...]) -> Audience:
    """An audience of this person, or of nobody."""
    return Audience(provider, {} if member is None else {member.key: member}, words)


def differing(after: Picture) -> set[tuple[str, str]]:
    """What differs at the end of a day on which nothing happened."""
    lines = compare([], before=picture(), after=after)
    return {(line.story, line.what) for line in lines if not line.holds}


AT_MAILCHIMP, AT_BREVO = "All members at Mailchimp", "All members at Brevo"
DESPITE = "subscribed despite an opt-out"


def test_a_day_on_which_nothing_happens_proves_itself() -> None:
    assert differing(picture()) == set()


@pytest.mark.parametrize("provider", ["mailchimp", "brevo"])
def test_the_proof_sees_a_subscriber_who_had_unsubscribed_there(provider: str) -> None:
    refuses = replace(MEMBER, refuses=True)
    after = picture(mailchimp=refuses) if provider == "mailchimp" else picture(brevo=refuses)

    found = {story for story, what in differing(after) if what == DESPITE}

    assert found == {f"All members at {provider.title()}"}


@pytest.mark.parametrize("provider", ["mailchimp", "brevo"])
def test_the_proof_sees_that_an_opt_out_at_one_provider_holds_at_both(provider: str) -> None:
    left = (Word(LATE, KEY, True),)
    if provider == "mailchimp":
        after = picture(said_to_mailchimp=left)
    else:
        after = picture(said_to_brevo=left)

    assert {(AT_MAILCHIMP, DESPITE), (AT_BREVO, DESPITE)} <= differing(after)


def test_the_proof_takes_the_last_word_of_a_person_whichever_provider_heard_it() -> None:
    left, back = Word(EARLY, KEY, True), Word(LATE, KEY, False)

    assert differing(picture(said_to_mailchimp=(left,), said_to_brevo=(back,))) == set()
    assert differing(picture(said_to_brevo=(left,), said_to_mailchimp=(back,))) == set()


def test_the_proof_sees_a_subscriber_who_cancelled_in_the_crm() -> None:
    after = picture(contact=replace(CONTACT, newsletter=CANCELLATION))

    assert {(AT_MAILCHIMP, DESPITE), (AT_BREVO, DESPITE)} <= differing(after)


def test_the_proof_sees_a_subscriber_who_may_not_be_written_to() -> None:
    after = picture(contact=replace(CONTACT, may_be_written_to=False))

    what = "subscribed without entitlement"
    assert {(AT_MAILCHIMP, what), (AT_BREVO, what)} <= differing(after)


def test_the_proof_sees_a_yes_that_is_subscribed_at_one_provider_only() -> None:
    what = "subscribed, of those entitled"

    assert (AT_MAILCHIMP, what) in differing(picture(mailchimp=replace(MEMBER, status="pending")))
    assert (AT_BREVO, what) in differing(picture(brevo=None))


def test_the_proof_sees_a_change_of_somebody_who_is_in_no_story() -> None:
    other = replace(MEMBER, last_name="Other")

    assert differing(picture(mailchimp=other)) == {
        ("Everybody else", "members unchanged at Mailchimp")
    }
    assert differing(picture(brevo=other)) == {("Everybody else", "members unchanged at Brevo")}


# What is read from the dumps -------------------------------------------------------------


def brevo_contact(*history: tuple[str, str], **values: Any) -> dict[str, Any]:
    """A contact on our list as the twin dumps it; `history`: who did what, one a minute."""
    entries = [
        {"at": f"2026-03-01T10:{minute:02}:00Z", "actor": actor, "what": what}
        for minute, (actor, what) in enumerate(history)
    ]
    return {
        "id": 1,
        "email": KEY,
        "deleted": False,
        "emailBlacklisted": False,
        "listIds": [7],
        "listUnsubscribed": [],
        "attributes": {"VORNAME": "Anna", "NACHNAME": "Muster"},
        "history": entries,
        **values,
    }


def at_brevo_of(*contacts: dict[str, Any]) -> Audience:
    lists = [{"id": 7, "name": "onoffice"}, {"id": 8, "name": "Kunden"}]
    return at_brevo({"lists": lists, "contacts": list(contacts)}, name="onoffice")


@pytest.mark.parametrize(
    ("contact", "status"),
    [
        (brevo_contact(), "subscribed"),
        (brevo_contact(listIds=[8]), "off the list"),
        (brevo_contact(("person", "blocklisted"), emailBlacklisted=True), "unsubscribed"),
        (brevo_contact(("system", "blocklisted"), emailBlacklisted=True), "bounced"),
        (brevo_contact(listUnsubscribed=[7]), "unsubscribed"),
        (brevo_contact(listUnsubscribed=[8]), "subscribed"),
        (brevo_contact(deleted=True), "absent"),
    ],
    ids=["on", "off", "blocklisted", "bounced", "left-ours", "left-another", "deleted"],
)
def test_a_contact_at_brevo_has_a_status_in_common_words(
    contact: dict[str, Any], status: str
) -> None:
    assert at_brevo_of(contact).status_of(KEY) == status


def test_a_person_who_left_and_was_deleted_at_brevo_has_left() -> None:
    gone = brevo_contact(("person", "blocklisted"), deleted=True)
    created_again = brevo_contact(("api", "added"))

    words = at_brevo_of(gone, created_again).own_words

    assert [(word.key, word.left) for word in words] == [(KEY, True)]


def test_a_bounce_is_no_refusal_and_a_blocklisting_by_staff_is_one() -> None:
    assert at_brevo_of(brevo_contact(("system", "blocklisted"))).refusing() == set()
    assert at_brevo_of(brevo_contact(("staff", "blocklisted"))).refusing() == {KEY}


def test_an_import_at_mailchimp_is_nobodys_word() -> None:
    history = [
        {"at": "2026-03-01T10:00:00+00:00", "actor": "person", "to": "unsubscribed"},
        {"at": "2026-03-01T11:00:00+00:00", "actor": "import", "to": "subscribed"},
    ]
    member = {
        "list_id": "a",
        "email_address": KEY,
        "status": "subscribed",
        "contact_id": "c1",
        "merge_fields": {},
        "history": history,
    }

    read = at_mailchimp({"audiences": [{"id": "a", "name": "x"}], "members": [member]}, name="x")

    assert read.refusing() == {KEY}
    assert [word.left for word in read.own_words] == [True]
