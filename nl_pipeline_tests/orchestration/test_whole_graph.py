"""The whole graph over sandboxes: what a run does for its connection, and what it tells."""

from __future__ import annotations

import threading
from collections import Counter

import dagster as dg

from nl_pipeline.domain.rules import RULE_BY_CODE
from nl_pipeline.sync.link import open_warehouse
from nl_pipeline.sync.setup import set_up
from nl_pipeline.warehouse import observations
from nl_pipeline_tests.conftest import SMALL_POPULATION
from nl_pipeline_tests.orchestration.conftest import NORTH, SOUTH, Held
from nl_pipeline_tests.orchestration.deployment import Deployment

ASSETS = {
    "crm_contacts",
    "audience_members",
    "sync_plan",
    "crm_push",
    "provider_push",
    "sync_report",
}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the assets a run has materialized."""
    keys = [event.asset_key for event in result.get_asset_materialization_events()]
    return {key.to_user_string() for key in keys if key is not None}


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dg.MetadataValue]:
    (event,) = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    ]
    return dict(event.materialization.metadata)


def test_the_whole_graph_is_materialized_for_two_connections(deployment: Deployment) -> None:
    for connection in (NORTH, SOUTH):
        with deployment.link(connection) as link:
            plan = set_up(link).plan
        deployment.approve(connection, plan_id=plan.plan_id)

        result = deployment.run("full_sync", connection)

        assert result.success
        assert materialized(result) == ASSETS
        events = result.get_asset_materialization_events()
        assert {event.partition for event in events} == {connection}
        assert all(check.passed for check in result.get_asset_check_evaluations())


def test_a_run_touches_the_systems_of_its_own_connection_only(synced: Deployment) -> None:
    synced.controls[SOUTH].forget_calls()

    synced.run("full_sync", NORTH)

    assert synced.controls[SOUTH].calls() == []


def test_a_second_run_writes_nothing(synced: Deployment) -> None:
    synced.run("incremental_sync", NORTH)
    synced.controls[NORTH].forget_calls()

    result = synced.run("incremental_sync", NORTH)

    assert result.success
    assert synced.writes(NORTH) == 0


def test_a_job_decides_how_thoroughly_both_sides_are_read(synced: Deployment) -> None:
    assets = ("crm_contacts", "audience_members", "sync_plan")
    runs = {job: synced.run(job, NORTH, only=assets) for job in ("incremental_sync", "full_sync")}

    modes = {
        job: {str(metadata_of(run, asset)["mode"].value) for asset in assets}
        for job, run in runs.items()
    }

    assert modes == {"incremental_sync": {"incremental"}, "full_sync": {"full"}}


def test_the_config_of_an_asset_decides_how_thoroughly_it_reads(synced: Deployment) -> None:
    run = synced.materialize(NORTH, "crm_contacts", config={"crm_contacts": {"mode": "full"}})

    assert metadata_of(run, "crm_contacts")["mode"].value == "full"


def test_a_run_opens_its_connection_once_and_closes_it(synced: Deployment) -> None:
    synced.controls[NORTH].forget_calls()

    synced.run("full_sync", NORTH)

    actions = sum((Counter(call.actions) for call in synced.controls[NORTH].calls()), Counter())
    assert actions["get:fields"] == 1
    assert [t.name for t in threading.enumerate() if t.name.startswith("mailchimp")] == []


def test_what_one_side_changed_arrives_at_the_other(changed: Held) -> None:
    changed.deployment.run("incremental_sync", NORTH)

    assert changed.name_has_arrived()


def test_an_opt_out_during_the_push_reaches_the_crm_in_the_same_run(synced: Deployment) -> None:
    leaves, renamed = synced.subscribed(NORTH)[:2]
    synced.rename(NORTH, renamed, first_name="Anders")
    before = ("crm_contacts", "audience_members", "sync_plan", "crm_push", "provider_push")
    synced.run("incremental_sync", NORTH, only=before)
    synced.controls[NORTH].act("mailchimp", actor="person", action="unsubscribe", email=leaves)

    told = metadata_of(synced.materialize(NORTH, "sync_report"), "sync_report")

    assert told["second_pass"].value is True
    assert told["second_pass_plan_id"].value == synced.latest_plan(NORTH).plan_id
    contacts = synced.controls[NORTH].dump("onoffice")["addresses"]
    said = {c["newsletter_aktiv"] for c in contacts if c["Email"].strip().lower() == leaves.lower()}
    assert said == {"2"}


def test_a_run_that_nothing_came_between_makes_one_pass(synced: Deployment) -> None:
    synced.rename(NORTH, synced.subscribed(NORTH)[0], first_name="Anders")

    told = metadata_of(synced.run("incremental_sync", NORTH), "sync_report")

    assert told["second_pass"].value is False
    assert told["rows_confirmed"].value == 1


def test_the_plan_tells_its_reasons_in_numbers_and_words(held: Held) -> None:
    deployment = held.deployment

    told = metadata_of(deployment.materialize(NORTH, "sync_plan"), "sync_plan")

    assert told["verdict"].value == "held"
    assert told["rows_waiting_for_release"].value == len(held.unwanted)
    assert f"`nl-pipeline release {held.plan_id}" in str(told["next_step"].value)
    changes = told["changes"]
    assert isinstance(changes, dg.TableMetadataValue)
    (waiting,) = [record.data for record in changes.records if record.data["held by"]]
    assert (waiting["rule"], waiting["held by"], waiting["rows"]) == ("S08", "removals", 8)
    assert RULE_BY_CODE[str(waiting["reason"])].text in str(told["reasons"].value)


def test_the_report_counts_both_sides(synced: Deployment) -> None:
    told = metadata_of(synced.run("incremental_sync", NORTH), "sync_report")

    subscribed = len(synced.subscribed(NORTH))
    numbers = [told[name].value for name in ("subscribed_at_provider", "in_step_on_both_sides")]
    assert numbers == [subscribed, subscribed]


def test_steps_tell_their_own_calls_and_the_report_those_of_the_run(changed: Held) -> None:
    deployment = changed.deployment
    deployment.controls[NORTH].forget_calls()

    run = deployment.run("incremental_sync", NORTH)

    counted = sum(call.count for call in deployment.controls[NORTH].calls())
    numbers = {
        (asset, name): metadata.value
        for asset in ASSETS
        for name, metadata in metadata_of(run, asset).items()
        if isinstance(metadata, dg.IntMetadataValue)
    }
    steps = {asset: numbers[asset, "api_calls"] or 0 for asset in ASSETS}
    assert sum(steps.values()) == numbers["sync_report", "run_api_calls"] == counted
    assert steps["sync_plan"] == 0
    assert 0 < (numbers["sync_report", "run_api_calls_at_least"] or 0) <= counted


def test_an_incremental_read_still_tells_how_many_rows_there_are(synced: Deployment) -> None:
    told = metadata_of(synced.materialize(NORTH, "crm_contacts"), "crm_contacts")

    assert told["mode"].value == "incremental"
    assert told["dagster/row_count"].value == SMALL_POPULATION


def test_the_columns_of_the_plan_are_traced_to_both_sides(held: Held) -> None:
    result = held.deployment.materialize(NORTH, "crm_contacts", "audience_members", "sync_plan")

    lineage = metadata_of(result, "sync_plan")["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    for asset in ("crm_contacts", "audience_members"):
        schema = metadata_of(result, asset)["dagster/column_schema"].value
        assert isinstance(schema, dg.TableSchema)
        used = {
            dep.column_name
            for deps in lineage.deps_by_column.values()
            for dep in deps
            if dep.asset_key == dg.AssetKey(asset)
        }
        assert used
        assert used <= {column.name for column in schema.columns}


def test_a_run_that_is_cut_off_in_the_middle_is_finished_by_the_next_one(changed: Held) -> None:
    deployment = changed.deployment
    deployment.controls[NORTH].fault("mailchimp", kind="status", match="PATCH", status=500, rate=1)
    deployment.run("incremental_sync", NORTH)
    deployment.controls[NORTH].clear_faults()

    result = deployment.run("incremental_sync", NORTH)

    assert result.success
    assert changed.name_has_arrived()


def test_a_read_of_a_crm_without_any_visible_contact_stops_the_run(synced: Deployment) -> None:
    synced.controls[NORTH].act("onoffice", actor="staff", action="restrict_rights", visible=0)

    result = synced.run("full_sync", NORTH)

    assert not result.success
    assert materialized(result) == {"crm_contacts", "audience_members"}


def test_an_opt_out_reaches_the_crm_although_the_read_of_the_crm_was_cut(
    synced: Deployment,
) -> None:
    control = synced.controls[NORTH]
    gone = synced.subscribed(NORTH)[0]
    control.act("mailchimp", actor="person", action="unsubscribe", email=gone)
    control.fault("onoffice", kind="short_page", match="read:address", rows=10, times=2)

    result = synced.run("full_sync", NORTH)

    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["crm_snapshot_complete"].passed
    addresses = control.dump("onoffice")["addresses"]
    states = {a["newsletter_aktiv"] for a in addresses if a["Email"].lower() == gone.lower()}
    assert states == {"2"}


def test_warehouses_of_connections_are_separate_files(deployment: Deployment) -> None:
    deployment.run("incremental_sync", NORTH, only=["crm_contacts"])

    south = open_warehouse(deployment.settings, connection=SOUTH)
    assert observations.read_cursor(south, side="crm") is None
