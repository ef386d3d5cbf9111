"""`demo`: plays its day, proves the result, and a proof that differs is a failure."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.demo.picture import CANCELLATION, YES, Contact, Member, Picture
from nl_pipeline.cli.demo.proof import compare
from nl_pipeline.cli.demo.stories import LEAST_CONTACTS
from nl_pipeline.cli.invocation import ExitCode


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """One demo with few contacts: exit code, what it printed, and what it left."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(settings.CONFIG_VARIABLE, raising=False)
        printed: list[str] = []
        patch.setattr("typer.echo", lambda text="", **_: printed.append(str(text)))
        code = main(["demo", "--contacts", str(LEAST_CONTACTS), "--keep", str(folder)])
    return code, "\n".join(printed), folder


def test_the_proof_of_the_demo_holds(played: tuple[int, str, Path]) -> None:
    code, printed, _ = played

    assert code == ExitCode.DONE, printed
    assert "lines hold" in printed


def test_the_demo_leaves_a_warehouse(played: tuple[int, str, Path]) -> None:
    _, _, folder = played

    assert (folder / "data" / f"{settings.SANDBOX_CONNECTION}.duckdb").exists()


def test_the_demo_leaves_its_runs_in_the_history_of_dagster(played: tuple[int, str, Path]) -> None:
    _, _, folder = played

    with closing(sqlite3.connect(folder / "dagster_home" / "history" / "runs.db")) as history:
        runs = history.execute("SELECT pipeline_name, status FROM runs ORDER BY id").fetchall()

    jobs = ("ingest_webhooks", "recover_history", "full_sync")
    assert runs == [(job, "SUCCESS") for job in jobs]


def test_the_demo_replaces_only_its_own_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    assert main(["demo", "--keep", str(tmp_path)]) == ExitCode.USAGE
    assert "was not made by this command" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


CONTACT = Contact(
    id=1,
    key="anna@kunde.example",
    keys=frozenset({"anna@kunde.example"}),
    newsletter=YES,
    first_name="Anna",
    last_name="Muster",
    may_be_written_to=True,
    is_private=False,
)
MEMBER = Member(
    key="anna@kunde.example",
    status="subscribed",
    contact_id="c1",
    first_name="Anna",
    last_name="Muster",
    opted_out=False,
)


def picture(contact: Contact = CONTACT, member: Member = MEMBER) -> Picture:
    """Both sides with one person."""
    return Picture(
        contacts={contact.id: contact},
        members={member.key: member},
        holders=dict.fromkeys(contact.keys, (contact,)),
        activities={},
    )


def differing(after: Picture) -> set[str]:
    """What differs at the end of a day on which nothing happened."""
    lines = compare([], before=picture(), after=after)
    return {line.what for line in lines if not line.holds}


def test_a_day_on_which_nothing_happens_proves_itself() -> None:
    assert differing(picture()) == set()


def test_the_proof_sees_a_subscriber_who_had_unsubscribed() -> None:
    after = picture(member=replace(MEMBER, opted_out=True))

    assert "subscribed despite an opt-out" in differing(after)


def test_the_proof_sees_a_subscriber_who_cancelled_in_the_crm() -> None:
    after = picture(contact=replace(CONTACT, newsletter=CANCELLATION))

    assert "subscribed despite an opt-out" in differing(after)


def test_the_proof_sees_a_subscriber_who_may_not_be_written_to() -> None:
    after = picture(contact=replace(CONTACT, may_be_written_to=False))

    assert "subscribed without entitlement" in differing(after)


def test_the_proof_sees_a_yes_that_is_not_subscribed() -> None:
    after = picture(member=replace(MEMBER, status="pending"))

    assert "subscribed, of those entitled" in differing(after)


def test_the_proof_sees_a_change_of_somebody_who_is_in_no_story() -> None:
    after = picture(member=replace(MEMBER, last_name="Other"))

    assert differing(after) == {"members unchanged"}
