"""Every call of a sync fails once, in every way a call can fail, and the next syncs set it right.

Here: one busy day, told again and again with a fault at another call. Judged by the twins alone:
they end as if nothing had failed, nobody who opted out was subscribed or asked to confirm at any
time, nothing is doubled, and the ledger of consents only grew.

A run breaks every seventh call in one way, another way at each. `NL_EVERY_FAULT=1` (`make faults`)
breaks every call in all ways, which takes half an hour.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline.clients.errors import ApiError
from nl_pipeline.sandbox.app import World
from nl_pipeline.warehouse import pending, plans
from nl_pipeline_tests.sandbox_control import SandboxControl
from nl_pipeline_tests.scenario import Scenario, connected
from nl_pipeline_tests.sync import busy_day
from nl_pipeline_tests.sync.busy_day import Outcome, wooed
from nl_pipeline_tests.sync.conftest import Copy

EVERY_FAULT = bool(os.environ.get("NL_EVERY_FAULT"))
SHARE = 1 if EVERY_FAULT else 7
"""Every which call is broken."""
MOST_SYNCS = 3
"""Syncs after the broken one within which everything must be as if nothing had failed."""

FAULTS: dict[str, dict[str, Any]] = {
    "time-out after apply": {"kind": "timeout_after_apply", "seconds": 0},
    "reset": {"kind": "reset"},
    "truncated": {"kind": "truncate"},
    "429": {"kind": "status", "status": 429},
    "500": {"kind": "status", "status": 500},
}
AS_LONG_AS_WE_TRY, ONCE = 3, 1
"""A call is tried three times at most. Faults of several calls hit those that follow as well."""

LedgerRow = tuple[str, str, str, bool, str]


@dataclass(frozen=True)
class Moment:
    """Both twins and the warehouse before a part of the day's sync, and the calls of that part."""

    twins: Copy
    folder: Path
    ahead: timedelta
    plan_id: str | None
    calls: tuple[str, ...]
    is_one_by_one: bool


@dataclass(frozen=True)
class Day:
    """The day undisturbed: where each part begins, how it ends, and what was before."""

    options: dict[str, int]
    moments: tuple[Moment, ...]
    outcome: Outcome
    ledger: Counter[LedgerRow]
    wooed_before: Counter[tuple[str, str]]


ONE_BY_ONE = "one by one"
VARIANTS = {ONE_BY_ONE: {"batch_threshold": 25}, "in batches": {"batch_threshold": 1}}
BATCH = "POST /3.0/batches"


_NOT_EVERY_TIME = pytest.mark.skipif(
    not EVERY_FAULT, reason="`make faults` breaks the calls of batches, too, which takes long"
)


