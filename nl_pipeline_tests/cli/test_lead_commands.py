"""The commands `leads ...`: what they show, do and end with."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from nl_pipeline import settings
from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline.clients.linkedin import client
from nl_pipeline.sandbox.app import World
from nl_pipeline.sandbox.linkedin.seeding import CONTACT_FORM_ID, SURVEY_FORM_ID
from nl_pipeline.sandbox.serve import running
from nl_pipeline_tests.sandbox_control import SandboxControl

CONNECTION = settings.SANDBOX_CONNECTION
FORM = str(CONTACT_FORM_ID)
ANNA = {"email": "anna.berg@kunde.example", "first_name": "Anna", "last_name": "Berg"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxControl, Path]]:
    """A sandbox without anybody, and the folder of its user."""
    folder = tmp_path_factory.mktemp("leads")
    with running(World(contacts=0)) as base_url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        control = SandboxControl(base_url)
        assert main(["sandbox", "connect", "--port", str(urlsplit(base_url).port)]) == ExitCode.DONE
        yield control, folder
        control.close()


@pytest.fixture
def sandbox(place: tuple[SandboxControl, Path], monkeypatch: pytest.MonkeyPatch) -> SandboxControl:
    """The sandbox as it was at first, and nothing kept of it."""
    control, folder = place
    control.reset(contacts=0)
    monkeypatch.chdir(folder)
    for file in (folder / "data").glob("*") if (folder / "data").exists() else ():
        if file.is_file():
            file.unlink()
    return control


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """A command of `leads`: exit code and what it printed."""
    capsys.readouterr()
    code = main(["leads", *arguments])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def shown(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The same with --json."""
    code, printed = run(*arguments, "--json", capsys=capsys)
    content: dict[str, Any] = json.loads(printed)
    return code, content


def emails(sandbox: SandboxControl) -> list[str]:
    return [contact["Email"] for contact in sandbox.dump("onoffice")["addresses"]]


