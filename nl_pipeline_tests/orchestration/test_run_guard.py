"""Runs whose process is gone: ended where that can be known, left alone everywhere else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterRunStatus
from dagster._utils.tags import TagConcurrencyLimitsCounter

import nl_pipeline
from nl_pipeline.orchestration.partitions import CONNECTION_TAG, PARTITION_TAG
from nl_pipeline.orchestration.run_guard import (
    HOST_TAG,
    PROCESS_TAG,
    Process,
    build_run_guard,
    note_process,
)
from nl_pipeline_tests.orchestration.conftest import NORTH
from nl_pipeline_tests.orchestration.deployment import Deployment

SHIPPED = Path(nl_pipeline.__file__).parents[1] / "deploy" / "dagster.yaml"
DAY = {PARTITION_TAG: "2026-03-01|north", CONNECTION_TAG: "north"}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed or its input ends."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:
        yield process


def alive(pid: int) -> Process:
    process = Process.living(pid)
    assert process is not None
    return process


def kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def run_in(
    instance: dg.DagsterInstance,
    process: Process,
    *,
    status: DagsterRunStatus = DagsterRunStatus.STARTED,
) -> str:
    """A run that has noted this process; its id."""
    run = instance.add_run(dg.DagsterRun(job_name="ingest_webhooks", status=status, tags=DAY))
    note_process(instance, run_id=run.run_id, process=process)
    return run.run_id


def look(instance: dg.DagsterInstance) -> str:
    """One tick of the guard; what it says."""
    guard = build_run_guard(running=False)
    with dg.build_sensor_context(instance=instance) as context:
        result = guard(context)
    assert isinstance(result, dg.SensorResult)
    assert isinstance(result.skip_reason, dg.SkipReason)
    return str(result.skip_reason.skip_message)


def status_of(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def is_blocked(instance: dg.DagsterInstance) -> bool:
    """Whether the queue, with the limits that are shipped, holds back a next run of the day."""
    limits = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["concurrency"]["runs"]
    in_progress = instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    counter = TagConcurrencyLimitsCounter(limits["tag_concurrency_limits"], in_progress)
    return counter.is_blocked(dg.DagsterRun(job_name="ingest_webhooks", tags=DAY))


def test_a_run_whose_process_was_killed_fails(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_id = run_in(instance, alive(child.pid))
    kill(child)

    assert look(instance) == f"Ended 1 lost runs: {run_id}."
    assert status_of(instance, run_id) == DagsterRunStatus.FAILURE


def test_a_run_that_is_ended_blocks_the_next_one_no_longer(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_in(instance, alive(child.pid))
    kill(child)
    before = is_blocked(instance)

    look(instance)

    assert (before, is_blocked(instance)) == (True, False)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells them apart")
def test_a_process_that_is_dead_but_not_collected_is_gone(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_id = run_in(instance, alive(child.pid))
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    look(instance)

    assert status_of(instance, run_id) == DagsterRunStatus.FAILURE


def test_a_run_whose_process_lives_is_left_alone(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_id = run_in(instance, alive(child.pid))

    assert look(instance) == "No run is lost."
    assert status_of(instance, run_id) == DagsterRunStatus.STARTED


def test_a_later_process_with_the_same_number_is_another_one(instance: dg.DagsterInstance) -> None:
    run_id = run_in(instance, Process(os.getpid(), started="1"))

    look(instance)

    assert status_of(instance, run_id) == DagsterRunStatus.FAILURE


def test_a_run_of_another_host_is_left_alone(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_id = run_in(instance, alive(child.pid))
    instance.add_run_tags(run_id, {HOST_TAG: "elsewhere"})
    kill(child)

    look(instance)

    assert status_of(instance, run_id) == DagsterRunStatus.STARTED


def test_the_next_try_of_a_lost_run_is_not_judged_by_the_tags_it_was_given(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    lost = instance.get_run_by_id(run_in(instance, alive(child.pid)))
    assert lost is not None
    kill(child)
    again = instance.add_run(
        dg.DagsterRun(job_name=lost.job_name, status=DagsterRunStatus.STARTED, tags=lost.tags)
    )

    look(instance)

    assert status_of(instance, again.run_id) == DagsterRunStatus.STARTED


def test_a_lost_run_that_was_being_cancelled_is_cancelled(
    instance: dg.DagsterInstance, child: subprocess.Popen[bytes]
) -> None:
    run_id = run_in(instance, alive(child.pid), status=DagsterRunStatus.CANCELING)
    kill(child)

    look(instance)

    assert status_of(instance, run_id) == DagsterRunStatus.CANCELED


def test_a_run_that_came_to_its_end_while_the_guard_looked_keeps_it(
    instance: dg.DagsterInstance,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = run_in(instance, alive(child.pid))
    kill(child)
    found = instance.get_runs

    def then_it_ends(filters: dg.RunsFilter) -> list[dg.DagsterRun]:
        runs = list(found(filters))
        instance.report_run_canceled(runs[0])
        return runs

    monkeypatch.setattr(instance, "get_runs", then_it_ends)
    look(instance)

    assert status_of(instance, run_id) == DagsterRunStatus.CANCELED


def test_a_run_notes_its_process(deployment: Deployment) -> None:
    run_id = deployment.materialize(NORTH, "crm_contacts").run_id

    run = deployment.instance.get_run_by_id(run_id)

    assert run is not None
    assert run.tags[HOST_TAG] == socket.gethostname()
    assert run.tags[PROCESS_TAG] == "/".join([run_id, str(os.getpid()), alive(os.getpid()).started])
