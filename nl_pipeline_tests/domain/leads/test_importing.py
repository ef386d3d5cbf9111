"""Which submissions an import takes, in each of the eight combinations, and which is current."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.domain.leads import (
    MODES,
    FormGate,
    ManualOptions,
    Rank,
    Standing,
    Submission,
    Submitted,
    Verdict,
    current_of,
    mode_of,
    verdict_on,
)
from nl_pipeline_tests.domain.leads.samples import NOON

HOUR = timedelta(hours=1)
OPEN_GATE = FormGate(import_on=True, form_enabled=True)
EVERY = [
    ManualOptions(existing=e, restart_workflows=r, all=a)
    for e, r, a in product([False, True], repeat=3)
]
LEGAL = [options for options in EVERY if not mode_of(options).refusal]


def named(options: ManualOptions) -> str:
    return (
        "+".join(
            name for name in ("existing", "restart_workflows", "all") if getattr(options, name)
        )
        or "none"
    )


def submission(standing: Standing, *, at: datetime = NOON, **more: bool) -> Submission:
    return Submission(response_id="r", submitted_at=at, standing=standing, **more)


def taken_by(options: ManualOptions) -> set[str]:
    """What an import takes of new, imported and open submissions before and after the last run."""
    return {
        f"{age} {standing}"
        for age, at in (("old", NOON - HOUR), ("recent", NOON))
        for standing in (Standing.NEW, Standing.IMPORTED, Standing.OPEN)
        if verdict_on(
            submission(standing, at=at), gate=OPEN_GATE, mode=mode_of(options), since=NOON
        ).takes
    }


def test_the_table_has_each_combination_once() -> None:
    assert sorted(map(named, (mode.options for mode in MODES))) == sorted(map(named, EVERY))


@pytest.mark.parametrize(
    ("options", "takes"),
    [
        (ManualOptions(), {"recent new"}),
        (ManualOptions(existing=True), {"recent new", "recent imported"}),
        (
            ManualOptions(existing=True, restart_workflows=True),
            {"recent new", "recent imported"},
        ),
        (ManualOptions(all=True), {"recent new", "old new"}),
        (
            ManualOptions(existing=True, all=True),
            {"recent new", "recent imported", "old new", "old imported"},
        ),
        (
            ManualOptions(existing=True, restart_workflows=True, all=True),
            {"recent new", "recent imported", "old new", "old imported"},
        ),
    ],
    ids=lambda value: named(value) if isinstance(value, ManualOptions) else "",
)
def test_each_legal_combination_takes_what_its_row_says(
    options: ManualOptions, takes: set[str]
) -> None:
    assert taken_by(options) == {*takes, "old open", "recent open"}


@pytest.mark.parametrize("options", EVERY, ids=named)
def test_restarting_workflows_without_existing_is_refused_and_nothing_else(
    options: ManualOptions,
) -> None:
    is_refused = options.restart_workflows and not options.existing

    assert bool(mode_of(options).refusal) == is_refused


@pytest.mark.parametrize("options", LEGAL, ids=named)
def test_workflows_restart_only_where_that_was_asked_for(options: ManualOptions) -> None:
    assert mode_of(options).restarts_workflows == options.restart_workflows


def test_a_refused_combination_judges_nothing() -> None:
    mode = mode_of(ManualOptions(restart_workflows=True))

    with pytest.raises(ValueError, match="needs existing"):
        verdict_on(submission(Standing.NEW), gate=OPEN_GATE, mode=mode)


def test_what_is_taken_again_is_told_from_what_is_new() -> None:
    mode = mode_of(ManualOptions(existing=True))

    verdicts = [
        verdict_on(submission(standing), gate=OPEN_GATE, mode=mode, since=NOON)
        for standing in (Standing.NEW, Standing.IMPORTED)
    ]

    assert verdicts == [Verdict.TAKEN, Verdict.TAKEN_AGAIN]


def test_without_a_run_before_everything_is_since_then() -> None:
    old = submission(Standing.NEW, at=NOON - 1000 * HOUR)

    assert verdict_on(old, gate=OPEN_GATE, mode=mode_of(ManualOptions())) is Verdict.TAKEN


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        (Standing.NEW, Verdict.TAKEN),
        (Standing.OPEN, Verdict.TAKEN),
        (Standing.IMPORTED, Verdict.ALREADY_IMPORTED),
        (Standing.ERASED, Verdict.ERASED),
    ],
)
def test_push_and_pull_take_what_was_not_imported_however_old(
    standing: Standing, verdict: Verdict
) -> None:
    old = submission(standing, at=NOON - 1000 * HOUR)

    assert verdict_on(old, gate=OPEN_GATE, since=NOON) is verdict


@pytest.mark.parametrize("options", [None, *LEGAL], ids=lambda o: named(o) if o else "push, pull")
@pytest.mark.parametrize(
    ("gate", "one", "verdict"),
    [
        (
            replace(OPEN_GATE, import_on=False),
            submission(Standing.NEW),
            Verdict.IMPORT_OFF,
        ),
        (replace(OPEN_GATE, form_enabled=False), submission(Standing.NEW), Verdict.FORM_OFF),
        (OPEN_GATE, submission(Standing.ERASED), Verdict.ERASED),
        (OPEN_GATE, submission(Standing.NEW, is_test=True), Verdict.TEST_LEAD),
        (OPEN_GATE, submission(Standing.NEW, is_current=False), Verdict.SUPERSEDED),
    ],
    ids=["import off", "form off", "erased", "test", "superseded"],
)
def test_no_import_takes_what_must_stay_out(
    options: ManualOptions | None, gate: FormGate, one: Submission, verdict: Verdict
) -> None:
    mode = mode_of(options) if options else None

    assert verdict_on(one, gate=gate, mode=mode) is verdict


def test_a_form_may_ask_for_test_leads() -> None:
    gate = replace(OPEN_GATE, includes_tests=True)

    assert verdict_on(submission(Standing.NEW, is_test=True), gate=gate) is Verdict.TAKEN


SUBMITTED = st.lists(
    st.builds(
        Submitted,
        contact=st.sampled_from(["", "a", "b"]),
        form_id=st.sampled_from([1, 2]),
        rank=st.builds(
            Rank,
            submitted_at=st.sampled_from([NOON, NOON + HOUR]),
            response_id=st.sampled_from(["r1", "r2", "r3"]),
        ),
    )
)


@given(SUBMITTED, st.randoms(use_true_random=False))
def test_the_current_submission_depends_neither_on_order_nor_on_repeats(
    submitted: list[Submitted], chance: random.Random
) -> None:
    mixed = submitted + submitted
    chance.shuffle(mixed)

    assert current_of(mixed) == current_of(submitted)


@given(SUBMITTED)
def test_the_current_submission_of_a_contact_and_form_is_their_latest(
    submitted: list[Submitted],
) -> None:
    current = current_of(submitted)

    assert set(current) == {(s.contact, s.form_id) for s in submitted if s.contact}
    for one in submitted:
        if one.contact:
            assert current[(one.contact, one.form_id)] >= one.rank


@given(SUBMITTED, st.integers(0, 5))
def test_what_arrives_later_changes_nothing_about_how_it_ends(
    submitted: list[Submitted], cut: int
) -> None:
    before = current_of(submitted[:cut])
    kept = [Submitted(contact, form, rank) for (contact, form), rank in before.items()]

    assert current_of([*kept, *submitted[cut:]]) == current_of(submitted)
