"""Leads in Dagster: what the hourly job and the import by hand do and tell."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from nl_pipeline.orchestration.partitions import connection_day
from nl_pipeline.sandbox.linkedin.seeding import AD_ACCOUNT_ID, CONTACT_FORM_ID
from nl_pipeline_tests.orchestration.conftest import NORTH, SOUTH
from nl_pipeline_tests.orchestration.deployment import Deployment
from nl_pipeline_tests.sandbox_control import SandboxControl

ANNA = {"email": "anna.berg@kunde.example", "first_name": "Anna", "last_name": "Berg"}
FORM = str(CONTACT_FORM_ID)


@pytest.fixture
def linkedin(deployment: Deployment) -> SandboxControl:
    """LinkedIn of the connection `north`, at which Anna has filled in the contact form."""
    control = deployment.controls[NORTH]
    control.act("linkedin", actor="person", action="submit", **ANNA)
    return control


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> Mapping[str, Any]:
    """What an asset told, as plain values."""
    (event,) = result.asset_materializations_for_node(asset)
    return {
        name: [record.data for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in event.metadata.items()
    }


def check_of(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    return next(e for e in result.get_asset_check_evaluations() if e.check_name == name)


def holders(control: SandboxControl, email: str) -> list[dict[str, Any]]:
    return [c for c in control.dump("onoffice")["addresses"] if c["Email"] == email]


def test_the_hourly_job_brings_a_lead_into_the_crm_and_shows_its_form(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    result = deployment.run("sync_leads", NORTH)

    assert result.success
    assert len(holders(linkedin, ANNA["email"])) == 1
    assert metadata_of(result, "lead_forms")["forms_new"] == 3
    told = metadata_of(result, "lead_form_status")
    rows = {row["form"]: row for row in told["forms"]}
    assert rows[FORM]["light"] == "green circle"
    assert rows[FORM]["imported"] >= 1


def test_a_second_run_reads_nothing_because_no_form_is_due(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    deployment.run("sync_leads", NORTH)

    again = metadata_of(deployment.run("sync_leads", NORTH), "lead_submissions")

    assert (again["forms_due"], again["contacts_created"], again["contacts_updated"]) == (0, 0, 0)


def test_no_answer_of_a_person_is_in_what_dagster_keeps(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    result = deployment.run("sync_leads", NORTH)

    kept = "".join(str(event) for event in result.all_events)
    assert "lead_submissions" in kept
    for word in ("anna.berg", "Berg"):
        assert word not in kept


def test_the_error_log_is_a_file_for_its_owner_only(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    bad = linkedin.act("linkedin", actor="person", action="submit", **{**ANNA, "email": "no"})

    path = deployment.settings.data_dir / f"{NORTH}.lead_errors.csv"
    told = metadata_of(deployment.run("sync_leads", NORTH), "lead_form_status")

    with path.open(encoding="utf-8-sig", newline="") as file:
        listed = [row["submission_id"] for row in csv.DictReader(file)]
    assert told["error_log"] == str(path)
    assert bad["id"] in listed
    assert path.stat().st_mode & 0o077 == 0


def test_a_connection_without_leads_is_asked_nothing(deployment: Deployment) -> None:
    control = deployment.controls[SOUTH]
    control.forget_calls()

    result = deployment.run("sync_leads", SOUTH)

    assert result.success
    assert metadata_of(result, "lead_forms")["leads"].startswith("none")
    assert control.calls() == []


def test_a_missing_secret_of_linkedin_keeps_no_opt_out_waiting(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NL_SANDBOX_LINKEDIN_ACCESS_TOKEN")
    today = connection_day(NORTH, day=datetime.now(UTC).date())

    told = deployment.run("ingest_webhooks", today)
    leads = deployment.run("sync_leads", NORTH)

    assert told.success
    assert not leads.success
    failed = leads.failure_data_for_node("lead_forms")
    assert failed is not None
    assert failed.error is not None
    assert "NL_SANDBOX_LINKEDIN_ACCESS_TOKEN" in failed.error.message


def test_a_lost_role_is_an_error_of_the_check_and_a_yellow_light(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    deployment.run("sync_leads", NORTH, only=["lead_forms"])
    linkedin.act("linkedin", actor="staff", action="revoke_role", target="page")

    result = deployment.run("sync_leads", NORTH)

    check = check_of(result, "everything_read_and_written")
    assert (result.success, check.passed) == (True, False)
    assert check.severity == dg.AssetCheckSeverity.ERROR
    rows = {row["form"]: row for row in metadata_of(result, "lead_form_status")["forms"]}
    assert rows[FORM]["light"] == "yellow triangle"
    assert "LEAD_GEN_FORMS_MANAGER" in str(rows[FORM]["why"])


def test_the_quota_of_the_day_holds_nothing_up(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    deployment.run("sync_leads", NORTH, only=["lead_forms"])
    linkedin.switch("linkedin", name="member_calls_per_day", value=1)

    result = deployment.run("sync_leads", NORTH, only=["lead_submissions"])

    assert result.success
    assert "quota of the day" in metadata_of(result, "lead_submissions")["stopped_by"]
    check = check_of(result, "everything_read_and_written")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_an_owner_that_can_not_be_read_is_an_error_of_the_check(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    linkedin.act("linkedin", actor="staff", action="revoke_role", target="ad_account")

    check = check_of(deployment.run("sync_leads", NORTH, only=["lead_forms"]), "leads_reached")

    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert str(AD_ACCOUNT_ID) in (check.description or "")


def test_an_import_by_hand_has_the_three_options_in_its_config(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    config = {"form": FORM, "existing": True, "all": True}

    first = deployment.run("import_leads", NORTH, config={"import_form": config})
    second = deployment.run("import_leads", NORTH, config={"import_form": config})

    for result, column in ((first, "contacts_created"), (second, "contacts_updated")):
        assert result.success
        (event,) = result.asset_materializations_for_node("import_form")
        assert event.partition == NORTH
        assert metadata_of(result, "import_form")[column] >= 1
    assert len(holders(linkedin, ANNA["email"])) == 1


def test_restarting_workflows_without_existing_contacts_is_refused(
    deployment: Deployment, linkedin: SandboxControl
) -> None:
    config = {"form": FORM, "restart_workflows": True}

    result = deployment.run("import_leads", NORTH, config={"import_form": config})

    assert not result.success
    failed = result.failure_data_for_node("import_form")
    assert failed is not None
    assert failed.error is not None
    assert "restart_workflows needs existing" in failed.error.message
    assert holders(linkedin, ANNA["email"]) == []


def test_a_form_is_named_by_digits(deployment: Deployment) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        deployment.run("import_leads", NORTH, config={"import_form": {"form": 1}})
