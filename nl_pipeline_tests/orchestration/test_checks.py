"""How results are judged: passed, a warning, or a stop."""

from __future__ import annotations

import dagster as dg
import pytest

from nl_pipeline.orchestration.checks import judge_audience_read, judge_crm_read, judge_push
from nl_pipeline.sync.observe import Mode, ReadResult
from nl_pipeline.sync.push import PushResult

PASSED, WARNED, STOPPED = "passed", "warned", "stopped"


def judgement(check: dg.AssetCheckResult) -> str:
    if check.passed:
        return PASSED
    return STOPPED if check.severity is dg.AssetCheckSeverity.ERROR else WARNED


def read(side: str, *, mode: Mode, rows: int, complete: bool) -> ReadResult:
    return ReadResult(side=side, mode=mode, rows=rows, complete=complete, rejected=0)


def push(**counts: int) -> PushResult:
    none = dict.fromkeys(
        (
            "confirmed",
            "refused",
            "failed",
            "unknown",
            "overtaken",
            "without_effect",
            "held",
            "base_moved",
            "activities_written",
        ),
        0,
    )
    return PushResult(plan_id="plan", **{**none, **counts})


@pytest.mark.parametrize(
    ("mode", "rows", "complete", "expected"),
    [
        pytest.param("full", 500, True, PASSED, id="complete"),
        pytest.param("full", 20, False, WARNED, id="cut"),
        pytest.param("full", 0, True, STOPPED, id="nobody visible"),
        pytest.param("full", 0, False, STOPPED, id="nothing came"),
        pytest.param("incremental", 0, True, PASSED, id="nothing changed"),
        pytest.param("incremental", 3, False, WARNED, id="rows shifted"),
    ],
)
def test_a_read_of_the_crm(mode: Mode, rows: int, complete: bool, expected: str) -> None:
    result = read("crm", mode=mode, rows=rows, complete=complete)

    assert judgement(judge_crm_read(result)) == expected


@pytest.mark.parametrize(
    ("mode", "rows", "complete", "expected"),
    [
        pytest.param("full", 500, True, PASSED, id="complete"),
        pytest.param("full", 20, False, WARNED, id="cut"),
        pytest.param("full", 0, True, PASSED, id="new audience"),
        pytest.param("full", 0, False, STOPPED, id="nothing came"),
        pytest.param("incremental", 0, True, PASSED, id="nothing changed"),
    ],
)
def test_a_read_of_the_audience(mode: Mode, rows: int, complete: bool, expected: str) -> None:
    result = read("provider", mode=mode, rows=rows, complete=complete)

    assert judgement(judge_audience_read(result)) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(push(), PASSED, id="nothing to do"),
        pytest.param(push(confirmed=9), PASSED, id="all confirmed"),
        pytest.param(push(confirmed=9, overtaken=1), PASSED, id="overtaken by events"),
        pytest.param(push(confirmed=9, refused=1), WARNED, id="one refused"),
        pytest.param(push(held=8), WARNED, id="all wait"),
        pytest.param(push(failed=9), STOPPED, id="all failed"),
        pytest.param(push(without_effect=2, unknown=1), STOPPED, id="nothing arrived"),
    ],
)
def test_the_outcome_of_a_push(result: PushResult, expected: str) -> None:
    assert judgement(judge_push(result)) == expected
