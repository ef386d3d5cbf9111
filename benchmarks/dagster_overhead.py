"""What Dagster adds to a sync: the same incremental sync as a function, as a job and as a run.

Nothing is to be done in any of them, so what is left is what each way costs. In one process the job
writes its events to a real instance (SQLite in a folder of its own). Launched, it is started by the
instance's run launcher over GraphQL, as the UI does it, and runs in a process of its own, which has
to start an interpreter and import everything first; a function in a fresh process shows how much of
that is not Dagster's, and a run of as many steps that do nothing and import nothing of the package
shows how much is. The queue of the daemon is left out: it looks every few seconds.

    python -m benchmarks.dagster_overhead [--contacts 500] [--runs 5]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from benchmarks import empty_run
from nl_pipeline import settings
from nl_pipeline.cli.sandbox import SANDBOX_SECRETS
from nl_pipeline.settings import SANDBOX_CONNECTION
from nl_pipeline.sync.link import open_link
from nl_pipeline.sync.push import apply_plan
from nl_pipeline.sync.run import sync
from nl_pipeline.sync.setup import set_up

_JOB = "incremental_sync"
_SHIPPED = Path(__file__).parents[1] / "deploy" / "dagster.yaml"
_PATIENCE = 120.0
_QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
_LAUNCH = """
mutation ($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {selector: $selector, executionMetadata: {tags: $tags}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""
_REPOSITORIES = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""


def as_a_function(file: Path) -> None:
    """The use case, as `nl-pipeline sync` calls it."""
    loaded = settings.load(file)
    with open_link(loaded, connection=SANDBOX_CONNECTION) as link:
        result = sync(link, mode="incremental")
    if not result.complete:
        raise RuntimeError("the sync was not complete")


def as_a_job(defs: dg.Definitions, *, instance: dg.DagsterInstance) -> None:
    """The job in this process, with the instance of the folder."""
    result = defs.resolve_job_def(_JOB).execute_in_process(
        instance=instance, partition_key=SANDBOX_CONNECTION, run_config=_QUIET
    )
    if not result.success:
        raise RuntimeError("the job failed")


def launched(
    base_url: str, *, instance: dg.DagsterInstance, location: str, job: str, partition: str
) -> dict[str, float]:
    """A job as a run in a process of its own; seconds until it began and until it was over."""
    repositories = _ask(base_url, _REPOSITORIES)["repositoriesOrError"]["nodes"]
    (repository,) = (each for each in repositories if each["location"]["name"] == location)
    selector = {
        "repositoryName": repository["name"],
        "repositoryLocationName": location,
        "pipelineName": job,
    }
    tags = [{"key": "dagster/partition", "value": partition}]
    began = time.time()
    answer = _ask(base_url, _LAUNCH, selector=selector, tags=tags)["launchRun"]
    if "run" not in answer:
        raise RuntimeError(f"the run was not launched: {answer}")
    run_id = answer["run"]["runId"]
    while time.time() - began < _PATIENCE:
        record = instance.get_run_record_by_id(run_id)
        if record is not None and record.dagster_run.is_finished:
            if not record.dagster_run.is_success:
                raise RuntimeError("the run failed")
            started, ended = record.start_time or began, record.end_time or began
            return {"seconds": ended - began, "until it began": started - began}
        time.sleep(0.05)
    raise RuntimeError("the run did not end")


def _ask(base_url: str, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"{base_url}/graphql", data=body, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        told = json.load(answer)
    if "errors" in told:
        raise RuntimeError(str(told["errors"]))
    return told["data"]


@contextlib.contextmanager
def _process(command: list[str], *, health: str, environ: dict[str, str]) -> Iterator[None]:
    """A server in a process of its own, once it answers."""
    server = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                urllib.request.urlopen(health, timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _instance_folder(folder: Path) -> Path:
    """The shipped instance without the queue, so that a run is launched when it is asked for."""
    home = folder / "dagster_home"
    home.mkdir()
    shipped = yaml.safe_load(_SHIPPED.read_text(encoding="utf-8"))
    for queue in ("concurrency", "run_queue"):
        shipped.pop(queue)
    shipped["run_coordinator"] = {
        "module": "dagster._core.run_coordinator",
        "class": "DefaultRunCoordinator",
    }
    (home / "dagster.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    return home


def _without_test_libraries(folder: Path) -> Path:
    """A folder that hides hypothesis: pandera imports it where it is installed, a tenth of a second
    that an installation without the tests does not pay."""
    hidden = folder / "without_test_libraries"
    hidden.mkdir()
    (hidden / "hypothesis.py").write_text("raise ImportError\n", encoding="utf-8")
    return hidden


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _measure(folder: Path, *, contacts: int, runs: int) -> dict[str, list[float]]:
    from nl_pipeline.definitions import build_defs

    sandbox, web = _free_port(), _free_port()
    file = folder / "connections.yaml"
    file.write_text(settings.sandbox_text(port=sandbox), encoding="utf-8")
    home = _instance_folder(folder)
    os.environ |= SANDBOX_SECRETS
    environ = dict(os.environ) | {
        "DAGSTER_HOME": str(home),
        "NL_PIPELINE_CONFIG": str(file),
        "PYTHONPATH": f"{_without_test_libraries(folder)}{os.pathsep}{Path.cwd()}",
    }
    location, empty = "nl_pipeline.definitions", empty_run.__name__
    serve = (
        f"from nl_pipeline.sandbox.serve import serve; serve(port={sandbox}, contacts={contacts})"
    )
    webserver = shutil.which("dagster-webserver", path=str(Path(sys.executable).parent))
    found: dict[str, list[float]] = {}
    with (
        _process(
            [sys.executable, "-c", serve],
            health=f"http://127.0.0.1:{sandbox}/_sandbox/health",
            environ=environ,
        ),
        _process(
            [str(webserver), "-m", location, "-m", empty, "--port", str(web)],
            health=f"http://127.0.0.1:{web}/server_info",
            environ=environ,
        ),
        dg.DagsterInstance.from_config(str(home)) as instance,
    ):
        with open_link(settings.load(file), connection=SANDBOX_CONNECTION) as link:
            apply_plan(link, plan=set_up(link).plan, approved=True)
        defs = build_defs(settings_file=file)
        fresh = [sys.executable, "-m", __spec__.name, "--function", str(file)]
        as_a_function(file)  # What the first sync left to read back is read once.
        for _ in range(runs):
            run, nothing = (
                launched(
                    f"http://127.0.0.1:{web}",
                    instance=instance,
                    location=of,
                    job=job,
                    partition=partition,
                )
                for of, job, partition in (
                    (location, _JOB, SANDBOX_CONNECTION),
                    (empty, empty_run.JOB, empty_run.PARTITION),
                )
            )
            measured = {
                "function": _timed(lambda: as_a_function(file)),
                "job": _timed(lambda: as_a_job(defs, instance=instance)),
                "function, fresh process": _timed(
                    lambda: subprocess.run(fresh, check=True, env=environ)
                ),
                "run": run["seconds"],
                "run, until it began": run["until it began"],
                "empty run": nothing["seconds"],
                "empty run, until it began": nothing["until it began"],
            }
            for name, seconds in measured.items():
                found.setdefault(name, []).append(seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--function", type=Path, help="Only call the function, over these settings")
    args = parser.parse_args()
    if args.function:
        as_a_function(args.function)
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" dagster {dg.__version__}; {args.contacts:,} contacts, nothing to do, median of"
        f" {args.runs}, interleaved; load {os.getloadavg()[0]:.1f} at the start"
    )
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(Path(folder), contacts=args.contacts, runs=args.runs)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    for name, seconds in medians.items():
        spread = f"{min(found[name]):.2f} to {max(found[name]):.2f}"
        print(f"{name:26} {seconds:6.2f} s ({spread})")
    pairs = (
        ("job", "function"),
        ("run", "function"),
        ("run", "function, fresh process"),
        ("run", "empty run"),
    )
    for name, without in pairs:
        print(f"{name} over {without}: {medians[name] - medians[without]:.2f} s more")


if __name__ == "__main__":
    main()
