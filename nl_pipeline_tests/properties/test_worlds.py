"""Whole worlds over several syncs: the plan against the oracle, and what must never happen.

``NL_WORLDS=deep`` draws many more and larger worlds; without it the same few are drawn every time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from nl_pipeline_tests import oracle
from nl_pipeline_tests.properties.running import Observed, open_stage, play
from nl_pipeline_tests.properties.worlds import Story, stories

_DEEP = os.environ.get("NL_WORLDS") == "deep"
_EXAMPLES = 400 if _DEEP else 12
_SETTINGS = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=not _DEEP,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _compare(observed: Observed) -> None:
    expected = oracle.plan(observed.picture)
    planned = {c.expected for c in observed.changes}
    assert planned - expected.changes == set(), "planned, and the oracle does not expect it"
    assert expected.changes - planned == set(), "expected by the oracle, and not planned"
    decided = {key: expected.decisions[key].code for key in observed.codes}
    assert observed.codes == decided
    assert observed.notes == expected.notes


@_SETTINGS
@given(story=stories(fewest=1, most=12, rounds=3, unruly=True))
def test_the_plan_is_what_the_oracle_expects(story: Story) -> None:
    with open_stage(story) as stage:
        for one in story.rounds:
            observed, _ = play(stage, one=one)
            _compare(observed)
            assert stage.world.broken == []
