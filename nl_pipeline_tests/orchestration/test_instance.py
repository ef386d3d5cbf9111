"""The instance configuration that is shipped: what Dagster makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager

import nl_pipeline
from nl_pipeline.orchestration.partitions import CONNECTION_TAG, PARTITION_TAG
from nl_pipeline_tests.orchestration.conftest import NORTH
from nl_pipeline_tests.orchestration.deployment import Deployment

SHIPPED = Path(nl_pipeline.__file__).parents[1] / "deploy" / "dagster.yaml"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the shipped configuration."""
    shutil.copy(SHIPPED, tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_runs_of_a_partition_are_serial_and_two_days_may_run_at_once(
    instance: dg.DagsterInstance,
) -> None:
    limits = instance.get_concurrency_config().run_queue_config

    assert limits is not None
    assert limits.tag_concurrency_limits == [
        {"key": tag, "value": {"applyLimitPerUniqueValue": True}, "limit": limit}
        for tag, limit in ((PARTITION_TAG, 1), (CONNECTION_TAG, 2))
    ]


def test_a_run_started_by_hand_counts_for_its_connection(deployment: Deployment) -> None:
    run = deployment.materialize(NORTH, "crm_contacts").dagster_run

    assert run.tags[PARTITION_TAG] == NORTH


def test_what_steps_print_is_not_kept(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.compute_log_manager, NoOpComputeLogManager)


def test_nothing_is_reported_to_the_vendor(instance: dg.DagsterInstance) -> None:
    assert not instance.telemetry_enabled


def test_a_run_that_never_starts_or_never_ends_is_ended(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_start_timeout_seconds == 120
    assert instance.run_monitoring_poll_interval_seconds == 30
    assert instance.run_monitoring_max_runtime_seconds == 6 * 60 * 60


def test_only_runs_whose_process_died_are_started_again(instance: dg.DagsterInstance) -> None:
    assert instance.run_retries_enabled
    assert not instance.run_retries_retry_on_asset_or_op_failure
