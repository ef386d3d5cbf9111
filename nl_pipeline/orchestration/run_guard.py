"""The run guard: a run whose process is gone is ended, and what waits behind it goes on.

Belongs here: the process a run notes, whether it still lives, and the end of a run whose process
does not. Must not be here: starting runs again, which Dagster's run retries do.

Dagster's own launcher can't tell whether a run lives when the server that started it was killed as
well, as by a power loss. Such a run would count as running for ever, and the opt-outs behind it in
the queue would wait as long. Ending one that lives would let two of a connection run at once. So a
process is judged only on its host, and a run that has noted none is left to ``run_monitoring``.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus

HOST_TAG, PROCESS_TAG = "nl_pipeline/host", "nl_pipeline/process"
_UNDER_WAY = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
_PROC = Path("/proc")
#: In /proc/<pid>/stat, counted from the state, which follows the name in parentheses.
_STATE, _STARTED = 0, 19
#: Ended, and not yet collected by its parent; in a container perhaps never.
_DEAD = frozenset("ZX")


@dataclass(frozen=True)
class Process:
    """A process of this host. ``started`` tells it from a later one with its number, and is empty
    where the system does not say."""

    pid: int
    started: str

    @classmethod
    def living(cls, pid: int) -> Process | None:
        """The process that has this number now, if one has and it has not ended."""
        if not (_PROC / "self" / "stat").exists():
            return cls(pid, "") if _answers(pid) else None
        try:
            stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The name may hold blanks and parentheses.
        fields = stat.rpartition(")")[2].split()
        return None if fields[_STATE] in _DEAD else cls(pid, fields[_STARTED])


def note_process(instance: dg.DagsterInstance, *, run_id: str, process: Process | None) -> None:
    """Have a run say which process of this host runs it."""
    if process is not None:
        told = f"{run_id}/{process.pid}/{process.started}"
        instance.add_run_tags(run_id, {HOST_TAG: socket.gethostname(), PROCESS_TAG: told})


def end_lost_runs(instance: dg.DagsterInstance) -> list[str]:
    """End the runs of this host whose process is gone; their ids.

    They fail, as crashed runs do, so that Dagster starts them again; one that somebody was
    cancelling is cancelled.
    """
    ended = []
    here = dg.RunsFilter(statuses=_UNDER_WAY, tags={HOST_TAG: socket.gethostname()})
    for found in instance.get_runs(here):
        process = _noted_by(found)
        if process is None or Process.living(process.pid) == process:
            continue
        # It may have come to its end between the two looks. From here on it says nothing more.
        run = instance.get_run_by_id(found.run_id)
        if run is None or run.is_finished:
            continue
        message = f"The process of this run ({process.pid}) is gone. Ended by run_guard."
        if run.status == DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message)
        else:
            instance.report_run_failed(run, message)
        ended.append(run.run_id)
    return ended


def build_run_guard(*, running: bool) -> dg.SensorDefinition:
    """The sensor that ends lost runs; ``running`` from the start."""
    status = dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="run_guard",
        minimum_interval_seconds=15,
        default_status=status,
        description="Ends runs of this host whose process is gone, so that what waits behind them"
        " goes on. Dagster starts them again.",
    )
    def run_guard(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        ended = end_lost_runs(context.instance)
        told = f"Ended {len(ended)} lost runs: {', '.join(ended)}." if ended else "No run is lost."
        return dg.SensorResult(skip_reason=dg.SkipReason(told))

    return run_guard


def _noted_by(run: dg.DagsterRun) -> Process | None:
    """The process a run has noted. One that names another run came with the tags of that run, of
    which this is the next try."""
    match run.tags.get(PROCESS_TAG, "").split("/"):
        case [run.run_id, pid, started] if pid.isdigit():
            return Process(int(pid), started)
    return None


def _answers(pid: int) -> bool:
    if os.name == "nt":
        # There, signal 0 is no question but Ctrl+C.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