def test_forms_shows_what_is_asked_and_where_it_goes(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, content = shown("forms", CONNECTION, capsys=capsys)

    form = next(one for one in content["forms"] if one["id"] == FORM)
    goes_to = {q["predefined"]: q["crm"] for q in form["questions"] if q["predefined"]}
    assert (goes_to["EMAIL"], goes_to["FIRST_NAME"]) == ("email", "Vorname")
    assert form["consents"][0]["text"].startswith("Ich möchte den Newsletter")
    # The form without any contact key can't be imported.
    assert code == ExitCode.HELD_OR_PARTIAL
    survey = next(one for one in content["forms"] if one["id"] == str(SURVEY_FORM_ID))
    assert any(problem["stops"] for problem in survey["problems"])


def test_forms_for_people_names_the_form_and_what_is_wrong(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = run("forms", CONNECTION, capsys=capsys)

    assert f"Form {FORM}, version 1: Kontakt aufnehmen" in printed
    assert "Not importable: no question is mapped to the key field email" in printed


def test_set_up_says_which_fields_to_create_and_what_is_wrong_with_a_form(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.reset(contacts=1)

    code = main(["setup", CONNECTION])

    printed = capsys.readouterr().out
    assert code == ExitCode.DONE
    for field in ("imported", "import date", "submitted forms"):
        assert f'create an address field "LinkedIn – {field}" in onOffice' in printed
    assert f"form {SURVEY_FORM_ID} (Umfrage): no question is mapped to the key" in printed


def test_the_plan_is_shown_first_and_a_dry_run_stops_there(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.act("linkedin", actor="person", action="submit", **ANNA)

    code, printed = run("import", CONNECTION, FORM, "--dry-run", capsys=capsys)

    assert code == ExitCode.DONE
    assert "Submissions since the last run that were not imported yet." in printed
    assert "create a contact" in printed
    assert emails(sandbox) == []


def test_an_import_creates_the_contact_and_a_second_one_does_nothing(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.act("linkedin", actor="person", action="submit", **ANNA)

    code, first = shown("import", CONNECTION, FORM, capsys=capsys)
    _, second = shown("import", CONNECTION, FORM, capsys=capsys)

    assert code == ExitCode.DONE
    assert (first["plan"]["creates"], first["result"]["created"]) == (1, 1)
    assert (second["plan"]["taken"], second["result"]["created"]) == (0, 0)
    assert emails(sandbox) == [ANNA["email"]]
    assert len(sandbox.dump("onoffice")["activities"]) == 1


def test_existing_writes_the_contact_again(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.act("linkedin", actor="person", action="submit", **ANNA)
    run("import", CONNECTION, FORM, capsys=capsys)

    code, content = shown("import", CONNECTION, FORM, "--existing", "--all", capsys=capsys)

    assert code == ExitCode.DONE
    assert (content["plan"]["again"], content["result"]["updated"]) == (1, 1)
    assert emails(sandbox) == [ANNA["email"]]


@pytest.mark.parametrize("more", [[], ["--all"]])
def test_restarting_workflows_without_existing_contacts_is_refused_with_the_reason(
    more: list[str], sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.forget_calls()

    code, printed = run("import", CONNECTION, FORM, "--restart-workflows", *more, capsys=capsys)

    assert code == ExitCode.USAGE
    assert "restart_workflows needs existing" in printed
    assert "Next: repeat it with --existing" in printed
    assert sandbox.calls() == []


def test_a_form_nobody_owns_is_named(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run("import", CONNECTION, "1", capsys=capsys)

    assert code == ExitCode.FAILED
    assert "has a form 1" in printed
    assert "leads forms" in printed


def test_a_connection_without_leads_says_what_to_add(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["forms"], ["status"], ["import"]):
        arguments = [*command, settings.SANDBOX_BREVO_CONNECTION]
        code, printed = run(*arguments, *(["1"] if command == ["import"] else []), capsys=capsys)
        assert (code, "has no leads of LinkedIn" in printed) == (ExitCode.USAGE, True)


def test_a_sync_pulls_what_is_due_once(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.act("linkedin", actor="person", action="submit", **ANNA)

    code, first = shown("sync", CONNECTION, capsys=capsys)
    _, second = shown("sync", CONNECTION, capsys=capsys)

    assert code == ExitCode.DONE
    assert (first["contacts_created"], first["activities_written"]) == (1, 1)
    assert (second["forms_due"], second["contacts_created"]) == (0, 0)
    assert emails(sandbox) == [ANNA["email"]]


def test_the_status_shows_lights_counters_and_times(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.act("linkedin", actor="person", action="submit", **ANNA)
    run("import", CONNECTION, FORM, capsys=capsys)

    code, content = shown("status", CONNECTION, capsys=capsys)

    by_form = {one["form"]["id"]: one for one in content["forms"]}
    assert by_form[FORM]["light"]["colour"] == "green"
    assert (by_form[FORM]["imported"], by_form[FORM]["errors"]) == (1, 0)
    assert by_form[str(SURVEY_FORM_ID)]["light"]["colour"] == "yellow"
    assert code == ExitCode.HELD_OR_PARTIAL
    assert any("no subscription" in warning for warning in content["warnings"])


def test_a_consent_that_ends_soon_is_a_warning_of_the_status(
    sandbox: SandboxControl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def later() -> datetime:
        return datetime.now(UTC) + timedelta(days=351, hours=12)

    monkeypatch.setattr(client, "system_time", later)

    _, printed = run("status", CONNECTION, capsys=capsys)

    assert "Warning: the refresh token ends in 13 days. Next: authorize" in printed


def test_errors_are_listed_and_written_so_that_a_spreadsheet_takes_none_for_a_formula(
    sandbox: SandboxControl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lead = sandbox.act("linkedin", actor="person", action="submit", **{**ANNA, "email": "=1+1"})
    imported, _ = run("import", CONNECTION, FORM, capsys=capsys)
    file = tmp_path / "errors.csv"

    code, printed = run("errors", CONNECTION, "--csv", str(file), capsys=capsys)

    with file.open(encoding="utf-8-sig", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert (imported, code) == (ExitCode.HELD_OR_PARTIAL, ExitCode.HELD_OR_PARTIAL)
    assert row["submission_id"] == lead["id"]
    assert row["what_to_do"]
    assert lead["id"][:8] in printed
    assert "1+1" not in printed + file.read_text(encoding="utf-8-sig")


def test_without_errors_nothing_stands_in_the_way(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    run("forms", CONNECTION, capsys=capsys)

    assert run("errors", CONNECTION, capsys=capsys)[0] == ExitCode.DONE
