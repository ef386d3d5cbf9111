"""What Dagster loads: from nothing but the names in the settings, and how it reads in the UI."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from nl_pipeline.definitions import build_defs
from nl_pipeline.settings import SettingsError, sandbox_text

GRAPH = {
    "crm_contacts": ("observe", "duckdb onoffice", ""),
    "audience_members": ("observe", "brevo duckdb mailchimp", ""),
    "webhook_log": ("events", "duckdb file", ""),
    "provider_history": ("events", "brevo duckdb mailchimp", ""),
    "subscriber_events": ("events", "duckdb onoffice", "provider_history webhook_log"),
    "activity_records": ("events", "onoffice", "subscriber_events"),
    "provider_webhooks": ("events", "brevo mailchimp", ""),
    "campaign_reports": ("events", "brevo mailchimp onoffice", "subscriber_events"),
    "lead_notices": ("leads", "duckdb linkedin onoffice", "subscriber_events"),
    "lead_forms": ("leads", "duckdb linkedin", ""),
    "lead_submissions": ("leads", "duckdb linkedin onoffice", "lead_forms lead_notices"),
    "imported_leads": ("leads", "onoffice", "lead_submissions"),
    "lead_form_status": ("leads", "duckdb", "imported_leads"),
    "sync_plan": (
        "plan",
        "duckdb pandera",
        "audience_members crm_contacts subscriber_events",
    ),
    "crm_push": ("push", "onoffice", "sync_plan"),
    "provider_push": ("push", "brevo mailchimp", "crm_push sync_plan"),
    "sync_report": ("report", "duckdb", "crm_push provider_push"),
}
"""Key: group, kinds, what it follows."""

GROWING = {
    *("webhook_log", "provider_history", "subscriber_events", "activity_records"),
    "lead_notices",
}

BLOCKING_CHECKS = {
    ("crm_contacts", "crm_snapshot_complete"),
    ("audience_members", "audience_snapshot_complete"),
    ("sync_plan", "plan_may_be_pushed"),
    ("sync_report", "every_change_confirmed"),
}

LOAD = """
import nl_pipeline.definitions as definitions
graph = definitions.defs.resolve_asset_graph()
contacts = next(k for k in graph.get_all_asset_keys() if k.path == ["crm_contacts"])
print(len(graph.get_all_asset_keys()), graph.get(contacts).partitions_def.get_partition_keys())
"""


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Definitions over a file with a connection to each provider, whose secrets are nowhere."""
    both = yaml.safe_load(sandbox_text())["connections"].values()
    return defined(
        dict(zip(("north", "south-2"), both, strict=True)),
        folder=tmp_path_factory.mktemp("settings"),
    )


def defined(connections: dict[str, Any], *, folder: Path) -> dg.Definitions:
    """Definitions over a settings file with these connections."""
    file = folder / "connections.yaml"
    file.write_text(yaml.safe_dump({"connections": connections}), encoding="utf-8")
    return build_defs(settings_file=file)


def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    graph = definitions.resolve_asset_graph()
    return [graph.get(key).to_asset_spec() for key in graph.toposorted_asset_keys]


@dataclass(frozen=True)
class Loaded:
    """A process that loaded the definitions in an empty folder without any environment."""

    process: subprocess.CompletedProcess[str]
    left_behind: list[Path]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("empty")
    call = [sys.executable, "-W", "error", "-c", LOAD]
    process = subprocess.run(call, cwd=folder, env={}, capture_output=True, text=True, check=False)
    return Loaded(process=process, left_behind=list(folder.iterdir()))


def test_definitions_load_with_an_empty_environment(loaded: Loaded) -> None:
    done = loaded.process

    assert (done.returncode, done.stdout.strip(), done.stderr) == (
        0,
        "17 ['demo-mailchimp', 'demo-brevo']",
        "",
    )


def test_loading_leaves_nothing_behind(loaded: Loaded) -> None:
    assert loaded.left_behind == []


def test_loading_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert build_defs().resolve_asset_graph().get_all_asset_keys()


