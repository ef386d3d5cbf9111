"""Schedules: two per connection, in the time zone of its CRM, each for its own partition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterRunStatus

from nl_pipeline.definitions import build_defs
from nl_pipeline.orchestration.schedules import schedule_name
from nl_pipeline.settings import sandbox_text
from nl_pipeline.sync.observe import Mode


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on disk: a schedule opens its own copy of it."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    """Two connections with different schedules and time zones."""
    north, south = yaml.safe_load(sandbox_text())["connections"].values()
    south["crm"]["onoffice"]["time_zone"] = "Europe/Madrid"
    south["schedules"] = {"incremental": "5 * * * *", "full": "30 2 * * 0"}
    file = tmp_path / "connections.yaml"
    file.write_text(
        yaml.safe_dump({"connections": {"north": north, "south-2": south}}), encoding="utf-8"
    )
    return build_defs(settings_file=file)


def request_of(
    definitions: dg.Definitions, name: str, *, instance: dg.DagsterInstance
) -> dg.RunRequest | dg.SkipReason:
    schedule = definitions.resolve_schedule_def(name)
    with dg.build_schedule_context(instance=instance) as context:
        answer = schedule(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_every_connection_has_its_own_schedules(definitions: dg.Definitions) -> None:
    schedules = {
        s.name: (s.job_name, s.cron_schedule, s.execution_timezone)
        for s in definitions.get_repository_def().schedule_defs
    }

    assert schedules == {
        "north_incremental": ("incremental_sync", "*/15 * * * *", "Europe/Berlin"),
        "north_full": ("full_sync", "0 3 * * *", "Europe/Berlin"),
        "north_watch": ("watch_webhooks", "20 * * * *", "Europe/Berlin"),
        "north_leads": ("sync_leads", "40 * * * *", "Europe/Berlin"),
        "south_2_incremental": ("incremental_sync", "5 * * * *", "Europe/Madrid"),
        "south_2_full": ("full_sync", "30 2 * * 0", "Europe/Madrid"),
        "south_2_watch": ("watch_webhooks", "20 * * * *", "Europe/Madrid"),
    }


@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_a_schedule_asks_for_a_run_of_its_own_connection(
    mode: Mode, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    name = schedule_name("south-2", mode=mode)

    request = request_of(definitions, name, instance=instance)

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "south-2"


def test_schedules_do_not_pile_up_behind_a_sync_that_takes_long(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    instance.create_run_for_job(
        definitions.resolve_job_def("incremental_sync"),
        status=DagsterRunStatus.NOT_STARTED,
        tags={"dagster/partition": "north"},
    )

    waiting = request_of(definitions, "north_incremental", instance=instance)
    other = request_of(definitions, "south_2_incremental", instance=instance)

    assert isinstance(waiting, dg.SkipReason)
    assert isinstance(other, dg.RunRequest)