@pytest.fixture(
    scope="module", params=[ONE_BY_ONE, pytest.param("in batches", marks=_NOT_EVERY_TIME)]
)
def day(
    request: pytest.FixtureRequest,
    scenario_world: World,
    scenario_control: SandboxControl,
    after_first_sync: tuple[Copy, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Day:
    """The busy day without any fault."""
    # One connection at a time, so that the calls come in the same order every time.
    options: dict[str, int] = {**VARIANTS[request.param], "max_connections": 1}
    one_by_one = request.param == ONE_BY_ONE
    twins, first_sync = after_first_sync
    calls: list[str] = []
    moments: list[Moment] = []

    @contextmanager
    def opened(start: Copy, folder: Path, ahead: timedelta) -> Iterator[Scenario]:
        with reopened(
            scenario_world,
            scenario_control,
            start,
            folder=folder,
            ahead=ahead,
            options=options,
            calls=calls,
        ) as scenario:
            yield scenario

    def copied(folder: Path) -> Path:
        target = tmp_path_factory.mktemp("moment")
        shutil.copytree(folder, target, dirs_exist_ok=True)
        return target

    folder = copied(first_sync)
    with opened(twins, folder, timedelta(0)) as scenario:
        busy_day.begin(scenario)
        busy_day.happen(scenario)
        wooed_before = wooed(scenario.picture())
        morning, ahead = Copy.of(scenario_world), scenario.ahead
    start = copied(folder)
    with opened(morning, folder, ahead) as scenario:
        calls.clear()
        plan = scenario.plan("full")
        moments.append(Moment(morning, start, ahead, None, tuple(calls), one_by_one))
        noon, ahead = Copy.of(scenario_world), scenario.ahead
    start = copied(folder)
    with opened(noon, folder, ahead) as scenario:
        calls.clear()
        scenario.apply(plans.load(scenario.link.warehouse, plan_id=plan.plan_id))
        moments.append(Moment(noon, start, ahead, plan.plan_id, tuple(calls), one_by_one))
        scenario.sync("full")
        outcome, ledger = Outcome.of(scenario.picture()), ledger_of(scenario)
        scenario.control.forget_calls()
        scenario.sync("full")
        assert scenario.writes() == {}, "the undisturbed day does not come to rest"
    return Day(options, tuple(moments), outcome, ledger, wooed_before)


@contextmanager
def reopened(
    world: World,
    control: SandboxControl,
    twins: Copy,
    *,
    folder: Path,
    ahead: timedelta,
    options: dict[str, Any],
    calls: list[str] | None = None,
) -> Iterator[Scenario]:
    """The world as it was, with its warehouse in `folder`."""
    control.reset(contacts=0)
    twins.restore(world)
    with connected(
        control,
        folder=folder,
        crm_page=busy_day.PAGE_OF_THE_DAY,
        provider_page=busy_day.PAGE_OF_THE_DAY,
        on_request=None if calls is None else lambda r: calls.append(busy_day.name_of(r)),
        **options,
    ) as scenario:
        scenario.pass_time(by=ahead)
        busy_day.choose_settings(scenario)
        yield scenario


def ledger_of(scenario: Scenario) -> Counter[LedgerRow]:
    with scenario.link.warehouse.session() as db:
        rows = db.execute("SELECT key, event, actor, proof, source FROM consent_ledger").fetchall()
    return Counter(rows)


def cases(moment: Moment, *, fault: str) -> list[tuple[int, int]]:
    """(call, how many calls in a row) of one kind of fault; together the kinds hit every call, or
    every seventh one."""
    lengths = (ONCE, AS_LONG_AS_WE_TRY)
    both = [(k, times) for k in calls_to_break(moment) for times in lengths]
    if EVERY_FAULT:
        return both
    turn = list(FAULTS).index(fault)
    # A fault that the client's own repeats heal is left to the client's tests.
    return [
        (k, times)
        for k, times in both
        if times > 1 and k % SHARE == 0 and k // SHARE % len(FAULTS) == turn
    ]


def calls_to_break(moment: Moment) -> range:
    """Numbers of the calls; with batches, those from the first batch on, as no other differs."""
    if BATCH not in moment.calls:
        return range(0 if moment.is_one_by_one else len(moment.calls), len(moment.calls))
    return range(moment.calls.index(BATCH), len(moment.calls))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sync_whose_call_fails_is_set_right_by_the_next(
    day: Day,
    fault: str,
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path: Path,
    record_property: Any,
) -> None:
    problems: list[str] = []
    ran = 0
    for moment in day.moments:
        for call, times in cases(moment, fault=fault):
            folder = tmp_path / f"{ran}"
            shutil.copytree(moment.folder, folder)
            with reopened(
                scenario_world,
                scenario_control,
                moment.twins,
                folder=folder,
                ahead=moment.ahead,
                options=day.options,
            ) as scenario:
                found = broken_day(day, moment, scenario, FAULTS[fault], call=call, times=times)
            shutil.rmtree(folder)
            part = "plan" if moment.plan_id is None else "push"
            what = f"{fault} x{times} at call {call} of the {part} ({moment.calls[call]})"
            problems += [f"{what}: {problem}" for problem in found]
            print(what, found or "ok", flush=True)
            ran += 1
    record_property("cases", ran)
    assert ran
    assert not problems, f"{len(problems)} of {ran} cases:\n" + "\n".join(problems)


def broken_day(
    day: Day, moment: Moment, scenario: Scenario, fault: dict[str, Any], *, call: int, times: int
) -> list[str]:
    """The rest of the day with a fault; returns what is wrong afterwards."""
    ledger = ledger_of(scenario)
    scenario.control.fault(None, match="", skip=call, times=times, **fault)
    try:
        if moment.plan_id is None:
            scenario.sync("full")
        else:
            scenario.apply(plans.load(scenario.link.warehouse, plan_id=moment.plan_id))
    except ApiError:
        pass
    problems = []
    if not scenario.control.struck():
        problems.append("the fault hit nothing")
    scenario.control.clear_faults()
    for sync in range(MOST_SYNCS + 1):
        if sync:
            scenario.sync("full")
        picture = scenario.picture()
        outcome, grown = Outcome.of(picture), ledger_of(scenario)
        if won := wooed(picture) - day.wooed_before:
            problems.append(f"opted out and won back: {sorted(won)}")
        if ledger - grown:
            problems.append("the ledger lost entries")
        ledger = grown
        # The ledger of the day was taken one sync after its push, too.
        if outcome == day.outcome and not day.ledger - ledger:
            break
    problems += day.outcome.differences(outcome)
    problems += [f"not in the ledger: {row}" for row in (day.ledger - ledger).elements()]
    problems += [f"twice in the ledger: {row}" for row in (ledger - day.ledger).elements()]
    return problems


def test_the_faults_together_break_the_share_of_calls_that_is_promised(day: Day) -> None:
    for moment in day.moments:
        broken = {call for fault in FAULTS for call, _ in cases(moment, fault=fault)}
        assert broken == {call for call in calls_to_break(moment) if call % SHARE == 0}
    assert any(calls_to_break(moment) for moment in day.moments)


def test_the_day_holds_every_kind_of_call(day: Day) -> None:
    calls = {call for moment in day.moments for call in moment.calls}
    kinds = {re.sub(r"/(?=[\w-]*\d)[\w-]{6,}", "/…", call) for call in calls}
    crm = {f"onOffice {name}" for name in ("get:fields", "read:address", "modify:address")}
    crm |= {f"onOffice create:{name}" for name in ("address", "agentslog")}
    audience = {"GET /3.0/lists", "POST /3.0/lists/…", "POST /3.0/lists/…/segments/…"}
    parts = ("merge-fields", "members", "abuse-reports", "members/…/activity-feed", "tag-search")
    audience |= {f"GET /3.0/lists/…/{part}" for part in parts}
    member = "/3.0/lists/…/members/…"
    # What could mail somebody who has left meanwhile never waits in a batch.
    changes = {f"PUT {member}", f"PATCH {member}"}
    if day.options["batch_threshold"] == 1:
        changes |= {BATCH, "GET /3.0/batches/…", "GET /archives/…"}
    else:
        changes |= {f"DELETE {member}", f"POST {member}/tags"}
    assert kinds == crm | audience | changes


def test_a_plan_sent_in_many_portions_ends_as_in_one(
    day: Day,
    scenario_world: World,
    scenario_control: SandboxControl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending, "PORTION", 2)
    noon = day.moments[-1]
    assert noon.plan_id is not None
    shutil.copytree(noon.folder, tmp_path, dirs_exist_ok=True)
    with reopened(
        scenario_world,
        scenario_control,
        noon.twins,
        folder=tmp_path,
        ahead=noon.ahead,
        options=day.options,
    ) as scenario:
        scenario.apply(plans.load(scenario.link.warehouse, plan_id=noon.plan_id))

        assert not day.outcome.differences(Outcome.of(scenario.picture()))
