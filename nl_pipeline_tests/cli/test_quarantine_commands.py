"""The commands `quarantine` and `retry`, and how a run ends of which nothing got through."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nl_pipeline.cli import main
from nl_pipeline.cli.invocation import ExitCode
from nl_pipeline_tests.cli.first_sync import CONNECTION, synced_once
from nl_pipeline_tests.sandbox_control import SandboxControl

REFUSED = "somebody@example.com"
"""Mailchimp refuses its domain as looking fake."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxControl, Path]]:
    """A sandbox and the folder of its user, after syncs in which one address was refused."""
    folder = tmp_path_factory.mktemp("quarantine")
    with synced_once(folder) as control:
        enter(control, REFUSED)
        assert main(["sync", CONNECTION]) == ExitCode.FAILED
        assert main(["sync", CONNECTION]) == ExitCode.DONE
        yield control, folder


def enter(control: SandboxControl, email: str) -> None:
    fields = {"newsletter_aktiv": "1", "Vorname": "Kim"}
    control.act("onoffice", actor="staff", action="create", emails=[email], fields=fields)


@pytest.fixture
def sandbox(place: tuple[SandboxControl, Path], monkeypatch: pytest.MonkeyPatch) -> SandboxControl:
    monkeypatch.chdir(place[1])
    return place[0]


def ended(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and output of one command."""
    capsys.readouterr()
    code = main(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_the_quarantine_is_shown_with_cause_and_way_out(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = ended("quarantine", CONNECTION, capsys=capsys)

    assert code == ExitCode.DONE
    assert "fake_or_invalid" in printed
    assert "correct the address in the CRM" in printed
    assert REFUSED not in printed


def test_the_quarantine_as_json_names_the_contact_and_no_address(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = ended("quarantine", CONNECTION, "--json", capsys=capsys)

    [row] = json.loads(printed)["quarantine"]
    assert (row["action"], row["cause"], row["tries"]) == ("subscribe", "fake_or_invalid", 1)
    assert (row["waiting"], row["next_try_at"]) == (True, None)
    assert int(row["contact_id"]) > 0
    assert REFUSED not in printed


def test_the_csv_of_the_quarantine_has_the_address(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = ended("quarantine", CONNECTION, "--csv", "-", capsys=capsys)

    assert [row["address"] for row in csv.DictReader(io.StringIO(printed))] == [REFUSED]


@pytest.mark.parametrize(
    "choice", [(), ("--all", "--cause", "other")], ids=["nothing chosen", "everything and some"]
)
def test_a_retry_says_which_rows_it_means(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str], choice: tuple[str, ...]
) -> None:
    code, _ = ended("retry", CONNECTION, *choice, capsys=capsys)

    assert code == ExitCode.USAGE


def test_a_retry_of_another_cause_lifts_nothing(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = ended("retry", CONNECTION, "--cause", "cleaned", "--json", capsys=capsys)

    assert json.loads(printed) == {"connection": CONNECTION, "lifted": 0}


def test_a_lifted_row_is_sent_by_the_next_sync(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    lifted, printed = ended("retry", CONNECTION, "--all", capsys=capsys)
    code, _ = ended("sync", CONNECTION, capsys=capsys)

    assert (lifted, code) == (ExitCode.DONE, ExitCode.FAILED)
    assert "1 rows are tried again" in printed


def test_explain_shows_what_is_quarantined(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = ended("explain", CONNECTION, REFUSED, "--json", capsys=capsys)

    [row] = json.loads(printed)["person"]["quarantine"]
    assert (row["action"], row["cause"]) == ("subscribe", "fake_or_invalid")


def test_a_sync_counts_what_it_left_out(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = ended("sync", CONNECTION, capsys=capsys)

    assert (code, "1 left out as quarantined" in printed) == (ExitCode.DONE, True)
    assert f"Next: nl-pipeline errors {CONNECTION}" in printed