def test_a_settings_file_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    file.write_text("connections:\n  north: {crm: 1}\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"connections\.yaml:2: connections\.north\.crm"):
        build_defs(settings_file=file)


def test_the_asset_graph_reads_as_the_way_of_the_data(definitions: dg.Definitions) -> None:
    graph = {
        spec.key.to_user_string(): (
            spec.group_name,
            " ".join(sorted(spec.kinds)),
            " ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps)),
        )
        for spec in specs(definitions)
    }

    assert graph == GRAPH


@pytest.mark.parametrize("provider", ["mailchimp", "brevo"])
def test_a_provider_that_no_connection_has_is_not_shown(provider: str, tmp_path: Path) -> None:
    name = f"demo-{provider}"
    only = yaml.safe_load(sandbox_text())["connections"][name]

    kinds = {
        spec.key.to_user_string(): spec.kinds
        for spec in specs(defined({name: only}, folder=tmp_path))
    }

    assert kinds["audience_members"] == {provider, "duckdb"}
    assert kinds["provider_push"] == {provider}
    assert kinds["crm_push"] == {"onoffice"}


def test_the_steps_of_the_way_are_guarded_by_blocking_checks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()

    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }

    assert blocking == BLOCKING_CHECKS


def test_every_asset_has_an_owner(definitions: dg.Definitions) -> None:
    assert {owner for spec in specs(definitions) for owner in spec.owners} == {"team:data"}
    assert all(spec.owners for spec in specs(definitions))


def test_every_asset_says_what_it_is(definitions: dg.Definitions) -> None:
    assert all(spec.description and spec.description.endswith(".") for spec in specs(definitions))


def test_what_is_so_now_has_a_partition_per_connection(definitions: dg.Definitions) -> None:
    partitions = {
        tuple(spec.partitions_def.get_partition_keys()) if spec.partitions_def else ()
        for spec in specs(definitions)
        if spec.key.to_user_string() not in GROWING
    }

    assert partitions == {("north", "south-2")}


def test_what_only_grows_has_a_partition_per_connection_and_day(
    definitions: dg.Definitions,
) -> None:
    for spec in specs(definitions):
        if spec.key.to_user_string() in GROWING:
            assert spec.partitions_def is not None
            keys = spec.partitions_def.get_partition_keys()
            today = datetime.now(UTC).date()
            assert f"north|{today}" in keys
            assert "south-2|2026-01-01" in keys
            assert f"north|{today + timedelta(days=1)}" not in keys


def test_every_job_schedule_sensor_and_check_says_what_it_does(
    definitions: dg.Definitions,
) -> None:
    repository = definitions.get_repository_def()
    named = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    checks = [
        definitions.resolve_asset_graph().get_check_spec(key)
        for key in definitions.resolve_asset_graph().asset_check_keys
    ]

    described = {thing.name: thing.description for thing in named}
    described |= {thing.name: thing.description for thing in repository.schedule_defs}
    described |= {thing.name: thing.description for thing in repository.sensor_defs}
    described |= {thing.name: thing.description for thing in checks}
    assert [name for name, description in described.items() if not description] == []


def test_steps_run_in_the_process_of_their_run(definitions: dg.Definitions) -> None:
    executors = {
        job.executor_def.name
        for job in definitions.get_repository_def().get_all_jobs()
        if not job.name.startswith("__")
    }

    assert executors == {"in_process"}


def test_an_argument_of_the_definitions_can_be_replaced() -> None:
    assert build_defs(schedules=[]).schedules == []


@pytest.mark.parametrize(("automation_runs", "status"), [(False, "STOPPED"), (True, "RUNNING")])
def test_schedules_and_sensor_run_from_the_start_only_where_that_was_asked_for(
    automation_runs: bool, status: str
) -> None:
    repository = build_defs(automation_runs=automation_runs).get_repository_def()

    states = {schedule.default_status.name for schedule in repository.schedule_defs}
    states |= {sensor.default_status.name for sensor in repository.sensor_defs}
    assert states == {status}
